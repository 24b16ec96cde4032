//! From the lines of a recording back to events, however the bytes are cut. Files of other asciicast v2 recorders are read too.

use std::{collections::VecDeque, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;

use super::{
    event::{Direction, Event, Stream, What},
    header::Header,
};

/// The longest line that is read, in bytes. Ours stay under 700 KiB.
pub const MAX_LINE: usize = 4 * 1024 * 1024;
/// The latest time of an event, a hundred years: whoever reckons with times need not think of overflow.
const MAX_TIME: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// Why lines are no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first line is no header.
    #[error("line 1 is no header of asciicast version 2: {0}")]
    Header(String),
    /// Another version of the format.
    #[error("this is asciicast version {0}; only version 2 is read")]
    Version(u32),
    /// A line that is no event.
    #[error("line {0} is no event of asciicast version 2")]
    Line(u64),
    /// A line without an end.
    #[error("line {0} is longer than {MAX_LINE} bytes")]
    TooLong(u64),
    /// A frame whose lines are not read.
    #[error("the frame at byte {0} holds more lines than any that a gate writes")]
    Overfull(usize),
    /// A frame that ends early.
    #[error("the frame at byte {0} is damaged, and some of its lines are missing")]
    Broken(usize),
}

/// Reads lines.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
    /// How much of `pending` is known to hold no line's end.
    searched: usize,
    lines: u64,
    header: Option<Header>,
    stderr: bool,
    raw: Option<Vec<u8>>,
    tails: [Vec<u8>; 3],
    last: Duration,
    ready: VecDeque<Event>,
}

#[derive(Deserialize)]
struct Line<'a>(f64, #[serde(borrow)] std::borrow::Cow<'a, str>, #[serde(borrow)] std::borrow::Cow<'a, str>);

impl Decoder {
    /// Takes the next bytes. What they complete comes out of [`Self::next_event`].
    ///
    /// # Errors
    /// A line is none of a recording. The events before it can still be had.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.pending.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(at) = self.pending[self.searched.max(from)..].iter().position(|b| *b == b'\n') {
            let end = self.searched.max(from) + at;
            let line = std::mem::take(&mut self.pending);
            let done = match end - from {
                0..=MAX_LINE => self.line(&line[from..end]),
                _ => Err(DecodeError::TooLong(self.lines + 1)),
            };
            self.pending = line;
            from = end + 1;
            if let Err(error) = done {
                self.pending.drain(..from);
                self.searched = 0;
                return Err(error);
            }
        }
        self.pending.drain(..from);
        self.searched = self.pending.len();
        if self.pending.len() > MAX_LINE { Err(DecodeError::TooLong(self.lines + 1)) } else { Ok(()) }
    }

    /// For lines that stand behind others of which only the header matters.
    pub(super) fn behind(header: Header) -> Self {
        Self { header: Some(header), ..Self::default() }
    }

    /// Leaves out what is half: a note about a line that did not come, a line without its end. Whether there was such a line.
    pub(super) fn leave_half(&mut self) -> bool {
        (self.stderr, self.raw, self.searched) = (false, None, 0);
        !std::mem::take(&mut self.pending).is_empty()
    }

    /// The header, once its line was read.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The next event.
    pub fn next_event(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The end: the beginnings of characters that never became whole are events of their own. A line that was cut is left out.
    pub fn finish(&mut self) {
        for stream in [Stream::Stdin, Stream::Stdout, Stream::Stderr] {
            let tail = std::mem::take(&mut self.tails[stream as usize]);
            if !tail.is_empty() {
                self.ready.push_back(Event { at: self.last, what: What::Bytes(stream, tail) });
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), DecodeError> {
        self.lines += 1;
        if self.header.is_none() {
            return self.read_header(line);
        }
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let Line(time, code, text) =
            serde_json::from_slice(line).map_err(|_| DecodeError::Line(self.lines))?;
        let at = Duration::try_from_secs_f64((time * 1e6).round() / 1e6).ok();
        let at = at.filter(|at| *at <= MAX_TIME).ok_or(DecodeError::Line(self.lines))?;
        self.last = at;
        let what = match &*code {
            "o" => {
                let stream = if std::mem::take(&mut self.stderr) { Stream::Stderr } else { Stream::Stdout };
                Some(self.bytes(stream, &text))
            }
            "i" => Some(self.bytes(Stream::Stdin, &text)),
            "r" => Some(resize(&text).ok_or(DecodeError::Line(self.lines))?),
            "x" => self.note(&text).ok_or(DecodeError::Line(self.lines))?,
            // Markers and whatever a later version has.
            _ => None,
        };
        self.ready.extend(what.map(|what| Event { at, what }));
        Ok(())
    }

    fn read_header(&mut self, line: &[u8]) -> Result<(), DecodeError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let bad = |error: serde_json::Error| DecodeError::Header(error.to_string());
        let Version { version } = serde_json::from_slice(line).map_err(bad)?;
        if version != 2 {
            return Err(DecodeError::Version(version));
        }
        self.header = Some(serde_json::from_slice(line).map_err(bad)?);
        Ok(())
    }

    fn bytes(&mut self, stream: Stream, text: &str) -> What {
        // A line begins with the tail that was told before it.
        self.tails[stream as usize].clear();
        What::Bytes(stream, self.raw.take().unwrap_or_else(|| text.as_bytes().to_vec()))
    }

    /// None when it is no note that we write; `Some(None)` when it is about the next line.
    fn note(&mut self, text: &str) -> Option<Option<What>> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(Some(match word {
            "stderr" => {
                self.stderr = true;
                return Some(None);
            }
            "raw" => {
                self.raw = Some(BASE64.decode(rest).ok()?);
                return Some(None);
            }
            "tail" => {
                let (stream, bytes) = rest.split_once(' ')?;
                self.tails[Stream::from_name(stream)? as usize] = BASE64.decode(bytes).ok()?;
                return Some(None);
            }
            "input-rest" | "input-so-far" => {
                let (bytes, sha256) = counted(rest)?;
                What::InputRest { so_far: word == "input-so-far", bytes, sha256 }
            }
            "file" | "file-so-far" => {
                let (way, rest) = rest.split_once(' ')?;
                let direction = match way {
                    "up" => Direction::Up,
                    "down" => Direction::Down,
                    _ => return None,
                };
                let (bytes, sha256) = counted(rest)?;
                What::File { so_far: word == "file-so-far", direction, bytes, sha256 }
            }
            "lost" => {
                let (bytes, why) = rest.split_once(' ')?;
                What::Lost { bytes: bytes.parse().ok()?, why: why.to_owned() }
            }
            "protocol" => What::Protocol(rest.to_owned()),
            "exit" => What::Exit(rest.parse().ok()?),
            "failed" => What::Failed(rest.to_owned()),
            "ended" => What::Ended(rest.to_owned()),
            // A later version may say more.
            _ => return Some(None),
        }))
    }
}

