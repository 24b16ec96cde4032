//! Reads a file once, from its start to its end: where events are, how many, and what the screen was.

use bytes::Bytes;

use super::{
    super::{
        blocks::{self, UnpackError},
        decode::{DecodeError, Decoder},
    },
    Timeline,
    chunk::{PIECE, Source},
};

/// How many bytes of a plain file make a chunk, and a little more.
const PLAIN: usize = 512 * 1024;
/// What belongs to the line behind it says so within so many bytes.
const HEAD: usize = 48;

/// What has been read so far.
pub(super) struct Pass {
    file: Bytes,
    /// Whether key screens are taken.
    watched: bool,
    decoder: Decoder,
    timeline: Option<Timeline>,
    damage: Option<DecodeError>,
}

impl Pass {
    /// Reads a whole file.
    pub(super) fn over(file: Bytes, watched: bool) -> Result<Timeline, DecodeError> {
        let mut pass = Self { file, watched, decoder: Decoder::default(), timeline: None, damage: None };
        let fed = if blocks::is_sealed(&pass.file) { pass.sealed() } else { pass.plain() };
        pass.decoder.finish();
        let damage = pass.damage.or(fed.err());
        let Some(mut timeline) = pass.timeline else {
            return Err(damage.unwrap_or_else(|| DecodeError::Header("it has no end".into())));
        };
        // The beginnings of characters that never became whole.
        while let Some(event) = pass.decoder.next_event() {
            timeline.push(event);
        }
        timeline.damage = damage;
        Ok(timeline)
    }

    fn sealed(&mut self) -> Result<(), DecodeError> {
        let file = self.file.clone();
        for run in blocks::runs(&file) {
            let (at, whole) = (run.at, run.is_whole());
            let (lines, error) = run.lines(&file);
            self.take(Source::Packed(run), &lines)?;
            // A gate ends a frame with a line.
            let half = self.decoder.leave_half() && whole;
            let damage = match error {
                Some(UnpackError::Overfull) => Some(DecodeError::Overfull(at)),
                Some(UnpackError::Broken(_)) => Some(DecodeError::Broken(at)),
                None => half.then_some(DecodeError::Broken(at)),
            };
            self.damage = self.damage.take().or(damage);
        }
        Ok(())
    }

    fn plain(&mut self) -> Result<(), DecodeError> {
        let (file, mut from) = (self.file.clone(), 0);
        while from < file.len() {
            let to = end(&file, from);
            self.take(Source::Lines(from..to), &file[from..to])?;
            self.decoder.leave_half();
            from = to;
        }
        Ok(())
    }

    fn take(&mut self, source: Source, lines: &[u8]) -> Result<(), DecodeError> {
        let (mut source, with_header) = (Some(source), self.decoder.header().is_none());
        for piece in lines.chunks(PIECE) {
            let fed = self.decoder.feed(piece);
            if let Some(header) = self.decoder.header() {
                let new = || Timeline::over(header.clone(), self.file.clone(), self.watched);
                let timeline = self.timeline.get_or_insert_with(new);
                if let Some(source) = source.take() {
                    timeline.begin(source, with_header);
                }
                while let Some(event) = self.decoder.next_event() {
                    timeline.hear(&event);
                }
            }
            fed?;
        }
        Ok(())
    }
}

/// Where a chunk of a plain file ends that begins at a byte: behind a line that is no note about the next one.
fn end(file: &[u8], from: usize) -> usize {
    let mut at = from;
    let mut note = false;
    for line in file[from..].split_inclusive(|byte| *byte == b'\n') {
        if at - from >= PLAIN && !note {
            break;
        }
        at += line.len();
        note = line[..line.len().min(HEAD)].windows(3).any(|code| code == b"\"x\"");
    }
    at
}
