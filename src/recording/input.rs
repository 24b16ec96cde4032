//! What was sent to the standard input of a command, line by line, for reading and for searching.
//!
//! No emulator shows it: one would do what the input says, and a line that another is written over would be hidden. So nothing is
//! left out, and a control character stands there as its number (`\u{1b}`). What is typed at a terminal is not told: the output
//! echoes it, but for passwords.

use std::time::Duration;

use super::{
    event::{Event, Stream, What},
    header::Header,
    transcript::Line,
};
use crate::model::text::clean_line;

/// The longest line, in bytes; what is longer goes on as another line.
const MAX_LINE: usize = 64 * 1024;
/// How far apart a terminal's tab stops are, in columns.
const TAB: usize = 8;

/// Collects lines of standard input.
pub struct Input {
    /// Whether it is told at all.
    told: bool,
    /// A line whose end has not come.
    open: Vec<u8>,
    /// When the last byte came.
    at: Duration,
    ready: Vec<Line>,
}

impl Input {
    /// Of a recording with this first line.
    pub fn new(header: &Header) -> Self {
        let told = header.session.as_ref().is_some_and(|session| !session.terminal);
        Self { told, open: Vec::new(), at: Duration::ZERO, ready: Vec::new() }
    }

    /// Takes the next event.
    pub fn push(&mut self, event: &Event) {
        let What::Bytes(Stream::Stdin, bytes) = &event.what else { return };
        if !self.told {
            return;
        }
        self.at = self.at.max(event.at);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let body = piece.strip_suffix(b"\n");
            self.open.extend_from_slice(body.unwrap_or(piece));
            while self.open.len() > MAX_LINE {
                self.tell(border(&self.open));
            }
            if body.is_some() {
                let end = self.open.strip_suffix(b"\r").unwrap_or(&self.open).len();
                self.tell(end);
                self.open.clear();
            }
        }
    }

    /// The lines that became whole since the last call, each with the time of its end.
    pub fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.ready)
    }

    /// No line that comes out from now on is of an earlier time; None if none is under way.
    pub fn settled(&self) -> Option<Duration> {
        (!self.open.is_empty()).then_some(self.at)
    }

    /// The end: what has become whole since the last [`Self::take`], and a line that never did.
    pub fn finish(&mut self) -> Vec<Line> {
        if !self.open.is_empty() {
            self.tell(self.open.len());
        }
        self.take()
    }

    /// So many bytes are a line.
    fn tell(&mut self, end: usize) {
        let line: Vec<u8> = self.open.drain(..end).collect();
        let text = clean_line(&without_tabs(&String::from_utf8_lossy(&line))).into_owned();
        self.ready.push(Line { at: self.at, text });
    }
}

/// Where a line that is too long is cut: at a character's border, if it is text.
fn border(line: &[u8]) -> usize {
    let begins = |at: &usize| line[*at] & 0xc0 != 0x80;
    (MAX_LINE - 3..=MAX_LINE).rev().find(begins).unwrap_or(MAX_LINE)
}

fn without_tabs(text: &str) -> String {
    let (mut out, mut column) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        let blanks = if c == '\t' { TAB - column % TAB } else { 0 };
        column += blanks.max(1);
        if blanks > 0 {
            out.extend(std::iter::repeat_n(' ', blanks));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(terminal: bool) -> Header {
        let session = serde_json::json!({
            "id": "7c9e6679-7425-80de-944b-e07fc1f90ae7", "kind": "exec", "user": "alice", "cluster": "prod", "namespace": "default",
            "pod": "web", "terminal": terminal, "stdin": true, "started": "2026-11-24T19:00:00Z",
        });
        let header = serde_json::json!({ "version": 2, "width": 80, "height": 24, "jumpgate": session });
        serde_json::from_value(header).unwrap()
    }

    fn told(terminal: bool, pieces: &[(u64, &[u8])]) -> Vec<(u64, String)> {
        let mut input = Input::new(&header(terminal));
        let mut all = Vec::new();
        for (at, bytes) in pieces {
            let what = What::Bytes(Stream::Stdin, bytes.to_vec());
            input.push(&Event { at: Duration::from_millis(*at), what });
            all.extend(input.take());
        }
        all.extend(input.finish());
        all.into_iter().map(|line| (line.at.as_millis() as u64, line.text)).collect()
    }

    #[test]
    fn a_line_has_the_time_of_its_end_and_the_last_one_needs_none() {
        let all = told(false, &[(0, b"se"), (5, b"t -x\r\n\nrm"), (9, b" -rf /")]);
        assert_eq!(all, [(5, "set -x".into()), (5, String::new()), (9, "rm -rf /".into())]);
    }

    #[test]
    fn nothing_hides_a_line_and_no_sequence_comes_out() {
        let hidden = "rm -rf /\recho hello\u{1b}[2K\u{1b}[A\u{202e}x\u{0}\n\tand\ta tab\n\u{9b}31m\n";
        let all = told(false, &[(0, hidden.as_bytes()), (0, b"\xff\n")]);
        let texts: Vec<&str> = all.iter().map(|(_, text)| &**text).collect();
        assert_eq!(
            texts,
            [
                "rm -rf /\\u{d}echo hello\\u{1b}[2K\\u{1b}[A\\u{202e}x\\u{0}",
                "        and     a tab",
                "\\u{9b}31m",
                "\u{fffd}"
            ]
        );
    }

    #[test]
    fn a_character_that_comes_in_pieces_is_whole_and_a_long_line_is_cut_between_two() {
        assert_eq!(told(false, &[(0, b"h\xc3"), (1, b"\xa9\n")]), [(1, "hé".into())]);
        let long = "é".repeat(MAX_LINE) + "x\n";
        let all = told(false, &[(0, &b"y"[..]), (1, long.as_bytes())]);
        assert_eq!(all.len(), 3);
        assert_eq!(all.iter().map(|(_, text)| &**text).collect::<String>(), format!("y{}", long.trim_end()));
    }

    #[test]
    fn what_is_typed_at_a_terminal_is_not_told() {
        assert!(told(true, &[(0, b"secret\n")]).is_empty());
    }
}
