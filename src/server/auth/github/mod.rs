//! Login through GitHub: `begin` answers `tsh`, `callback` answers the browser that comes back (wire facts 2 and 4).
//!
//! A login for a terminal elsewhere (see [`super::code`]) goes the same way, from `begin_for_code` on; it ends not at the
//! client but at its request, where the person still has to approve it.

mod api;
mod error;
mod mapping;
mod pending;
mod person;
mod record;
mod redirect;
mod web;

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value};

pub(super) use self::person::{Person, complete};
use self::{api::Api, mapping::Team, pending::Pending, redirect::ClientRedirect};
pub use self::{
    api::GithubError, error::LoginError, mapping::NoTeam, record::RecordError, redirect::RedirectError,
    web::SignedIn,
};
use super::{
    code::{self, BrowserKey},
    issue::Wish,
    session::SessionKey,
};
use crate::{
    model::{GithubConnector, Secret, text},
    pki::{KeyError, PublicKey},
    server::{
        Gate,
        audit::{Event, Login, Outcome},
        store::resources,
    },
    wire::login::{ConsoleRequest, ConsoleResponse, LoginResponse},
};

const ENDPOINT: &str = "https://github.com";
const API_ENDPOINT: &str = "https://api.github.com";
/// The longest that GitHub may take for all questions of one login: a person is waiting.
const FINISH_LIMIT: Duration = Duration::from_secs(60);

/// What GitHub sends the browser back with.
#[derive(Debug, Clone, Default)]
pub struct CallbackQuery {
    /// The code to redeem.
    pub code: Secret,
    /// Which login it is.
    pub state: String,
    /// Why there is no code.
    pub error: String,
    /// The same for people.
    pub error_description: String,
    /// What the browser's cookie says, for a login by code or one that ends in the browser.
    pub browser: Option<BrowserKey>,
    /// The browser's session until now.
    pub session: Option<SessionKey>,
}

/// How a callback ends.
#[derive(Debug)]
pub enum CallbackEnd {
    /// The browser goes to the waiting `tsh`, with the sealed answer or with the reason why there is none; or on to the page
    /// where the person approves a login by code.
    Redirect(String),
    /// The browser itself is signed in.
    SignedIn(SignedIn),
    /// It is not: a page says why.
    NotSignedIn(LoginError),
    /// Nobody is known to wait for it: a page says why.
    Page(LoginError),
}

/// The flow. One for the whole gate, since it holds the connections to GitHub.
pub struct Github {
    http: Result<reqwest::Client, GithubError>,
}

impl Default for Github {
    fn default() -> Self {
        Self::new()
    }
}

impl Github {
    /// Prepares the HTTP client. Should that fail, each login says so.
    pub fn new() -> Self {
        Self { http: api::client() }
    }

    /// Begins a login: where the browser has to go.
    pub async fn begin(
        &self,
        gate: &Gate,
        request: &ConsoleRequest,
        remote: SocketAddr,
    ) -> Result<ConsoleResponse, LoginError> {
        if request.redirect_url.is_empty() {
            return Err(LoginError::Request("missing RedirectURL".into()));
        }
        let (key, connector) = check_request(gate, request).await?;
        // Read again at the end; here it is refused before anybody goes to GitHub.
        ClientRedirect::parse(&request.redirect_url)?;
        let wished = Wished { request, public_key: key.to_authorized_key()? };
        self.send_to_github(gate, &connector, wished, Goes::default(), remote).await
    }

    /// The same for the request of a terminal elsewhere, which was checked when it was made.
    pub(super) async fn begin_for_code(
        &self,
        gate: &Gate,
        request: &ConsoleRequest,
        code: &str,
        remote: SocketAddr,
    ) -> Result<ConsoleResponse, LoginError> {
        let (key, connector) = check_request(gate, request).await?;
        let wished = Wished { request, public_key: key.to_authorized_key()? };
        let goes = Goes { code: Some(code.to_owned()), ..Goes::default() };
        self.send_to_github(gate, &connector, wished, goes, remote).await
    }

    async fn send_to_github(
        &self,
        gate: &Gate,
        connector: &GithubConnector,
        Wished { request, public_key }: Wished<'_>,
        goes: Goes,
        remote: SocketAddr,
    ) -> Result<ConsoleResponse, LoginError> {
        let pending = Pending {
            connector: request.connector_id.clone(),
            revision: connector.metadata.id,
            redirect: Secret::new(request.redirect_url.as_str()),
            code: goes.code,
            web: goes.web,
            public_key,
            ttl: request.cert_ttl,
            route_to_cluster: request.route_to_cluster.clone(),
            kubernetes_cluster: request.kubernetes_cluster.clone(),
            verifier: Secret::new(pending::random_hex(32)?),
            remote,
        };
        let state = pending::keep(&*gate.store, &pending).await?;
        let redirect_url = pending::authorize_url(connector, &state, &pending.verifier)
            .map_err(|e| LoginError::Request(format!("the connector's endpoint_url is no URL: {e}")))?;
        Ok(ConsoleResponse { redirect_url })
    }

