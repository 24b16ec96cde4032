//! A recording as something to move about in: its events by time, what happens where, and the screen at any moment.
//!
//! The screen at a moment is that of the last key screen before it, with the events since then. A key screen is kept about every
//! quarter of a mebibyte of output, so that a seek replays no more than that however long the recording is.

use std::time::Duration;

use super::{
    blocks,
    decode::{DecodeError, Decoder},
    event::{Event, Stream, What, settle},
    header::Header,
    screen::Screen,
};

/// Between two key screens there is at most so much output, in bytes.
const KEY_BYTES: usize = 256 * 1024;
/// Between two key screens there are at most so many events.
const KEY_EVENTS: usize = 4096;
/// Marks of the same kind that are nearer to each other than this are one.
const NEAR: Duration = Duration::from_secs(1);

/// A recording in memory. One that goes on grows by [`Timeline::push`].
pub struct Timeline {
    header: Header,
    events: Vec<Event>,
    marks: Vec<Mark>,
    keys: Vec<Key>,
    /// The screen after the last event, to take key screens from.
    tip: Screen,
    since_key: usize,
    damage: Option<DecodeError>,
}

/// A place where something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// What happens at a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Somebody typed, or a pipe sent.
    Input,
    /// Something came on standard error.
    Stderr,
    /// The terminal's size changed.
    Resize,
    /// A file was copied.
    File,
    /// Something could not be recorded.
    Lost,
    /// The command ended, could not run, or was ended.
    End,
}

impl Happening {
    /// A word for a page or a document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Stderr => "stderr",
            Self::Resize => "resize",
            Self::File => "file",
            Self::Lost => "lost",
            Self::End => "end",
        }
    }
}

/// The screen before an event.
struct Key {
    next: usize,
    size: (u16, u16),
    dump: String,
}

/// A moment in a recording, and the screen then.
pub struct Moment {
    /// When.
    pub at: Duration,
    /// What is to be seen.
    pub screen: Screen,
    /// The index of the first event that has not happened yet.
    pub next: usize,
}

impl Timeline {
    /// Of a recording of which nothing has happened yet.
    pub fn new(header: Header) -> Self {
        let tip = Screen::new(header.width, header.height, is_raw(&header));
        let keys = vec![Key { next: 0, size: tip.size(), dump: String::new() }];
        Self { header, events: vec![], marks: vec![], keys, tip, since_key: 0, damage: None }
    }

    /// Reads a recording: sealed, or plain asciicast v2. A cut one goes to the cut; so does a damaged one, see [`Self::damage`].
    ///
    /// # Errors
    /// It does not begin as a recording does.
    pub fn read(file: &[u8]) -> Result<Self, DecodeError> {
        let lines = blocks::lines(file);
        let mut decoder = Decoder::default();
        let fed = decoder.feed(&lines);
        decoder.finish();
        let Some(header) = decoder.header().cloned() else {
            fed?;
            return Err(DecodeError::Header("it has no end".into()));
        };
        let mut this = Self::new(header);
        let mut events: Vec<Event> = std::iter::from_fn(|| decoder.next_event()).collect();
        settle(&mut events);
        events.into_iter().for_each(|event| this.push(event));
        this.damage = fed.err();
        Ok(this)
    }

    /// Adds what happened next. A time before that of the last event counts as that one's.
    pub fn push(&mut self, mut event: Event) {
        event.at = event.at.max(self.total());
        self.mark(&event);
        self.tip.apply(&event.what);
        self.since_key += match &event.what {
            What::Bytes(_, bytes) => bytes.len(),
            _ => 0,
        };
        self.events.push(event);
        let behind = self.events.len() - self.keys.last().map_or(0, |key| key.next);
        if self.since_key >= KEY_BYTES || behind >= KEY_EVENTS {
            let (next, size) = (self.events.len(), self.tip.size());
            self.keys.push(Key { next, size, dump: self.tip.dump() });
            self.since_key = 0;
        }
    }

