//! What was on the screen, line by line, with the time from which each line was to be read: for reading, for searching and for
//! screen readers. Rows that a terminal wrapped are one line.
//!
//! A line counts when it goes: scrolls off, is written over, or is still there at the end. So what an editor showed is here too,
//! and what somebody wiped off the screen. What stood for less than a tenth of a second, like the steps of a progress bar, and
//! the steps in which a line was typed, are left out.

use std::{borrow::Borrow, collections::VecDeque, time::Duration};

use avt::{Observation, Observer, Operation, ScreenKind, Terminal, parser::Function};

use super::{
    event::{Event, Stream, What},
    header::Header,
    screen::Screen,
};

/// What stands this long can be read.
const READABLE: Duration = Duration::from_millis(100);
/// What changes all the time is looked at this often.
const OFTEN: Duration = Duration::from_millis(500);
/// The longest line, in bytes; what is longer goes on as another line.
const MAX_LINE: usize = 64 * 1024;

/// A line that was on the screen. It has no control characters in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From when on it read so, since the start.
    pub at: Duration,
    /// The text, without blanks at its end.
    pub text: String,
}

/// Collects lines.
pub struct Transcript {
    screen: Screen,
    /// The time of the last event.
    now: Duration,
    /// When the screen was last looked at.
    looked: Duration,
    /// Whether something changed since.
    dirty: bool,
    primary: Page,
    alternate: Page,
    kind: ScreenKind,
    ready: Vec<Line>,
}

impl Transcript {
    /// Of a recording with this first line.
    pub fn new(header: &Header) -> Self {
        let raw = header.session.as_ref().is_some_and(|session| !session.terminal);
        Self {
            screen: Screen::new(header.width, header.height, raw),
            now: Duration::ZERO,
            looked: Duration::ZERO,
            dirty: false,
            primary: Page::default(),
            alternate: Page::default(),
            kind: ScreenKind::Primary,
            ready: Vec::new(),
        }
    }

    /// Shows the next event.
    pub fn push(&mut self, event: &Event) {
        let shown =
            matches!(event.what, What::Bytes(Stream::Stdout | Stream::Stderr, _) | What::Resize { .. });
        if !shown {
            return;
        }
        let stood = event.at.saturating_sub(self.now) >= READABLE;
        if self.dirty && (stood || event.at.saturating_sub(self.looked) >= OFTEN) {
            self.look();
        }
        self.now = self.now.max(event.at);
        let (pages, ready, now) = (&mut self.primary, &mut self.ready, self.now);
        self.screen.apply_with(&event.what, &mut Watch { page: pages, ready, now });
        self.dirty = true;
        let kind = self.screen.terminal().map_or(self.kind, Terminal::active_screen_kind);
        if self.kind == ScreenKind::Alternate && kind == ScreenKind::Primary {
            self.alternate.flush(&mut self.ready);
        }
        self.kind = kind;
    }

    /// The lines that have gone from the screen since the last call, in the order in which they went.
    pub fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.ready)
    }

    /// No line that comes out from now on is of an earlier time.
    pub fn settled(&self) -> Duration {
        let pages = [&self.primary, &self.alternate].map(|page| page.oldest().unwrap_or(self.looked));
        pages[0].min(pages[1]).min(self.primary.last).min(self.looked)
    }

    /// The end: what has gone since the last [`Self::take`], and what is on the screen, by time.
    pub fn finish(mut self) -> Vec<Line> {
        self.look();
        if self.kind == ScreenKind::Alternate {
            self.alternate.flush(&mut self.ready);
        }
        if let Some(terminal) = self.screen.terminal() {
            self.primary.finish(terminal, self.now, &mut self.ready);
        }
        self.ready.sort_by_key(|line| line.at);
        self.ready
    }

    /// Compares the screen with what stood there before.
    fn look(&mut self) {
        let page = if self.kind == ScreenKind::Alternate { &mut self.alternate } else { &mut self.primary };
        if let Some(terminal) = self.screen.terminal() {
            page.look(terminal.screen().visible_lines(), self.now, &mut self.ready);
        }
        self.looked = self.now;
        self.dirty = false;
    }
}

/// All lines of a recording by time.
pub fn lines<E: Borrow<Event>>(header: &Header, events: impl IntoIterator<Item = E>) -> Vec<Line> {
    let mut transcript = Transcript::new(header);
    events.into_iter().for_each(|event| transcript.push(event.borrow()));
    transcript.finish()
}

/// A line on the screen.
#[derive(Debug, Clone, Default)]
struct Standing {
    text: String,
    at: Duration,
    /// The longest text that it grew to, if it is shorter now.
    peak: Option<Line>,
}

impl Standing {
    /// It goes.
    fn leave(self, ready: &mut Vec<Line>) {
        ready.extend(self.peak);
        if !self.text.is_empty() {
            ready.push(Line { at: self.at, text: self.text });
        }
    }

    /// It reads otherwise from now on.
    fn becomes(self, text: String, at: Duration, ready: &mut Vec<Line>) -> Self {
        if text.is_empty() {
            self.leave(ready);
            return Self { text, at, peak: None };
        }
        let longest = self.peak.as_ref().map_or(&self.text, |peak| &peak.text);
        if text.starts_with(longest.as_str()) {
            return Self { text, at, peak: None };
        }
        if longest.starts_with(&text) {
            let peak = self.peak.unwrap_or(Line { at: self.at, text: self.text });
            return Self { text, at, peak: Some(peak) };
        }
        match self.peak {
            Some(peak) => ready.push(peak),
            None if !self.text.is_empty() => ready.push(Line { at: self.at, text: self.text }),
            None => {}
        }
        Self { text, at, peak: None }
    }
}

