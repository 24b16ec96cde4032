//! Console login through an identity provider (wire facts 2).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::b64::Bytes;

/// Body of `POST /webapi/github/login/console`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleRequest {
    /// `http://127.0.0.1:PORT/callback?secret_key=HEX64`.
    #[serde(default)]
    pub redirect_url: String,
    /// The key to certify: an `authorized_keys` line.
    #[serde(default)]
    pub public_key: Bytes,
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
