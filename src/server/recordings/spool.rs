//! A session's folder while its recording is written.
//!
//! `open.N.cast` has the lines that will become frame N; `NNNNNN.part` are sealed frames, and a part that is closed ends with a
//! checkpoint. A line counts when the system has it, so that nothing is lost with the gate; it is on disk a second later. Lines that
//! went into a frame stay until the frame is on disk. [`recover`] seals what a gate that died has left.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    pki::KeyPair,
    recording::{
        Header,
        blocks::{Blocks, Piece},
        chain::{Checkpoint, Ending, Hash},
        decode::Decoder,
        encode,
        pack::Packer,
    },
};

/// How many bytes of lines become a frame.
const FRAME: u64 = 512 * 1024;
/// How many bytes of lines may wait for a frame that cannot be written.
const MAX_OPEN: u64 = 8 * FRAME;
/// From which size on a part is closed without waiting for its minute, in bytes.
const PART: u64 = 4 * 1024 * 1024;

/// A session's folder.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    packer: Packer,
    open: File,
    open_length: u64,
    /// The times of the first and last line that are open.
    span: Option<(Duration, Duration)>,
    /// The number of the part that is written, from 1.
    part: u64,
    part_file: Option<(File, u64)>,
    /// Frames since the last checkpoint.
    uncovered: bool,
    dirty: bool,
    retired: Vec<PathBuf>,
    /// Bytes of lines so far.
    plain: u64,
    /// Bytes that are sealed so far.
    sealed: u64,
}

/// A part that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    /// Its number.
    pub(super) part: u64,
    /// What was signed at its end.
    pub(super) checkpoint: Checkpoint,
}

/// What a gate that died has left of a session.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The header.
    pub(super) header: Header,
    /// The last checkpoint.
    pub(super) checkpoint: Checkpoint,
    /// The time of the last event.
    pub(super) to: Duration,
    /// Bytes of lines.
    pub(super) plain: u64,
    /// Bytes of all parts.
    pub(super) sealed: u64,
}

/// The files of a recording at one moment, to be read at leisure.
pub(super) struct Snapshot {
    /// Sealed parts in their order, each with the length that counts.
    pub(super) parts: Vec<(File, u64)>,
    /// Lines that are not sealed.
    pub(super) open: Vec<u8>,
}

impl Spool {
    /// A new session's folder, with the header in it.
    pub(super) fn create(top: &Path, session: Uuid, header: &Header) -> io::Result<Self> {
        let folder = top.join(session.to_string());
        DirBuilder::new().mode(0o700).create(&folder)?;
        let open = open_file(&folder, 1)?;
        let mut spool = Self {
            folder,
            packer: Packer::new(session),
            open,
            open_length: 0,
            span: None,
            part: 1,
            part_file: None,
            uncovered: false,
            dirty: false,
            retired: vec![],
            plain: 0,
            sealed: 0,
        };
        if let Err(error) = spool.append(&encode::header(header), Duration::ZERO) {
            // Nothing of the session was recorded: it does not begin.
            let _ = fs::remove_dir_all(&spool.folder);
            return Err(error);
        }
        Ok(spool)
    }

    /// Writes whole lines, the last of them at a time. When this returns, a gate that dies has lost none of them.
    pub(super) fn append(&mut self, lines: &[u8], at: Duration) -> io::Result<()> {
        if self.open_length > MAX_OPEN {
            self.frame()?;
        }
        if let Err(error) = self.open.write_all(lines) {
            // A part of a line would spoil the one after it.
            let _ = self.open.set_len(self.open_length);
            return Err(error);
        }
        self.open_length += lines.len() as u64;
        self.plain += lines.len() as u64;
        self.dirty = true;
        self.span = Some((self.span.map_or(at, |(from, _)| from), at));
        if self.open_length >= FRAME
            && let Err(error) = self.frame()
        {
            // The lines are safe where they are; the next ones try again.
            tracing::debug!(%error, "a frame of a recording could not be written yet");
        }
        Ok(())
    }

