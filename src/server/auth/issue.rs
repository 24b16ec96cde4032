//! What a completed login gets: an X.509 and an SSH user certificate, and the host CA to trust from then on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    access::{AccessError, DEFAULT_TTL, Rights},
    github::Person,
};
use crate::{
    model::Traits,
    pki::{
        Authority, Certificate, Identity, KeyError, PublicKey, SshCertificate, Subject, Validity,
        ssh::SshError,
        x509::{CertificateError, LoginTimes},
    },
    server::Gate,
    wire::{
        b64::Bytes,
        login::{HostSigner, LoginResponse},
    },
};

/// The shortest life of a certificate: below it clocks that differ make it useless.
pub(super) const MIN_TTL: Duration = Duration::from_secs(60);

/// A login that went all its way. Only the flows in `server::auth` can make one, and [`issue`] takes nothing else.
#[derive(Debug)]
pub struct CompletedLogin {
    user: String,
    roles: Vec<String>,
    traits: Traits,
    key: PublicKey,
    wished: Duration,
    route_to_cluster: String,
    kubernetes_cluster: String,
    /// When the person signed in, for a renewal; else it is now.
    since: Option<Timestamp>,
    /// The end of the login to which the person agreed. No renewal goes beyond it.
    end: Option<Timestamp>,
}

/// What the client asked for at the beginning of its login.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// The key to certify.
    pub(super) key: PublicKey,
    /// The wished life; zero leaves it to the gate.
    pub(super) ttl: Duration,
    /// The cluster to work with.
    pub(super) route_to_cluster: String,
    /// The Kubernetes cluster to work with.
    pub(super) kubernetes_cluster: String,
}

impl CompletedLogin {
    /// For the flows in this room, after the last of their checks.
    pub(super) fn new(user: String, roles: Vec<String>, traits: Traits, wish: Wish) -> Self {
        Self {
            user,
            roles,
            traits,
            key: wish.key,
            wished: wish.ttl,
            route_to_cluster: wish.route_to_cluster,
            kubernetes_cluster: wish.kubernetes_cluster,
            since: None,
            end: None,
        }
    }

    /// The same login with an end to which its person agreed.
    pub(super) fn ending(self, end: Option<Timestamp>) -> Self {
        Self { end, ..self }
    }

    /// For `renew`, after its checks: who the verified certificate names, with the limits of their login.
    pub(super) fn renewed(identity: &Identity, wish: Wish) -> Self {
        let subject = identity.subject();
        let user = subject.username.clone();
        let fresh = Self::new(user, subject.roles.clone(), subject.traits.clone(), wish);
        Self { since: Some(identity.logged_in_at()), end: identity.login_end(), ..fresh }
    }
}

