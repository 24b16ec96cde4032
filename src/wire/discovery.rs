//! `/webapi/ping` and `/webapi/find` (wire facts 1).

use serde::{Deserialize, Serialize};

/// Answer of `/webapi/ping[/CONNECTOR]` and `/webapi/find`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// How people sign in; empty in `find`.
    #[serde(default)]
    pub auth: Auth,
    /// Where the parts of the proxy answer.
    #[serde(default)]
    pub proxy: Proxy,
    /// The server's version.
    #[serde(default)]
    pub server_version: String,
    /// The oldest client that fits; empty when the server doesn't say.
    #[serde(default)]
    pub min_client_version: String,
    /// The cluster's name. Not sent by Teleport 4; modern servers and ours do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Whether `POST /webapi/login/code` is served. Ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub code_login: bool,
}

/// `auth` of [`Ping`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// `local`, `oidc`, `saml` or `github`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// `off`, `otp`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<String>,
    /// The GitHub connector, if that is how people sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<ConnectorName>,
    /// The OIDC connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<ConnectorName>,
    /// The SAML connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saml: Option<ConnectorName>,
}

/// A connector as discovery shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorName {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What people read.
    #[serde(default)]
    pub display: String,
}

/// `proxy` of [`Ping`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The Kubernetes listener.
    #[serde(default)]
    pub kube: Kube,
    /// The web and SSH listeners.
    #[serde(default)]
    pub ssh: Ssh,
    /// Whether every part answers at the web port, told apart by SNI and ALPN (modern Teleport).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls_routing_enabled: bool,
}

/// `proxy.kube` of [`Ping`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kube {
    /// Whether the gate guards a cluster.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// `host:port` for people outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_addr: Option<String>,
    /// `host:port` that it listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_addr: Option<String>,
}

/// `proxy.ssh` of [`Ping`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ssh {
    /// `host:port` of the SSH proxy as it listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_addr: Option<String>,
    /// `host:port` of the tunnel listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_listen_addr: Option<String>,
    /// `host:port` of the web listener for people outside; it also names the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_addr: Option<String>,
    /// `host:port` of the SSH proxy for people outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_public_addr: Option<String>,
}
