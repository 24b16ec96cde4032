//! Login for a terminal without a browser: it shows a code, its person types that on the gate's page in any browser, sees who
//! asks, signs in, and approves. In the manner of RFC 8628, with its section 5.4 in mind: somebody may be talked into typing
//! a stranger's code.
//!
//! So: no link carries the code. The browser in which it was typed is bound to the request by a cookie, and only that
//! browser can sign in for it, approve or deny. What is approved is shown with the address from which it was asked, and
//! nothing is issued before. The answer is for the key that the terminal sent, and goes once, to its poll secret. Wrong
//! codes are few for one address and few for all.

mod approval;
mod browser;
mod record;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

pub(super) use self::approval::{Claimed, claimed, signed_in};
use self::record::{Found, Record, Stage};
pub use self::{
    approval::{decide, offer},
    browser::{BrowserKey, COOKIE},
};
use super::github::{self, Github, LoginError};
use crate::{
    model::text,
    server::{Gate, limit::RateLimit, store::StoreError},
    wire::login::{CodeAnswer, CodePoll, CodeRequest, CodeStage, CodeState, ConsoleRequest},
};

/// How long a terminal waits between two questions.
const INTERVAL: Duration = Duration::from_secs(2);
/// Terminals that ask sooner than this are told to slow down.
const TOO_SOON: Duration = Duration::from_secs(1);
/// The most terminals whose last question is remembered.
const MAX_POLLS: usize = 10_000;
/// The longest name of a machine that is shown, in bytes.
const MAX_HOST: usize = 64;
/// The bucket of all addresses together.
const EVERYBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Why a step of a login by code was refused. The texts are for the person.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The administrator has switched it off.
    #[error("this gate does not sign people in by code (auth_service.code_login is no)")]
    Off,
    /// Too many from one address, or from all.
    #[error("there were too many tries; wait a minute, then try again")]
    TooMany,
    /// A code that was never given out, has run out, or was typed in another browser.
    #[error(
        "that code is not known here. A code lives 10 minutes, and only in the browser in which it was typed first; compare it with the one that your terminal shows"
    )]
    Unknown,
    /// A request that is over, or is not this browser's.
    #[error(
        "there is nothing to decide here: the request was decided already, has run out, or belongs to another browser"
    )]
    Over,
    /// What the terminal wishes, or what the person gets, is refused.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a terminal asks for, as the person sees it before they sign in.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Names the request in forms. No secret.
    pub id: String,
    /// What the machine calls itself.
    pub host: String,
    /// From where it asked.
    pub remote: IpAddr,
    /// When it asked.
    pub begun: Timestamp,
    /// The life that it wishes for the certificate; zero leaves it to the gate.
    pub ttl: Duration,
}

/// The same after the sign-in: what would be issued.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Who asks, from where.
    pub asked: Asked,
    /// The person.
    pub user: String,
    /// Their roles.
    pub roles: Vec<String>,
    /// How long the certificate would live.
    pub life: Duration,
    /// How long the login would live, with all its renewals.
    pub whole: Duration,
}

/// The flow's memory in this process: who asked how often. All else is in the store.
pub struct Codes {
    begins: RateLimit,
    wrong: RateLimit,
    wrong_by_all: RateLimit,
    polls: RateLimit,
    last_polls: Mutex<HashMap<String, Instant>>,
}

impl Default for Codes {
    fn default() -> Self {
        Self::new()
    }
}

impl Codes {
    /// With full buckets: 10 wrong codes from one address, then one in half a minute; 200 from all, then one a second. At
    /// that pace a guess among 1000 open requests succeeds once in a year.
    pub fn new() -> Self {
        Self {
            begins: RateLimit::new(300, 5.0),
            wrong: RateLimit::new(10, 1.0 / 30.0),
            wrong_by_all: RateLimit::new(200, 1.0),
            polls: RateLimit::new(200, 20.0),
            last_polls: Mutex::default(),
        }
    }

    /// A terminal begins.
    ///
    /// # Errors
    /// [`CodeError::Login`] for a wish that no login could fulfil.
    pub async fn begin(
        &self,
        gate: &Gate,
        request: &CodeRequest,
        remote: IpAddr,
    ) -> Result<CodeAnswer, CodeError> {
        if !gate.config.code_login {
            return Err(CodeError::Off);
        }
        if !self.begins.take(EVERYBODY, Instant::now()) {
            return Err(CodeError::TooMany);
        }
        let (key, _) = github::check_request(gate, &request.login).await?;
        let begun = Timestamp::now();
        let record = Record {
            // What was checked, and nothing else of what a stranger sent.
            login: ConsoleRequest {
                public_key: key.to_authorized_key().map_err(LoginError::from)?.into(),
                connector_id: request.login.connector_id.clone(),
                cert_ttl: request.login.cert_ttl,
                route_to_cluster: request.login.route_to_cluster.clone(),
                kubernetes_cluster: request.login.kubernetes_cluster.clone(),
                ..ConsoleRequest::default()
            },
            host: text::truncate(&text::clean_line(request.host.trim()), MAX_HOST).into_owned(),
            remote: remote.to_canonical(),
            begun,
            expires: begun + record::LIFE,
            browser: None,
            stage: Stage::Waiting,
        };
        let (poll_secret, code) = record::create(&*gate.store, &record).await?;
        Ok(CodeAnswer {
            user_code: record::show_code(&code),
            verification_url: format!("https://{}/web/code", gate.addresses.web),
            poll_secret,
            expires_in: u64::try_from(record::LIFE.as_secs()).unwrap_or(0),
            interval: INTERVAL.as_secs(),
        })
    }

