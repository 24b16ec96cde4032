//! Logins: through an identity provider (wire facts 2), by a code typed on the gate's page (ours), by password (wire facts 3.1).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::b64::Bytes;
use crate::model::Secret;

/// Body of `POST /webapi/github/login/console`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleRequest {
    /// `http://127.0.0.1:PORT/callback?secret_key=HEX64`.
    #[serde(default)]
    pub redirect_url: String,
    /// The key to certify: an `authorized_keys` line. A gate of Teleport 17 or later takes the next two instead.
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub public_key: Bytes,
    /// The key for the SSH certificate: an `authorized_keys` line (Teleport 17).
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub ssh_pub_key: Bytes,
    /// The key for the X.509 certificate: SubjectPublicKeyInfo in PEM (Teleport 17).
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub tls_pub_key: Bytes,
    /// The wished life of the certificate, in nanoseconds; 0 leaves it to the server.
    #[serde(default)]
    pub cert_ttl: i64,
    /// The connector's name.
    #[serde(default)]
    pub connector_id: String,
    /// Format of the SSH certificate; only `standard` and empty are served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub compatibility: String,
    /// The cluster to work with; empty for the gate's own.
    #[serde(
        default,
        rename = "RouteToCluster",
        alias = "route_to_cluster",
        skip_serializing_if = "String::is_empty"
    )]
    pub route_to_cluster: String,
    /// The Kubernetes cluster to work with.
    #[serde(
        default,
        rename = "KubernetesCluster",
        alias = "kubernetes_cluster",
        skip_serializing_if = "String::is_empty"
    )]
    pub kubernetes_cluster: String,
}

/// Answer to [`ConsoleRequest`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleResponse {
    /// Where the browser goes: the provider's authorisation page.
    pub redirect_url: String,
}

/// What a completed login brings; it travels sealed (see [`super::seal`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginResponse {
    /// The person's name.
    #[serde(default)]
    pub username: String,
    /// The SSH certificate: an `authorized_keys` line.
    #[serde(default)]
    pub cert: Bytes,
    /// The X.509 certificate, PEM.
    #[serde(default)]
    pub tls_cert: Bytes,
    /// The host CAs to trust from now on.
    #[serde(default)]
    pub host_signers: Vec<HostSigner>,
    /// Until when the gate renews this login without another sign-in; absent when it does not. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewable_until: Option<Timestamp>,
}

/// Body of `POST /v2/renewal` on the admin API, where the client certificate says whose login it is. Ours; the answer is a
/// [`LoginResponse`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalRequest {
    /// The key to certify: an `authorized_keys` line.
    #[serde(default)]
    pub public_key: Bytes,
    /// The wished life of the certificate, in nanoseconds; 0 leaves it to the gate.
    #[serde(default)]
    pub cert_ttl: i64,
}

/// Body of `POST /webapi/login/code`: a terminal without a browser begins a login. Ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRequest {
    /// What is wished; its `redirect_url` stays empty.
    #[serde(flatten)]
    pub login: ConsoleRequest,
    /// What the machine calls itself. Nothing vouches for it.
    #[serde(default)]
    pub host: String,
}

/// Answer to [`CodeRequest`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeAnswer {
    /// What the person types on the gate's page: `XXXX-XXXX`.
    pub user_code: String,
    /// Where that page is. It never carries the code.
    pub verification_url: String,
    /// What the terminal asks with; whoever has it gets the answer.
    pub poll_secret: Secret,
    /// How long the code lives, in seconds.
    pub expires_in: u64,
    /// How long to wait between two questions, in seconds.
    pub interval: u64,
}

/// Body of `POST /webapi/login/code/poll`. Ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodePoll {
    /// As in [`CodeAnswer`].
    pub poll_secret: Secret,
}

/// Answer to [`CodePoll`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeState {
    /// How far it is.
    pub state: CodeStage,
    /// What the login brings, once, when it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginResponse>,
}

/// How far a login by code is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeStage {
    /// Nobody has decided yet.
    #[default]
    Pending,
    /// Asked too soon: wait longer from now on.
    SlowDown,
    /// The person approved it; the answer comes with it.
    Approved,
    /// The person said no.
    Denied,
    /// The person could not sign in; the page in the browser said why.
    Failed,
    /// Too old, used already, or never there.
    Gone,
}

/// Body of `POST /webapi/ssh/certs`: a login by password (wire facts 3.1). The answer is a [`LoginResponse`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRequest {
    /// The person's name.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// The one-time code; empty where none is wanted.
    pub otp_token: Secret,
    /// The key to certify: an `authorized_keys` line.
    pub pub_key: Bytes,
    /// The wished life of the certificate, in nanoseconds; 0 leaves it to the server.
    pub ttl: i64,
    /// The cluster to work with; empty for the gate's own. Servers before 4.2.12 do not know it.
    #[serde(default, rename = "RouteToCluster", skip_serializing_if = "String::is_empty")]
    pub route_to_cluster: String,
}

/// A host CA.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSigner {
    /// The cluster's name.
    #[serde(default)]
    pub domain_name: String,
    /// Its SSH host CA keys: `authorized_keys` lines.
    #[serde(default)]
    pub checking_keys: Vec<Bytes>,
    /// Its X.509 host CA certificates, PEM.
    #[serde(default)]
    pub tls_certs: Vec<Bytes>,
}