    /// Puts everything on disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.dirty) {
            return Ok(());
        }
        if let Some((part, _)) = &self.part_file {
            part.sync_data()?;
        }
        self.open.sync_data()?;
        for file in self.retired.drain(..) {
            // What is left is removed by a recovery.
            let _ = fs::remove_file(file);
        }
        Ok(())
    }

    /// Whether a part should be closed before its minute is over.
    pub(super) fn is_full(&self) -> bool {
        self.part_file.as_ref().is_some_and(|(_, length)| *length >= PART)
    }

    /// Seals everything with a checkpoint and closes the part. None if nothing came since the last one and this is not the end.
    pub(super) fn checkpoint(
        &mut self,
        key: &KeyPair,
        now: Timestamp,
        end: Option<Ending>,
    ) -> io::Result<Option<Sealed>> {
        self.frame()?;
        if !self.uncovered && end.is_none() {
            return Ok(None);
        }
        let mut packer = self.packer.clone();
        let (bytes, checkpoint) = packer.checkpoint(key, now, end);
        self.write_part(&bytes)?;
        self.packer = packer;
        self.dirty = true;
        self.sync()?;
        sync_folder(&self.folder)?;
        let sealed = Sealed { part: self.part, checkpoint };
        self.part_file = None;
        self.part += 1;
        self.uncovered = false;
        Ok(Some(sealed))
    }

    /// Bytes of lines so far.
    pub(super) fn plain(&self) -> u64 {
        self.plain
    }

    /// Bytes of parts so far.
    pub(super) fn sealed(&self) -> u64 {
        self.sealed
    }

    /// The files as they are now.
    pub(super) fn snapshot(&self) -> io::Result<Snapshot> {
        let mut parts = Vec::new();
        for number in 1..=self.part {
            match File::open(part_path(&self.folder, number)) {
                Ok(file) => {
                    let length = file.metadata()?.len();
                    parts.push((file, length));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let mut open = Vec::new();
        File::open(open_path(&self.folder, self.packer.frames() + 1))?
            .take(self.open_length)
            .read_to_end(&mut open)?;
        Ok(Snapshot { parts, open })
    }

    /// The open lines become a frame.
    fn frame(&mut self) -> io::Result<()> {
        let Some((from, to)) = self.span else { return Ok(()) };
        let number = self.packer.frames() + 1;
        let path = open_path(&self.folder, number);
        let lines = fs::read(&path)?;
        let mut packer = self.packer.clone();
        let bytes = packer.pack(&lines, from, to)?;
        let next = open_file(&self.folder, number + 1)?;
        if let Err(error) = self.write_part(&bytes) {
            let _ = fs::remove_file(open_path(&self.folder, number + 1));
            return Err(error);
        }
        self.packer = packer;
        self.open = next;
        self.open_length = 0;
        self.span = None;
        self.uncovered = true;
        self.dirty = true;
        self.retired.push(path);
        Ok(())
    }

    fn write_part(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.part_file.is_none() {
            let path = part_path(&self.folder, self.part);
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            let length = file.metadata()?.len();
            self.part_file = Some((file, length));
        }
        let Some((file, length)) = &mut self.part_file else {
            return Err(io::Error::other("no part is open"));
        };
        if let Err(error) = file.write_all(bytes) {
            let _ = file.set_len(*length);
            return Err(error);
        }
        *length += bytes.len() as u64;
        self.sealed += bytes.len() as u64;
        Ok(())
    }
}

/// The file of a part in a session's folder.
pub(super) fn part_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.part"))
}

fn open_path(folder: &Path, frame: u64) -> PathBuf {
    folder.join(format!("open.{frame}.cast"))
}

fn open_file(folder: &Path, frame: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).truncate(false).mode(0o600).open(open_path(folder, frame))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The files of a session that no actor writes any more.
pub(super) fn left(folder: &Path) -> io::Result<Snapshot> {
    let (mut files, mut frames) = (Vec::new(), 0);
    for number in parts(folder)? {
        let bytes = fs::read(part_path(folder, number))?;
        let blocks = Blocks::new(&bytes).map_while(Result::ok);
        let last = blocks.filter_map(|block| match block.what {
            Piece::Frame { link, .. } => Some(link.frame),
            _ => None,
        });
        frames = last.last().unwrap_or(frames);
        files.push((File::open(part_path(folder, number))?, bytes.len() as u64));
    }
    let mut open = Vec::new();
    for number in numbers(folder, "open.", ".cast")?.into_iter().filter(|number| *number > frames) {
        open.extend(fs::read(open_path(folder, number))?);
    }
    Ok(Snapshot { parts: files, open })
}

/// The numbers of the parts in a session's folder, in order.
pub(super) fn parts(folder: &Path) -> io::Result<Vec<u64>> {
    numbers(folder, "", ".part")
}

fn numbers(folder: &Path, prefix: &str, suffix: &str) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(suffix));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Seals what a gate that died has left of a session. None if it had not even written the header.
pub(super) fn recover(
    folder: &Path,
    session: Uuid,
    key: &KeyPair,
    now: Timestamp,
) -> io::Result<Option<Recovered>> {
    let mut state = Sound::read(folder, session)?;
    if let Some(checkpoint) = state.last.take_if(|last| last.end.is_some()) {
        let Some(header) = state.header else { return Ok(None) };
        let (to, plain, sealed) = (state.to, state.plain, state.sealed);
        return Ok(Some(Recovered { header, checkpoint, to, plain, sealed }));
    }
    let mut packer = Packer::resume(session, state.frames, state.checkpoints, state.chain);
    let mut bytes = Vec::new();
    for number in numbers(folder, "open.", ".cast")? {
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
    for number in numbers(folder, "open.", ".cast")? {
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
    /// Reads all parts; what is torn at the end of the last one is cut off.
    fn read(folder: &Path, session: Uuid) -> io::Result<Self> {
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
        for number in parts(folder)? {
            let path = part_path(folder, number);
            let bytes = fs::read(&path)?;
            let (mut whole, mut closed) = (0, false);
            let mut blocks = Blocks::new(&bytes);
            while let Some(Ok(block)) = blocks.next() {
                closed = false;
                match block.what {
                    Piece::Frame { link, hash, body } => {
                        if state.header.is_none() {
                            let lines = crate::recording::blocks::unpack(body)?;
                            state.header = header_of(&lines);
                        }
                        (state.frames, state.chain) = (link.frame, hash);
                        state.to = Duration::from_micros(link.to);
                        state.plain += link.plain;
                    }
                    Piece::Checkpoint(signed) => {
                        state.checkpoints = signed.checkpoint.number;
                        state.last = Some(signed.checkpoint);
                        closed = true;
                    }
                    Piece::Open(_) => break,
                }
                whole = blocks.position();
            }
            if whole < bytes.len() {
                OpenOptions::new().write(true).open(&path)?.set_len(whole as u64)?;
            }
            state.sealed += whole as u64;
            state.part = if closed { number + 1 } else { number };
        }
        Ok(state)
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

fn header_of(lines: &[u8]) -> Option<Header> {
    let mut decoder = Decoder::default();
    let end = lines.iter().position(|byte| *byte == b'\n')?;
    decoder.feed(&lines[..=end]).ok()?;
    decoder.header().cloned()
}

#[cfg(test)]
mod tests;
