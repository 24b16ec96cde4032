//! What the next start makes of a session whose gate died: it seals what was written, and touches nothing that is not as that gate
//! must have left it. All is looked at before a byte is changed.
//!
//! Until its checkpoint a minute's lines stand in the spool without a signature; whoever can write there can write them. What was
//! signed, what the store knows of the session, and how the files hang together is checked, so that no more than that can be put
//! under a signature of ours.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    FRAME,
    files::{lines_behind, open_begins, open_path, part_path, parts, sync_folder},
};
use crate::{
    pki::{KeyPair, PublicKey},
    recording::{
        Header, Session,
        blocks::{Blocks, Piece, Signed, unpack},
        chain::{Checkpoint, Ending, Hash},
        decode::{DecodeError, Decoder},
        event::Told,
        pack::Packer,
        verify::Last,
    },
};

/// What is known of a session beside its files.
pub(in super::super) struct Known<'a> {
    /// Its name.
    pub(in super::super) id: Uuid,
    /// What the store says of it, if it knows it.
    pub(in super::super) session: Option<&'a Session>,
    /// The last checkpoint that the store knows.
    pub(in super::super) last: Option<&'a Last>,
    /// The key that signs now.
    pub(in super::super) key: &'a KeyPair,
    /// All keys that have signed.
    pub(in super::super) keys: &'a [PublicKey],
}

/// What a gate that died has left of a session.
#[derive(Debug)]
pub(in super::super) struct Recovered {
    /// The header.
    pub(in super::super) header: Header,
    /// The last checkpoint.
    pub(in super::super) checkpoint: Checkpoint,
    /// The time of the last event.
    pub(in super::super) to: Duration,
    /// How it ended, by its events.
    pub(in super::super) told: Told,
    /// Bytes of lines.
    pub(in super::super) plain: u64,
    /// Bytes of all parts.
    pub(in super::super) sealed: u64,
}

/// Seals what a gate that died has left of a session. None if it had not even written the header.
///
/// # Errors
/// Something is not as that gate must have left it: nothing was changed.
pub(in super::super) fn recover(
    folder: &Path,
    known: &Known<'_>,
    now: Timestamp,
) -> io::Result<Option<Recovered>> {
    let mut state = Sound::read(folder, known)?;
    if let Some(checkpoint) = state.last.take_if(|last| last.end.is_some()) {
        return state.recovered(checkpoint).map(Some);
    }
    let mut packer = Packer::resume(known.id, state.frames, state.checkpoints, state.chain);
    let mut bytes = Vec::new();
    let open = open_begins(folder)?;
    if state.torn.is_some() && open.first().is_none_or(|begin| *begin > state.plain) {
        return Err(missing(state.plain));
    }
    for begin in open.iter().copied() {
        let lines = fs::read(open_path(folder, begin))?;
        let lines = lines_behind(state.plain, begin, &lines).ok_or_else(|| missing(state.plain))?;
        // What follows the last line's end was never acknowledged.
        let whole = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for lines in frames(&lines[..whole]) {
            let from = state.to;
            state.hear(lines, known)?;
            bytes.extend(packer.pack(lines, from, state.to)?);
        }
    }
    if state.header.is_none() {
        return Ok(None);
    }
    let (end, checkpoint) = packer.checkpoint(known.key, now, Some(Ending::Cut));
    bytes.extend(end);
    if let Some((path, whole)) = state.torn.take() {
        OpenOptions::new().write(true).open(path)?.set_len(whole)?;
    }
    let path = part_path(folder, state.part);
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let before = file.metadata()?.len();
    if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_all()) {
        let _ = file.set_len(before);
        return Err(error);
    }
    sync_folder(folder)?;
    for begin in open {
        fs::remove_file(open_path(folder, begin))?;
    }
    state.sealed += bytes.len() as u64;
    state.recovered(checkpoint).map(Some)
}

/// Whole lines in pieces of about a frame's size.
fn frames(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let enough = lines.len().min(FRAME as usize).checked_sub(1)?;
        let end =
            lines[enough..].iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| enough + at + 1);
        let frame;
        (frame, lines) = lines.split_at(end);
        Some(frame)
    })
}

/// What of a folder is whole.
struct Sound {
    header: Option<Header>,
    decoder: Decoder,
    told: Told,
    frames: u64,
    /// The chain at each checkpoint.
    checkpoint_chains: Vec<Hash>,
    checkpoints: u64,
    chain: Hash,
    last: Option<Checkpoint>,
    to: Duration,
    plain: u64,
    sealed: u64,
    /// The part that is written next.
    part: u64,
    /// The last part, and how much of it is whole, if it is torn.
    torn: Option<(PathBuf, u64)>,
}

