//! What the demo GitHub knows: accounts, and the codes and tokens that it gave out.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use ring::rand::{SecureRandom, SystemRandom};

/// A GitHub account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// GitHub's numeric id.
    pub id: u64,
    /// Teams as (organisation, slug).
    pub teams: Vec<(String, String)>,
}

impl Account {
    /// An account in teams written as `organisation/slug`.
    pub fn new(id: u64, teams: &[&str]) -> Self {
        let pair = |team: &&str| team.split_once('/').map(|(org, slug)| (org.to_owned(), slug.to_owned()));
        Self { id, teams: teams.iter().filter_map(pair).collect() }
    }
}

/// What goes wrong at the token endpoint and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// 503 with a page.
    Down,
    /// No answer for a long time.
    Slow,
    /// 200 with something that is neither JSON nor a form.
    Nonsense,
}

/// A code that was given out and not used yet.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) login: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scope: String,
    pub(super) at: Instant,
}

pub(super) struct State {
    pub(super) base: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    /// What a person types to sign in: on a machine with several users only who sees the demo's terminal may.
    pub(super) password: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) redirect_uri: String,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) codes: BTreeMap<String, Grant>,
    /// Token to login name and scope.
    pub(super) tokens: BTreeMap<String, (String, String)>,
    pub(super) authorizations: usize,
    pub(super) fault: Fault,
}

impl State {
    pub(super) fn new(base: String) -> io::Result<Self> {
        let teams = ["octocats/admins", "octocats/devs", "octocats/docs"];
        let accounts = BTreeMap::from([
            ("alice".to_owned(), Account::new(1001, &teams)),
            ("bob".to_owned(), Account::new(1002, &["octocats/devs"])),
            ("mallory".to_owned(), Account::new(1003, &[])),
        ]);
        let (client_id, client_secret) = (random()?, random()?);
        let mut password = random()?;
        password.truncate(12);
        let inner = Mutex::new(Inner { accounts, ..Inner::default() });
        Ok(Self { base, client_id, client_secret, password, inner })
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// 20 random bytes in hex, as GitHub's codes and ids look.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0; 20];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(hex::encode(bytes))
}