    fn mark(&mut self, event: &Event) {
        let what = match &event.what {
            What::Bytes(Stream::Stdout, _) => return,
            What::Bytes(Stream::Stdin, _) | What::InputRest { .. } => Happening::Input,
            What::Bytes(Stream::Stderr, _) => Happening::Stderr,
            // The first size says how the terminal was, not that something happened.
            What::Resize { .. } if event.at.is_zero() || self.events.is_empty() => return,
            What::Resize { .. } => Happening::Resize,
            What::File { .. } => Happening::File,
            What::Lost { .. } => Happening::Lost,
            What::Exit(_) | What::Failed(_) | What::Ended(_) => Happening::End,
        };
        if what == Happening::File {
            // A copy is one thing, however often it was told how far it is.
            self.marks.retain(|mark| mark.what != what);
        }
        let last = self.marks.iter().rev().find(|mark| mark.what == what);
        if last.is_none_or(|last| event.at - last.at >= NEAR) {
            self.marks.push(Mark { at: event.at, what });
        }
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All that happened, by time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Where something happens that a viewer may want to go to, by time.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The time of the last event.
    pub fn total(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |event| event.at)
    }

    /// Why the lines could not be read to their end, if so.
    pub fn damage(&self) -> Option<&DecodeError> {
        self.damage.as_ref()
    }

    /// How it ended: the command's end, or the gate's.
    pub fn ending(&self) -> Option<&What> {
        let ends = |what: &&What| matches!(what, What::Exit(_) | What::Failed(_) | What::Ended(_));
        self.events.iter().rev().map(|event| &event.what).take(16).find(ends)
    }

    /// The screen at a time, with everything that had happened until then.
    pub fn at(&self, at: Duration) -> Moment {
        let next = self.events.partition_point(|event| event.at <= at);
        self.before(next, at)
    }

    /// Right after the event of an index.
    pub fn after_event(&self, index: usize) -> Moment {
        let next = (index + 1).min(self.events.len());
        self.before(next, next.checked_sub(1).map_or(Duration::ZERO, |last| self.events[last].at))
    }

    fn before(&self, next: usize, at: Duration) -> Moment {
        let key = &self.keys[self.keys.partition_point(|key| key.next <= next).saturating_sub(1)];
        let screen = Screen::restored(key.size, is_raw(&self.header), &key.dump);
        let mut moment = Moment { at, screen, next: key.next };
        self.replay(&mut moment, next);
        moment
    }

    /// Moves a moment to a time: forward by what happens in between, backward by a new start. Whether its screen may have changed.
    pub fn advance(&self, moment: &mut Moment, to: Duration) -> bool {
        if to < moment.at {
            *moment = self.at(to);
            return true;
        }
        let next = moment.next + self.events[moment.next..].partition_point(|event| event.at <= to);
        // What lies far ahead is nearer from a key screen.
        let ahead = self.keys.partition_point(|key| key.next <= next).saturating_sub(1);
        if self.keys[ahead].next > moment.next {
            *moment = self.before(next, to);
            return true;
        }
        let changed = next > moment.next;
        self.replay(moment, next);
        moment.at = to;
        changed
    }

    fn replay(&self, moment: &mut Moment, next: usize) {
        for event in &self.events[moment.next..next] {
            moment.screen.apply(&event.what);
        }
        moment.next = next;
    }
}

/// Whether nothing turns a line feed into a new line: there was no terminal.
fn is_raw(header: &Header) -> bool {
    header.session.as_ref().is_some_and(|session| !session.terminal)
}

