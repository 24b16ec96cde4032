//! A piece of a timeline: some events in a row, where they are kept.

use std::{ops::Range, rc::Rc, time::Duration};

use super::{
    super::{blocks::Run, decode::Decoder, event::Event},
    Timeline,
};

/// How many bytes of lines are decoded at a time.
pub(super) const PIECE: usize = 64 * 1024;

/// Where events are kept.
#[derive(Clone)]
pub(super) enum Source {
    /// In a frame of the file, packed.
    Packed(Run),
    /// In these bytes of the file, as lines.
    Lines(Range<usize>),
    /// Here.
    Held(Rc<Vec<Event>>),
}

/// Events in a row.
pub(super) struct Chunk {
    pub(super) source: Source,
    /// Whether the header stands before them.
    pub(super) with_header: bool,
    /// The index of the first one.
    pub(super) first: usize,
    /// How many of them count.
    pub(super) count: usize,
    /// The times of the first and last one that count.
    pub(super) from: Duration,
    pub(super) to: Duration,
    /// The time of what is before them.
    pub(super) before: Duration,
}

impl Chunk {
    /// Hands out all events, with notes of what goes on.
    pub(super) fn each(&self, of: &Timeline, mut take: impl FnMut(Event)) {
        let unpacked;
        let lines = match &self.source {
            Source::Packed(run) => {
                unpacked = run.lines(&of.file).0;
                &unpacked[..]
            }
            Source::Lines(range) => of.file.get(range.clone()).unwrap_or_default(),
            Source::Held(events) => return events.iter().cloned().for_each(take),
        };
        let mut decoder =
            if self.with_header { Decoder::default() } else { Decoder::behind(of.header.clone()) };
        let mut last = self.before;
        for piece in lines.chunks(PIECE) {
            // It was read to the same fault before.
            let fed = decoder.feed(piece);
            while let Some(mut event) = decoder.next_event() {
                event.at = event.at.max(last);
                last = event.at;
                take(event);
            }
            if fed.is_err() {
                return;
            }
        }
    }

    /// All events.
    pub(super) fn events(&self, of: &Timeline) -> Vec<Event> {
        let mut all = Vec::with_capacity(self.count);
        self.each(of, |event| all.push(event));
        all
    }
}
