//! A connection to the admin API, and whose it is: a refusal then says who may not do what at which gate.

use std::ops::Deref;

use anyhow::anyhow;

use crate::{
    cli::error::Failure,
    client::{
        admin::{AdminClient, AdminError},
        identity_file::IdentityFile,
    },
    model::{Verb, role},
    pki::Certificate,
};

/// The admin API as somebody.
pub(super) struct Connection {
    client: AdminClient,
    /// `host:port`.
    address: String,
    /// The name in the certificate.
    user: String,
}

impl Deref for Connection {
    type Target = AdminClient;

    fn deref(&self) -> &AdminClient {
        &self.client
    }
}

impl Connection {
    /// Prepares a connection to `host:port` with the credentials of an identity.
    pub(super) async fn new(address: &str, identity: &IdentityFile) -> anyhow::Result<Self> {
        let client = AdminClient::new(address, identity).await?;
        // What cannot be read here is refused by the gate, which says why.
        let subject = Certificate::from_pem(&identity.cert_pem).ok().and_then(|cert| cert.subject().ok());
        let user = subject.map_or_else(|| "the holder of this certificate".to_owned(), |s| s.username);
        Ok(Self { client, address: address.to_owned(), user })
    }

    /// Calls `say` when an answer takes long.
    pub(super) fn on_slow(mut self, say: crate::client::net::Slow) -> Self {
        self.client = self.client.on_slow(say);
        self
    }

    /// What to tell of a request that was not done.
    pub(super) fn failure(&self, error: AdminError) -> anyhow::Error {
        match &error {
            AdminError::Denied(text) => match denied(text) {
                Some((action, kind)) => anyhow!(missing_right(&self.user, &self.address, action, kind)),
                None => error.into(),
            },
            _ => error.into(),
        }
    }
}

/// The verb and the kind of `access denied to perform action "VERB" on "KIND"`, as Teleport and the gate say it.
fn denied(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("access denied to perform action \"")?;
    rest.strip_suffix('"')?.split_once("\" on \"")
}

fn missing_right(user: &str, address: &str, action: &str, kind: &str) -> Failure {
    let things = match kind {
        "github" | "auth_connector" => "GitHub connectors".to_owned(),
        "cert_authority" => "the gate's keys".to_owned(),
        other => format!("{other}s"),
    };
    let (verb, right) = match action {
        "readnosecrets" => ("read", "readnosecrets"),
        "read" if things == "GitHub connectors" => ("read the secrets of", "read"),
        other => (other, other),
    };
    let failure = Failure::new(format!("{user} may not {verb} {things} at {address}"));
    let named = giving(right, kind).map_or_else(String::new, |role| format!(" such as {role:?}"));
    failure.hint(format!(
        "that needs a role{named} whose rules allow {right:?} on {kind:?}; an administrator gives one with teams_to_roles in the connector"
    ))
}

/// The built-in role that allows a verb on a kind; the one with the fewest rights.
fn giving(action: &str, kind: &str) -> Option<String> {
    let verb = Verb::ALL.into_iter().find(|verb| verb.name() == action)?;
    let covering = role::built_in()
        .into_iter()
        .filter(|role| role.spec.allow.rules.iter().any(|rule| rule.covers(kind, verb)));
    covering.min_by_key(|role| role.spec.allow.rules.len()).map(|role| role.metadata.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_told_with_the_role_that_gives_it() {
        let text = "access denied to perform action \"create\" on \"github\"";
        assert_eq!(denied(text), Some(("create", "github")));
        assert_eq!(denied("role \"x\" no longer exists"), None);
        let told = missing_right("alice", "gate.example.com:3080", "create", "github");
        assert_eq!(told.to_string(), "alice may not create GitHub connectors at gate.example.com:3080");
        assert_eq!(giving("create", "github").as_deref(), Some("editor"));
        assert_eq!(giving("list", "event").as_deref(), Some("auditor"));
        assert_eq!(giving("rotate", "cert_authority").as_deref(), Some("admin"));
        assert_eq!(giving("fly", "github"), None);
    }
}
