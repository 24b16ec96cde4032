//! Bodies of the admin API, `/v2/…` (wire facts 8.2): resources travel under a key of their own.

use serde::{Deserialize, Serialize};

use crate::model::{GithubConnector, Role, User};

/// The name that the admin API's certificate carries whatever its address is (wire facts 5.5). On the web port, asking for
/// it by SNI, or for a name below it (the cluster's in hex), is asking for the admin API.
pub const SERVER_NAME: &str = "teleport.cluster.local";

/// The ALPN names by which a client asks for the admin API on the web port: ours, and what clients of Teleport might use. What they
/// speak then is HTTP/1.1.
pub const ALPN_NAMES: [&[u8]; 2] = [b"jumpgate-admin", b"teleport-admin"];

/// Whether a server name (SNI) asks for the admin API.
pub fn is_server_name(name: &str) -> bool {
    name.strip_suffix(SERVER_NAME).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Body of `POST` and `PUT /v2/github/connectors`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConnectorBody {
    /// The connector.
    pub connector: GithubConnector,
}

/// Body of `POST /v2/roles`. It overwrites, as Teleport's does; with `?create=true`, Jumpgate's own, a role of the same name is a 409.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoleBody {
    /// The role.
    pub role: Role,
}

/// Body of `POST /v2/users`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UserBody {
    /// The user.
    pub user: User,
}

/// `{"message": "ok"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What was done.
    pub message: String,
}

impl Message {
    /// The answer to a write that has nothing more to say.
    pub fn ok() -> Self {
        Self { message: "ok".into() }
    }
}

/// Answer of `GET /v2/status`: what `tctl status` shows. Jumpgate's own; Teleport 4 has no such path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// The cluster's name.
    pub cluster: String,
    /// The gate's version.
    pub version: String,
    /// SHA-256 of the host CA's public key: what `tsh login --ca-pin` takes.
    pub ca_pin: String,
    /// The user CA's fingerprint in the same form.
    pub user_ca: String,
    /// The web port's address for people outside.
    pub web_addr: String,
    /// Hosts by which the gate is reached: those of every `public_addr`, and of `web_addr`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_and_those_below_it_ask_for_the_admin_api() {
        assert!(is_server_name("teleport.cluster.local"));
        assert!(is_server_name("6162.teleport.cluster.local"));
        assert!(!is_server_name("xteleport.cluster.local"));
        assert!(!is_server_name("teleport.example.com"));
    }
}
