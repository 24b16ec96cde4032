//! Whether a recording is what the gate wrote: nothing changed, reordered, spliced or cut off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    blocks::{Block, BlockError, Blocks, Piece, unpack},
    chain::{Checkpoint, Ending, Hash},
};
use crate::pki::PublicKey;

/// What the gate's store says of the last checkpoint. A file alone cannot show that its end was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Its number.
    pub number: u64,
    /// The hash of the last link before it.
    pub chain: Hash,
}

/// What is known beside the file.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The session, if known.
    pub session: Option<Uuid>,
    /// The recording keys of the gate.
    pub keys: Vec<PublicKey>,
    /// What the store says, if it was asked.
    pub last: Option<Last>,
}

/// How far a good recording goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// From the start to the end.
    Complete,
    /// The gate died meanwhile; what it had written is there and sealed.
    Cut,
    /// The session goes on, or the gate has not been started again since it died.
    Open,
}

/// What a good recording holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The session.
    pub session: Uuid,
    /// How far it goes.
    pub state: State,
    /// Frames.
    pub frames: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Microseconds from the start to the last event that a checkpoint covers.
    pub covered: u64,
    /// When the last checkpoint was signed.
    pub signed: Timestamp,
    /// Bytes after the last checkpoint, that no signature covers yet.
    pub uncovered: u64,
    /// Whether the end was compared with the gate's store.
    pub compared: bool,
}

/// What is wrong, and where. A position is in bytes from the start of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A frame's bytes are not those that its link names.
    #[error("frame {frame} at byte {at} was changed: its bytes are not those that were sealed")]
    Changed {
        /// The frame.
        frame: u64,
        /// Where.
        at: usize,
    },
    /// A link does not continue the one before.
    #[error(
        "at byte {at} stands frame {found} where frame {wanted} belongs: frames were removed, reordered or come from another recording"
    )]
    Order {
        /// The number that was due.
        wanted: u64,
        /// The number that stands there.
        found: u64,
        /// Where.
        at: usize,
    },
    /// A checkpoint that no key of the gate signed.
    #[error("checkpoint {number} at byte {at} is not signed by a recording key of this gate")]
    Signature {
        /// The checkpoint.
        number: u64,
        /// Where.
        at: usize,
    },
    /// A checkpoint that speaks of other frames.
    #[error("checkpoint {number} at byte {at} speaks of other frames than those before it")]
    Checkpoint {
        /// The checkpoint.
        number: u64,
        /// Where.
        at: usize,
    },
    /// Something stands after the last checkpoint of an ended session.
    #[error("something was added at byte {0}, after the end of the recording")]
    Added(usize),
    /// The store knows of a later checkpoint.
    #[error(
        "the end was cut off: the file ends with checkpoint {found}, and the gate has signed up to {wanted}"
    )]
    Shortened {
        /// The last in the file.
        found: u64,
        /// The last that the store knows.
        wanted: u64,
    },
    /// The store knows another one of this number.
    #[error("checkpoint {0} is another one than the gate's store knows")]
    OtherEnd(u64),
    /// Bytes that are no part of a recording.
    #[error("the bytes from {0} on are no part of a recording that a gate wrote")]
    Foreign(usize),
    /// It is not this session's.
    #[error("this is the recording of session {0}")]
    OtherSession(Uuid),
    /// Nothing in it was ever signed.
    #[error("it holds no checkpoint, so nothing of it can be verified")]
    Unsigned,
}

/// Checks a recording from its first byte to its last.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(all: &[u8], expected: &Expected) -> Result<Report, Finding> {
    let mut walk = Walk::new(expected);
    for block in Blocks::new(all) {
        match block {
            Ok(block) => walk.block(block)?,
            // Where the gate died while it wrote, or somebody cut: what the store knows tells the two apart.
            Err(BlockError::Cut(at)) if walk.ended.is_none() => walk.cut = Some(at),
            Err(BlockError::Cut(at) | BlockError::Foreign(at)) => return Err(Finding::Foreign(at)),
        }
    }
    walk.finish(all.len())
}

