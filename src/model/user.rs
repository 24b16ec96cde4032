//! A user record: written at each login, kept while the login lives, and the place where a GitHub name is bound to
//! the account's numeric id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Metadata, Traits};

/// A resource of kind `user`, version `v2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Always `user`.
    pub kind: String,
    /// Always `v2`.
    pub version: String,
    /// Name and revision.
    pub metadata: Metadata,
    /// Who it is.
    pub spec: UserSpec,
}

/// `spec` of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    /// Names of the roles that the last login gave.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The traits that the last login gave.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
    /// The GitHub accounts behind the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub github_identities: Vec<GithubIdentity>,
    /// When the record was made. A certificate that is older belongs to an earlier record of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When the last login ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When the person last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
    /// What Teleport 4 keeps with a user and this program only passes on: accounts of other providers, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_identities: Option<Value>,
    /// … and of SAML; …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saml_identities: Option<Value>,
    /// … whether the user is locked; …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
    /// … and who made the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Value>,
}

/// A GitHub account as one connector saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubIdentity {
    /// The connector's name.
    pub connector_id: String,
    /// The account's login name.
    pub username: String,
    /// GitHub's numeric id of the account; a renamed and re-registered name has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<u64>,
}

impl User {
    /// A user record with nothing but its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            kind: "user".into(),
            version: "v2".into(),
            metadata: Metadata::named(name),
            spec: UserSpec::default(),
        }
    }
}