/// Certificates for a person.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The X.509 certificate.
    pub x509: Certificate,
    /// The SSH certificate.
    pub ssh: SshCertificate,
    /// When both end.
    pub not_after: Timestamp,
    /// When the person signed in.
    pub since: Timestamp,
    /// When the login ends with all its renewals.
    pub login_end: Timestamp,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The roles could not be told.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The key cannot be certified.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The X.509 certificate could not be made.
    #[error(transparent)]
    X509(#[from] CertificateError),
    /// The SSH certificate could not be made.
    #[error(transparent)]
    Ssh(#[from] SshError),
}

/// Issues certificates for a completed login.
pub async fn issue(gate: &Gate, login: &CompletedLogin, now: Timestamp) -> Result<Issued, IssueError> {
    let rights = gate.access.rights_of(&login.user, &login.roles, login.traits.clone()).await?;
    let since = login.since.unwrap_or(now);
    let login_end = end_of_login(gate, &rights, since, login.end);
    let ttl = life(login.wished, rights.max_ttl().min(until(now, login_end)));
    let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let validity = Validity::starting(now, SignedDuration::from_secs(seconds));
    let subject = subject(login, &rights);
    let user_ca = &gate.authorities.user;
    let times = LoginTimes { since, end: login.end };
    let x509 = user_ca.sign_user_since(&subject, &login.key, validity, times)?;
    let ssh = user_ca.sign_ssh_user(&subject, rights.ssh(), &login.key, validity)?;
    gate.metrics.certificate("x509");
    gate.metrics.certificate("ssh");
    Ok(Issued { not_after: x509.validity().not_after, since, login_end, x509, ssh })
}

/// How long a certificate for somebody would live, of which nothing is issued yet; and how long their login would, with all
/// its renewals.
pub(super) async fn offered(
    gate: &Gate,
    person: &Person,
    wished: Duration,
) -> Result<(Duration, Duration), IssueError> {
    let rights = gate.access.rights_of(person.name(), person.roles(), person.traits().clone()).await?;
    let now = Timestamp::now();
    let end = end_of_login(gate, &rights, now, agreed_end(now, wished));
    Ok((life(wished, rights.max_ttl().min(until(now, end))), until(now, end)))
}

/// The end to which somebody agrees who approves a login with a wished life; none if nothing was wished.
pub(super) fn agreed_end(now: Timestamp, wished: Duration) -> Option<Timestamp> {
    (!wished.is_zero()).then(|| after(now, wished.max(MIN_TTL)))
}

/// When a login ends with all its renewals: the least of what its roles and the gate allow, and of what was agreed to.
pub(super) fn end_of_login(
    gate: &Gate,
    rights: &Rights,
    since: Timestamp,
    agreed: Option<Timestamp>,
) -> Timestamp {
    let allowed = after(since, rights.longest_login(gate.config.login_renewal));
    agreed.map_or(allowed, |agreed| agreed.min(allowed))
}

/// What is left from `now` to the end.
pub(super) fn until(now: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(now.duration_until(end)).unwrap_or(Duration::ZERO)
}

fn after(start: Timestamp, time: Duration) -> Timestamp {
    let span = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    start.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// The least of what was asked for (twelve hours if nothing) and what the roles allow.
fn life(wished: Duration, limit: Duration) -> Duration {
    let wished = if wished.is_zero() { DEFAULT_TTL } else { wished };
    wished.min(limit).max(MIN_TTL)
}

fn subject(login: &CompletedLogin, rights: &Rights) -> Subject {
    let (kubernetes_groups, kubernetes_users) = rights.kubernetes_names();
    Subject {
        username: login.user.clone(),
        roles: login.roles.clone(),
        // None: a login certificate opens both ports.
        usage: vec![],
        principals: rights.logins(),
        kubernetes_groups,
        kubernetes_users,
        traits: login.traits.clone(),
        route_to_cluster: login.route_to_cluster.clone(),
        kubernetes_cluster: login.kubernetes_cluster.clone(),
    }
}

/// The answer to a completed login or renewal.
pub(super) fn response(gate: &Gate, user: &str, issued: &Issued) -> Result<LoginResponse, KeyError> {
    let renewal = gate.config.login_renewal;
    let until = after(issued.since, renewal).min(issued.login_end);
    Ok(LoginResponse {
        username: user.to_owned(),
        cert: Bytes::from(issued.ssh.to_line()),
        tls_cert: Bytes::from(issued.x509.to_pem()),
        host_signers: host_signers(&gate.authorities.host)?,
        renewable_until: (until > issued.not_after).then_some(until),
    })
}

/// The host CA as a client learns it at login.
pub fn host_signers(host: &Authority) -> Result<Vec<HostSigner>, KeyError> {
    let key = host.key().public().to_authorized_key()?;
    Ok(vec![HostSigner {
        domain_name: host.cluster().to_owned(),
        checking_keys: vec![Bytes::from(format!("{key}\n"))],
        tls_certs: vec![Bytes::from(host.certificate().to_pem())],
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_wish_and_limit_counts() {
        let hours = |h: u64| Duration::from_secs(h * 3600);
        assert_eq!(life(Duration::ZERO, hours(30)), hours(12));
        assert_eq!(life(Duration::ZERO, hours(2)), hours(2));
        assert_eq!(life(hours(20), hours(30)), hours(20));
        assert_eq!(life(hours(100), hours(30)), hours(30));
        assert_eq!(life(Duration::from_nanos(1), hours(30)), MIN_TTL);
    }
}
