//! The web API of a proxy: discovery and console login (wire facts 1 and 2).

use std::sync::Arc;

use http::{Method as Verb, StatusCode, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    address::Address,
    net::{Answer, Connector, HttpClient, NetError, Phase, Slow},
    trust::{Gatekeeper, Refusal, Seen, Trust},
};
use crate::wire::{
    discovery::Ping,
    error::ErrorBody,
    login::{
        CodeAnswer, CodePoll, CodeRequest, CodeState, ConsoleRequest, ConsoleResponse, LoginResponse,
        PasswordRequest,
    },
};

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Why the proxy gave no answer that helps.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// No connection.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the network said.
        reason: String,
    },
    /// No answer in time.
    #[error("{address} did not answer in time: {phase} took longer than {seconds} seconds")]
    Timeout {
        /// `host:port`.
        address: String,
        /// What it was that took so long.
        phase: Phase,
        /// How long it was given.
        seconds: u64,
    },
    /// The certificate was refused.
    #[error(transparent)]
    Untrusted(Refusal),
    /// Something that is not a gate's web port.
    #[error("{address} is not the web port of a gate: {reason}")]
    NotAGate {
        /// `host:port`.
        address: String,
        /// What was seen.
        reason: String,
    },
    /// There is no connector of this name.
    #[error("{address} has no connector {name:?}")]
    NoConnector {
        /// `host:port`.
        address: String,
        /// The name that was asked for.
        name: String,
    },
    /// The server refused, in its own words.
    #[error("{address} answered: {text}")]
    Refused {
        /// `host:port`.
        address: String,
        /// The cleaned sentence.
        text: String,
    },
    /// The server could not do it now, in its own words: its disk is full, say.
    #[error("{address} answered: {text}")]
    Failed {
        /// `host:port`.
        address: String,
        /// The cleaned sentence.
        text: String,
    },
    /// Somebody before the gate (a load balancer) says that it is away.
    #[error("the gate at {address} is not available at the moment: {reason}")]
    Away {
        /// `host:port`.
        address: String,
        /// What was answered, and when to ask again.
        reason: String,
    },
    /// This client is too old.
    #[error("the gate wants a client that speaks version {wanted} or later, this one speaks {ours}")]
    TooOld {
        /// The gate's `min_client_version`.
        wanted: String,
        /// What this client speaks.
        ours: String,
    },
    /// TLS could not be prepared.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// How people sign in: the provider's kind and the connector's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Through a browser: `github`, `oidc` or `saml`, and the connector.
    Browser {
        /// The kind, as it stands in the path.
        kind: &'static str,
        /// The connector's name.
        connector: String,
    },
    /// With a password.
    Password,
    /// Something that this version does not know.
    Unknown(String),
}

/// How a proxy says that people sign in.
pub fn method(ping: &Ping) -> Method {
    let auth = &ping.auth;
    let named = match auth.kind.as_str() {
        "github" => auth.github.as_ref().map(|c| ("github", c)),
        "oidc" => auth.oidc.as_ref().map(|c| ("oidc", c)),
        "saml" => auth.saml.as_ref().map(|c| ("saml", c)),
        "local" => return Method::Password,
        _ => None,
    };
    match named {
        Some((kind, connector)) => Method::Browser { kind, connector: connector.name.clone() },
        None => Method::Unknown(auth.kind.clone()),
    }
}

/// A connection to a proxy's web port.
pub struct ProxyClient {
    http: HttpClient,
    gatekeeper: Arc<Gatekeeper>,
}

impl ProxyClient {
    /// Prepares a connection; nothing is sent yet.
    pub fn new(address: &Address, trust: Trust) -> Result<Self, ProxyError> {
        Self::over(address, trust, |connector| connector)
    }

    /// The same with a connector of other ways or limits.
    pub fn over(
        address: &Address,
        trust: Trust,
        change: impl FnOnce(Connector) -> Connector,
    ) -> Result<Self, ProxyError> {
        let cas = trust.ca_pem.clone();
        let gatekeeper = Gatekeeper::new(trust).map_err(|e| ProxyError::Tls(e.to_string()))?;
        let mut tls = gatekeeper.client_config().map_err(|e| ProxyError::Tls(e.to_string()))?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connector = change(Connector::new(address, tls).proxy_cas(&cas));
        Ok(Self { http: HttpClient::new(connector, MAX_ANSWER), gatekeeper })
    }

    /// What to call when the gate takes long.
    pub fn on_slow(mut self, slow: Slow) -> Self {
        self.http.on_slow(slow);
        self
    }

    /// How people sign in, and where the parts of the proxy answer.
    pub async fn ping(&self, connector: Option<&str>) -> Result<Ping, ProxyError> {
        let path = match connector {
            Some(name) => format!("/webapi/ping/{}", super::admin::segment(name)),
            None => "/webapi/ping".to_owned(),
        };
        let answer = self.get(&path).await;
        match (answer, connector) {
            (Err(ProxyError::Refused { text, address }), Some(name)) if is_unknown_connector(&text) => {
                Err(ProxyError::NoConnector { address, name: name.to_owned() })
            }
            (other, _) => other,
        }
    }

