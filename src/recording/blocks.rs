//! Takes a sealed recording apart: links with their frames, checkpoints, and at the end perhaps lines that are not sealed yet.

use std::{
    io::{self, BufRead, Read},
    ops::Range,
};

use super::chain::{CHECKPOINT_MAGIC, Checkpoint, Hash, LINK_MAGIC, Link, SIGNATURE, signed_bytes};
use crate::pki::PublicKey;

/// The magic number of a zstd frame with data in it.
const ZSTD_MAGIC: u32 = 0xfd2f_b528;
/// The longest skippable frame that is read, in bytes.
const MAX_NOTE: usize = 64 * 1024;
/// The most bytes that a frame's lines may have, and that its reader may have to remember; ours stay under 6 MiB.
pub const MAX_PLAIN: u64 = 1 << MAX_WINDOW;
/// The same as a power of two.
const MAX_WINDOW: u32 = 24;

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

/// Why the lines of a frame cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A few bytes can stand for very many.
    #[error("a frame of the recording holds more lines than any that a gate writes")]
    Overfull,
    /// It is no zstd, or ends early.
    #[error("a frame of the recording is damaged: {0}")]
    Broken(#[from] io::Error),
}

impl From<UnpackError> for io::Error {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Broken(error) => error,
            overfull => Self::other(overfull),
        }
    }
}

/// The lines of a frame, or of several behind each other.
///
/// # Errors
/// The frame is damaged, or holds more than [`MAX_PLAIN`].
pub fn unpack(body: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let (lines, error) = unpack_to_the_cut(body, MAX_PLAIN);
    error.map_or(Ok(lines), Err)
}

/// Reads frames one behind the other, and no more of them at a time than of one that a gate writes.
///
/// # Errors
/// zstd has no memory.
pub fn decoder<R: BufRead>(frames: R) -> io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(frames)?;
    decoder.window_log_max(MAX_WINDOW)?;
    Ok(decoder)
}

/// The lines as far as they can be read, and why they end early. Of more than `most` bytes there is none.
fn unpack_to_the_cut(body: &[u8], most: u64) -> (Vec<u8>, Option<UnpackError>) {
    let mut lines = Vec::new();
    let read = decoder(body).and_then(|decoder| {
        // What was read before an error stays.
        decoder.take(most + 1).read_to_end(&mut lines)
    });
    if lines.len() as u64 > most {
        return (vec![], Some(UnpackError::Overfull));
    }
    (lines, read.err().map(UnpackError::Broken))
}

/// Lines that stand together in a sealed file: a frame, what of one is left before a cut, or what is not sealed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where its block begins.
    pub at: usize,
    /// Where its zstd stands.
    body: Range<usize>,
    /// How many bytes of lines its link tells of. None where it may end anywhere.
    plain: Option<u64>,
}

impl Run {
    /// Whether it is a frame from its start to its end.
    pub fn is_whole(&self) -> bool {
        self.plain.is_some()
    }

    /// Its lines as far as they can be read, and what is wrong with them. `all` is the file that it is a run of.
    pub fn lines(&self, all: &[u8]) -> (Vec<u8>, Option<UnpackError>) {
        let body = all.get(self.body.clone()).unwrap_or_default();
        let most = self.plain.unwrap_or(MAX_PLAIN);
        if most > MAX_PLAIN {
            return (vec![], Some(UnpackError::Overfull));
        }
        match unpack_to_the_cut(body, most) {
            (lines, Some(UnpackError::Broken(_))) if self.plain.is_none() => (lines, None),
            (lines, None) if self.plain.is_some_and(|plain| plain != lines.len() as u64) => {
                (lines, Some(UnpackError::Broken(io::ErrorKind::UnexpectedEof.into())))
            }
            read => read,
        }
    }
}

/// The runs of a sealed file, as far as it can be taken apart.
pub fn runs(all: &[u8]) -> impl Iterator<Item = Run> {
    let mut blocks = Blocks::new(all);
    std::iter::from_fn(move || {
        loop {
            let next = blocks.next()?;
            let end = blocks.position();
            let (at, body, plain) = match next {
                Ok(Block { at, what: Piece::Frame { link, body, .. } }) => (at, body.len(), Some(link.plain)),
                Ok(Block { at, what: Piece::Open(body) }) => (at, body.len(), None),
                Ok(_) => continue,
                Err(BlockError::Cut(at)) => {
                    let body = all.len() - behind_link(&all[at..]).len()..all.len();
                    return Some(Run { at, body, plain: None });
                }
                Err(BlockError::Foreign(_)) => return None,
            };
            return Some(Run { at, body: end - body..end, plain });
        }
    })
}

/// Hands out the lines of a recording frame by frame, so that no more than one is in memory, for as long as `take` says yes. What is
/// cut or not sealed comes too; plain asciicast comes in one piece. Of a frame that holds too much nothing comes.
pub fn each(all: &[u8], mut take: impl FnMut(&[u8]) -> bool) {
    if !is_sealed(all) {
        take(all);
        return;
    }
    for run in runs(all) {
        if !take(&run.lines(all).0) {
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
