//! What happens in a session, told line by line as it comes: for a pipe, a file, a reader who does not want a film. A line is told when
//! it is whole: when the cursor has gone below it. What a program shows on the whole screen (an editor, a pager) is left out.
//!
//! Of a session without a terminal the lines of standard error, of standard output and of standard input are kept apart, however they
//! came.

use std::{borrow::Cow, collections::VecDeque};

use avt::{Observation, Observer, ScreenKind};

use super::{
    event::{Event, Stream, What},
    header::Header,
    input::Input,
    screen::Screen,
    transcript::Line,
};

/// The longest line, in bytes; what is longer goes on as another line.
const MAX_LINE: usize = 64 * 1024;
/// Stands before a line of standard error.
const STDERR: &str = "[stderr] ";
/// Stands before a line of standard input.
const STDIN: &str = "[stdin] ";
/// Stands before a line of output that begins with one of these marks.
const STDOUT: &str = "[stdout] ";

/// A line of a stream as it stands in a text: standard error and standard input are marked, and so is output that reads as if it were
/// one of them.
pub fn marked(stream: Stream, line: &str) -> Cow<'_, str> {
    let looks_marked = || [STDERR, STDIN, STDOUT].iter().any(|mark| line.starts_with(mark.trim_end()));
    let mark = match stream {
        Stream::Stdin => STDIN,
        Stream::Stderr => STDERR,
        Stream::Stdout if looks_marked() => STDOUT,
        Stream::Stdout => return line.into(),
    };
    format!("{mark}{line}").into()
}

/// Tells lines.
pub struct Telling {
    /// Standard output, or all of a terminal.
    out: Lines,
    /// Standard error.
    err: Lines,
    /// What was sent to the command.
    input: Input,
    /// How it ended, to be told last.
    ending: String,
}

impl Telling {
    /// Of a recording with this first line.
    pub fn new(header: &Header) -> Self {
        let (out, err) = (Lines::new(header), Lines::new(header));
        Self { out, err, input: Input::new(header), ending: String::new() }
    }

    /// What the next event completes, each line with its end.
    pub fn push(&mut self, event: &Event) -> String {
        match &event.what {
            What::Bytes(Stream::Stdin, _) => {
                self.input.push(event);
                input_lines(self.input.take())
            }
            What::Bytes(Stream::Stderr, _) => lines(Stream::Stderr, self.err.push(&event.what)),
            what @ What::Resize { .. } => {
                let text = lines(Stream::Stdout, self.out.push(what));
                text + &lines(Stream::Stderr, self.err.push(what))
            }
            What::Bytes(Stream::Stdout, _) => lines(Stream::Stdout, self.out.push(&event.what)),
            // It is told when all of it has come.
            What::InputRest { so_far: true, .. } => String::new(),
            what => {
                if let Some(end) = end(what) {
                    self.ending.push_str(&(end + "\n"));
                }
                String::new()
            }
        }
    }

    /// What is on the screen and not told yet, a line without an end; then how it ended.
    pub fn finish(&mut self) -> String {
        let mut text = lines(Stream::Stdout, self.out.rest()) + &lines(Stream::Stderr, self.err.rest());
        text.push_str(&input_lines(self.input.finish()));
        text + &std::mem::take(&mut self.ending)
    }
}

/// What a text says at its end: how the session ended, and what of it is not there; none for another event.
pub fn end(what: &What) -> Option<String> {
    match what {
        What::Exit(code) => Some(format!("[exit {code}]")),
        What::Failed(why) => Some(format!("[could not run: {why}]")),
        What::Ended(why) => Some(format!("[{}]", why.strip_prefix("this session was ").unwrap_or(why))),
        What::Lost { bytes, .. } => Some(format!("[{bytes} bytes could not be recorded]")),
        What::InputRest { so_far, bytes, sha256 } => {
            let least = if *so_far { "at least " } else { "" };
            let hash = hex::encode(sha256);
            Some(format!("[{least}{bytes} more bytes of standard input were not kept, SHA-256 {hash}]"))
        }
        _ => None,
    }
}

fn lines(stream: Stream, all: Vec<String>) -> String {
    all.iter().map(|line| marked(stream, line) + "\n").collect()
}

fn input_lines(all: Vec<Line>) -> String {
    lines(Stream::Stdin, all.into_iter().map(|line| line.text).collect())
}

/// The lines of one screen.
struct Lines {
    screen: Screen,
    told: Told,
}

/// What has been told of the rows from the top: the text of the line that ends there.
#[derive(Default)]
struct Told {
    rows: VecDeque<Option<String>>,
    /// The rows of a line whose beginning has scrolled off.
    begun: String,
    ready: Vec<String>,
    /// The size changes: rows are laid out anew, and nothing is told of that.
    quiet: bool,
}

impl Lines {
    fn new(header: &Header) -> Self {
        let raw = header.session.as_ref().is_some_and(|session| !session.terminal);
        Self { screen: Screen::new(header.width, header.height, raw), told: Told::default() }
    }

    fn push(&mut self, what: &What) -> Vec<String> {
        self.told.quiet = matches!(what, What::Resize { .. });
        self.screen.apply_with(what, &mut Watch(&mut self.told));
        let shown = self.screen.terminal().filter(|one| one.active_screen_kind() == ScreenKind::Primary);
        if let Some(row) = shown.map(|terminal| terminal.cursor().row) {
            self.tell(row);
        }
        std::mem::take(&mut self.told.ready)
    }

