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
        ssh::SshError, x509::CertificateError,
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
    /// What is left of the login, for a renewal.
    left: Duration,
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
            left: Duration::MAX,
        }
    }

    /// For `renew`, after its checks: who the verified certificate names, for what is `left` of their login.
    pub(super) fn renewed(identity: &Identity, wish: Wish, left: Duration) -> Self {
        let subject = identity.subject();
        let user = subject.username.clone();
        let fresh = Self::new(user, subject.roles.clone(), subject.traits.clone(), wish);
        Self { since: Some(identity.logged_in_at()), left, ..fresh }
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
    let ttl = life(login.wished, rights.max_ttl().min(login.left));
    let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let validity = Validity::starting(now, SignedDuration::from_secs(seconds));
    let subject = subject(login, &rights);
    let user_ca = &gate.authorities.user;
    let x509 = user_ca.sign_user_since(&subject, &login.key, validity, login.since.unwrap_or(now))?;
    let ssh = user_ca.sign_ssh_user(&subject, rights.ssh(), &login.key, validity)?;
    gate.metrics.certificate("x509");
    gate.metrics.certificate("ssh");
    Ok(Issued { not_after: x509.validity().not_after, since: login.since.unwrap_or(now), x509, ssh })
}

/// How long a certificate for somebody would live, of which nothing is issued yet.
pub(super) async fn offered(gate: &Gate, person: &Person, wished: Duration) -> Result<Duration, IssueError> {
    let rights = gate.access.rights_of(person.name(), person.roles(), person.traits().clone()).await?;
    Ok(life(wished, rights.max_ttl()))
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
    let until = SignedDuration::try_from(renewal).ok().and_then(|span| issued.since.checked_add(span).ok());
    Ok(LoginResponse {
        username: user.to_owned(),
        cert: Bytes::from(issued.ssh.to_line()),
        tls_cert: Bytes::from(issued.x509.to_pem()),
        host_signers: host_signers(&gate.authorities.host)?,
        renewable_until: until.filter(|until| *until > issued.not_after),
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
