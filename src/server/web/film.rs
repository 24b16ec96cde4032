//! A recording as a film: what its screen showed, frame by frame, for the player of `/web`.
//!
//! A film is lines of JSON. Each is an array that begins with the time in milliseconds and a letter:
//!
//! - `[T,"k",COLUMNS,ROWS,CHANGES,CURSOR]`: a key screen; rows that `CHANGES` does not name are blank.
//! - `[T,"d",SCROLLED,CHANGES,CURSOR]`: all rows went up by `SCROLLED`, blank ones came in at the bottom, then these changed.
//! - `[T,"x"]`: the time up to which nothing more happened.
//!
//! `CHANGES` are `[Y,WRAPPED,SPAN…]`, a row each; a span is `[TEXT,COLUMNS]` or `[TEXT,COLUMNS,FLAGS,FOREGROUND,BACKGROUND]`, its
//! colours a number of xterm's palette, `"#rrggbb"`, or null. `CURSOR` is `[X,Y]` or null.
//!
//! A film comes in parts, each of which begins with a key screen: a player that goes to a moment needs one part only.

use std::time::Duration;

use serde_json::{Value, json};

use crate::recording::{
    Event, Header, What,
    decode::{DecodeError, Decoder},
    event::Stream,
    screen::{Colour, Row, Screen, Span, Style},
};

/// The most frames in a second.
const RATE: u128 = 30;
/// A part is at most so long, …
const PART: Duration = Duration::from_secs(300);
/// … or has at most so many bytes, and a little more.
const PART_BYTES: usize = 2 * 1024 * 1024;

/// Until then a terminal tells its first size.
const SIZED: Duration = Duration::from_millis(500);

/// A line of a film, and the part that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) part: usize,
    pub(super) at: Duration,
    pub(super) text: String,
}

/// Turns the lines of a recording into those of a film.
#[derive(Default)]
pub(super) struct Film {
    decoder: Decoder,
    stage: Option<Stage>,
}

/// A film whose header was read.
struct Stage {
    screen: Screen,
    /// What the viewer has on the screen.
    shown: Vec<Row>,
    size: (u16, u16),
    cursor: Option<(u16, u16)>,
    /// The time of the last event that may have changed the screen since the last frame.
    dirty: Option<Duration>,
    last: Duration,
    part: usize,
    part_begin: Duration,
    part_bytes: usize,
    begun: bool,
}

impl Film {
    /// Takes the next bytes of a recording's lines. `see` gets every event, and says whether it goes on: a few bytes may keep a
    /// terminal busy for long. The frames that are done are added to `out`.
    ///
    /// # Errors
    /// The lines are none of a recording. What was before is in `out`.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        see: &mut impl FnMut(&Header, &Event) -> bool,
        out: &mut Vec<Line>,
    ) -> Result<(), DecodeError> {
        let fed = self.decoder.feed(bytes);
        self.advance(see, out);
        fed
    }

    /// The end: what is not shown yet is a frame, and a last line tells how long the film is.
    pub(super) fn finish(&mut self, see: &mut impl FnMut(&Header, &Event) -> bool, out: &mut Vec<Line>) {
        self.decoder.finish();
        self.advance(see, out);
        self.flush(out);
        if let Some(stage) = &mut self.stage {
            stage.begin(out);
            let at = stage.last;
            stage.push(at, json!([millis(at), "x"]), out);
        }
    }

    /// Shows what has happened by now, without waiting for the frame to be over.
    pub(super) fn flush(&mut self, out: &mut Vec<Line>) {
        if let Some(stage) = &mut self.stage
            && let Some(at) = stage.dirty.take()
        {
            stage.frame(at, out);
        }
    }

    /// Whether something is not shown yet.
    pub(super) fn is_dirty(&self) -> bool {
        self.stage.as_ref().is_some_and(|stage| stage.dirty.is_some())
    }

    /// A key screen of now.
    pub(super) fn key(&mut self) -> Option<Line> {
        let stage = self.stage.as_mut()?;
        stage.dirty = None;
        stage.begun = true;
        let at = stage.last;
        stage.look();
        Some(Line { part: stage.part, at, text: stage.key_text(at).to_string() })
    }

    fn advance(&mut self, see: &mut impl FnMut(&Header, &Event) -> bool, out: &mut Vec<Line>) {
        let Some(header) = self.decoder.header().cloned() else { return };
        let stage = self.stage.get_or_insert_with(|| Stage::new(&header));
        while let Some(event) = self.decoder.next_event() {
            if !see(&header, &event) {
                return;
            }
            stage.take(&event, out);
        }
    }
}

impl Stage {
    fn new(header: &Header) -> Self {
        let raw = header.session.as_ref().is_some_and(|session| !session.terminal);
        let screen = Screen::new(header.width, header.height, raw);
        let (shown, size, cursor) = (screen.rows(), screen.size(), screen.cursor());
        Self {
            screen,
            shown,
            size,
            cursor,
            dirty: None,
            last: Duration::ZERO,
            part: 0,
            part_begin: Duration::ZERO,
            part_bytes: 0,
            begun: false,
        }
    }

