//! Renewal: a certificate that is still valid brings the next one, without a browser, within the limits of the login that
//! it goes back to.
//!
//! The certificate remembers when its person signed in and the end to which they agreed, and each renewal copies both. So a
//! login lives at most to that end, and as long as its roles say (`max_session_ttl`), or as `auth_service.login_renewal`
//! says where no role does. What the person may is looked up anew: a removed user, role or connector ends the
//! renewals at once, and so does a later login of the person that gave other roles or teams.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{
    access::{AccessError, Rights},
    issue::{self, CompletedLogin, IssueError, Issued, MIN_TTL, Wish},
};
use crate::{
    model::{GithubConnector, User},
    pki::{Identity, KeyError, PublicKey, Usage},
    server::{
        Gate,
        store::{StoreError, resources},
    },
    wire::login::{LoginResponse, RenewalRequest},
};

/// How often a write is repeated that somebody else's write crossed.
const ATTEMPTS: usize = 5;

/// Why a certificate was not renewed. The texts are for the person.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// A certificate for one use only, or the gate's own.
    #[error("only the certificate of a login can be renewed; run: tsh login")]
    NotALogin,
    /// The login has lived as long as it may.
    #[error(
        "the login of {since} has reached the end that the roles and the gate allow it; sign in again with: tsh login --force"
    )]
    Over {
        /// When the person signed in.
        since: Timestamp,
    },
    /// The login has reached the end to which its person agreed.
    #[error("this login was approved for a time that is over; sign in again with: tsh login --force")]
    Agreed,
    /// What the person may or is has changed since the certificate was issued.
    #[error(
        "the roles or teams of user {0:?} are no longer those of this certificate; sign in again with: tsh login --force"
    )]
    Changed(String),
    /// No connector is left that would let the person in.
    #[error(
        "the connector through which user {0:?} signed in was removed by an administrator, so the login is not renewed; sign in again with: tsh login --force"
    )]
    NoConnector(String),
    /// The key cannot be certified.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No key was sent, or a negative life was wished.
    #[error("{0}")]
    Request(&'static str),
    /// The certificates could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Issues the next certificate of a verified login, for a new key.
///
/// # Errors
/// [`RenewError::Changed`] and [`RenewError::NoConnector`] for rights that were taken away; [`RenewError::NotALogin`], [`RenewError::Over`] and [`RenewError::Agreed`] for a certificate that cannot be renewed (any more).
pub async fn renew(
    gate: &Gate,
    identity: &Identity,
    rights: &Rights,
    request: &RenewalRequest,
    now: Timestamp,
) -> Result<(LoginResponse, Issued), RenewError> {
    if identity.usage() != Usage::Login {
        return Err(RenewError::NotALogin);
    }
    check_person(gate, identity).await?;
    let line = request.public_key.as_text().filter(|line| !line.is_empty());
    let key = PublicKey::from_authorized_key(line.ok_or(RenewError::Request("missing PublicKey"))?)?;
    let wished =
        u64::try_from(request.cert_ttl).map_err(|_| RenewError::Request("cert_ttl is below zero"))?;
    let since = identity.logged_in_at();
    let end = issue::end_of_login(gate, rights, since, identity.login_end());
    if issue::until(now, end) < MIN_TTL {
        let agreed = identity.login_end() == Some(end);
        return Err(if agreed { RenewError::Agreed } else { RenewError::Over { since } });
    }
    let subject = identity.subject();
    let wish = Wish {
        key,
        ttl: Duration::from_nanos(wished),
        route_to_cluster: subject.route_to_cluster.clone(),
        kubernetes_cluster: subject.kubernetes_cluster.clone(),
    };
    let login = CompletedLogin::renewed(identity, wish);
    let issued = issue::issue(gate, &login, now).await?;
    prolong(gate, identity.username(), issued.not_after).await?;
    Ok((issue::response(gate, identity.username(), &issued)?, issued))
}

/// Refuses what a later login or an administrator took away: the record says what the last login gave.
async fn check_person(gate: &Gate, identity: &Identity) -> Result<(), RenewError> {
    let name = || identity.username().to_owned();
    let user = resources::get::<User>(&*gate.store, identity.username()).await?;
    let user = user.ok_or_else(|| AccessError::NoUser(name())).map_err(IssueError::from)?;
    // A certificate keeps no order of its roles.
    let roles = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    let subject = identity.subject();
    if roles(&user.spec.roles) != roles(&subject.roles) || user.spec.traits != subject.traits {
        return Err(RenewError::Changed(name()));
    }
    for known in &user.spec.github_identities {
        if resources::get::<GithubConnector>(&*gate.store, &known.connector_id).await?.is_some() {
            return Ok(());
        }
    }
    Err(RenewError::NoConnector(name()))
}

/// The person's record lives as long as their last certificate.
async fn prolong(gate: &Gate, name: &str, until: Timestamp) -> Result<(), StoreError> {
    let mut last = StoreError::NotFound(name.to_owned());
    for _ in 0..ATTEMPTS {
        let Some(mut user) = resources::get::<User>(&*gate.store, name).await? else { return Err(last) };
        if user.spec.expires.is_some_and(|expires| expires >= until) {
            return Ok(());
        }
        user.spec.expires = Some(until);
        match resources::replace(&*gate.store, &user).await {
            Ok(_) => return Ok(()),
            Err(e @ StoreError::Conflict(_)) => last = e,
            Err(e) => return Err(e),
        }
    }
    Err(last)
}