    /// Ends a login that comes back from GitHub. It is audited however it ends.
    pub async fn callback(&self, gate: &Gate, query: &CallbackQuery, remote: SocketAddr) -> CallbackEnd {
        let mut trail = Trail::default();
        let (pending, goal) = match open(gate, query, &mut trail).await {
            Ok(found) => found,
            Err(error) => {
                let event = Event::Login(trail.event(remote, Outcome::Failure(error.to_string())));
                gate.audit.emit_of_stranger(event, remote.ip()).await;
                return match error {
                    LoginError::StrangeBrowser => CallbackEnd::NotSignedIn(error),
                    error => CallbackEnd::Page(error),
                };
            }
        };
        match goal {
            Goal::Client(redirect) => {
                let result = self.finish(gate, query, &pending, &mut trail).await;
                let (end, outcome) = match result.and_then(|response| seal(&redirect, &response)) {
                    Ok(url) => (CallbackEnd::Redirect(url), Outcome::Success),
                    Err(error) => failed(&redirect, &error),
                };
                gate.audit.emit(Event::Login(trail.event(remote, outcome))).await;
                end
            }
            Goal::Web(next) => self.end_in_browser(gate, query, &pending, next, trail, remote).await,
            Goal::Code(request) => {
                let result = self.identify(gate, query, &pending, &mut trail).await;
                match code::signed_in(gate, *request, result, trail.event(remote, Outcome::Success)).await {
                    Ok(page) => CallbackEnd::Redirect(page),
                    Err(error) => CallbackEnd::Page(error),
                }
            }
        }
    }

    async fn finish(
        &self,
        gate: &Gate,
        query: &CallbackQuery,
        pending: &Pending,
        trail: &mut Trail,
    ) -> Result<LoginResponse, LoginError> {
        let person = self.identify(gate, query, pending, trail).await?;
        let wish = Wish {
            key: PublicKey::from_authorized_key(&pending.public_key)?,
            ttl: Duration::from_nanos(u64::try_from(pending.ttl).unwrap_or(0)),
            route_to_cluster: pending.route_to_cluster.clone(),
            kubernetes_cluster: pending.kubernetes_cluster.clone(),
        };
        complete(gate, &person, wish, None, Timestamp::now()).await
    }

    /// Who came back, after all checks; nothing is issued.
    async fn identify(
        &self,
        gate: &Gate,
        query: &CallbackQuery,
        pending: &Pending,
        trail: &mut Trail,
    ) -> Result<Person, LoginError> {
        let asked = self.ask(gate, query, pending, trail);
        tokio::time::timeout(FINISH_LIMIT, asked).await.unwrap_or_else(|_| {
            Err(LoginError::Github(GithubError::Unreachable {
                host: "its address".into(),
                reason: "it took more than a minute to answer".into(),
            }))
        })
    }

    async fn ask(
        &self,
        gate: &Gate,
        query: &CallbackQuery,
        pending: &Pending,
        trail: &mut Trail,
    ) -> Result<Person, LoginError> {
        if !query.error.is_empty() {
            let said = api::explain(&query.error, &query.error_description);
            return Err(GithubError::Refused(said).into());
        }
        if query.code.is_empty() {
            return Err(LoginError::Request("code query param must be set".into()));
        }
        let connector = person::connector(gate, &pending.connector, pending.revision).await?;
        let http = self.http.as_ref().map_err(Clone::clone)?;
        let api = Api::new(http, &connector);
        let token = api.exchange(query.code.expose(), &pending.verifier).await?;
        let account = api.account(&token).await?;
        trail.user = text::truncate(&account.login, 200).into_owned();
        record::check_login(&account.login)?;
        let teams = api.teams(&token).await?;
        trail.teams = attributes(&teams);
        let granted = mapping::map(&connector, &account.login, &teams)?;
        let person = Person {
            connector: pending.connector.clone(),
            revision: pending.revision,
            account,
            granted,
            teams: trail.teams.clone(),
        };
        person::check_person(gate, &person).await?;
        Ok(person)
    }
}

/// What a client wished, with its key in the one form.
struct Wished<'a> {
    request: &'a ConsoleRequest,
    public_key: String,
}

/// Where a login ends.
enum Goal {
    Client(ClientRedirect),
    Code(Box<code::Claimed>),
    /// In the browser, on this page.
    Web(String),
}

/// Where a login that begins will end, if not at a client that waits on loopback.
#[derive(Default)]
struct Goes {
    code: Option<String>,
    web: Option<pending::WebLogin>,
}

