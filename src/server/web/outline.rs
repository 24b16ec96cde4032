//! What the player knows of a film before it plays: how long it is, where its parts begin, where something happens and where
//! nothing does, and what was to be read.

use std::time::Duration;

use serde::Serialize;

use super::film::{Line, millis};
use crate::recording::{Event, Header, What, event::Stream, transcript::Transcript};

/// Marks of a kind that are nearer to each other are one.
const NEAR: Duration = Duration::from_secs(2);
/// The most marks.
const MAX_MARKS: usize = 2000;
/// Nothing happens when this long no frame comes.
const IDLE: Duration = Duration::from_secs(2);
/// The most lines of the transcript, …
const MAX_LINES: usize = 20_000;
/// … and the most bytes.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// Collects an outline.
#[derive(Default)]
pub(super) struct Outline {
    marks: Vec<Mark>,
    transcript: Option<Transcript>,
    lines: Vec<(u64, String)>,
    bytes: usize,
    cut: bool,
}

/// A place where something happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Mark {
    at: u64,
    kind: &'static str,
    text: String,
}

/// The outline, as the player gets it; times are in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Finished {
    duration: u64,
    /// Where the parts begin.
    parts: Vec<u64>,
    marks: Vec<Mark>,
    /// From when to when nothing happens.
    idle: Vec<(u64, u64)>,
    /// Lines, and from when on they were to be read.
    transcript: Vec<(u64, String)>,
    /// Whether the transcript is longer than that.
    more: bool,
}

impl Outline {
    /// Takes the next event.
    pub(super) fn see(&mut self, header: &Header, event: &Event) {
        self.mark(event);
        let transcript = self.transcript.get_or_insert_with(|| Transcript::new(header));
        transcript.push(event);
        let lines = transcript.take();
        self.keep(lines);
    }

    fn keep(&mut self, lines: Vec<crate::recording::transcript::Line>) {
        for line in lines {
            if self.lines.len() >= MAX_LINES || self.bytes + line.text.len() > MAX_TEXT {
                self.cut = true;
                return;
            }
            self.bytes += line.text.len();
            self.lines.push((millis(line.at), line.text));
        }
    }

    fn mark(&mut self, event: &Event) {
        let (kind, text) = match &event.what {
            What::Bytes(Stream::Stdin, _) | What::InputRest { .. } => ("input", "input".to_owned()),
            What::Bytes(Stream::Stderr, _) => ("stderr", "standard error".to_owned()),
            What::Bytes(Stream::Stdout, _) | What::Protocol(_) => return,
            // The first size is how the terminal was.
            What::Resize { .. } if event.at < Duration::from_millis(500) => return,
            What::Resize { width, height } => ("resize", format!("size {width} × {height}")),
            What::File { so_far: true, bytes, .. } => {
                ("file", format!("a file is copied, {bytes} bytes so far"))
            }
            What::File { bytes, .. } => ("file", format!("a file was copied, {bytes} bytes")),
            What::Lost { bytes, .. } => ("lost", format!("{bytes} bytes could not be recorded")),
            What::Exit(code) => ("end", format!("exit code {code}")),
            What::Failed(why) => ("end", format!("failed: {why}")),
            What::Ended(why) => ("end", format!("ended: {why}")),
        };
        if kind == "file" {
            // A copy is one thing, however often it was told how far it is.
            self.marks.retain(|mark| mark.kind != kind);
        }
        let at = millis(event.at);
        let near = |mark: &Mark| mark.kind == kind && at - mark.at.min(at) < millis(NEAR);
        if self.marks.len() < MAX_MARKS && !self.marks.iter().rev().take(8).any(near) {
            self.marks.push(Mark { at, kind, text });
        }
    }

    /// The outline of a film with these frames.
    pub(super) fn finish(mut self, frames: &[Line]) -> Finished {
        if let Some(transcript) = self.transcript.take() {
            let lines = transcript.finish();
            self.keep(lines);
        }
        // What became of a copy is written down when all is over; for who reads, the end comes last.
        let last = self.marks.iter().map(|mark| mark.at).max().unwrap_or_default();
        self.marks.iter_mut().filter(|mark| mark.kind == "end").for_each(|mark| mark.at = last);
        self.marks.sort_by_key(|mark| mark.kind == "end");
        // A line that stood long comes after others that went sooner.
        self.lines.sort_by_key(|(at, _)| *at);
        let mut parts: Vec<u64> = Vec::new();
        for frame in frames {
            if frame.part == parts.len() {
                parts.push(millis(frame.at));
            }
        }
        let pairs = frames.windows(2).filter(|pair| pair[1].at - pair[0].at >= IDLE);
        Finished {
            duration: frames.last().map_or(0, |frame| millis(frame.at)),
            parts,
            marks: self.marks,
            idle: pairs.map(|pair| (millis(pair[0].at), millis(pair[1].at))).collect(),
            transcript: self.lines,
            more: self.cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::event::Direction;

    #[test]
    fn the_end_is_told_behind_what_became_of_a_copy() {
        let header: Header = serde_json::from_str("{\"version\":2,\"width\":20,\"height\":4}").unwrap();
        let mut outline = Outline::default();
        let file = What::File { so_far: false, direction: Direction::Up, bytes: 7, sha256: [0; 32] };
        for (at, what) in [(40, What::Exit(0)), (41, file)] {
            outline.see(&header, &Event { at: Duration::from_millis(at), what });
        }
        let marks = outline.finish(&[]).marks;
        let told: Vec<(u64, &str)> = marks.iter().map(|mark| (mark.at, &*mark.text)).collect();
        assert_eq!(told, [(41, "a file was copied, 7 bytes"), (41, "exit code 0")]);
    }
}
