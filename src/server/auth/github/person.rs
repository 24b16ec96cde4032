//! Who came back from GitHub, between the last check and the certificate.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Trail,
    api::Account,
    error::LoginError,
    mapping::Granted,
    record::{self, Entry},
};
use crate::{
    model::{GithubConnector, Traits},
    server::{
        Gate,
        audit::{Login, Outcome},
        auth::{
            issue::{self, CompletedLogin, IssueError, Wish},
            session::{self, SessionKey},
        },
        store::resources,
    },
    wire::login::LoginResponse,
};

/// Somebody whom GitHub named and whom the connector lets in. Kept in the store between a sign-in for a terminal elsewhere
/// and its approval.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::server::auth) struct Person {
    pub(super) connector: String,
    pub(super) revision: Option<i64>,
    pub(super) account: Account,
    pub(super) granted: Granted,
    pub(super) teams: Value,
}

impl Person {
    pub(in crate::server::auth) fn name(&self) -> &str {
        &self.account.login
    }

    pub(in crate::server::auth) fn roles(&self) -> &[String] {
        &self.granted.roles
    }

    pub(in crate::server::auth) fn traits(&self) -> &Traits {
        &self.granted.traits
    }

    /// A login of theirs, for the audit log.
    pub(in crate::server::auth) fn event(&self, remote: SocketAddr, outcome: Outcome) -> Login {
        let (user, connector) = (self.account.login.clone(), self.connector.clone());
        Trail { user, connector, teams: self.teams.clone() }.event(remote, outcome)
    }
}

/// Issues what the person gets, and writes the login into their record. What may have changed since they signed in is
/// checked again. `agreed` is the end of the login to which the person agreed.
pub(in crate::server::auth) async fn complete(
    gate: &Gate,
    person: &Person,
    wish: Wish,
    agreed: Option<Timestamp>,
    now: Timestamp,
) -> Result<LoginResponse, LoginError> {
    connector(gate, &person.connector, person.revision).await?;
    check_person(gate, person).await?;
    let Person { account, granted, .. } = person;
    let login =
        CompletedLogin::new(account.login.clone(), granted.roles.clone(), granted.traits.clone(), wish)
            .ending(agreed);
    let issued = issue::issue(gate, &login, now).await?;
    let entry = Entry { connector: &person.connector, account, granted, now, expires: issued.not_after };
    record::write(&*gate.store, &entry).await?;
    Ok(issue::response(gate, &account.login, &issued)?)
}

/// Opens a session of a browser for the person, and writes the login into their record. What may have changed since they
/// signed in is checked again.
pub(super) async fn open_session(
    gate: &Gate,
    person: &Person,
    now: Timestamp,
) -> Result<(SessionKey, Timestamp), LoginError> {
    connector(gate, &person.connector, person.revision).await?;
    check_person(gate, person).await?;
    let Person { account, granted, .. } = person;
    let who = (&*account.login, &*granted.roles, &granted.traits);
    let expires = session::end_of(gate, who, now).await.map_err(IssueError::from)?;
    let entry = Entry { connector: &person.connector, account, granted, now, expires };
    record::write(&*gate.store, &entry).await?;
    let key = session::begin(&*gate.store, who, now, expires).await?;
    Ok((key, expires))
}

pub(super) async fn check_person(gate: &Gate, person: &Person) -> Result<(), LoginError> {
    record::check(&*gate.store, &person.connector, &person.account).await?;
    check_roles(gate, &person.connector, &person.granted.roles).await
}

/// The connector with which a login began, if it is still the same.
pub(super) async fn connector(
    gate: &Gate,
    name: &str,
    revision: Option<i64>,
) -> Result<GithubConnector, LoginError> {
    let found: GithubConnector =
        resources::get(&*gate.store, name).await?.ok_or_else(|| LoginError::NoConnector(name.to_owned()))?;
    if found.metadata.id != revision {
        return Err(LoginError::ConnectorChanged(name.to_owned()));
    }
    Ok(found)
}

async fn check_roles(gate: &Gate, connector: &str, roles: &[String]) -> Result<(), LoginError> {
    for role in roles {
        if gate.access.role(role).await?.is_none() {
            return Err(LoginError::NoRole { connector: connector.to_owned(), role: role.clone() });
        }
    }
    Ok(())
}