    /// A terminal asks how far it is. Once it is over, the request is gone with the answer.
    pub async fn poll(&self, gate: &Gate, asked: &CodePoll, remote: IpAddr) -> Result<CodeState, CodeError> {
        if !self.polls.take(remote, Instant::now()) {
            return Ok(only(CodeStage::SlowDown));
        }
        let id = record::id_of(&asked.poll_secret);
        let Some(found) = record::find(&*gate.store, &id).await? else { return Ok(only(CodeStage::Gone)) };
        if matches!(found.record.stage, Stage::Waiting | Stage::SignedIn(_) | Stage::Issuing) {
            let soon = self.is_too_soon(&id, Instant::now());
            return Ok(only(if soon { CodeStage::SlowDown } else { CodeStage::Pending }));
        }
        self.last_polls.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let state = record::take(&*gate.store, &id).await?.map(|record| record.stage);
        Ok(match state {
            Some(Stage::Approved(login)) => CodeState { state: CodeStage::Approved, login: Some(*login) },
            Some(Stage::Denied) => only(CodeStage::Denied),
            Some(Stage::Failed) => only(CodeStage::Failed),
            _ => only(CodeStage::Gone),
        })
    }

    fn is_too_soon(&self, id: &str, now: Instant) -> bool {
        let mut polls = self.last_polls.lock().unwrap_or_else(PoisonError::into_inner);
        if polls.len() >= MAX_POLLS {
            polls.clear();
        }
        let before = polls.insert(id.to_owned(), now);
        before.is_some_and(|before| now.saturating_duration_since(before) < TOO_SOON)
    }

    /// A person has typed a code: what asks, and where they sign in. From now on the request is this browser's.
    ///
    /// # Errors
    /// [`CodeError::Unknown`] and [`CodeError::TooMany`].
    pub async fn enter(
        &self,
        gate: &Gate,
        github: &Github,
        typed: &str,
        browser: &BrowserKey,
        remote: SocketAddr,
    ) -> Result<(Asked, String), CodeError> {
        // Taken before the code is looked up, so that many guesses at once are not more than their tokens.
        let now = Instant::now();
        if !self.wrong.take(remote.ip(), now) {
            return Err(CodeError::TooMany);
        }
        if !self.wrong_by_all.take(EVERYBODY, now) {
            self.wrong.give_back(remote.ip());
            return Err(CodeError::TooMany);
        }
        let found = bind(gate, typed, browser).await;
        if !matches!(found, Err(CodeError::Unknown)) {
            self.wrong.give_back(remote.ip());
            self.wrong_by_all.give_back(EVERYBODY);
        }
        let found = found?;
        let begun = github.begin_for_code(gate, &found.record.login, &found.id, remote).await?;
        Ok((asked(&found), begun.redirect_url))
    }
}

/// The request of a typed code, which is this browser's from now on.
async fn bind(gate: &Gate, typed: &str, browser: &BrowserKey) -> Result<Found, CodeError> {
    let hash = browser.hash();
    let found = match record::read_code(typed) {
        Some(code) => record::by_code(&*gate.store, &code).await?,
        None => None,
    };
    let ours = found.filter(|found| {
        let free = found.record.browser.as_ref().is_none_or(|bound| *bound == hash);
        free && matches!(found.record.stage, Stage::Waiting)
    });
    let Some(mut found) = ours else {
        return Err(CodeError::Unknown);
    };
    if found.record.browser.is_none() {
        found.record.browser = Some(hash);
        // Somebody typed it in another browser at the same moment.
        found.save(&*gate.store).await.map_err(|e| lost(e, CodeError::Unknown))?;
    }
    Ok(found)
}

/// A write that somebody else's crossed, or that came too late.
fn lost(error: StoreError, otherwise: CodeError) -> CodeError {
    match error {
        StoreError::Conflict(_) | StoreError::NotFound(_) => otherwise,
        other => other.into(),
    }
}

fn asked(found: &Found) -> Asked {
    let record = &found.record;
    Asked {
        id: found.id.clone(),
        host: record.host.clone(),
        remote: record.remote,
        begun: record.begun,
        ttl: wished_life(record.login.cert_ttl),
    }
}

fn wished_life(nanoseconds: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
}

fn only(state: CodeStage) -> CodeState {
    CodeState { state, login: None }
}