impl Sound {
    /// Reads all parts. What is torn at the end of the last one, as a power cut leaves it, will be cut off; anything else that is
    /// not as this gate wrote it is an error.
    fn read(folder: &Path, known: &Known<'_>) -> io::Result<Self> {
        let mut state = Self {
            header: None,
            decoder: Decoder::default(),
            told: Told::default(),
            frames: 0,
            checkpoint_chains: vec![],
            checkpoints: 0,
            chain: Hash::start(known.id),
            last: None,
            to: Duration::ZERO,
            plain: 0,
            sealed: 0,
            part: 1,
            torn: None,
        };
        let all = parts(folder)?;
        for (n, number) in all.iter().copied().enumerate() {
            if number != n as u64 + 1 {
                return Err(damaged(&format!("part {} is missing", n + 1)));
            }
            let path = part_path(folder, number);
            let bytes = fs::read(&path)?;
            let whole = state.part(&bytes, number, known)?;
            if whole < bytes.len() {
                if number as usize != all.len() {
                    return Err(not_as_written(number));
                }
                state.torn = Some((path, whole as u64));
            }
            state.sealed += whole as u64;
        }
        state.compare(known.last)?;
        Ok(state)
    }

    /// What the store has heard of was on disk before.
    fn compare(&self, last: Option<&Last>) -> io::Result<()> {
        let Some(last) = last else { return Ok(()) };
        let index = usize::try_from(last.number).unwrap_or(usize::MAX).wrapping_sub(1);
        if self.checkpoint_chains.get(index) == Some(&last.chain) {
            return Ok(());
        }
        Err(damaged(&format!("checkpoint {} of it, which the gate has signed, is not there", last.number)))
    }

    /// Takes a part into account; the answer is how many of its bytes are whole.
    fn part(&mut self, bytes: &[u8], number: u64, known: &Known<'_>) -> io::Result<usize> {
        let (mut whole, mut closed) = (0, false);
        let mut blocks = Blocks::new(bytes);
        while let Some(Ok(block)) = blocks.next() {
            if self.last.as_ref().is_some_and(|last| last.end.is_some()) {
                return Err(damaged("something stands after its end"));
            }
            match block.what {
                Piece::Frame { link, hash, body } => {
                    if link.frame != self.frames + 1 || link.before != self.chain {
                        return Err(not_as_written(number));
                    }
                    if link.body != Hash::of(body) {
                        break;
                    }
                    self.hear(&unpack(body)?, known)?;
                    (self.frames, self.chain) = (link.frame, hash);
                    self.to = Duration::from_micros(link.to);
                    closed = false;
                }
                Piece::Checkpoint(signed) => {
                    self.checkpoint(signed, number, known)?;
                    closed = true;
                }
                Piece::Open(_) => break,
            }
            whole = blocks.position();
        }
        let ours = |piece| matches!(piece, Piece::Checkpoint(signed) if signed.is_signed_by(known.keys));
        // A part is closed when its checkpoint is on disk: nothing is torn there.
        if whole < bytes.len() && (closed || blocks.flatten().any(|block| ours(block.what))) {
            return Err(not_as_written(number));
        }
        self.part = if closed { number + 1 } else { number };
        Ok(whole)
    }

    fn checkpoint(&mut self, signed: Signed<'_>, part: u64, known: &Known<'_>) -> io::Result<()> {
        if !signed.is_signed_by(known.keys) {
            return Err(damaged(&format!("part {part} has a checkpoint that this gate did not sign")));
        }
        let found = signed.checkpoint;
        let right = found.session == known.id
            && found.number == self.checkpoints + 1
            && found.frame == self.frames
            && found.chain == self.chain;
        if !right {
            return Err(damaged(&format!("part {part} has a checkpoint that speaks of other frames")));
        }
        self.checkpoints = found.number;
        self.checkpoint_chains.push(found.chain);
        self.last = Some(found);
        Ok(())
    }

    /// Takes lines into account.
    fn hear(&mut self, lines: &[u8], known: &Known<'_>) -> io::Result<()> {
        let mut fed = self.decoder.feed(lines);
        // A line that does not parse is for those who verify.
        while let Err(DecodeError::Line(_)) = fed {
            fed = self.decoder.feed(b"");
        }
        while let Some(event) = self.decoder.next_event() {
            self.to = self.to.max(event.at);
            self.told.hear(&event.what);
        }
        self.plain += lines.len() as u64;
        if self.header.is_none() {
            let header = self.decoder.header().ok_or_else(|| damaged("its first line is no header"))?;
            let session = header.session.as_ref().ok_or_else(|| damaged("its header names no session"))?;
            if session.id != known.id {
                return Err(damaged(&format!("its header names the session {}", session.id)));
            }
            if known.session.is_some_and(|known| known != session) {
                return Err(damaged("its header says something else of the session than the store"));
            }
            self.header = Some(header.clone());
        }
        Ok(())
    }

    fn recovered(self, checkpoint: Checkpoint) -> io::Result<Recovered> {
        let header = self.header.ok_or_else(|| damaged("it has no header"))?;
        let (to, told, plain, sealed) = (self.to, self.told, self.plain, self.sealed);
        Ok(Recovered { header, checkpoint, to, told, plain, sealed })
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::other(format!("{what}; the files stay as they are"))
}

fn missing(byte: u64) -> io::Error {
    damaged(&format!("the lines from byte {byte} on are missing"))
}

fn not_as_written(part: u64) -> io::Error {
    damaged(&format!("part {part} is not as it was written"))
}