/// The lines of one of a terminal's two screens, as they stood at the last look.
#[derive(Default)]
struct Page {
    standing: VecDeque<Standing>,
    /// The rows of a line whose beginning has scrolled off.
    begun: String,
    last: Duration,
}

impl Page {
    fn look<'a>(&mut self, rows: impl Iterator<Item = &'a avt::Line>, now: Duration, ready: &mut Vec<Line>) {
        let texts = joined(rows, &self.begun);
        let mut old: Vec<Option<Standing>> =
            std::mem::take(&mut self.standing).into_iter().map(Some).collect();
        let mut new: Vec<Option<Standing>> = vec![None; texts.len()];
        for (n, text) in texts.iter().enumerate() {
            if let Some(same) = old.get_mut(n)
                && same.as_ref().is_some_and(|standing| standing.text == *text)
            {
                new[n] = same.take();
            }
        }
        // Lines that moved.
        let mut elsewhere: std::collections::HashMap<String, Vec<usize>> = Default::default();
        for (n, standing) in old.iter().enumerate().rev() {
            if let Some(standing) = standing.as_ref().filter(|standing| !standing.text.is_empty()) {
                elsewhere.entry(standing.text.clone()).or_default().push(n);
            }
        }
        for (n, text) in texts.iter().enumerate() {
            if new[n].is_none()
                && let Some(from) = elsewhere.get_mut(text).and_then(Vec::pop)
            {
                new[n] = old[from].take();
            }
        }
        for (n, text) in texts.into_iter().enumerate() {
            let standing = match (new[n].take(), old.get_mut(n).and_then(Option::take)) {
                (Some(kept), gone) => {
                    // Something else moved to where this one stood.
                    if let Some(gone) = gone {
                        gone.leave(ready);
                    }
                    kept
                }
                (None, Some(before)) => before.becomes(text, now, ready),
                (None, None) => Standing { text, at: now, peak: None },
            };
            self.standing.push_back(standing);
        }
        old.into_iter().flatten().for_each(|gone| gone.leave(ready));
    }

    /// Since when something stands here.
    fn oldest(&self) -> Option<Duration> {
        // A blank line stands nowhere: it is told with what stands before it.
        let texts = self.standing.iter().filter(|one| !one.text.is_empty()).map(|one| one.at);
        texts.chain(self.standing.iter().filter_map(|one| one.peak.as_ref()).map(|peak| peak.at)).min()
    }

    /// A row scrolls off.
    fn evict(&mut self, row: &avt::Line, now: Duration, ready: &mut Vec<Line>) {
        push_row(&mut self.begun, row);
        if row.is_wrapped() && self.begun.len() < MAX_LINE {
            return;
        }
        let text = std::mem::take(&mut self.begun);
        self.leave(text.trim_end().to_owned(), now, ready);
    }

    fn leave(&mut self, text: String, now: Duration, ready: &mut Vec<Line>) {
        let before = self.standing.pop_front().unwrap_or_default();
        let standing = if before.text == text { before } else { before.becomes(text, now, ready) };
        if standing.text.is_empty() {
            // Belongs to what it stands behind.
            ready.push(Line { at: self.last, text: String::new() });
        } else {
            self.last = self.last.max(standing.at);
            standing.leave(ready);
        }
    }

    fn flush(&mut self, ready: &mut Vec<Line>) {
        self.begun.clear();
        self.standing.drain(..).for_each(|standing| standing.leave(ready));
    }

    /// All that is on the primary screen goes, without the blank lines at its end.
    fn finish(&mut self, terminal: &Terminal, now: Duration, ready: &mut Vec<Line>) {
        let mut texts = joined(terminal.primary_screen().visible_lines(), &self.begun);
        self.begun.clear();
        while texts.last().is_some_and(String::is_empty) {
            texts.pop();
        }
        texts.into_iter().for_each(|text| self.leave(text, now, ready));
        self.standing.drain(..).for_each(|standing| standing.leave(ready));
    }
}

/// Looks on while the emulator works.
struct Watch<'a> {
    page: &'a mut Page,
    ready: &'a mut Vec<Line>,
    now: Duration,
}

impl Observer for Watch<'_> {
    type Output = ();

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        if matches!(operation, Operation::Function(Function::Ris)) {
            self.page.finish(context.terminal(), self.now, self.ready);
        }
    }

    fn evicted(&mut self, _: &mut Observation<'_>, line: &avt::Line) {
        self.page.evict(line, self.now, self.ready);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

/// The lines of rows, the first one behind what has scrolled off of it.
fn joined<'a>(rows: impl Iterator<Item = &'a avt::Line>, begun: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut text = begun.to_owned();
    let mut open = false;
    for row in rows {
        push_row(&mut text, row);
        open = row.is_wrapped();
        if !open {
            text.truncate(text.trim_end().len());
            texts.push(std::mem::take(&mut text));
        }
    }
    if open {
        text.truncate(text.trim_end().len());
        texts.push(text);
    }
    texts
}

fn push_row(text: &mut String, row: &avt::Line) {
    text.extend(row.chars().map(|c| if c.is_control() { ' ' } else { c }));
}

#[cfg(test)]
mod tests;