struct Walk<'a> {
    expected: &'a Expected,
    session: Option<Uuid>,
    frames: u64,
    chain: Option<Hash>,
    to: u64,
    last: Option<(Checkpoint, usize)>,
    covered: u64,
    ended: Option<Ending>,
    cut: Option<usize>,
    /// The chain after each checkpoint, to compare one with the store that is older than the file.
    chains: Vec<Hash>,
}

impl<'a> Walk<'a> {
    fn new(expected: &'a Expected) -> Self {
        Self {
            expected,
            session: expected.session,
            frames: 0,
            chain: None,
            to: 0,
            last: None,
            covered: 0,
            ended: None,
            cut: None,
            chains: vec![],
        }
    }

    fn block(&mut self, block: Block<'_>) -> Result<(), Finding> {
        let at = block.at;
        if self.ended.is_some() {
            return Err(Finding::Added(at));
        }
        match block.what {
            Piece::Frame { link, hash, body } => {
                if self.chain.is_none() {
                    self.begin(body, at)?;
                }
                if link.frame != self.frames + 1 || Some(link.before) != self.chain {
                    return Err(Finding::Order { wanted: self.frames + 1, found: link.frame, at });
                }
                if link.body != Hash::of(body) {
                    return Err(Finding::Changed { frame: link.frame, at });
                }
                self.frames = link.frame;
                self.chain = Some(hash);
                self.to = link.to;
            }
            Piece::Checkpoint(signed) => {
                let found = &signed.checkpoint;
                let number = found.number;
                if !signed.is_signed_by(&self.expected.keys) {
                    return Err(Finding::Signature { number, at });
                }
                let due = self.last.as_ref().map_or(1, |(last, _)| last.number + 1);
                let right = number == due
                    && found.frame == self.frames
                    && Some(found.chain) == self.chain
                    && Some(found.session) == self.session;
                if !right {
                    return Err(Finding::Checkpoint { number, at });
                }
                self.covered = self.to;
                self.ended = found.end;
                self.chains.push(found.chain);
                self.last = Some((signed.checkpoint, at));
            }
            // Not sealed yet: neither good nor bad.
            Piece::Open(_) => {}
        }
        Ok(())
    }

    /// The session stands in the header, and the chain begins with it.
    fn begin(&mut self, body: &[u8], at: usize) -> Result<(), Finding> {
        let lines = unpack(body).map_err(|_| Finding::Changed { frame: 1, at })?;
        let mut decoder = super::decode::Decoder::default();
        // Only the header is of interest here.
        let _ = decoder.feed(&lines);
        let session = decoder.header().and_then(|header| header.session.as_ref()).map(|session| session.id);
        let session = session.or(self.session).ok_or(Finding::Foreign(at))?;
        if self.session.is_some_and(|wanted| wanted != session) {
            return Err(Finding::OtherSession(session));
        }
        self.session = Some(session);
        self.chain = Some(Hash::start(session));
        Ok(())
    }

    fn finish(self, length: usize) -> Result<Report, Finding> {
        let found = self.last.as_ref().map_or(0, |(last, _)| last.number);
        if let Some(wanted) = &self.expected.last {
            if wanted.number > found {
                return Err(Finding::Shortened { found, wanted: wanted.number });
            }
            let index = usize::try_from(wanted.number).unwrap_or(usize::MAX).wrapping_sub(1);
            if self.chains.get(index).is_some_and(|chain| *chain != wanted.chain) {
                return Err(Finding::OtherEnd(wanted.number));
            }
        }
        let (Some((last, at)), Some(session)) = (self.last, self.session) else {
            return Err(Finding::Unsigned);
        };
        let state = match self.ended {
            Some(Ending::Complete) => State::Complete,
            Some(Ending::Cut) => State::Cut,
            None => State::Open,
        };
        let note = serde_json::to_vec(&last).map_or(0, |json| json.len() + super::chain::SIGNATURE + 8);
        Ok(Report {
            session,
            state,
            frames: self.frames,
            checkpoints: last.number,
            covered: self.covered,
            signed: last.signed,
            uncovered: length.saturating_sub(at + note) as u64,
            compared: self.expected.last.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
