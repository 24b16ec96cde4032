//! Requests that a client gives up before they are answered. Each costs the gate, and the API server behind it, more than the
//! client, and HTTP/2 lets a connection begin and reset them without end (rapid reset, CVE-2023-44487).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

/// As many may be given up at once: all that a connection can have open.
const BURST: f64 = 250.0;
/// And so many each second after that.
const PER_SECOND: f64 = 5.0;

/// Counts those of one connection.
#[derive(Debug)]
pub(super) struct Cancelled {
    bucket: Mutex<(f64, Instant)>,
    too_many: Notify,
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct Unanswered(Option<Arc<Cancelled>>);

impl Cancelled {
    /// None so far.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { bucket: Mutex::new((BURST, Instant::now())), too_many: Notify::new() })
    }

    /// A request came.
    pub(super) fn watch(self: &Arc<Self>) -> Unanswered {
        Unanswered(Some(self.clone()))
    }

    /// Waits until there were too many.
    pub(super) async fn too_many(&self) {
        self.too_many.notified().await;
    }

    fn count(&self, now: Instant) {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.saturating_duration_since(bucket.1).as_secs_f64() * PER_SECOND;
        let left = (bucket.0 + gained).min(BURST) - 1.0;
        *bucket = (left, now);
        if left < 0.0 {
            self.too_many.notify_one();
        }
    }
}

impl Unanswered {
    /// It was answered.
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(cancelled) = self.0.take() {
            cancelled.count(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn some_may_be_given_up_and_many_only_slowly() {
        let cancelled = Cancelled::new();
        let mut now = Instant::now();
        for _ in 0..200 {
            cancelled.count(now);
            cancelled.watch().answered();
        }
        for _ in 0..1000 {
            now += Duration::from_millis(250);
            cancelled.count(now);
        }
        assert!(cancelled.too_many().now_or_never().is_none());
        for _ in 0..260 {
            drop(cancelled.watch());
        }
        assert!(cancelled.too_many().now_or_never().is_some());
    }
}