    /// The addresses alone; asks nothing about connectors.
    pub async fn find(&self) -> Result<Ping, ProxyError> {
        self.get("/webapi/find").await
    }

    /// As [`ProxyClient::find`], and what the clock at the other end says.
    pub async fn probe(&self) -> Result<(Ping, Option<Timestamp>), ProxyError> {
        let answer = self.exchange(Verb::GET, "/webapi/find", None::<&()>).await?;
        let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        Ok((self.judge(&answer)?, date))
    }

    /// Starts a login through the browser; the answer says where the browser goes.
    pub async fn console_login(
        &self,
        kind: &str,
        request: &ConsoleRequest,
    ) -> Result<ConsoleResponse, ProxyError> {
        self.post(&format!("/webapi/{kind}/login/console"), request).await
    }

    /// Starts a login by code; only where the ping says that the gate serves it.
    pub async fn code_login(&self, request: &CodeRequest) -> Result<CodeAnswer, ProxyError> {
        self.post("/webapi/login/code", request).await
    }

    /// Asks how far a login by code is.
    pub async fn code_poll(&self, request: &CodePoll) -> Result<CodeState, ProxyError> {
        self.post("/webapi/login/code/poll", request).await
    }

    /// A login by password (wire facts 3.1).
    pub async fn password_login(&self, request: &PasswordRequest) -> Result<LoginResponse, ProxyError> {
        self.post("/webapi/ssh/certs", request).await
    }

    /// The address of a page that a browser may be sent to.
    pub fn page(&self, path: &str) -> String {
        format!("https://{}{path}", self.http.address())
    }

    /// What the last handshake showed.
    pub fn seen(&self) -> Seen {
        self.gatekeeper.seen()
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ProxyError> {
        self.send(Verb::GET, path, None::<&()>).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ProxyError> {
        self.send(Verb::POST, path, Some(body)).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Verb,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ProxyError> {
        self.judge(&self.exchange(method, path, body).await?)
    }

    /// Teleport 4's clients ask below `/v1`; both of its servers and ours take it with and without.
    async fn exchange(
        &self,
        method: Verb,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, ProxyError> {
        let answer = self.http.send(method, &format!("/v1{path}"), body).await;
        answer.map_err(|e| self.failure(e))
    }

    fn judge<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ProxyError> {
        let status = answer.status;
        if status.is_success() {
            return serde_json::from_slice(&answer.body)
                .map_err(|_| self.not_a_gate("its answer is not JSON of the expected form"));
        }
        // A gate asks nobody on its web port who they are; its other ports do, and other servers.
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::METHOD_NOT_ALLOWED) {
            return Err(self.not_a_gate(&format!("it answered {status}")));
        }
        match ErrorBody::sentence(&answer.body) {
            Some(text) if status.is_server_error() => {
                Err(ProxyError::Failed { address: self.address(), text })
            }
            // An API that is not ours may well answer 404 in JSON.
            Some(text) if status != StatusCode::NOT_FOUND => {
                Err(ProxyError::Refused { address: self.address(), text })
            }
            _ if answer.is_away() => Err(ProxyError::Away { address: self.address(), reason: away(answer) }),
            _ => Err(self.not_a_gate(&format!("it answered {status}"))),
        }
    }

    fn failure(&self, error: NetError) -> ProxyError {
        let address = self.address();
        match error {
            NetError::Timeout { phase, seconds } => ProxyError::Timeout { address, phase, seconds },
            NetError::Tls(reason) => match self.seen().refusal {
                Some(refusal) => ProxyError::Untrusted(refusal),
                None => ProxyError::NotAGate { address, reason: reason.to_string() },
            },
            NetError::Broken(reason) => ProxyError::NotAGate { address, reason },
            NetError::TooLong => self.not_a_gate("its answer does not end"),
            other => ProxyError::Unreachable { address, reason: other.to_string() },
        }
    }

    fn not_a_gate(&self, reason: &str) -> ProxyError {
        ProxyError::NotAGate { address: self.address(), reason: reason.to_owned() }
    }

    fn address(&self) -> String {
        self.http.address().to_string()
    }
}

/// What somebody before a server says, and when to ask again.
pub(super) fn away(answer: &Answer) -> String {
    let status = answer.status;
    match answer.retry_after() {
        Some(wait) if !wait.is_zero() => {
            format!("it answered {status} and asks to be tried again in {} seconds", wait.as_secs())
        }
        _ => format!("it answered {status}"),
    }
}

fn is_unknown_connector(text: &str) -> bool {
    text.starts_with("invalid connector name") || text.contains("connector") && text.contains("not found")
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
