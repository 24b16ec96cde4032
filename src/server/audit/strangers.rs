//! Events that strangers cause: each address has a bucket of them, and what is over is left out and told as one sum, so that nobody
//! without a login can fill the disk.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::{super::limit::RateLimit, Event};

/// How many events of one address are written at once, and how many a second after that.
const BURST: u32 = 30;
const PER_SECOND: f64 = 0.2;
/// How long after the first event that is left out the sum is written.
pub(super) const SUM_AFTER: Duration = Duration::from_secs(60);

/// Who has caused how much.
#[derive(Debug)]
pub(super) struct Strangers {
    limit: RateLimit,
    left_out: AtomicU64,
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is written.
    Write,
    /// It is not, and is the first of the next sum.
    First,
    /// It is not, and a sum is on its way.
    LeaveOut,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { limit: RateLimit::new(BURST, PER_SECOND), left_out: AtomicU64::new(0) }
    }
}

impl Strangers {
    /// Says whether an event is written; counts it if it is not.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Admission {
        if self.limit.take(address, now) {
            return Admission::Write;
        }
        match self.left_out.fetch_add(1, Ordering::Relaxed) {
            0 => Admission::First,
            _ => Admission::LeaveOut,
        }
    }

    /// The sum of what was left out since the last one, if there is any.
    pub(super) fn sum(&self) -> Option<Event> {
        match self.left_out.swap(0, Ordering::Relaxed) {
            0 => None,
            count => Some(Event::LeftOut { count }),
        }
    }
}