fn counted(text: &str) -> Option<(u64, [u8; 32])> {
    let (bytes, sha256) = text.split_once(' ')?;
    Some((bytes.parse().ok()?, hex::decode(sha256).ok()?.try_into().ok()?))
}

fn resize(text: &str) -> Option<What> {
    let (width, height) = text.split_once('x')?;
    Some(What::Resize { width: width.parse().ok()?, height: height.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::encode::Encoder, *};

    const HEADER: &[u8] = b"{\"version\":2,\"width\":80,\"height\":24}\n";

    fn events(lines: &[u8], cuts: &[usize]) -> Result<Vec<Event>, DecodeError> {
        let mut decoder = Decoder::default();
        let mut from = 0;
        for cut in cuts.iter().copied().chain([lines.len()]) {
            let to = cut.clamp(from, lines.len());
            decoder.feed(&lines[from..to])?;
            from = to;
        }
        decoder.finish();
        Ok(std::iter::from_fn(|| decoder.next_event()).collect())
    }

    /// All bytes of each stream, however they were cut.
    fn streams(events: &[Event]) -> [Vec<u8>; 3] {
        let mut all: [Vec<u8>; 3] = Default::default();
        for event in events {
            if let What::Bytes(stream, bytes) = &event.what {
                all[*stream as usize].extend(bytes);
            }
        }
        all
    }

    fn what() -> impl Strategy<Value = What> {
        let stream = prop_oneof![Just(Stream::Stdin), Just(Stream::Stdout), Just(Stream::Stderr)];
        let piece = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            "\\PC{0,5}".prop_map(String::into_bytes),
            Just("€😀".as_bytes()[..5].to_vec()),
            Just("€😀".as_bytes()[5..].to_vec()),
        ];
        prop_oneof![
            8 => (stream, piece).prop_map(|(stream, bytes)| What::Bytes(stream, bytes)),
            1 => (any::<u16>(), any::<u16>()).prop_map(|(width, height)| What::Resize { width, height }),
            1 => any::<i32>().prop_map(What::Exit),
            1 => (any::<bool>(), any::<u64>(), any::<[u8; 32]>()).prop_map(|(so_far, bytes, sha256)| What::InputRest { so_far, bytes, sha256 }),
            1 => (any::<bool>(), any::<u64>(), any::<[u8; 32]>()).prop_map(|(so_far, bytes, sha256)| What::File { so_far, direction: Direction::Up, bytes, sha256 }),
            1 => (any::<u64>(), "\\PC{0,9}").prop_map(|(bytes, why)| What::Lost { bytes, why }),
            1 => "\\PC{0,9}".prop_map(What::Protocol),
            1 => "\\PC{0,9}".prop_map(What::Failed),
            1 => "\\PC{0,9}".prop_map(What::Ended),
        ]
    }

    proptest! {
        #[test]
        fn nothing_of_a_stream_is_lost_or_added(all in proptest::collection::vec(what(), 0..20), cuts in proptest::collection::vec(0_usize..2000, 0..5)) {
            let (mut encoder, mut lines) = (Encoder::default(), HEADER.to_vec());
            let mut given: [Vec<u8>; 3] = Default::default();
            for (n, what) in all.iter().enumerate() {
                if let What::Bytes(stream, bytes) = what {
                    given[*stream as usize].extend(bytes);
                }
                let at = Duration::from_micros(n as u64 * 1_234_567);
                encoder.encode(&Event { at, what: what.clone() }, &mut lines);
                // All that was given so far is there, whatever comes next.
                prop_assert_eq!(&streams(&events(&lines, &[]).unwrap()), &given);
            }
            let mut cuts = cuts;
            cuts.sort_unstable();
            let read = events(&lines, &cuts).unwrap();
            prop_assert_eq!(&read, &events(&lines, &[]).unwrap());
            let others = |w: &&What| !matches!(w, What::Bytes(..));
            let noted: Vec<&What> = read.iter().map(|e| &e.what).filter(others).collect();
            prop_assert_eq!(noted, all.iter().filter(others).collect::<Vec<_>>());
        }

        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = events(&bytes, &[]);
            let _ = events(&[HEADER, &bytes].concat(), &[]);
        }
    }

    #[test]
    fn a_cut_line_is_left_out_and_a_wrong_one_is_named() {
        let lines = [HEADER, b"[0.1,\"o\",\"a\"]\n[0.2,\"o\",\"b"].concat();
        assert_eq!(streams(&events(&lines, &[]).unwrap())[1], b"a");
        let wrong = [HEADER, b"[0.1,\"o\",\"a\"]\nnonsense\n"].concat();
        assert_eq!(events(&wrong, &[]), Err(DecodeError::Line(3)));
        assert_eq!(events(b"{\"version\":3}\n", &[]), Err(DecodeError::Version(3)));
        assert!(matches!(events(b"#!/bin/sh\n", &[]), Err(DecodeError::Header(_))));
    }

    #[test]
    fn a_long_line_is_refused_however_it_is_cut() {
        let long = [HEADER, &vec![b' '; MAX_LINE + 1], b"\n[1,\"o\",\"a\"]\n"].concat();
        for cuts in [vec![], vec![HEADER.len() + 9], vec![long.len() - 20], vec![HEADER.len() + MAX_LINE + 1]]
        {
            assert_eq!(events(&long, &cuts), Err(DecodeError::TooLong(2)), "{cuts:?}");
        }
        let just = [HEADER, &vec![b' '; MAX_LINE], b"\n[1,\"o\",\"a\"]\n"].concat();
        for cuts in [vec![], vec![HEADER.len() + MAX_LINE], vec![HEADER.len() + MAX_LINE + 1]] {
            assert_eq!(events(&just, &cuts).unwrap().len(), 1, "{cuts:?}");
        }
    }

    #[test]
    fn a_time_in_another_age_is_no_time() {
        // A viewer reckons with times: such a one ended it.
        for time in ["1e19", "18446744073709551615", "4e9", "-1", "1e400"] {
            let line = format!("[{time},\"o\",\"a\"]\n");
            assert_eq!(events(&[HEADER, line.as_bytes()].concat(), &[]), Err(DecodeError::Line(2)), "{time}");
        }
    }

    #[test]
    fn files_of_other_recorders_are_read() {
        let lines = b"{\"version\": 2, \"width\": 96, \"height\": 25, \"timestamp\": 1509091818, \"env\": {\"TERM\": \"xterm\"}, \"theme\": {}}\n\
            [0.248848, \"o\", \"\\u001b[1;31mhi\"]\n[0.5, \"m\", \"a chapter\"]\n[1.25, \"i\", \"\\r\"]\n[2, \"r\", \"80x10\"]\n";
        let read = events(lines, &[]).unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(read[0].at, Duration::from_micros(248_848));
        assert_eq!(read[2].what, What::Resize { width: 80, height: 10 });
    }
}
