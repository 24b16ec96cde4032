//! A session's folder while its recording is written.
//!
//! `open.N.cast` has the lines from byte N of them on; `NNNNNN.part` are sealed frames, and a part that is closed ends with a
//! checkpoint. A line counts when the system has it, so that nothing is lost with the gate; it is on disk a second later. Lines that
//! went into a frame stay until the frame is on disk. [`recover`](recover()) seals what a gate that died has left.

mod files;
mod recover;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use self::files::{open_file, open_path, sync_folder};
pub(super) use self::{
    files::{left, part_path, parts},
    recover::{Known, recover},
};
use crate::{
    pki::KeyPair,
    recording::{
        Header,
        chain::{Checkpoint, Ending},
        encode,
        pack::Packer,
    },
};

/// How many bytes of lines become a frame.
const FRAME: u64 = 512 * 1024;
/// From which size on the next lines go to a file of their own, in bytes: making and removing files is dear.
const OPEN_FILE: u64 = if cfg!(test) { 2 * FRAME } else { 16 * FRAME };
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
    /// How many bytes of lines stand before the open file's.
    open_begin: u64,
    /// How many bytes at its end are in no frame.
    open_length: u64,
    /// The times of the first and last line that are open.
    span: Option<(Duration, Duration)>,
    /// The number of the part that is written, from 1.
    part: u64,
    part_file: Option<(File, u64)>,
    /// Frames since the last checkpoint.
    uncovered: bool,
    dirty: bool,
    /// Files that are not in their folder on disk yet.
    unlisted: bool,
    retired: Vec<PathBuf>,
    /// The end, if it was written and perhaps not synced.
    end: Option<Sealed>,
    /// Bytes of lines so far.
    plain: u64,
    /// Bytes of lines before each part.
    begins: Vec<u64>,
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

/// A part of a session's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its number.
    pub(super) number: u64,
    /// How much of it counts, in bytes; all of it unless told.
    pub(super) length: Option<u64>,
    /// How many bytes of lines come before it, if it is known.
    pub(super) begin: Option<u64>,
}

/// What came behind a place in the lines.
pub(super) enum Since {
    /// These parts have some of it; the place is in the first one. There is more behind them.
    Sealed(Vec<Part>),
    /// All of it, which is not sealed yet.
    Open(Vec<u8>),
}

/// The files of a recording at one moment, to be read at leisure.
pub(super) struct Snapshot {
    /// Sealed parts in their order.
    pub(super) parts: Vec<Part>,
    /// Lines that are not sealed.
    pub(super) open: Vec<u8>,
}

impl Spool {
    /// A new session's folder, with the header in it.
    pub(super) fn create(top: &Path, session: Uuid, header: &Header) -> io::Result<Self> {
        let folder = top.join(session.to_string());
        DirBuilder::new().mode(0o700).create(&folder)?;
        let open = open_file(&folder, 0)?;
        let mut spool = Self {
            folder,
            packer: Packer::new(session),
            open,
            open_begin: 0,
            open_length: 0,
            span: None,
            part: 1,
            part_file: None,
            uncovered: false,
            dirty: false,
            unlisted: false,
            retired: vec![],
            end: None,
            plain: 0,
            begins: vec![],
            sealed: 0,
        };
        if let Err(error) = spool.append(&encode::header(header), Duration::ZERO) {
            // Nothing of the session was recorded: it does not begin.
            let _ = fs::remove_dir_all(&spool.folder);
            return Err(error);
        }
        sync_folder(&spool.folder).and_then(|()| sync_folder(top))?;
        Ok(spool)
    }

    /// Writes whole lines, the last of them at a time. When this returns, a gate that dies has lost none of them.
    pub(super) fn append(&mut self, lines: &[u8], at: Duration) -> io::Result<()> {
        if self.open_length > MAX_OPEN {
            self.frame(false)?;
        }
        if let Err(error) = self.open.write_all(lines) {
            // A part of a line would spoil the one after it.
            let _ = self.open.set_len(self.plain - self.open_begin);
            return Err(error);
        }
        self.open_length += lines.len() as u64;
        self.plain += lines.len() as u64;
        self.dirty = true;
        self.span = Some((self.span.map_or(at, |(from, _)| from), at));
        if self.open_length >= FRAME
            && let Err(error) = self.frame(false)
        {
            // The lines are safe where they are; the next ones try again.
            tracing::debug!(%error, "a frame of a recording could not be written yet");
        }
        Ok(())
    }

