//! How many requests one person may have open at a time, and the listener's counters.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Requests that one person may have open at a time, watches and tunnels among them.
pub(crate) const MAX_OPEN: usize = 512;

/// Counts what each person has open.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    open: Mutex<HashMap<String, usize>>,
}

/// One open request; its end gives the place back.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: Arc<Limits>,
    user: String,
}

impl Limits {
    /// A place for one more request of this person; None when all are taken.
    pub(crate) fn acquire(self: &Arc<Self>, user: &str) -> Option<Permit> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(user) {
            Some(count) if *count >= MAX_OPEN => return None,
            Some(count) => *count += 1,
            None => {
                open.insert(user.to_owned(), 1);
            }
        }
        Some(Permit { limits: self.clone(), user: user.to_owned() })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

/// Counters of the Kubernetes listener, for the metrics page.
#[derive(Debug, Default)]
pub struct KubeStats {
    requests: AtomicU64,
    refused: AtomicU64,
    upstream_failures: AtomicU64,
    tunnels: AtomicU64,
    open_tunnels: tokio::sync::watch::Sender<u64>,
    tunnel_bytes: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KubeCounts {
    /// Requests that arrived.
    pub requests: u64,
    /// Of these, refused by the gate itself.
    pub refused: u64,
    /// Of these, failed because the API server was not reached or did not answer.
    pub upstream_failures: u64,
    /// Tunnels that were opened.
    pub tunnels: u64,
    /// Tunnels that are open now.
    pub open_tunnels: u64,
    /// Bytes that ended tunnels carried, both ways together.
    pub tunnel_bytes: u64,
}

impl KubeStats {
    /// The counters now.
    pub fn counts(&self) -> KubeCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        KubeCounts {
            requests: read(&self.requests),
            refused: read(&self.refused),
            upstream_failures: read(&self.upstream_failures),
            tunnels: read(&self.tunnels),
            open_tunnels: *self.open_tunnels.borrow(),
            tunnel_bytes: read(&self.tunnel_bytes),
        }
    }

    /// Waits until no tunnel is open: tunnels outlive the connection tasks of the listener, so a gate that ends waits here too.
    pub async fn tunnels_closed(&self) {
        // The sender is in `self`, so the wait cannot fail.
        let _ = self.open_tunnels.subscribe().wait_for(|open| *open == 0).await;
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_refusal(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_upstream_failure(&self) {
        self.upstream_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn tunnel_opened(&self) {
        self.tunnels.fetch_add(1, Ordering::Relaxed);
        self.open_tunnels.send_modify(|open| *open += 1);
    }

    pub(super) fn tunnel_closed(&self, bytes: u64) {
        self.tunnel_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.open_tunnels.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e2_16_one_person_has_a_bounded_number_of_requests_and_others_are_not_touched() {
        let limits = Arc::new(Limits::default());
        let mut held: Vec<_> = (0..MAX_OPEN).map(|_| limits.acquire("alice").unwrap()).collect();
        assert!(limits.acquire("alice").is_none());
        assert!(limits.acquire("bob").is_some());
        held.pop();
        assert!(limits.acquire("alice").is_some());
        held.clear();
        assert!(limits.open.lock().unwrap().is_empty());
    }
}
