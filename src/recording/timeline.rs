//! A recording as something to move about in: its events by time, and the screen at any moment.
//!
//! The screen at a moment is that of the last key screen before it ([`keys`]), with the events since then. The events stay packed, as they
//! are in the file, and are unpacked frame by frame when they are needed: a few bytes of zstd can stand for very many.

use std::{cell::RefCell, rc::Rc, time::Duration};

use bytes::Bytes;

use super::{
    decode::DecodeError,
    event::{Event, Stream, What},
    header::Header,
    screen::Screen,
};

mod chunk;
mod keys;
mod read;
#[cfg(test)]
mod tests;

use chunk::{Chunk, Source};
use keys::Keys;

/// How many events from its end on it is looked for how it ended.
const LAST: usize = 16;

/// A recording in memory. One that goes on grows by [`Timeline::push`].
///
/// Notes of what goes on (`input-so-far` and `file-so-far`) show nothing: they are among [`Self::events`], the last of them alone, and are
/// not counted.
pub struct Timeline {
    header: Header,
    file: Bytes,
    chunks: Vec<Chunk>,
    /// The events of the chunk that was looked at last.
    loaded: RefCell<Option<(usize, Rc<Vec<Event>>)>>,
    keys: Keys,
    /// The screen after the last event, to take key screens from; none where nobody will go about.
    tip: Option<Screen>,
    count: usize,
    total: Duration,
    ending: Option<(usize, What)>,
    notes: Notes,
    /// Notes that were pushed and stand.
    pushed: [Option<Event>; 2],
    damage: Option<DecodeError>,
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
        Self::over(header, Bytes::new(), true)
    }

    fn over(header: Header, file: Bytes, watched: bool) -> Self {
        let start = Screen::new(header.width, header.height, is_raw(&header));
        Self {
            header,
            file,
            chunks: vec![],
            loaded: RefCell::default(),
            keys: Keys::new(&start),
            tip: watched.then_some(start),
            count: 0,
            total: Duration::ZERO,
            ending: None,
            notes: Notes::default(),
            pushed: [None, None],
            damage: None,
        }
    }

    /// Reads a recording: sealed, or plain asciicast v2. A cut one goes to the cut; what can be read of a damaged one is there, see
    /// [`Self::damage`].
    ///
    /// # Errors
    /// It does not begin as a recording does.
    pub fn read(file: impl Into<Bytes>) -> Result<Self, DecodeError> {
        read::Pass::over(file.into(), true)
    }

    /// The same for those who only go through its events: to show a moment takes as long as all that comes before it.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_events(file: impl Into<Bytes>) -> Result<Self, DecodeError> {
        read::Pass::over(file.into(), false)
    }

    /// Adds what happened next. A time before that of the last event counts as that one's.
    pub fn push(&mut self, mut event: Event) {
        event.at = event.at.max(self.total);
        if !matches!(self.chunks.last(), Some(Chunk { source: Source::Held(_), .. })) {
            self.begin(Source::Held(Rc::default()), false);
        }
        self.hear(&event);
        if let Some((kind, so_far)) = note(&event.what) {
            self.pushed[kind] = None;
            if so_far {
                self.pushed[kind] = Some(event);
                return;
            }
        }
        if let Some(Chunk { source: Source::Held(events), .. }) = self.chunks.last_mut() {
            Rc::make_mut(events).push(event);
        }
    }

    /// What is heard from now on comes from another place.
    fn begin(&mut self, source: Source, with_header: bool) {
        let (from, before) = (self.total, self.total);
        self.chunks.push(Chunk { source, with_header, first: self.count, count: 0, from, to: from, before });
    }

    /// Takes the next event of the last chunk into account.
    fn hear(&mut self, event: &Event) {
        let at = event.at.max(self.total);
        self.total = at;
        self.notes.hear(&event.what);
        let Some(chunk) = self.chunks.last_mut().filter(|_| !is_so_far(&event.what)) else { return };
        if chunk.count == 0 {
            chunk.from = at;
        }
        chunk.to = at;
        chunk.count += 1;
        self.count += 1;
        match &event.what {
            What::Exit(_) | What::Failed(_) | What::Ended(_) => {
                self.ending = Some((self.count, event.what.clone()));
            }
            _ => {}
        }
        let shown = match &event.what {
            What::Bytes(Stream::Stdout | Stream::Stderr, bytes) => bytes.len(),
            _ => 0,
        };
        if let Some(tip) = &mut self.tip {
            tip.apply(&event.what);
            self.keys.note(shown, self.count, tip);
        }
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All that happened, by time. Of the notes of what went on there is none in whose place a later one stands.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let mut notes = Notes::default();
        let packed = self.chunks.iter().flat_map(|chunk| chunk.events(self));
        let standing = packed.filter(move |event| {
            notes.hear(&event.what);
            note(&event.what).is_none_or(|(kind, so_far)| {
                !so_far || notes.seen[kind] == self.notes.seen[kind] && self.notes.stands[kind]
            })
        });
        standing.chain(self.pushed.iter().flatten().cloned())
    }

    /// How many events there are that count.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The time of the event of an index.
    pub fn time_of(&self, index: usize) -> Option<Duration> {
        let n = self.chunk_of(index)?;
        let chunk = &self.chunks[n];
        match index - chunk.first {
            0 => Some(chunk.from),
            last if last + 1 == chunk.count => Some(chunk.to),
            between => self.load(n).get(between).map(|event| event.at),
        }
    }

    /// The time of the last event.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// The first thing that could not be read, if there was any.
    pub fn damage(&self) -> Option<&DecodeError> {
        self.damage.as_ref()
    }

    /// How it ended: the command's end, or the gate's.
    pub fn ending(&self) -> Option<&What> {
        self.ending.as_ref().filter(|(at, _)| self.count - at < LAST).map(|(_, what)| what)
    }

    /// The screen at a time, with everything that had happened until then.
    pub fn at(&self, at: Duration) -> Moment {
        self.before(self.index(at), at)
    }

    /// Right after the event of an index.
    pub fn after_event(&self, index: usize) -> Moment {
        let next = (index + 1).min(self.count);
        let last = next.checked_sub(1).and_then(|last| self.time_of(last));
        self.before(next, last.unwrap_or_default())
    }

    /// Moves a moment behind its next event. False if there is none.
    pub fn step(&self, moment: &mut Moment) -> bool {
        let Some(at) = self.time_of(moment.next) else { return false };
        self.replay(moment, moment.next + 1);
        moment.at = at;
        true
    }

    fn before(&self, next: usize, at: Duration) -> Moment {
        let (from, screen) = self.keys.before(next, is_raw(&self.header));
        let mut moment = Moment { at, screen, next: from };
        self.replay(&mut moment, next);
        moment
    }

    /// Moves a moment to a time: forward by what happens in between, backward by a new start. Whether its screen may have changed.
    pub fn advance(&self, moment: &mut Moment, to: Duration) -> bool {
        if to < moment.at {
            *moment = self.at(to);
            return true;
        }
        let next = self.index(to).max(moment.next);
        // What lies far ahead is nearer from a key screen.
        if self.keys.is_between(moment.next, next) {
            *moment = self.before(next, to);
            return true;
        }
        let changed = next > moment.next;
        self.replay(moment, next);
        moment.at = to;
        changed
    }

    fn replay(&self, moment: &mut Moment, next: usize) {
        while moment.next < next
            && let Some(n) = self.chunk_of(moment.next)
        {
            let (events, first) = (self.load(n), self.chunks[n].first);
            let end = (next - first).min(events.len());
            for event in events.get(moment.next - first..end).unwrap_or_default() {
                moment.screen.apply(&event.what);
            }
            moment.next = first + end;
        }
    }

    /// How many events have happened at a time.
    fn index(&self, at: Duration) -> usize {
        let Some(n) = self.chunks.partition_point(|chunk| chunk.from <= at).checked_sub(1) else { return 0 };
        let chunk = &self.chunks[n];
        chunk.first
            + if chunk.to <= at { chunk.count } else { self.load(n).partition_point(|event| event.at <= at) }
    }

    /// The chunk that has the event of an index.
    fn chunk_of(&self, index: usize) -> Option<usize> {
        let behind = self.chunks.partition_point(|chunk| chunk.first <= index);
        behind.checked_sub(1).filter(|_| index < self.count)
    }

    /// The events of a chunk that count.
    fn load(&self, n: usize) -> Rc<Vec<Event>> {
        let chunk = &self.chunks[n];
        if let Source::Held(events) = &chunk.source {
            return events.clone();
        }
        let mut loaded = self.loaded.borrow_mut();
        if let Some((of, events)) = &*loaded
            && *of == n
        {
            return events.clone();
        }
        // No two at once.
        *loaded = None;
        let mut events = Vec::with_capacity(chunk.count);
        chunk.each(self, |event| {
            if !is_so_far(&event.what) {
                events.push(event);
            }
        });
        let events = Rc::new(events);
        *loaded = Some((n, events.clone()));
        events
    }
}

/// Notes of what goes on, of input and of files: how many there were, and whether the last one stands.
#[derive(Default)]
struct Notes {
    seen: [usize; 2],
    stands: [bool; 2],
}

impl Notes {
    fn hear(&mut self, what: &What) {
        if let Some((kind, so_far)) = note(what) {
            self.seen[kind] += usize::from(so_far);
            self.stands[kind] = so_far;
        }
    }
}

/// Of what a note tells, and whether a later one takes its place.
fn note(what: &What) -> Option<(usize, bool)> {
    match what {
        What::InputRest { so_far, .. } => Some((0, *so_far)),
        What::File { so_far, .. } => Some((1, *so_far)),
        _ => None,
    }
}

fn is_so_far(what: &What) -> bool {
    note(what).is_some_and(|(_, so_far)| so_far)
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
