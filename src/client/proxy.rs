//! The web API of a proxy: discovery and console login (wire facts 1 and 2).

use std::{error::Error as _, sync::Arc, time::Duration};

use reqwest::{StatusCode, redirect};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    address::Address,
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

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
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
    #[error("{address} did not answer within {seconds} seconds")]
    Timeout {
        /// `host:port`.
        address: String,
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
    http: reqwest::Client,
    address: Address,
    gatekeeper: Arc<Gatekeeper>,
}

impl ProxyClient {
    /// Prepares a connection.
    pub fn new(address: &Address, trust: Trust) -> Result<Self, ProxyError> {
        let gatekeeper = Gatekeeper::new(trust).map_err(|e| ProxyError::Tls(e.to_string()))?;
        let tls = gatekeeper.client_config().map_err(|e| ProxyError::Tls(e.to_string()))?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("jumpgate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .timeout(REQUEST_LIMIT);
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|e| ProxyError::Tls(e.to_string()))?;
        Ok(Self { http, address: address.clone(), gatekeeper })
    }

    /// How people sign in, and where the parts of the proxy answer.
    pub async fn ping(&self, connector: Option<&str>) -> Result<Ping, ProxyError> {
        let path = match connector {
            Some(name) => format!("/webapi/ping/{}", super::admin::segment(name)),
            None => "/webapi/ping".to_owned(),
        };
        let answer = self.send(self.http.get(self.url(&path))).await;
        match (answer, connector) {
            (Err(ProxyError::Refused { text, address }), Some(name)) if is_unknown_connector(&text) => {
                Err(ProxyError::NoConnector { address, name: name.to_owned() })
            }
            (other, _) => other,
        }
    }

    /// The addresses alone; asks nothing about connectors.
    pub async fn find(&self) -> Result<Ping, ProxyError> {
        self.send(self.http.get(self.url("/webapi/find"))).await
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
        format!("https://{}{path}", self.address)
    }

    /// What the last handshake showed.
    pub fn seen(&self) -> Seen {
        self.gatekeeper.seen()
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ProxyError> {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    /// Teleport 4's clients ask below `/v1`; both of its servers and ours take it with and without.
    fn url(&self, path: &str) -> String {
        format!("https://{}/v1{path}", self.address)
    }

    async fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ProxyError> {
        let mut answer = request.send().await.map_err(|e| self.failure(&e))?;
        let status = answer.status();
        tracing::debug!(address = %self.address, %status, "web API");
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| self.failure(&e))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                return Err(self.not_a_gate("its answer does not end"));
            }
        }
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|_| self.not_a_gate("its answer is not JSON of the expected form"));
        }
        // A gate asks nobody on its web port who they are; its other ports do, and other servers.
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::METHOD_NOT_ALLOWED) {
            return Err(self.not_a_gate(&format!("it answered {status}")));
        }
        match ErrorBody::sentence(&bytes) {
            // An API that is not ours may well answer 404 in JSON.
            Some(text) if status != StatusCode::NOT_FOUND => {
                Err(ProxyError::Refused { address: self.address.to_string(), text })
            }
            _ => Err(self.not_a_gate(&format!("it answered {status}"))),
        }
    }

    fn failure(&self, error: &reqwest::Error) -> ProxyError {
        let address = self.address.to_string();
        if let Some(refusal) = self.seen().refusal {
            return ProxyError::Untrusted(refusal);
        }
        if error.is_timeout() {
            let limit = if error.is_connect() { CONNECT_LIMIT } else { REQUEST_LIMIT };
            return ProxyError::Timeout { address, seconds: limit.as_secs() };
        }
        match tls_cause(error) {
            Some(reason) => ProxyError::NotAGate { address, reason },
            None if error.is_connect() => ProxyError::Unreachable { address, reason: innermost(error) },
            None => ProxyError::NotAGate { address, reason: innermost(error) },
        }
    }

    fn not_a_gate(&self, reason: &str) -> ProxyError {
        ProxyError::NotAGate { address: self.address.to_string(), reason: reason.to_owned() }
    }
}

fn is_unknown_connector(text: &str) -> bool {
    text.starts_with("invalid connector name") || text.contains("connector") && text.contains("not found")
}

/// The innermost cause: the one that names what the network really said.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = next.to_string();
        cause = next.source();
    }
    text
}

/// What TLS said, if it was TLS that failed.
fn tls_cause(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(next) = cause {
        if let Some(tls) = tls_inside(next) {
            return Some(match tls {
                rustls::Error::InvalidMessage(_) => "it does not speak TLS".to_owned(),
                other => other.to_string(),
            });
        }
        cause = next.source();
    }
    None
}

/// An `io::Error` does not name what it wraps as its source.
fn tls_inside<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    tls_inside(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

/// Refuses a gate that wants a newer client (wire facts 1.3). Versions that do not parse are let through.
pub fn check_version(ping: &Ping) -> Result<(), ProxyError> {
    let ours = crate::wire::SERVER_VERSION;
    let wanted = &ping.min_client_version;
    match (numbers(ours), numbers(wanted)) {
        (Some(o), Some(w)) if o < w => Err(ProxyError::TooOld {
            wanted: crate::model::text::clean_line(wanted).into_owned(),
            ours: ours.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let core = version.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = core.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
