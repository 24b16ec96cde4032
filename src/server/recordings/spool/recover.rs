//! What the next start makes of a session whose gate died: it seals what was written, and touches nothing that is not as that gate
//! must have left it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{numbers, open_path, part_path, parts, sync_folder};
use crate::{
    pki::KeyPair,
    recording::{
        Header,
        blocks::{Blocks, Piece, unpack},
        chain::{Checkpoint, Ending, Hash},
        decode::Decoder,
        pack::Packer,
    },
};

/// What a gate that died has left of a session.
#[derive(Debug)]
pub(in super::super) struct Recovered {
    /// The header.
    pub(in super::super) header: Header,
    /// The last checkpoint.
    pub(in super::super) checkpoint: Checkpoint,
    /// The time of the last event.
    pub(in super::super) to: Duration,
    /// Bytes of lines.
    pub(in super::super) plain: u64,
    /// Bytes of all parts.
    pub(in super::super) sealed: u64,
}

/// Seals what a gate that died has left of a session. None if it had not even written the header.
pub(in super::super) fn recover(
    folder: &Path,
    session: Uuid,
    key: &KeyPair,
    now: Timestamp,
) -> io::Result<Option<Recovered>> {
    let mut state = Sound::read(folder, session, key)?;
    if let Some(checkpoint) = state.last.take_if(|last| last.end.is_some()) {
        let Some(header) = state.header else { return Ok(None) };
        let (to, plain, sealed) = (state.to, state.plain, state.sealed);
        return Ok(Some(Recovered { header, checkpoint, to, plain, sealed }));
    }
    let mut packer = Packer::resume(session, state.frames, state.checkpoints, state.chain);
    let mut bytes = Vec::new();
    let mut packed = Vec::new();
    for number in numbers(folder, "open.", ".cast")? {
        if number > packer.frames() + 1 {
            return Err(damaged(&format!("the lines of frame {} are missing", packer.frames() + 1)));
        }
        packed.push(number);
        if number == packer.frames() + 1 {
            let mut lines = fs::read(open_path(folder, number))?;
            // What follows the last line's end was never acknowledged.
            lines.truncate(lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
            if !lines.is_empty() {
                let (from, to) = state.hear(&lines);
                if state.header.is_none() {
                    return Err(io::Error::other("its first line is no header of a recording"));
                }
                bytes.extend(packer.pack(&lines, from, to)?);
            }
        }
    }
    let Some(header) = state.header else { return Ok(None) };
    let (end, checkpoint) = packer.checkpoint(key, now, Some(Ending::Cut));
    bytes.extend(end);
    let path = part_path(folder, state.part);
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let before = file.metadata()?.len();
    if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_all()) {
        let _ = file.set_len(before);
        return Err(error);
    }
    sync_folder(folder)?;
    for number in packed {
        fs::remove_file(open_path(folder, number))?;
    }
    let sealed = state.sealed + bytes.len() as u64;
    Ok(Some(Recovered { header, checkpoint, to: state.to, plain: state.plain, sealed }))
}

/// What of a folder is whole.
struct Sound {
    header: Option<Header>,
    frames: u64,
    checkpoints: u64,
    chain: Hash,
    last: Option<Checkpoint>,
    to: Duration,
    plain: u64,
    sealed: u64,
    /// The part that is written next.
    part: u64,
}

impl Sound {
    /// Reads all parts. What is torn at the end of the last one, as a power cut leaves it, is cut off; anything else that is not as
    /// this gate wrote it is an error, and stays as it is.
    fn read(folder: &Path, session: Uuid, key: &KeyPair) -> io::Result<Self> {
        let mut state = Self {
            header: None,
            frames: 0,
            checkpoints: 0,
            chain: Hash::start(session),
            last: None,
            to: Duration::ZERO,
            plain: 0,
            sealed: 0,
            part: 1,
        };
        let all = parts(folder)?;
        for (n, number) in all.iter().copied().enumerate() {
            if number != n as u64 + 1 {
                return Err(damaged(&format!("part {} is missing", n + 1)));
            }
            let path = part_path(folder, number);
            let bytes = fs::read(&path)?;
            let whole = state.part(&bytes, number, key)?;
            if whole < bytes.len() {
                if number as usize != all.len() {
                    return Err(damaged(&format!("part {number} is not as it was written")));
                }
                OpenOptions::new().write(true).open(&path)?.set_len(whole as u64)?;
            }
            state.sealed += whole as u64;
        }
        Ok(state)
    }

    /// Takes a part into account; the answer is how many of its bytes are whole.
    fn part(&mut self, bytes: &[u8], number: u64, key: &KeyPair) -> io::Result<usize> {
        let (mut whole, mut closed) = (0, false);
        let mut blocks = Blocks::new(bytes);
        while let Some(Ok(block)) = blocks.next() {
            match block.what {
                Piece::Frame { link, hash, body } => {
                    let follows = link.frame == self.frames + 1 && link.before == self.chain;
                    if !follows || link.body != Hash::of(body) {
                        break;
                    }
                    if self.header.is_none() {
                        self.header = header_of(&unpack(body)?);
                    }
                    (self.frames, self.chain) = (link.frame, hash);
                    self.to = Duration::from_micros(link.to);
                    self.plain += link.plain;
                    closed = false;
                }
                Piece::Checkpoint(signed) => {
                    if !signed.is_signed_by(&[key.public()]) || signed.checkpoint.chain != self.chain {
                        return Err(damaged(&format!(
                            "part {number} has a checkpoint that this gate did not sign"
                        )));
                    }
                    self.checkpoints = signed.checkpoint.number;
                    self.last = Some(signed.checkpoint);
                    closed = true;
                }
                Piece::Open(_) => break,
            }
            whole = blocks.position();
        }
        self.part = if closed { number + 1 } else { number };
        Ok(whole)
    }

    /// Takes lines that are not sealed into account; the answer is the span of their times.
    fn hear(&mut self, lines: &[u8]) -> (Duration, Duration) {
        let mut decoder = Decoder::default();
        if self.header.is_none() {
            self.header = header_of(lines);
        } else {
            // The decoder wants a header before the lines.
            let _ = decoder.feed(b"{\"version\":2,\"width\":80,\"height\":24}\n");
        }
        // A line that does not parse is for those who verify.
        let _ = decoder.feed(lines);
        let from = self.to;
        while let Some(event) = decoder.next_event() {
            self.to = self.to.max(event.at);
        }
        self.plain += lines.len() as u64;
        (from, self.to)
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::other(format!("{what}; the files stay as they are"))
}

fn header_of(lines: &[u8]) -> Option<Header> {
    let mut decoder = Decoder::default();
    let end = lines.iter().position(|byte| *byte == b'\n')?;
    decoder.feed(&lines[..=end]).ok()?;
    decoder.header().cloned()
}
