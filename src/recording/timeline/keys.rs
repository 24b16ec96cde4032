//! Screens to begin at: one about every quarter of a mebibyte of output, so that a seek replays no more than that however long the
//! recording is. They stay within a bound: where they would not, every other one goes, and the next ones come half as often.

use super::super::screen::Screen;

/// Between two key screens there is so much output, in bytes, …
const BYTES: usize = 256 * 1024;
/// … or there are so many events.
const EVENTS: usize = 4096;
/// How much memory they take together, in bytes.
const ROOM: usize = 32 * 1024 * 1024;
/// What one takes beside its screen.
const OWN: usize = 96;
/// Their zstd level.
const LEVEL: i32 = 1;

/// The screen before an event.
struct Key {
    next: usize,
    size: (u16, u16),
    /// What [`Screen::dump`] said, packed, and how long that was.
    dump: Vec<u8>,
    length: usize,
}

impl Key {
    fn of(screen: &Screen, next: usize) -> Option<Self> {
        let dump = screen.dump();
        let packed = zstd::bulk::compress(dump.as_bytes(), LEVEL).ok()?;
        Some(Self { next, size: screen.size(), dump: packed, length: dump.len() })
    }

    fn weight(&self) -> usize {
        self.dump.len() + OWN
    }

    fn restored(&self, raw: bool) -> Screen {
        let dump = zstd::bulk::decompress(&self.dump, self.length).unwrap_or_default();
        Screen::restored(self.size, raw, &String::from_utf8_lossy(&dump))
    }
}

/// All key screens of a timeline.
pub(super) struct Keys {
    /// The size at the start, where nothing is to be seen.
    size: (u16, u16),
    keys: Vec<Key>,
    weight: usize,
    /// How many times as much as usual stands between two.
    stretch: usize,
    /// How much was shown since the last one.
    shown: usize,
}

impl Keys {
    pub(super) fn new(start: &Screen) -> Self {
        Self { size: start.size(), keys: vec![], weight: 0, stretch: 1, shown: 0 }
    }

    /// So much more was shown; the event of index `next` comes on top of `screen`.
    pub(super) fn note(&mut self, shown: usize, next: usize, screen: &Screen) {
        self.shown += shown;
        let (behind, length) = self.keys.last().map_or((next, 0), |last| (next - last.next, last.length));
        // A screen that is long to write down is written down less often.
        if self.shown >= (BYTES * self.stretch).max(length) || behind >= EVENTS * self.stretch {
            self.add(next, screen);
        }
    }

    pub(super) fn add(&mut self, next: usize, screen: &Screen) {
        // Without it a seek takes longer.
        let Some(key) = Key::of(screen, next) else { return };
        self.weight += key.weight();
        self.keys.push(key);
        self.shown = 0;
        while self.weight > ROOM && self.keys.len() > 1 {
            let mut keep = true;
            self.keys.retain(|_| {
                keep = !keep;
                keep
            });
            self.weight = self.keys.iter().map(Key::weight).sum();
            self.stretch *= 2;
        }
    }

    /// The last key screen before an event, and the event that comes on top of it.
    pub(super) fn before(&self, next: usize, raw: bool) -> (usize, Screen) {
        match self.keys.partition_point(|key| key.next <= next).checked_sub(1).map(|at| &self.keys[at]) {
            Some(key) => (key.next, key.restored(raw)),
            None => (0, Screen::new(self.size.0, self.size.1, raw)),
        }
    }

    /// Whether one stands behind an event and not behind another one.
    pub(super) fn is_between(&self, behind: usize, until: usize) -> bool {
        let at = self.keys.partition_point(|key| key.next <= behind);
        self.keys.get(at).is_some_and(|key| key.next <= until)
    }

    /// Their weight and number.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.weight, self.keys.len())
    }
}