    fn rest(&mut self) -> Vec<String> {
        self.told.quiet = false;
        let rows = usize::from(self.screen.size().1);
        self.tell(rows);
        while self.told.ready.last().is_some_and(String::is_empty) {
            self.told.ready.pop();
        }
        std::mem::take(&mut self.told.ready)
    }

    /// Tells the lines that end above a row, if they read otherwise than what was told of them.
    fn tell(&mut self, below: usize) {
        let Some(terminal) = self.screen.terminal() else { return };
        for (told, row) in
            self.told.rows.iter_mut().zip(terminal.primary_screen().visible_lines()).skip(below)
        {
            // What is wiped off may come again.
            if row.chars().all(|c| c == ' ') {
                *told = None;
            }
        }
        let mut text = self.told.begun.clone();
        for (n, row) in terminal.primary_screen().visible_lines().take(below).enumerate() {
            push_row(&mut text, row);
            if self.told.rows.len() <= n {
                self.told.rows.push_back(None);
            }
            if row.is_wrapped() {
                continue;
            }
            let line = text.trim_end().to_owned();
            text.clear();
            let before = self.told.rows[n].replace(line.clone());
            // A line that was wiped says nothing.
            let new = before.as_ref() != Some(&line) && !(before.is_some() && line.is_empty());
            if new && !self.told.quiet {
                self.told.ready.push(line);
            }
        }
    }
}

/// Looks on while the emulator works.
struct Watch<'a>(&'a mut Told);

impl Observer for Watch<'_> {
    type Output = ();

    fn evicted(&mut self, _: &mut Observation<'_>, row: &avt::Line) {
        let told = &mut *self.0;
        push_row(&mut told.begun, row);
        let before = told.rows.pop_front().flatten();
        if row.is_wrapped() && told.begun.len() < MAX_LINE {
            return;
        }
        let line = std::mem::take(&mut told.begun).trim_end().to_owned();
        if before.as_ref() != Some(&line) && !told.quiet {
            told.ready.push(line);
        }
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

fn push_row(text: &mut String, row: &avt::Line) {
    text.extend(row.chars().map(|c| if c.is_control() { ' ' } else { c }));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(terminal: bool, events: &[What]) -> Vec<String> {
        let session = serde_json::json!({
            "id": "7c9e6679-7425-80de-944b-e07fc1f90ae7", "kind": "exec", "user": "alice", "cluster": "prod", "namespace": "default",
            "pod": "web", "terminal": terminal, "stdin": true, "started": "2026-11-24T19:00:00Z",
        });
        let header = serde_json::json!({ "version": 2, "width": 10, "height": 3, "jumpgate": session });
        let mut telling = Telling::new(&serde_json::from_value(header).unwrap());
        let told = events.iter().map(|what| telling.push(&Event { at: Duration::ZERO, what: what.clone() }));
        let mut told: Vec<String> = told.collect();
        told.push(telling.finish());
        told
    }

    fn out(text: &str) -> What {
        What::Bytes(Stream::Stdout, text.into())
    }

    #[test]
    fn a_line_is_told_when_it_is_whole_and_once() {
        let events = [
            out("$ l"),
            out("s\r\n"),
            out("a\r\nb\r\n"),
            out("c\r\nd\r\n"),
            out("12345678901234\r\n"),
            out("$ \u{1b}[31mend"),
        ];
        assert_eq!(
            told(true, &events),
            ["", "$ ls\n", "a\nb\n", "c\nd\n", "12345678901234\n", "", "$ end\n"]
        );
    }

    #[test]
    fn what_is_cleared_drawn_again_or_laid_out_anew_is_not_told_twice() {
        let events = [
            out("a\r\nb\r\n"),
            out("\u{1b}[H\u{1b}[2J"),
            out("a\r\nc\r\n"),
            What::Resize { width: 5, height: 2 },
            out("x"),
            out("\u{1b}[?1049heditor\r\nmore\r\n"),
            out("\u{1b}[?1049l"),
            What::Ended("this session was ended by bob: noon".into()),
        ];
        assert_eq!(
            told(true, &events),
            ["a\nb\n", "", "a\nc\n", "", "", "", "", "", "x\n[ended by bob: noon]\n"]
        );
    }

    #[test]
    fn standard_error_is_marked_and_never_in_the_middle_of_a_line() {
        let err = |text: &str| What::Bytes(Stream::Stderr, text.into());
        let events = [out("on"), err("oh\nno"), out("e\n"), What::Exit(4)];
        assert_eq!(told(false, &events), ["", "[stderr] oh\n", "one\n", "", "[stderr] no\n[exit 4]\n"]);
    }

    #[test]
    fn standard_input_is_marked_and_output_cannot_pass_for_it() {
        let input = |text: &str| What::Bytes(Stream::Stdin, text.into());
        let events = [
            input("echo hi\nrm -"),
            out("[stdin] I am\n [stdin] not\n"),
            input("rf /\nlast"),
            What::InputRest { so_far: true, bytes: 3, sha256: [1; 32] },
            What::InputRest { so_far: false, bytes: 5, sha256: [0; 32] },
        ];
        let rest = format!(
            "[stdin] last\n[5 more bytes of standard input were not kept, SHA-256 {}]\n",
            "0".repeat(64)
        );
        let all = [
            "[stdin] echo hi\n",
            "[stdout] [stdin] I am\n [stdin] not\n",
            "[stdin] rm -rf /\n",
            "",
            "",
            &rest,
        ];
        assert_eq!(told(false, &events), all);
        assert_eq!(told(true, &events[..1]), ["", ""], "the output of a terminal echoes it");
    }
}
