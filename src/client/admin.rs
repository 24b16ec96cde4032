//! The admin API of a gate, or of a stock Teleport 4 auth server: mutual TLS, JSON bodies (wire facts 8).

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};

use super::{
    address::Address,
    identity_file::IdentityFile,
    net::{Answer, Coming, Connector, HttpClient, NetError, Slow, TlsFailure},
    proxy,
};
use crate::{
    model::{Kind, Resource},
    wire::{
        admin::{ClusterStatus, SERVER_NAME},
        error::ErrorBody,
        kube_clusters::KubeCluster,
        login::{LoginResponse, RenewalRequest},
    },
};

/// The admin API's port, where none is named.
const PORT: u16 = 3025;
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The longest refusal that is read, in bytes.
const MAX_REFUSAL: usize = 64 * 1024;
/// How long the rest of an answer may keep us waiting.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// What a name may not be in a path segment.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'/')
    .add(b'?')
    .add(b'#')
    .add(b'%')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'|')
    .add(b'[')
    .add(b']');

/// Why an administrator's request was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The key, the certificate or the CA cannot be used.
    #[error("the credentials cannot be used: {0}")]
    Credentials(String),
    /// No connection.
    #[error("cannot reach the admin API at {address}: {reason}")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the network said.
        reason: String,
    },
    /// The server offers the admin API by gRPC alone, as Teleport does since version 15 at the latest.
    #[error(
        "the admin API at {address} speaks gRPC alone, as clusters of Teleport 15 and later do; this tctl speaks the HTTP API of \
         Jumpgate and Teleport 4. Use the tctl that came with that cluster"
    )]
    GrpcOnly {
        /// `host:port`.
        address: String,
    },
    /// Not there (404).
    #[error("{0}")]
    NotFound(String),
    /// There already (409).
    #[error("{0}")]
    Exists(String),
    /// Changed in the meantime (412).
    #[error("{0}")]
    Conflict(String),
    /// Not allowed (401, 403).
    #[error("{0}")]
    Denied(String),
    /// What it was about is over for good (410): a login that cannot be renewed any more.
    #[error("{0}")]
    Over(String),
    /// Anything else that the server refused.
    #[error("{0}")]
    Refused(String),
    /// An answer that is none of the admin API's.
    #[error("{address} did not answer as an admin API does: {reason}")]
    Nonsense {
        /// `host:port`.
        address: String,
        /// What was wrong.
        reason: String,
    },
}

/// A connection to the admin API.
pub struct AdminClient {
    http: HttpClient,
}

impl AdminClient {
    /// Prepares a connection to `host:port` with the credentials of an identity; nothing is sent yet.
    pub async fn new(address: &str, identity: &IdentityFile) -> Result<Self, AdminError> {
        let address = Address::parse(address, PORT)
            .map_err(|e| AdminError::Unreachable { address: address.to_owned(), reason: e.to_string() })?;
        // On 3025 and on the web port alike, the name asks for the admin API; a proxy is asked for the address.
        let connector = Connector::new(&address, tls(identity)?).server_name(SERVER_NAME);
        Ok(Self { http: HttpClient::new(connector, MAX_ANSWER) })
    }

    /// What to call when the server takes long.
    pub fn on_slow(mut self, slow: Slow) -> Self {
        self.http.on_slow(slow);
        self
    }

    /// All resources of a kind, as the server wrote them.
    pub async fn list(&self, kind: Kind, with_secrets: bool) -> Result<Vec<Value>, AdminError> {
        let answer = self.send(Method::GET, &collection(kind), with_secrets, None).await?;
        match answer {
            Value::Array(all) => Ok(all),
            Value::Null => Ok(vec![]),
            _ => Err(self.nonsense("the list is no list")),
        }
    }

    /// One resource, as the server wrote it.
    pub async fn get(&self, kind: Kind, name: &str, with_secrets: bool) -> Result<Value, AdminError> {
        self.send(Method::GET, &one(kind, name), with_secrets, None).await
    }

    /// Writes a new resource; one of the same name is [`AdminError::Exists`].
    pub async fn create(&self, resource: &Resource) -> Result<(), AdminError> {
        let path = match resource.kind() {
            // Teleport's POST of a connector creates; of a role it overwrites, unless ours is asked not to.
            Kind::Github => collection(Kind::Github),
            kind => format!("{}?create=true", collection(kind)),
        };
        self.send(Method::POST, &path, false, Some(envelope(resource)?)).await.map(drop)
    }

    /// Writes a resource over whatever is there; with a revision in `metadata.id`, only over that one.
    pub async fn upsert(&self, resource: &Resource) -> Result<(), AdminError> {
        let method = if resource.kind() == Kind::Github { Method::PUT } else { Method::POST };
        self.send(method, &collection(resource.kind()), false, Some(envelope(resource)?)).await.map(drop)
    }

    /// Removes a resource.
    pub async fn delete(&self, kind: Kind, name: &str) -> Result<(), AdminError> {
        self.send(Method::DELETE, &one(kind, name), false, None).await.map(drop)
    }

    /// The cluster, its version and its pins. Jumpgate's own; a stock auth server answers that there is no such path.
    pub async fn status(&self) -> Result<ClusterStatus, AdminError> {
        let answer = self.send(Method::GET, "status", false, None).await?;
        serde_json::from_value(answer).map_err(|e| self.nonsense(&e.to_string()))
    }

