//! How many requests and connections one person may have open at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::server::listener::Peer;

/// Requests that one person may have open at a time, watches and tunnels among them.
pub(crate) const MAX_OPEN: usize = 512;

/// Connections over which one person may have them.
pub(crate) const MAX_CONNECTIONS: usize = 512;

/// Counts what each person has open.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    people: Mutex<HashMap<String, Person>>,
}

/// What one person has open.
#[derive(Debug, Default)]
struct Person {
    requests: usize,
    /// Gone ones are swept when a new one comes.
    connections: Vec<Weak<Peer>>,
}

/// Why there is no place. The texts are for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// Too many requests.
    #[error(
        "you have {MAX_OPEN} requests open through the gate, and no more are allowed; close some and try again"
    )]
    Requests,
    /// Too many connections.
    #[error(
        "you have {MAX_CONNECTIONS} connections open to the gate, and no more are allowed; close some and try again"
    )]
    Connections,
}

/// One open request; its end gives the place back.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: Arc<Limits>,
    user: String,
}

impl Limits {
    /// A place for one more request of this person on this connection.
    pub(crate) fn acquire(self: &Arc<Self>, user: &str, peer: &Arc<Peer>) -> Result<Permit, Full> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let person = people.entry(user.to_owned()).or_default();
        if person.requests >= MAX_OPEN {
            return Err(Full::Requests);
        }
        // A Weak keeps its place in memory, so no later connection has the same address.
        if !person.connections.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(peer))) {
            person.connections.retain(|known| known.strong_count() > 0);
            if person.connections.len() >= MAX_CONNECTIONS {
                return Err(Full::Connections);
            }
            person.connections.push(Arc::downgrade(peer));
        }
        person.requests += 1;
        Ok(Permit { limits: self.clone(), user: user.to_owned() })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut people = self.limits.people.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(person) = people.get_mut(&self.user) {
            person.requests -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Arc<Peer> {
        let addr = ([127, 0, 0, 1], 1).into();
        Arc::new(Peer { addr, local: addr, certificates: vec![], alpn: None, server_name: None })
    }

    #[test]
    fn e2_16_one_person_has_a_bounded_number_of_requests_and_others_are_not_touched() {
        let (limits, peer) = (Arc::new(Limits::default()), peer());
        let mut held: Vec<_> = (0..MAX_OPEN).map(|_| limits.acquire("alice", &peer).unwrap()).collect();
        assert_eq!(limits.acquire("alice", &peer).unwrap_err(), Full::Requests);
        assert!(limits.acquire("bob", &peer).is_ok());
        held.pop();
        assert!(limits.acquire("alice", &peer).is_ok());
    }

    #[test]
    fn e2_16_one_person_has_a_bounded_number_of_connections() {
        let limits = Arc::new(Limits::default());
        let mut peers: Vec<_> = (0..MAX_CONNECTIONS).map(|_| peer()).collect();
        for peer in &peers {
            assert!(limits.acquire("alice", peer).is_ok());
        }
        assert_eq!(limits.acquire("alice", &peer()).unwrap_err(), Full::Connections);
        assert!(limits.acquire("alice", &peers[0]).is_ok(), "one that is there goes on");
        assert!(limits.acquire("bob", &peer()).is_ok());
        peers.pop();
        assert!(limits.acquire("alice", &peer()).is_ok(), "a closed one makes room");
    }
}
