//! Bodies of the admin API, `/v2/…` (wire facts 8.2): resources travel under a key of their own.

use serde::{Deserialize, Serialize};

use crate::model::{GithubConnector, Role, User};

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
}