    /// Puts everything on disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if !self.dirty {
            return Ok(());
        }
        if let Some((part, _)) = &self.part_file {
            part.sync_data()?;
        }
        self.open.sync_data()?;
        if self.unlisted {
            sync_folder(&self.folder)?;
            self.unlisted = false;
        }
        self.dirty = false;
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
        if let Some(end) = self.end.clone() {
            self.sync()?;
            return Ok(Some(end));
        }
        self.frame(true)?;
        if !self.uncovered && end.is_none() {
            return Ok(None);
        }
        let mut packer = self.packer.clone();
        let (bytes, checkpoint) = packer.checkpoint(key, now, end);
        self.write_part(&bytes)?;
        self.packer = packer;
        (self.dirty, self.unlisted) = (true, true);
        let sealed = Sealed { part: self.part, checkpoint };
        self.end = end.map(|_| sealed.clone());
        self.sync()?;
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
        Ok(Snapshot { parts: self.parts_behind(0)?, open: self.open_from(0)? })
    }

    /// What came behind so many bytes of lines.
    pub(super) fn since(&self, from: u64) -> io::Result<Since> {
        let sealed = self.framed();
        Ok(match from < sealed {
            true => Since::Sealed(self.parts_behind(from)?),
            false => Since::Open(self.open_from(from - sealed)?),
        })
    }

    /// The parts that have lines behind a place.
    fn parts_behind(&self, from: u64) -> io::Result<Vec<Part>> {
        let ends = self.begins.iter().skip(1).copied().chain([self.framed()]);
        let parts = (1..).zip(self.begins.iter().zip(ends)).filter(|(_, (_, end))| *end > from);
        parts
            .map(|(number, (begin, _))| {
                let length = fs::metadata(part_path(&self.folder, number))?.len();
                Ok(Part { number, length: Some(length), begin: Some(*begin) })
            })
            .collect()
    }

    /// How many bytes of lines are in frames.
    fn framed(&self) -> u64 {
        self.plain - self.open_length
    }

    /// The lines that are in no frame, but for so many bytes at their beginning.
    fn open_from(&self, skipped: u64) -> io::Result<Vec<u8>> {
        let mut open = Vec::new();
        self.read_open(skipped, &mut open)?;
        Ok(open)
    }

    fn read_open(&self, skipped: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let length = self.open_length.saturating_sub(skipped);
        into.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        self.open.read_exact_at(into, self.framed() - self.open_begin + skipped)
    }

    /// The open lines become a frame. Those that come then go to another file if this one is large, or if it is `over`.
    fn frame(&mut self, over: bool) -> io::Result<()> {
        let Some((from, to)) = self.span else { return Ok(()) };
        let mut packer = self.packer.clone();
        let bytes = with_scratch(|lines| {
            self.read_open(0, lines)?;
            packer.pack(lines, from, to)
        })?;
        let next = if over || self.plain - self.open_begin >= OPEN_FILE {
            Some(open_file(&self.folder, self.plain)?)
        } else {
            None
        };
        if let Err(error) = self.write_part(&bytes) {
            if next.is_some() {
                let _ = fs::remove_file(open_path(&self.folder, self.plain));
            }
            return Err(error);
        }
        self.packer = packer;
        if let Some(next) = next {
            self.retired.push(open_path(&self.folder, self.open_begin));
            (self.open, self.open_begin) = (next, self.plain);
            self.unlisted = true;
        }
        self.open_length = 0;
        self.span = None;
        self.uncovered = true;
        self.dirty = true;
        Ok(())
    }

    fn write_part(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.part_file.is_none() {
            let path = part_path(&self.folder, self.part);
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            let length = file.metadata()?.len();
            self.part_file = Some((file, length));
            self.unlisted = true;
            // What is open either becomes a frame of this part now, or there is none of it.
            self.begins.push(self.framed());
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

/// Lends room for a frame's lines, which stays in memory for the next frame of whatever session.
fn with_scratch<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    /// As many as are busy at once on most machines.
    const KEPT: usize = 4;
    static SCRATCH: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let kept = || SCRATCH.lock().unwrap_or_else(PoisonError::into_inner);
    let mut room = kept().pop().unwrap_or_default();
    let done = work(&mut room);
    if room.capacity() as u64 <= 2 * FRAME && kept().len() < KEPT {
        kept().push(room);
    }
    done
}