/// A time for people: `1:02:03`, `2:03`; whole seconds.
pub fn clock(at: Duration) -> String {
    let seconds = at.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(width: u16, height: u16) -> Header {
        let line = format!("{{\"version\":2,\"width\":{width},\"height\":{height}}}");
        serde_json::from_str(&line).unwrap()
    }

    fn output(at: u64, text: &str) -> Event {
        Event { at: Duration::from_millis(at), what: What::Bytes(Stream::Stdout, text.into()) }
    }

    fn texts(moment: &Moment) -> Vec<String> {
        moment.screen.rows().iter().map(|row| row.text()).collect()
    }

    #[test]
    fn the_screen_at_a_time_is_what_had_been_shown_until_then() {
        let mut timeline = Timeline::new(header(10, 2));
        for event in [output(1000, "one\r\n"), output(2000, "two"), output(3000, "\u{1b}[2J\u{1b}[Hthree")] {
            timeline.push(event);
        }
        timeline.push(Event { at: Duration::from_secs(4), what: What::Resize { width: 4, height: 3 } });
        timeline.push(Event { at: Duration::from_secs(5), what: What::Exit(3) });
        let at = |ms| texts(&timeline.at(Duration::from_millis(ms)));
        assert_eq!(at(999), ["", ""]);
        assert_eq!(at(1000), ["one", ""]);
        assert_eq!(at(2500), ["one", "two"]);
        assert_eq!(at(3000), ["three", ""]);
        assert_eq!(at(9000), ["thre", "e", ""]);
        assert_eq!(timeline.total(), Duration::from_secs(5));
        assert_eq!(timeline.ending(), Some(&What::Exit(3)));
        let marks: Vec<_> =
            timeline.marks().iter().map(|mark| (mark.at.as_secs(), mark.what.name())).collect();
        assert_eq!(marks, [(4, "resize"), (5, "end")]);
    }

    #[test]
    fn a_file_that_is_no_recording_is_refused_and_a_damaged_one_goes_to_the_damage() {
        assert!(matches!(Timeline::read(b"hello\n"), Err(DecodeError::Header(_))));
        assert!(matches!(Timeline::read(b""), Err(DecodeError::Header(_))));
        let file = b"{\"version\":2,\"width\":9,\"height\":1}\n[1,\"o\",\"a\"]\nx\n[2,\"o\",\"b\"]\n";
        let timeline = Timeline::read(file).unwrap();
        assert_eq!(timeline.total(), Duration::from_secs(1));
        assert_eq!(timeline.damage(), Some(&DecodeError::Line(3)));
    }

    #[test]
    fn an_hour_is_sought_through_in_a_tenth_of_a_second() {
        let mut timeline = Timeline::new(header(120, 40));
        let line = "\u{1b}[1;32muser@pod\u{1b}[0m:~$ a line of a long session, with some \u{1b}[31mcolour\u{1b}[0m\r\n";
        // Ten lines every tenth of a second.
        for n in 0..36_000 {
            timeline.push(output(n * 100, &line.repeat(10)));
        }
        let times = [3_599_000, 5_000, 1_800_000, 2_700_500, 899_900];
        let mut slowest = Duration::ZERO;
        for ms in times {
            let began = std::time::Instant::now();
            let moment = timeline.at(Duration::from_millis(ms));
            slowest = slowest.max(began.elapsed());
            assert!(texts(&moment)[0].starts_with("user@pod"));
        }
        // The tests are built without optimization, and the machine may be busy.
        assert!(slowest < Duration::from_millis(1000), "{slowest:?}");
    }

    proptest! {
        #[test]
        fn from_wherever_one_comes_the_screen_is_the_same(
            pieces in proptest::collection::vec(("(\\PC|\r\n|\u{1b}\\[[0-9;]{0,5}[ABCDHJKLMPXm@]|\u{1b}\\[\\?1049[hl]){0,12}", 1_u16..30, 1_u16..9), 1..12),
            seeks in proptest::collection::vec(0_u64..14, 1..6),
        ) {
            let mut timeline = Timeline::new(header(20, 5));
            for (n, (text, width, height)) in pieces.iter().enumerate() {
                let at = Duration::from_secs(n as u64 + 1);
                timeline.push(output(at.as_millis() as u64, text));
                if n % 3 == 2 {
                    timeline.push(Event { at, what: What::Resize { width: *width, height: *height } });
                }
                // Key screens everywhere.
                let (next, size) = (timeline.events.len(), timeline.tip.size());
                timeline.keys.push(Key { next, size, dump: timeline.tip.dump() });
            }
            let mut moment = timeline.at(Duration::ZERO);
            for to in seeks {
                let to = Duration::from_secs(to);
                timeline.advance(&mut moment, to);
                let mut plain = Screen::new(20, 5, false);
                for event in timeline.events.iter().filter(|event| event.at <= to) {
                    plain.apply(&event.what);
                }
                prop_assert_eq!(moment.screen.rows(), plain.rows());
                prop_assert_eq!(moment.screen.size(), plain.size());
            }
        }
    }
}
