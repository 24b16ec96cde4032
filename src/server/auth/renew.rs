//! Renewal: a certificate that is still valid brings the next one, without a browser, within the limits of the login that
//! it goes back to.
//!
//! The certificate remembers when its person signed in, and each renewal copies that. So a login lives at most as long as
//! its roles allow (`max_session_ttl`), or as `auth_service.login_renewal` says if that is longer. What the person may is
//! looked up anew: a removed user or role ends the renewals at once. A change of GitHub teams is seen at the next login.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    access::Rights,
    issue::{self, CompletedLogin, IssueError, Issued, MIN_TTL, Wish},
};
use crate::{
    model::User,
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
/// [`RenewError::NotALogin`] and [`RenewError::Over`] for a certificate that cannot be renewed (any more).
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
    let line = request.public_key.as_text().filter(|line| !line.is_empty());
    let key = PublicKey::from_authorized_key(line.ok_or(RenewError::Request("missing PublicKey"))?)?;
    let wished =
        u64::try_from(request.cert_ttl).map_err(|_| RenewError::Request("cert_ttl is below zero"))?;
    let since = identity.logged_in_at();
    let left = left(since, rights.max_ttl(), gate.config.login_renewal, now);
    if left < MIN_TTL {
        return Err(RenewError::Over { since });
    }
    let subject = identity.subject();
    let wish = Wish {
        key,
        ttl: Duration::from_nanos(wished),
        route_to_cluster: subject.route_to_cluster.clone(),
        kubernetes_cluster: subject.kubernetes_cluster.clone(),
    };
    let login = CompletedLogin::renewed(identity, wish, left);
    let issued = issue::issue(gate, &login, now).await?;
    prolong(gate, identity.username(), issued.not_after).await?;
    Ok((issue::response(gate, identity.username(), &issued)?, issued))
}

/// How much of the login is left.
fn left(since: Timestamp, roles: Duration, renewal: Duration, now: Timestamp) -> Duration {
    let whole = SignedDuration::try_from(roles.max(renewal)).unwrap_or(SignedDuration::MAX);
    let end = since.checked_add(whole).unwrap_or(Timestamp::MAX);
    Duration::try_from(now.duration_until(end)).unwrap_or(Duration::ZERO)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_lives_as_long_as_the_roles_or_the_gate_allow() {
        let hours = |h: u64| Duration::from_secs(h * 3600);
        let since: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let later = |h: i64| since + SignedDuration::from_hours(h);
        assert_eq!(left(since, hours(12), Duration::ZERO, later(2)), hours(10));
        assert_eq!(left(since, hours(12), hours(24), later(13)), hours(11));
        assert_eq!(left(since, hours(12), hours(24), later(25)), Duration::ZERO);
        assert_eq!(left(since, hours(12), hours(1), later(0)), hours(12));
    }
}
