//! How many requests one person may have open at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
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
