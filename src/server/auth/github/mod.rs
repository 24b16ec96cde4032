//! Login through GitHub: `begin` answers `tsh`, `callback` answers the browser that comes back (wire facts 2 and 4).

mod api;
mod mapping;
mod pending;
mod record;
mod redirect;

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value};

use self::{api::Api, mapping::Team, pending::Pending, record::Entry, redirect::ClientRedirect};
pub use self::{api::GithubError, mapping::NoTeam, record::RecordError, redirect::RedirectError};
use super::issue::{self, CompletedLogin, IssueError, Wish};
use crate::{
    model::{GithubConnector, Secret, text},
    pki::{KeyError, PublicKey},
    server::{
        Gate,
        audit::{Event, Login, Outcome},
        store::{StoreError, resources},
    },
    wire::{
        login::{ConsoleRequest, ConsoleResponse, LoginResponse},
        seal::SealError,
    },
};

const ENDPOINT: &str = "https://github.com";
const API_ENDPOINT: &str = "https://api.github.com";
/// The longest that GitHub may take for all questions of one login: a person is waiting.
const FINISH_LIMIT: Duration = Duration::from_secs(60);

/// Why there is no login. The texts are for the person, in the terminal and in the browser.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Something is missing or not possible in the client's request.
    #[error("{0}")]
    Request(String),
    /// The client's redirect is not one of `tsh`.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The client's key cannot be certified.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No such connector.
    #[error(
        "github connector {0:?} is not found; an administrator registers one with: tctl create github.yaml"
    )]
    NoConnector(String),
    /// The connector was written while the login was on its way.
    #[error("connector {0:?} was changed during this login; to begin again run: tsh login")]
    ConnectorChanged(String),
    /// A state that is unknown, used or too old.
    #[error(
        "this login is not known: it was used already or began more than 10 minutes ago; to begin again run: tsh login"
    )]
    UnknownState,
    /// GitHub brought no login.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// No team of the person's is mapped.
    #[error(transparent)]
    NoTeam(#[from] NoTeam),
    /// The name is not the account's.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A mapped role is not there.
    #[error(
        "the connector {connector:?} names the role {role:?}, which does not exist; an administrator must create it or correct the connector"
    )]
    NoRole {
        /// The connector.
        connector: String,
        /// The role.
        role: String,
    },
    /// The certificates could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The answer could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
}

