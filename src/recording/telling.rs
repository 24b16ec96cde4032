//! What happens in a session, told line by line as it comes: for a pipe, a file, a reader who does not want a film. A line is told when
//! it is whole: when the cursor has gone below it. What a program shows on the whole screen (an editor, a pager) is left out.
//!
//! Of a session without a terminal the lines of standard error and of standard output are kept apart, however they came.

use std::collections::VecDeque;

use avt::{Observation, Observer, ScreenKind};

use super::{
    event::{Event, Stream, What},
    header::Header,
    screen::Screen,
};

/// The longest line, in bytes; what is longer goes on as another line.
const MAX_LINE: usize = 64 * 1024;
/// Stands before a line of standard error.
pub const STDERR: &str = "[stderr] ";

/// Tells lines.
pub struct Telling {
    /// Standard output, or all of a terminal.
    out: Lines,
    /// Standard error.
    err: Lines,
    /// How it ended, to be told last.
    ending: String,
}

impl Telling {
    /// Of a recording with this first line.
    pub fn new(header: &Header) -> Self {
        Self { out: Lines::new(header), err: Lines::new(header), ending: String::new() }
    }

    /// What the next event completes, each line with its end.
    pub fn push(&mut self, event: &Event) -> String {
        match &event.what {
            What::Bytes(Stream::Stdin, _) => String::new(),
            What::Bytes(Stream::Stderr, _) => marked(self.err.push(&event.what)),
            what @ What::Resize { .. } => {
                let text = lines(self.out.push(what));
                text + &marked(self.err.push(what))
            }
            What::Bytes(..) => lines(self.out.push(&event.what)),
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
        lines(self.out.rest()) + &marked(self.err.rest()) + &std::mem::take(&mut self.ending)
    }
}

/// How a session ended, as the last line of its text; none for another event.
pub fn end(what: &What) -> Option<String> {
    match what {
        What::Exit(code) => Some(format!("[exit {code}]")),
        What::Failed(why) => Some(format!("[could not run: {why}]")),
        What::Ended(why) => Some(format!("[{}]", why.strip_prefix("this session was ").unwrap_or(why))),
        What::Lost { bytes, .. } => Some(format!("[{bytes} bytes could not be recorded]")),
        _ => None,
    }
}

fn lines(all: Vec<String>) -> String {
    all.into_iter().map(|line| line + "\n").collect()
}

fn marked(all: Vec<String>) -> String {
    all.into_iter().map(|line| format!("{STDERR}{line}\n")).collect()
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
        let header: Header = serde_json::from_str(r#"{"version":2,"width":10,"height":3}"#).unwrap();
        let mut telling = Telling::new(&header);
        if !terminal {
            for lines in [&mut telling.out, &mut telling.err] {
                lines.screen = Screen::new(10, 3, true);
            }
        }
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
}
