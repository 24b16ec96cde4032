//! What the demo GitHub remembers: people, codes and tokens, all in memory.

use std::{
    collections::HashMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use ring::rand::{SecureRandom, SystemRandom};

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoUser {
    /// The login name.
    pub login: String,
    /// The account's number.
    pub id: u64,
    /// Teams: organisation and slug.
    pub teams: Vec<(String, String)>,
}

impl DemoUser {
    /// A person with an account and teams.
    pub fn new(login: &str, id: u64, teams: &[(&str, &str)]) -> Self {
        let teams = teams.iter().map(|(org, slug)| ((*org).to_owned(), (*slug).to_owned())).collect();
        Self { login: login.to_owned(), id, teams }
    }
}

/// What is broken, for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Every answer is 503.
    Down,
    /// Every answer takes so many seconds more.
    Slow(u64),
    /// Every answer is JSON that breaks off.
    Nonsense,
}

/// A code that was given out and not yet redeemed.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) user: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) challenge: Option<String>,
    pub(super) made: Instant,
}

/// A token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) user: String,
    pub(super) scope: String,
}

pub(super) struct Memory {
    pub(super) redirect_uri: String,
    pub(super) users: Vec<DemoUser>,
    pub(super) fault: Fault,
    pub(super) authorizations: usize,
    pub(super) codes: HashMap<String, Code>,
    pub(super) tokens: HashMap<String, Token>,
}

pub(super) struct Shared {
    pub(super) base: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    memory: Mutex<Memory>,
}

impl Shared {
    pub(super) fn new(base: String, client_id: String, client_secret: String) -> Self {
        let users = vec![
            DemoUser::new("alice", 1001, &[("octocats", "admins"), ("octocats", "devs"), ("hobby", "chess")]),
            DemoUser::new("bob", 1002, &[("octocats", "devs")]),
            DemoUser::new("mallory", 1003, &[]),
        ];
        let memory = Memory {
            redirect_uri: String::new(),
            users,
            fault: Fault::None,
            authorizations: 0,
            codes: HashMap::new(),
            tokens: HashMap::new(),
        };
        Self { base, client_id, client_secret, memory: Mutex::new(memory) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Random bytes in hex.
pub(super) fn hex_bytes(count: usize) -> io::Result<String> {
    let mut bytes = vec![0; count];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(hex::encode(bytes))
}