/// How a callback ends.
#[derive(Debug)]
pub enum CallbackEnd {
    /// The browser goes to the waiting `tsh`, with the sealed answer or with the reason why there is none.
    Redirect(String),
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
        check_request(gate, request)?;
        // Read again at the end; here it is refused before anybody goes to GitHub.
        ClientRedirect::parse(&request.redirect_url)?;
        let line = request.public_key.as_text().ok_or(KeyError::NotAKey)?;
        let key = PublicKey::from_authorized_key(line)?;
        let connector: GithubConnector = resources::get(&*gate.store, &request.connector_id)
            .await?
            .ok_or_else(|| LoginError::NoConnector(request.connector_id.clone()))?;
        let pending = Pending {
            connector: request.connector_id.clone(),
            revision: connector.metadata.id,
            redirect: Secret::new(request.redirect_url.as_str()),
            public_key: key.to_authorized_key()?,
            ttl: request.cert_ttl,
            route_to_cluster: request.route_to_cluster.clone(),
            kubernetes_cluster: request.kubernetes_cluster.clone(),
            verifier: Secret::new(pending::random_hex(32)?),
            remote,
        };
        let state = pending::keep(&*gate.store, &pending).await?;
        let redirect_url = pending::authorize_url(&connector, &state, &pending.verifier)
            .map_err(|e| LoginError::Request(format!("the connector's endpoint_url is no URL: {e}")))?;
        Ok(ConsoleResponse { redirect_url })
    }

    /// Ends a login that comes back from GitHub. It is audited however it ends.
    pub async fn callback(&self, gate: &Gate, query: &CallbackQuery, remote: SocketAddr) -> CallbackEnd {
        let mut trail = Trail::default();
        let (redirect, result) = match self.open(gate, query, &mut trail).await {
            Ok((pending, redirect)) => {
                let finish = self.finish(gate, query, &pending, &mut trail);
                let result = match tokio::time::timeout(FINISH_LIMIT, finish).await {
                    Ok(result) => result,
                    Err(_) => Err(LoginError::Github(GithubError::Unreachable {
                        host: "its address".into(),
                        reason: "it took more than a minute to answer".into(),
                    })),
                };
                (Some(redirect), result)
            }
            Err(error) => (None, Err(error)),
        };
        let is_stranger = redirect.is_none();
        let (end, outcome) = match (redirect, result) {
            (Some(redirect), Ok(response)) => match seal(&redirect, &response) {
                Ok(url) => (CallbackEnd::Redirect(url), Outcome::Success),
                Err(error) => failed(Some(&redirect), error),
            },
            (redirect, Err(error)) => failed(redirect.as_ref(), error),
            (None, Ok(_)) => failed(None, LoginError::UnknownState),
        };
        let event = Event::Login(Login {
            user: trail.user,
            method: "github",
            connector: trail.connector,
            attributes: trail.teams,
            remote: Some(remote),
            outcome,
        });
        if is_stranger {
            gate.audit.emit_of_stranger(event, remote.ip()).await;
        } else {
            gate.audit.emit(event).await;
        }
        end
    }

    async fn open(
        &self,
        gate: &Gate,
        query: &CallbackQuery,
        trail: &mut Trail,
    ) -> Result<(Pending, ClientRedirect), LoginError> {
        if query.state.is_empty() {
            return Err(LoginError::Request("missing state query param".into()));
        }
        let pending = pending::take(&*gate.store, &query.state).await?.ok_or(LoginError::UnknownState)?;
        trail.connector.clone_from(&pending.connector);
        let redirect = ClientRedirect::parse(pending.redirect.expose())?;
        Ok((pending, redirect))
    }

    async fn finish(
        &self,
        gate: &Gate,
        query: &CallbackQuery,
        pending: &Pending,
        trail: &mut Trail,
    ) -> Result<LoginResponse, LoginError> {
        if !query.error.is_empty() {
            let said = api::explain(&query.error, &query.error_description);
            return Err(GithubError::Refused(said).into());
        }
        if query.code.is_empty() {
            return Err(LoginError::Request("code query param must be set".into()));
        }
        let connector: GithubConnector = resources::get(&*gate.store, &pending.connector)
            .await?
            .ok_or_else(|| LoginError::NoConnector(pending.connector.clone()))?;
        if connector.metadata.id != pending.revision {
            return Err(LoginError::ConnectorChanged(pending.connector.clone()));
        }
        let http = self.http.as_ref().map_err(Clone::clone)?;
        let api = Api::new(http, &connector);
        let token = api.exchange(query.code.expose(), &pending.verifier).await?;
        let account = api.account(&token).await?;
        trail.user = text::truncate(&account.login, 200).into_owned();
        record::check_login(&account.login)?;
        let teams = api.teams(&token).await?;
        trail.teams = attributes(&teams);
        let granted = mapping::map(&connector, &account.login, &teams)?;
        record::check(&*gate.store, &pending.connector, &account).await?;
        check_roles(gate, &pending.connector, &granted.roles).await?;

        let now = Timestamp::now();
        let login = CompletedLogin::new(
            account.login.clone(),
            granted.roles.clone(),
            granted.traits.clone(),
            Wish {
                key: PublicKey::from_authorized_key(&pending.public_key)?,
                ttl: Duration::from_nanos(u64::try_from(pending.ttl).unwrap_or(0)),
                route_to_cluster: pending.route_to_cluster.clone(),
                kubernetes_cluster: pending.kubernetes_cluster.clone(),
            },
        );
        let issued = issue::issue(gate, &login, now).await?;
        let entry = Entry {
            connector: &pending.connector,
            account: &account,
            granted: &granted,
            now,
            expires: issued.not_after,
        };
        record::write(&*gate.store, &entry).await?;
        Ok(issue::response(gate, &account.login, &issued)?)
    }
}

/// What is known about a login so far, for the audit log.
#[derive(Default)]
struct Trail {
    user: String,
    connector: String,
    teams: Value,
}

fn check_request(gate: &Gate, request: &ConsoleRequest) -> Result<(), LoginError> {
    let wrong = |text: &str| Err(LoginError::Request(text.to_owned()));
    if request.redirect_url.is_empty() {
        return wrong("missing RedirectURL");
    }
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
    Ok(())
}

async fn check_roles(gate: &Gate, connector: &str, roles: &[String]) -> Result<(), LoginError> {
    for role in roles {
        if gate.access.role(role).await?.is_none() {
            return Err(LoginError::NoRole { connector: connector.to_owned(), role: role.clone() });
        }
    }
    Ok(())
}

fn seal(redirect: &ClientRedirect, response: &LoginResponse) -> Result<String, LoginError> {
    let broken = |e: serde_json::Error| LoginError::Request(e.to_string());
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(response).map_err(broken)?);
    let sealed = redirect.key().seal(&plain)?;
    Ok(redirect.with("response", &serde_json::to_string(&sealed).map_err(broken)?))
}

fn failed(redirect: Option<&ClientRedirect>, error: LoginError) -> (CallbackEnd, Outcome) {
    let sentence = error.to_string();
    let end = match redirect {
        Some(redirect) => {
            let shown = text::truncate(&text::clean_line(&sentence), 1500).into_owned();
            CallbackEnd::Redirect(redirect.with("err", &shown))
        }
        None => CallbackEnd::Page(error),
    };
    (end, Outcome::Failure(sentence))
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

/// GitHub's address, without a slash at its end.
fn endpoint(connector: &GithubConnector) -> &str {
    connector.spec.endpoint_url.as_deref().filter(|u| !u.is_empty()).unwrap_or(ENDPOINT).trim_end_matches('/')
}

/// The address of GitHub's API, without a slash at its end.
fn api_endpoint(connector: &GithubConnector) -> &str {
    let url = connector.spec.api_endpoint_url.as_deref().filter(|u| !u.is_empty());
    url.unwrap_or(API_ENDPOINT).trim_end_matches('/')
}
