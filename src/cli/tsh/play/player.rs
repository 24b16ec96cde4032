//! Where a film stands and how it goes on. Nothing here looks at a clock or a terminal.

use std::time::Duration;

use super::keys::Key;
use crate::recording::{
    Event,
    timeline::{Moment, Timeline},
};

/// The speeds that + and - go through.
const SPEEDS: [f64; 6] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// How to play.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// How fast.
    pub(crate) speed: f64,
    /// What pauses are cut to.
    pub(crate) skip: Option<Duration>,
    /// Where to begin.
    pub(crate) from: Option<Duration>,
}

/// A film that plays or stands.
pub(crate) struct Player {
    timeline: Timeline,
    moment: Moment,
    playing: bool,
    speed: f64,
    skip: Option<Duration>,
    /// The session goes on: its end is not the end.
    pub(super) live: bool,
}

impl Player {
    /// At its beginning, or where the settings say, and playing.
    pub(crate) fn new(timeline: Timeline, settings: Settings) -> Self {
        let moment = timeline.at(settings.from.unwrap_or_default().min(timeline.total()));
        let mut this =
            Self { timeline, moment, playing: true, speed: settings.speed, skip: settings.skip, live: false };
        this.settle();
        this
    }

    /// Of a session that goes on, at what happens now.
    pub(crate) fn of_live(timeline: Timeline) -> Self {
        let moment = timeline.at(timeline.total());
        Self { timeline, moment, playing: true, speed: 1.0, skip: None, live: true }
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(super) fn moment(&self) -> &Moment {
        &self.moment
    }

    pub(super) fn is_playing(&self) -> bool {
        self.playing
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.moment.at >= self.timeline.total() && self.moment.next == self.timeline.count()
    }

    /// More happened in a live session. Who looks at its end sees it at once.
    pub(super) fn push(&mut self, events: impl IntoIterator<Item = Event>) {
        let follows = self.playing && self.is_at_end();
        events.into_iter().for_each(|event| self.timeline.push(event));
        if follows {
            self.timeline.advance(&mut self.moment, self.timeline.total());
        }
    }

    /// A key that the film itself understands.
    pub(super) fn press(&mut self, key: Key) {
        match key {
            Key::Pause if !self.playing && self.is_at_end() && !self.live => {
                self.go(Duration::ZERO);
                self.playing = true;
            }
            Key::Pause => self.playing = !self.playing,
            Key::Seek(by) => {
                let way = Duration::from_secs_f64(by.abs());
                let at = self.moment.at;
                self.go(if by < 0.0 { at.saturating_sub(way) } else { at + way });
            }
            Key::Step(forward) => self.step(forward),
            Key::Speed(up) => {
                let mut speeds: Vec<f64> = SPEEDS.to_vec();
                if !up {
                    speeds.reverse();
                }
                let next = |speed: &f64| if up { *speed > self.speed } else { *speed < self.speed };
                self.speed = speeds.into_iter().find(next).unwrap_or(self.speed);
            }
            Key::Tenth(tenth) => self.go(self.timeline.total() * u32::from(tenth) / 10),
            Key::End => self.go(self.timeline.total()),
            Key::Quit | Key::Interrupt | Key::Suspend => {}
        }
        self.settle();
    }

    /// A film stands at its end; a live session's end is not the end.
    fn settle(&mut self) {
        self.playing &= self.live || !self.is_at_end();
    }

    fn go(&mut self, to: Duration) {
        self.timeline.advance(&mut self.moment, to.min(self.timeline.total()));
    }

    /// To the next event that changes something, or the one before, and stands there.
    fn step(&mut self, forward: bool) {
        self.playing = false;
        let before = self.moment.screen.rows();
        loop {
            if forward && !self.timeline.step(&mut self.moment) {
                return;
            }
            if !forward {
                // After the event before the last one that happened.
                match self.moment.next {
                    index @ 2.. => self.moment = self.timeline.after_event(index - 2),
                    _ => return self.go(Duration::ZERO),
                }
            }
            if self.moment.screen.rows() != before || self.moment.next == self.timeline.count() {
                return;
            }
        }
    }

    /// So much time passes for the viewer. Whether the film changed.
    pub(super) fn elapse(&mut self, time: Duration) -> bool {
        if !self.playing || self.is_at_end() {
            return false;
        }
        let mut left = time.mul_f64(self.speed);
        let mut changed = false;
        while !left.is_zero() && !self.is_at_end() {
            let (stop, then) = self.stretch();
            if self.moment.at < stop {
                let step = left.min(stop - self.moment.at);
                let to = self.moment.at + step;
                changed |= self.timeline.advance(&mut self.moment, to);
                left -= step;
            } else {
                changed |= self.timeline.advance(&mut self.moment, then);
            }
        }
        self.settle();
        changed || !self.playing
    }

    /// How far it plays on, and where it is then: idle time in between is skipped.
    fn stretch(&self) -> (Duration, Duration) {
        let total = self.timeline.total();
        let Some(skip) = self.skip else { return (total, total) };
        let time_of = |index| self.timeline.time_of(index);
        let next = time_of(self.moment.next).unwrap_or(total);
        let last = self.moment.next.checked_sub(1).and_then(time_of).unwrap_or_default();
        if next - last > skip { (last + skip, next) } else { (next, next) }
    }

    /// How long nothing changes for the viewer; none while nothing does.
    pub(super) fn until_next(&self) -> Option<Duration> {
        if !self.playing || self.is_at_end() {
            return None;
        }
        let (stop, _) = self.stretch();
        let next = self.timeline.time_of(self.moment.next).unwrap_or(stop);
        Some(next.min(stop).saturating_sub(self.moment.at).div_f64(self.speed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{What, event::Stream};

    /// Events at these seconds; each writes its number.
    fn player(times: &[u64], skip: Option<u64>) -> Player {
        let mut timeline =
            Timeline::new(serde_json::from_str("{\"version\":2,\"width\":40,\"height\":2}").unwrap());
        for (n, at) in times.iter().enumerate() {
            let bytes = format!("{n} ").into_bytes();
            timeline.push(Event { at: Duration::from_secs(*at), what: What::Bytes(Stream::Stdout, bytes) });
        }
        let settings = Settings { speed: 1.0, skip: skip.map(Duration::from_secs), from: None };
        Player::new(timeline, settings)
    }

    fn shows(player: &Player) -> String {
        player.moment().screen.rows()[0].text()
    }

    #[test]
    fn time_passes_at_the_speed_and_stops_at_the_end() {
        let mut film = player(&[1, 2, 10], None);
        assert_eq!(film.until_next(), Some(Duration::from_secs(1)));
        assert!(!film.elapse(Duration::from_millis(900)));
        assert!(film.elapse(Duration::from_millis(200)));
        assert_eq!(shows(&film), "0");
        film.press(Key::Speed(true));
        film.elapse(Duration::from_millis(450));
        assert_eq!(shows(&film), "0 1");
        film.elapse(Duration::from_secs(60));
        assert_eq!((shows(&film).as_str(), film.is_playing(), film.is_at_end()), ("0 1 2", false, true));
        film.press(Key::Pause);
        assert_eq!((shows(&film).as_str(), film.is_playing()), ("", true));
    }

    #[test]
    fn pauses_are_cut_to_what_is_asked() {
        let mut film = player(&[1, 100, 101, 500], Some(2));
        film.elapse(Duration::from_millis(2900));
        assert_eq!(shows(&film), "0");
        film.elapse(Duration::from_millis(200));
        assert_eq!(shows(&film), "0 1");
        film.elapse(Duration::from_secs(1));
        assert_eq!(shows(&film), "0 1 2");
        film.elapse(Duration::from_secs(2));
        assert_eq!(shows(&film), "0 1 2 3");
    }

    #[test]
    fn keys_move_about() {
        let mut film = player(&[1, 2, 10], None);
        film.press(Key::Seek(5.0));
        assert_eq!(shows(&film), "0 1");
        film.press(Key::Step(true));
        assert_eq!((shows(&film).as_str(), film.is_playing()), ("0 1 2", false));
        film.press(Key::Step(false));
        film.press(Key::Step(false));
        assert_eq!(shows(&film), "0");
        film.press(Key::Step(false));
        assert_eq!(shows(&film), "");
        film.press(Key::Tenth(5));
        assert_eq!(film.moment().at, Duration::from_secs(5));
        film.press(Key::Seek(-60.0));
        assert_eq!(film.moment().at, Duration::ZERO);
        film.press(Key::End);
        assert!(film.is_at_end());
    }

    #[test]
    fn a_live_session_is_followed_until_the_viewer_stops() {
        let mut film = player(&[1], None);
        film.live = true;
        film.press(Key::End);
        assert!(film.is_playing());
        let more = |at, text: &str| Event {
            at: Duration::from_secs(at),
            what: What::Bytes(Stream::Stdout, text.into()),
        };
        film.push([more(5, "a")]);
        assert_eq!(shows(&film), "0 a");
        film.press(Key::Pause);
        film.push([more(6, "b")]);
        assert_eq!(shows(&film), "0 a");
        film.press(Key::End);
        assert_eq!(shows(&film), "0 ab");
    }
}
