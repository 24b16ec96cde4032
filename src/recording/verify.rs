//! Whether a recording is what the gate wrote: nothing changed, reordered, spliced or cut off.

use std::ops::Range;

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
    #[error(
        "frame {frame} was changed: its bytes, {} to {}, are not those that its link at byte {at} speaks of",
        body.start,
        body.end
    )]
    Changed {
        /// The frame.
        frame: u64,
        /// Where its link stands.
        at: usize,
        /// Where its own bytes stand.
        body: Range<usize>,
    },
    /// A frame has the number that is due, and does not continue what stands before it.
    #[error(
        "frame {frame}, whose link stands at byte {at}, does not continue what stands before it: that link was changed, or the one \
         before it, or it comes from another recording"
    )]
    Unlinked {
        /// The frame.
        frame: u64,
        /// Where its link stands.
        at: usize,
    },
    /// A frame of another number than the one that is due.
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
        /// The name of the key that signed it, as the checkpoint has it: the word of whoever wrote the file.
        key: String,
    },
    /// A checkpoint that speaks of other frames.
    #[error(
        "checkpoint {number} at byte {at} was not signed for what stands before it from byte {from} on: something there was changed, \
         removed or added"
    )]
    Checkpoint {
        /// The checkpoint.
        number: u64,
        /// Where.
        at: usize,
        /// Where the first block behind the checkpoint before it stands.
        from: usize,
    },
    /// Something stands after the last checkpoint of an ended session.
    #[error("something was added at byte {0}, after the end of the recording")]
    Added(usize),
    /// The store knows of a later checkpoint.
    #[error(
        "its end was cut off: checkpoint {found} is the last before byte {until}, where it ends, and the gate has signed up to {wanted}"
    )]
    Shortened {
        /// The last in the file.
        found: u64,
        /// The last that the store knows.
        wanted: u64,
        /// Where what can be read ends.
        until: usize,
    },
    /// The store knows another one of this number.
    #[error("checkpoint {0} is another one than the gate's store knows")]
    OtherEnd(u64),
    /// Bytes that are no part of a recording.
    #[error("what stands at byte {at} cannot be read: {} is due there", due(*frame))]
    Foreign {
        /// Where.
        at: usize,
        /// The number of the frame that is due.
        frame: u64,
    },
    /// It is not this session's.
    #[error("this is the recording of session {0}")]
    OtherSession(Uuid),
    /// Nothing in it was ever signed.
    #[error("it holds no checkpoint, so nothing of it can be verified")]
    Unsigned,
}

/// What can follow a frame, in words.
fn due(frame: u64) -> String {
    if frame == 1 {
        "the link of frame 1".to_owned()
    } else {
        format!("the link of frame {frame} or a checkpoint")
    }
}

/// Checks a recording from its first byte to its last.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(all: &[u8], expected: &Expected) -> Result<Report, Finding> {
    Walk::new(expected).all(all)?.finish(all.len())
}

/// Whether a sealed file hangs together, for those who only want to see it: no key is needed, and so nothing is shown about who wrote it.
///
/// The byte at which the block begins that it ends in, if it was cut inside of one.
///
/// # Errors
/// The first thing that is wrong.
pub fn hangs_together(all: &[u8]) -> Result<Option<usize>, Finding> {
    let expected = Expected::default();
    let walk = Walk { signed: false, ..Walk::new(&expected) }.all(all)?;
    Ok(walk.cut)
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
    /// Whether signatures are looked at.
    signed: bool,
    /// Where the first block behind the last checkpoint stands.
    from: Option<usize>,
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
            signed: true,
            from: None,
            chains: vec![],
        }
    }

    fn all(mut self, all: &[u8]) -> Result<Self, Finding> {
        let mut blocks = Blocks::new(all);
        while let Some(block) = blocks.next() {
            match block {
                Ok(block) => self.block(block, blocks.position())?,
                // Where the gate died while it wrote, or somebody cut: what the store knows tells the two apart.
                Err(BlockError::Cut(at)) if self.ended.is_none() => self.cut = Some(at),
                Err(BlockError::Cut(at)) => return Err(Finding::Added(at)),
                Err(BlockError::Foreign(at)) if self.ended.is_some() => return Err(Finding::Added(at)),
                Err(BlockError::Foreign(at)) => return Err(Finding::Foreign { at, frame: self.frames + 1 }),
            }
        }
        Ok(self)
    }

    /// Takes the next block, behind which stands byte `end`.
    fn block(&mut self, block: Block<'_>, end: usize) -> Result<(), Finding> {
        let at = block.at;
        let from = *self.from.get_or_insert(at);
        if self.ended.is_some() {
            return Err(Finding::Added(at));
        }
        match block.what {
            Piece::Frame { link, hash, body } => {
                let due = self.frames + 1;
                let changed = Finding::Changed { frame: due, at, body: end - body.len()..end };
                if self.chain.is_none() {
                    self.begin(body, at, &changed)?;
                }
                if link.frame != due {
                    return Err(Finding::Order { wanted: due, found: link.frame, at });
                }
                if Some(link.before) != self.chain {
                    return Err(Finding::Unlinked { frame: due, at });
                }
                if link.body != Hash::of(body) {
                    return Err(changed);
                }
                self.frames = link.frame;
                self.chain = Some(hash);
                self.to = link.to;
            }
            Piece::Checkpoint(signed) => {
                let found = &signed.checkpoint;
                let number = found.number;
                if self.signed && !signed.is_signed_by(&self.expected.keys) {
                    return Err(Finding::Signature { number, at, key: signed.checkpoint.key });
                }
                let due = self.last.as_ref().map_or(1, |(last, _)| last.number + 1);
                let right = number == due
                    && found.frame == self.frames
                    && Some(found.chain) == self.chain
                    && Some(found.session) == self.session;
                if !right {
                    return Err(Finding::Checkpoint { number, at, from });
                }
                self.covered = self.to;
                self.ended = found.end;
                self.chains.push(found.chain);
                self.last = Some((signed.checkpoint, at));
                self.from = None;
            }
            // Not sealed yet: neither good nor bad.
            Piece::Open(_) => {}
        }
        Ok(())
    }

    /// The session stands in the header, and the chain begins with it.
    fn begin(&mut self, body: &[u8], at: usize, changed: &Finding) -> Result<(), Finding> {
        let lines = unpack(body).map_err(|_| changed.clone())?;
        let mut decoder = super::decode::Decoder::default();
        // Only the header is of interest here.
        let _ = decoder.feed(&lines);
        let session = decoder.header().and_then(|header| header.session.as_ref()).map(|session| session.id);
        let session = session.or(self.session).ok_or(Finding::Foreign { at, frame: 1 })?;
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
                let until = self.cut.unwrap_or(length);
                return Err(Finding::Shortened { found, wanted: wanted.number, until });
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