    /// The next certificate for the login behind this connection. Jumpgate's own; a stock auth server has no such path.
    pub async fn renew(&self, request: &RenewalRequest) -> Result<LoginResponse, AdminError> {
        let body = serde_json::to_value(request).map_err(|e| AdminError::Refused(e.to_string()))?;
        let answer = self.send(Method::POST, "renewal", false, Some(body)).await?;
        serde_json::from_value(answer).map_err(|e| self.nonsense(&e.to_string()))
    }

    /// The Kubernetes clusters behind the gate, the default one first. Jumpgate's own; a stock auth server has no such path.
    pub async fn kube_clusters(&self) -> Result<Vec<KubeCluster>, AdminError> {
        let answer = self.send(Method::GET, "kubernetes/clusters", false, None).await?;
        serde_json::from_value(answer).map_err(|e| self.nonsense(&e.to_string()))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        secrets: bool,
        body: Option<Value>,
    ) -> Result<Value, AdminError> {
        match self.once(method, path, secrets, body.as_ref()).await {
            // Ours and Teleport 4's have every collection, also an empty one. Who has none has the path no more.
            Err(AdminError::NotFound(text)) => {
                let known = path.starts_with("status") || !self.has_no(path).await;
                let address = self.http.address().to_string();
                Err(if known { AdminError::NotFound(text) } else { AdminError::GrpcOnly { address } })
            }
            other => other,
        }
    }

    /// Whether the server does not know the collection that a path lies in.
    async fn has_no(&self, path: &str) -> bool {
        let kinds = [Kind::Github, Kind::Role, Kind::User].map(collection);
        let Some(collection) = kinds.iter().find(|c| path.starts_with(c.as_str())) else { return false };
        matches!(self.once(Method::GET, collection, false, None).await, Err(AdminError::NotFound(_)))
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        secrets: bool,
        body: Option<&Value>,
    ) -> Result<Value, AdminError> {
        let query = if secrets { "?with_secrets=true" } else { "" };
        let path = format!("/v2/{path}{query}");
        let body = self.bytes(method, &path, body).await?;
        serde_json::from_slice(&body).map_err(|e| self.nonsense(&e.to_string()))
    }

    /// The body of a good answer to a request for a whole path.
    pub(super) async fn bytes(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Vec<u8>, AdminError> {
        let answer = self.http.send(method, path, body).await.map_err(|e| self.failure(e))?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(self.refusal(&answer)) }
    }

    /// A good answer that comes bit by bit.
    pub(super) async fn open_stream(&self, path: &str) -> Result<Coming, AdminError> {
        let mut coming = self.http.open_stream(path).await.map_err(|e| self.failure(e))?;
        if coming.status.is_success() {
            return Ok(coming);
        }
        let mut body = Vec::new();
        while let Some(chunk) = coming.chunk(Some(PATIENCE)).await.map_err(|e| self.failure(e))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_REFUSAL {
                break;
            }
        }
        Err(self.refusal(&Answer { status: coming.status, headers: Default::default(), body }))
    }

    /// What an answer says that is no good one.
    fn refusal(&self, answer: &Answer) -> AdminError {
        let status = answer.status;
        let Some(text) = ErrorBody::sentence(&answer.body) else {
            if status == StatusCode::NOT_FOUND {
                return AdminError::NotFound(format!("{} knows no such path", self.http.address()));
            }
            let reason = if answer.is_away() { proxy::away(answer) } else { format!("status {status}") };
            return self.nonsense(&reason);
        };
        match status {
            StatusCode::NOT_FOUND => AdminError::NotFound(text),
            StatusCode::CONFLICT => AdminError::Exists(text),
            StatusCode::PRECONDITION_FAILED => AdminError::Conflict(text),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => AdminError::Denied(text),
            StatusCode::GONE => AdminError::Over(text),
            _ => AdminError::Refused(text),
        }
    }

    pub(super) fn failure(&self, error: NetError) -> AdminError {
        let address = self.http.address().to_string();
        match error {
            NetError::Tls(TlsFailure::NoHttp1) => AdminError::GrpcOnly { address },
            NetError::TooLong => self.nonsense("the answer does not end"),
            other => AdminError::Unreachable { address, reason: other.to_string() },
        }
    }

    pub(super) fn nonsense(&self, reason: &str) -> AdminError {
        AdminError::Nonsense { address: self.http.address().to_string(), reason: reason.to_owned() }
    }
}

fn collection(kind: Kind) -> String {
    match kind {
        Kind::Github => "github/connectors",
        Kind::Role => "roles",
        Kind::User => "users",
    }
    .to_owned()
}

/// A name as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

fn one(kind: Kind, name: &str) -> String {
    format!("{}/{}", collection(kind), utf8_percent_encode(name, SEGMENT))
}

fn envelope(resource: &Resource) -> Result<Value, AdminError> {
    let key = match resource.kind() {
        Kind::Github => "connector",
        Kind::Role => "role",
        Kind::User => "user",
    };
    let value = serde_json::to_value(resource).map_err(|e| AdminError::Refused(e.to_string()))?;
    Ok(json!({ key: value }))
}

/// Trusts the identity's CAs and nothing else, and shows its certificate.
fn tls(identity: &IdentityFile) -> Result<ClientConfig, AdminError> {
    let unusable = |e: String| AdminError::Credentials(e);
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(identity.ca_pem.as_bytes()) {
        let ca = ca.map_err(|e| unusable(e.to_string()))?;
        roots.add(ca).map_err(|e| unusable(e.to_string()))?;
    }
    let chain = CertificateDer::pem_slice_iter(identity.cert_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| unusable(e.to_string()))?;
    let key =
        PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|e| unusable(e.to_string()))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(e.to_string()))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|e| unusable(e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