    fn take(&mut self, event: &Event, out: &mut Vec<Line>) {
        let at = event.at.max(self.last);
        if let Some(dirty) = self.dirty
            && slot(at) != slot(dirty)
        {
            self.dirty = None;
            self.frame(dirty, out);
        }
        self.last = at;
        let changes =
            matches!(event.what, What::Bytes(Stream::Stdout | Stream::Stderr, _) | What::Resize { .. });
        if changes {
            self.screen.apply(&event.what);
            if matches!(event.what, What::Resize { .. }) && self.dirty.is_none() && !self.begun && at <= SIZED
            {
                // The size that comes right after the beginning is how the terminal was all along.
                return self.look();
            }
            self.dirty = Some(at);
        }
    }

    /// The first key screen, of the time before anything happened.
    fn begin(&mut self, out: &mut Vec<Line>) {
        if !self.begun {
            self.begun = true;
            let text = self.key_text(Duration::ZERO);
            self.push(Duration::ZERO, text, out);
        }
    }

    fn frame(&mut self, at: Duration, out: &mut Vec<Line>) {
        self.begin(out);
        if at >= self.part_begin + PART || self.part_bytes >= PART_BYTES {
            self.part += 1;
            self.part_begin = at;
            self.part_bytes = 0;
            self.look();
            let text = self.key_text(at);
            return self.push(at, text, out);
        }
        if self.screen.size() != self.size {
            self.look();
            let text = self.key_text(at);
            return self.push(at, text, out);
        }
        let (rows, cursor) = (self.screen.rows(), self.screen.cursor());
        let scrolled = scrolled(&self.shown, &rows);
        self.shown.drain(..scrolled);
        self.shown.resize(rows.len(), Row::default());
        let changed = rows.iter().zip(&self.shown).enumerate().filter(|(_, (new, old))| new != old);
        let changes: Vec<Value> = changed.map(|(y, (row, _))| row_value(y, row)).collect();
        if changes.is_empty() && scrolled == 0 && cursor == self.cursor {
            return;
        }
        (self.shown, self.cursor) = (rows, cursor);
        let text = json!([millis(at), "d", scrolled, changes, cursor_value(cursor)]);
        self.push(at, text, out);
    }

    /// Takes over what the screen shows.
    fn look(&mut self) {
        (self.shown, self.size, self.cursor) = (self.screen.rows(), self.screen.size(), self.screen.cursor());
    }

    fn key_text(&self, at: Duration) -> Value {
        let rows = self.shown.iter().enumerate().filter(|(_, row)| **row != Row::default());
        let rows: Vec<Value> = rows.map(|(y, row)| row_value(y, row)).collect();
        json!([millis(at), "k", self.size.0, self.size.1, rows, cursor_value(self.cursor)])
    }

    fn push(&mut self, at: Duration, value: Value, out: &mut Vec<Line>) {
        let text = value.to_string();
        self.part_bytes += text.len();
        out.push(Line { part: self.part, at, text });
    }
}

/// By how many rows the old ones went up, if that leaves less to tell.
fn scrolled(old: &[Row], new: &[Row]) -> usize {
    let kept = |by: usize| {
        old[by..].iter().zip(new).filter(|(old, new)| old == new && **new != Row::default()).count()
    };
    let still = kept(0);
    let best =
        (1..old.len()).filter(|by| old[*by] == new[0]).map(|by| (kept(by), by)).max_by_key(|(kept, by)| {
            // Of several the least.
            (*kept, usize::MAX - by)
        });
    best.filter(|(kept, _)| *kept > still).map_or(0, |(_, by)| by)
}

fn slot(at: Duration) -> u128 {
    at.as_millis() * RATE / 1000
}

pub(super) fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

fn cursor_value(cursor: Option<(u16, u16)>) -> Value {
    cursor.map_or(Value::Null, |(x, y)| json!([x, y]))
}

fn row_value(y: usize, row: &Row) -> Value {
    let mut all = vec![json!(y), json!(u8::from(row.wrapped))];
    all.extend(row.spans.iter().map(span_value));
    Value::Array(all)
}

fn span_value(span: &Span) -> Value {
    let style = &span.style;
    if *style == Style::default() {
        return json!([span.text, span.columns]);
    }
    let flags =
        [style.bold, style.faint, style.italic, style.underline, style.strike, style.blink, style.inverse];
    let flags = flags.iter().enumerate().fold(0_u8, |all, (bit, on)| all | (u8::from(*on) << bit));
    json!([span.text, span.columns, flags, colour_value(style.foreground), colour_value(style.background)])
}

fn colour_value(colour: Option<Colour>) -> Value {
    match colour {
        None => Value::Null,
        Some(Colour::Indexed(index)) => json!(index),
        Some(Colour::Rgb(r, g, b)) => json!(format!("#{r:02x}{g:02x}{b:02x}")),
    }
}

#[cfg(test)]
mod tests;
