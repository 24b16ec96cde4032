//! Takes a sealed recording apart: links with their frames, checkpoints, and at the end perhaps lines that are not sealed yet.

use std::io::{self, Read};

use super::chain::{CHECKPOINT_MAGIC, Checkpoint, Hash, LINK_MAGIC, Link, SIGNATURE, signed_bytes};
use crate::pki::PublicKey;

/// The magic number of a zstd frame with data in it.
const ZSTD_MAGIC: u32 = 0xfd2f_b528;
/// The longest skippable frame that is read, in bytes.
const MAX_NOTE: usize = 64 * 1024;
/// The most bytes that a frame's lines may have; ours stay under 9 MiB.
pub const MAX_PLAIN: u64 = 64 * 1024 * 1024;

/// A piece of a recording, with the place where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Block<'a> {
    /// Bytes before it.
    pub at: usize,
    /// What it is.
    pub what: Piece<'a>,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece<'a> {
    /// A link, its own hash, and the frame behind it.
    Frame {
        /// The link.
        link: Link,
        /// The hash of the link's bytes.
        hash: Hash,
        /// The frame.
        body: &'a [u8],
    },
    /// A checkpoint.
    Checkpoint(Signed<'a>),
    /// A frame without a link: what the gate has not sealed yet.
    Open(&'a [u8]),
}

/// A checkpoint as it stands in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed<'a> {
    /// What it says.
    pub checkpoint: Checkpoint,
    json: &'a [u8],
    signature: &'a [u8; SIGNATURE],
}

impl Signed<'_> {
    /// Whether one of these keys signed it.
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let message = signed_bytes(self.json);
        keys.iter()
            .any(|key| key.fingerprint() == self.checkpoint.key && key.verifies(&message, self.signature))
    }
}

/// Why bytes cannot be taken apart any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The file ends inside of a piece.
    #[error("it ends inside of a block that begins at byte {0}")]
    Cut(usize),
    /// Bytes that are no piece of a recording.
    #[error("the bytes from {0} on are no part of a recording")]
    Foreign(usize),
}

/// The pieces of a recording, one after another; after an error there are no more.
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    all: &'a [u8],
    at: usize,
    failed: bool,
}

/// Whether a file begins as a sealed recording does.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|magic| [LINK_MAGIC, ZSTD_MAGIC].contains(&u32::from_le_bytes(*magic)))
}

impl<'a> Blocks<'a> {
    /// Over the bytes of a recording, or of a part of one that begins with a link.
    pub fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0, failed: false }
    }

    /// Bytes before the next piece.
    pub fn position(&self) -> usize {
        self.at
    }

    fn read(&mut self) -> Result<Piece<'a>, BlockError> {
        let begin = self.at;
        let (cut, foreign) = (BlockError::Cut(begin), BlockError::Foreign(begin));
        let rest = &self.all[begin..];
        let magic = u32::from_le_bytes(*rest.first_chunk().ok_or(cut.clone())?);
        if magic == ZSTD_MAGIC {
            self.at = self.all.len();
            return Ok(Piece::Open(rest));
        }
        if magic != LINK_MAGIC && magic != CHECKPOINT_MAGIC {
            return Err(foreign);
        }
        let length = rest[4..].first_chunk().ok_or(cut.clone())?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_NOTE {
            return Err(foreign);
        }
        let payload = rest.get(8..8 + length).ok_or(cut.clone())?;
        let after = &rest[8 + length..];
        if magic == CHECKPOINT_MAGIC {
            let (signature, json) = payload.split_first_chunk().ok_or(foreign.clone())?;
            let checkpoint = serde_json::from_slice(json).map_err(|_| foreign)?;
            self.at = begin + 8 + length;
            return Ok(Piece::Checkpoint(Signed { checkpoint, json, signature }));
        }
        let link: Link = serde_json::from_slice(payload).map_err(|_| foreign)?;
        let size = usize::try_from(link.size).map_err(|_| cut.clone())?;
        let body = after.get(..size).ok_or(cut)?;
        self.at = begin + 8 + length + size;
        Ok(Piece::Frame { link, hash: Hash::of(payload), body })
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, BlockError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.at >= self.all.len() {
            return None;
        }
        let at = self.at;
        let read = self.read();
        self.failed = read.is_err();
        Some(read.map(|what| Block { at, what }))
    }
}

/// The lines of a frame, or of several behind each other.
///
/// # Errors
/// The frame is damaged, or holds more than [`MAX_PLAIN`].
pub fn unpack(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    zstd::Decoder::new(body)?.take(MAX_PLAIN + 1).read_to_end(&mut lines)?;
    if lines.len() as u64 > MAX_PLAIN {
        return Err(io::Error::other(
            "a frame of the recording holds more lines than any that a gate writes",
        ));
    }
    Ok(lines)
}

/// The lines of a frame as far as they can be read: a cut file plays to the cut.
pub fn unpack_to_the_cut(body: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    if let Ok(decoder) = zstd::Decoder::new(body) {
        // What was read before an error stays.
        let _ = decoder.take(MAX_PLAIN).read_to_end(&mut lines);
    }
    lines
}

/// Hands out the lines of a recording frame by frame, so that no more than one is in memory, for as long as `take` says yes. What is
/// cut or not sealed comes too; plain asciicast comes in one piece.
pub fn each(all: &[u8], mut take: impl FnMut(&[u8]) -> bool) {
    if !is_sealed(all) {
        take(all);
        return;
    }
    for block in Blocks::new(all) {
        let lines = match block {
            Ok(Block { what: Piece::Frame { body, .. } | Piece::Open(body), .. }) => unpack_to_the_cut(body),
            Ok(_) => continue,
            Err(BlockError::Cut(at)) => unpack_to_the_cut(behind_link(&all[at..])),
            Err(BlockError::Foreign(_)) => return,
        };
        if !take(&lines) {
            return;
        }
    }
}

/// The frame that a cut went through: behind its link.
fn behind_link(rest: &[u8]) -> &[u8] {
    let length = rest.get(4..8).and_then(|length| length.first_chunk());
    length.and_then(|length| rest.get(8 + u32::from_le_bytes(*length) as usize..)).unwrap_or_default()
}

/// All lines of a recording: sealed, open at its end, cut, or plain asciicast.
pub fn lines(all: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    each(all, |some| {
        lines.extend_from_slice(some);
        true
    });
    lines
}
