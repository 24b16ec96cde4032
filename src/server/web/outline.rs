//! What the player knows of a film before it plays: how long it is, where its parts begin, where something happens and where
//! nothing does, and what was to be read.

use std::time::Duration;

use serde::Serialize;

use super::film::{Line, millis};
use crate::recording::{
    Event, Header, What,
    event::Stream,
    input::Input,
    telling::marked,
    transcript::{self, Transcript},
};

/// Marks of a kind that are nearer to each other are one.
const NEAR: Duration = Duration::from_secs(2);
/// The most marks.
const MAX_MARKS: usize = 2000;
/// Nothing happens when this long no frame comes.
const IDLE: Duration = Duration::from_secs(2);
/// The most lines of what was shown, and as many of what was sent to the command, …
const MAX_LINES: usize = 20_000;
/// … and the most bytes of each.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// Collects an outline.
#[derive(Default)]
pub(super) struct Outline {
    marks: Vec<Mark>,
    read: Option<(Input, Transcript)>,
    lines: Vec<Said>,
    /// How many lines of input and of output are kept, and of how many bytes.
    kept: [(usize, usize); 2],
    cut: bool,
}

/// A line, from when on it was to be read, and `stdin` if it was sent to the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Said {
    Sent(u64, String, Stream),
    Shown(u64, String),
}

impl Said {
    /// By what they stand in order: what was sent comes before what it made.
    fn place(&self) -> (u64, bool) {
        match self {
            Self::Sent(at, ..) => (*at, false),
            Self::Shown(at, _) => (*at, true),
        }
    }
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
    /// What was to be read.
    transcript: Vec<Said>,
    /// Whether the transcript is longer than that.
    more: bool,
}

impl Outline {
    /// Takes the next event.
    pub(super) fn see(&mut self, header: &Header, event: &Event) {
        self.mark(event);
        let (input, transcript) =
            self.read.get_or_insert_with(|| (Input::new(header), Transcript::new(header)));
        input.push(event);
        transcript.push(event);
        let (sent, shown) = (input.take(), transcript.take());
        self.keep(Stream::Stdin, sent);
        self.keep(Stream::Stdout, shown);
    }

    /// Much input leaves no less room for output.
    fn keep(&mut self, stream: Stream, lines: Vec<transcript::Line>) {
        let (count, bytes) = &mut self.kept[usize::from(stream != Stream::Stdin)];
        for line in lines {
            let text = marked(stream, &line.text).into_owned();
            if *count >= MAX_LINES || *bytes + text.len() > MAX_TEXT {
                self.cut = true;
                return;
            }
            *count += 1;
            *bytes += text.len();
            self.lines.push(match stream {
                Stream::Stdin => Said::Sent(millis(line.at), text, stream),
                _ => Said::Shown(millis(line.at), text),
            });
        }
    }

    fn mark(&mut self, event: &Event) {
        let (kind, text) = match &event.what {
            What::Bytes(Stream::Stdin, _) => ("input", "input".to_owned()),
            What::InputRest { so_far, bytes, .. } => {
                let least = if *so_far { "at least " } else { "" };
                ("rest", format!("{least}{bytes} more bytes of standard input were not kept"))
            }
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
        if kind == "file" || kind == "rest" {
            // It is one thing, however often it was told how far it is.
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
        if let Some((mut input, transcript)) = self.read.take() {
            self.keep(Stream::Stdin, input.finish());
            self.keep(Stream::Stdout, transcript.finish());
        }
        // What became of a copy is written down when all is over; for who reads, the end comes last.
        let last = self.marks.iter().map(|mark| mark.at).max().unwrap_or_default();
        self.marks.iter_mut().filter(|mark| mark.kind == "end").for_each(|mark| mark.at = last);
        self.marks.sort_by_key(|mark| mark.kind == "end");
        // A line that stood long comes after others that went sooner.
        self.lines.sort_by_key(Said::place);
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
    fn what_was_sent_is_told_from_what_was_shown() {
        let session = serde_json::json!({
            "id": "7c9e6679-7425-80de-944b-e07fc1f90ae7", "kind": "exec", "user": "alice", "cluster": "prod", "namespace": "default",
            "pod": "web", "terminal": false, "stdin": true, "started": "2026-11-24T19:00:00Z",
        });
        let header = Header::new(serde_json::from_value(session).unwrap());
        let mut outline = Outline::default();
        let bytes = |stream, text: &str| What::Bytes(stream, text.into());
        for (at, what) in [
            (40, bytes(Stream::Stdin, "echo hi\n")),
            (40, bytes(Stream::Stdout, "[stdin] hi\n")),
            (50, bytes(Stream::Stdin, &"x\n".repeat(MAX_LINES + 5))),
            (600, bytes(Stream::Stdout, "there\n")),
        ] {
            outline.see(&header, &Event { at: Duration::from_millis(at), what });
        }
        let finished = outline.finish(&[]);
        let told = serde_json::to_value(&finished.transcript).unwrap();
        assert_eq!(told[0], serde_json::json!([40, "[stdin] echo hi", "stdin"]));
        assert_eq!(told[1], serde_json::json!([40, "[stdout] [stdin] hi"]));
        assert_eq!(told.as_array().unwrap().len(), MAX_LINES + 2);
        assert_eq!(told[MAX_LINES + 1], serde_json::json!([600, "there"]));
        assert!(finished.more);
    }

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