async fn open(gate: &Gate, query: &CallbackQuery, trail: &mut Trail) -> Result<(Pending, Goal), LoginError> {
    let unknown = |otherwise: LoginError| match query.error.as_str() {
        "" => otherwise,
        error => LoginError::Stranger { error: error.to_owned(), callback: callback(gate) },
    };
    if query.state.is_empty() {
        return Err(unknown(LoginError::Request("missing state query param".into())));
    }
    let pending = pending::take(&*gate.store, &query.state).await?;
    let pending = pending.ok_or_else(|| unknown(LoginError::UnknownState))?;
    trail.connector.clone_from(&pending.connector);
    let goal = match (&pending.code, &pending.web) {
        (Some(request), _) => {
            Goal::Code(Box::new(code::claimed(gate, request, query.browser.as_ref()).await?))
        }
        (None, Some(web)) => Goal::Web(web::claimed(web, query.browser.as_ref())?),
        (None, None) => Goal::Client(ClientRedirect::parse(pending.redirect.expose())?),
    };
    Ok((pending, goal))
}

/// What is known about a login so far, for the audit log.
#[derive(Default)]
struct Trail {
    user: String,
    connector: String,
    teams: Value,
}

impl Trail {
    fn event(self, remote: SocketAddr, outcome: Outcome) -> Login {
        Login {
            user: self.user,
            method: "github",
            connector: self.connector,
            attributes: self.teams,
            remote: Some(remote),
            outcome,
        }
    }
}

/// Checks what a client wishes, but not where it wants the answer: the key and the connector.
pub(super) async fn check_request(
    gate: &Gate,
    request: &ConsoleRequest,
) -> Result<(PublicKey, GithubConnector), LoginError> {
    let wrong = |text: &str| Err(LoginError::Request(text.to_owned()));
    if request.public_key.0.is_empty() {
        return wrong("missing PublicKey");
    }
    if request.connector_id.is_empty() {
        return wrong("missing ConnectorID");
    }
    if request.cert_ttl < 0 {
        return wrong("cert_ttl is below zero");
    }
    if !matches!(request.compatibility.as_str(), "" | "standard") {
        return wrong(
            "the certificate format is not supported; leave compatibility out or set it to standard",
        );
    }
    for cluster in [&request.route_to_cluster, &request.kubernetes_cluster] {
        if !cluster.is_empty() && *cluster != gate.config.cluster_name {
            return Err(LoginError::Request(format!(
                "cluster {cluster:?} is not known here; this gate guards {:?}",
                gate.config.cluster_name
            )));
        }
    }
    let line = request.public_key.as_text().ok_or(KeyError::NotAKey)?;
    let key = PublicKey::from_authorized_key(line)?;
    let connector = resources::get(&*gate.store, &request.connector_id)
        .await?
        .ok_or_else(|| LoginError::NoConnector(request.connector_id.clone()))?;
    Ok((key, connector))
}

fn seal(redirect: &ClientRedirect, response: &LoginResponse) -> Result<String, LoginError> {
    let broken = |e: serde_json::Error| LoginError::Request(e.to_string());
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(response).map_err(broken)?);
    let sealed = redirect.key().seal(&plain)?;
    Ok(redirect.with("response", &serde_json::to_string(&sealed).map_err(broken)?))
}

fn failed(redirect: &ClientRedirect, error: &LoginError) -> (CallbackEnd, Outcome) {
    let sentence = error.to_string();
    let shown = text::truncate(&text::clean_line(&sentence), 1500).into_owned();
    (CallbackEnd::Redirect(redirect.with("err", &shown)), Outcome::Failure(sentence))
}

/// Organisation to teams, as Teleport's audit events have it.
fn attributes(teams: &[Team]) -> Value {
    let mut all = Map::new();
    for team in teams.iter().take(200) {
        let list = all.entry(text::clean_line(&team.organization)).or_insert_with(|| Value::Array(vec![]));
        if let Value::Array(list) = list {
            list.push(text::clean_line(&team.slug).into());
        }
    }
    Value::Object(all)
}

/// Where GitHub sends browsers back to, if the gate is reached as it believes.
fn callback(gate: &Gate) -> String {
    format!("https://{}/v1/webapi/github/callback", gate.addresses.web)
}

/// GitHub's address, without a slash at its end.
fn endpoint(connector: &GithubConnector) -> &str {
    connector.spec.endpoint_url.as_deref().filter(|u| !u.is_empty()).unwrap_or(ENDPOINT).trim_end_matches('/')
}

/// The address of GitHub's API, without a slash at its end.
fn api_endpoint(connector: &GithubConnector) -> &str {
    let url = connector.spec.api_endpoint_url.as_deref().filter(|u| !u.is_empty());
    url.unwrap_or(API_ENDPOINT).trim_end_matches('/')
}
