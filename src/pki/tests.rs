//! Certificates of a stock Teleport 4.0.2 are read, and ours say the same in the same places.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::Traits;

const STOCK_X509: &str = include_str!("../../tests/data/teleport-4.0.2/web/x509-ecdsa.pem");
const STOCK_SSH: &str = include_str!("../../tests/data/teleport-4.0.2/web/ssh-cert-rsa.pub");
const STOCK_RSA_KEY: &str =
    include_str!("../../tests/data/teleport-4.0.2/home/dot-tsh/keys/localhost/alice.pub");
const STOCK_CA: &str = include_str!("../../tests/data/teleport-4.0.2/home/dot-tsh/keys/localhost/certs.pem");

fn subject() -> Subject {
    let mut traits = Traits::new();
    traits.add("logins", ["root"]);
    Subject {
        username: "alice@example.com".into(),
        roles: vec!["access".into(), "editor".into()],
        usage: vec![],
        principals: vec!["root".into(), "alice".into()],
        kubernetes_groups: vec!["system:masters".into(), "dévs".into()],
        kubernetes_users: vec!["alice".into()],
        traits,
        route_to_cluster: "teleport.example.com".into(),
        kubernetes_cluster: "prod".into(),
    }
}

fn authority(kind: AuthorityKind) -> Authority {
    Authority::generate(kind, "teleport.example.com", Timestamp::now()).unwrap()
}

fn signed(ca: &Authority, subject: &Subject, key: &PublicKey, from: i64, ttl: i64) -> Certificate {
    let now = Timestamp::now() + SignedDuration::from_secs(from);
    ca.sign_user(subject, key, Validity::starting(now, SignedDuration::from_secs(ttl))).unwrap()
}

#[test]
fn a_stock_certificate_is_read() {
    let certificate = Certificate::from_pem(STOCK_X509).unwrap();
    let subject = certificate.subject().unwrap();
    assert_eq!(subject.username, "alice");
    assert_eq!(subject.roles, ["admin", "default-implicit-role"]);
    assert_eq!(subject.principals, ["root", "alice"]);
    assert_eq!(certificate.issuer_cluster().as_deref(), Some("teleport.example.com"));
    let ssh = SshCertificate::from_line(STOCK_SSH).unwrap();
    assert_eq!(ssh.logins(), ["root", "alice"]);
    assert_eq!(ssh.roles(), ["admin"]);
    assert_eq!(ssh.extensions(), ["permit-agent-forwarding", "permit-port-forwarding", "permit-pty"]);
    assert!(TrustedCa::new(Certificate::from_pem(STOCK_CA).unwrap()).is_some());
    assert!(TrustedCa::new(certificate).is_none());
}

#[test]
fn what_is_signed_is_read_back() {
    let ca = authority(AuthorityKind::User);
    let key = PublicKey::from_authorized_key(STOCK_RSA_KEY).unwrap();
    for key in [key, KeyPair::generate().public()] {
        let certificate = signed(&ca, &subject(), &key, 0, 3600);
        let identity = Identity::verify(&[certificate.der()], &[ca.trusted()], Timestamp::now()).unwrap();
        let mut read = identity.subject().clone();
        for list in [&mut read.roles, &mut read.principals, &mut read.kubernetes_groups] {
            list.sort();
        }
        let mut wanted = subject();
        for list in [&mut wanted.roles, &mut wanted.principals, &mut wanted.kubernetes_groups] {
            list.sort();
        }
        assert_eq!(read, wanted);
        let again = Certificate::from_pem(&certificate.to_pem()).unwrap();
        assert_eq!(again, certificate);
    }
}

#[test]
fn only_a_pinned_ca_counts_and_only_one_leaf() {
    let (ours, other, host) =
        (authority(AuthorityKind::User), authority(AuthorityKind::User), authority(AuthorityKind::Host));
    let key = KeyPair::generate().public();
    let certificate = signed(&ours, &subject(), &key, 0, 3600);
    let now = Timestamp::now();
    let verify = |chain: &[&[u8]], ca: &Authority| Identity::verify(chain, &[ca.trusted()], now);
    assert_eq!(verify(&[certificate.der()], &other), Err(IdentityError::UnknownAuthority));
    assert_eq!(verify(&[], &ours), Err(IdentityError::Missing));
    let chain = [certificate.der(), ours.certificate().der()];
    assert_eq!(verify(&chain, &ours), Err(IdentityError::Intermediates));
    assert_eq!(verify(&[ours.certificate().der()], &ours), Err(IdentityError::NotAUser));
    assert_eq!(verify(&[b"junk"], &ours), Err(IdentityError::NotAUser));
    let of_host = host
        .sign_host(&["localhost".into()], &key, Validity::starting(now, SignedDuration::from_hours(1)))
        .unwrap();
    assert_eq!(verify(&[of_host.der()], &ours), Err(IdentityError::UnknownAuthority));
    let mut changed = certificate.der().to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert!(verify(&[&changed], &ours).is_err());
}

#[test]
fn a_user_certificate_is_no_ca() {
    let ca = authority(AuthorityKind::User);
    let mallory = KeyPair::generate();
    let certificate = signed(&ca, &subject(), &mallory.public(), 0, 3600);
    assert!(TrustedCa::new(certificate).is_none());
}

#[test]
fn time_and_use_are_checked() {
    let ca = authority(AuthorityKind::User);
    let key = KeyPair::generate().public();
    let verify =
        |certificate: &Certificate| Identity::verify(&[certificate.der()], &[ca.trusted()], Timestamp::now());
    let expired = signed(&ca, &subject(), &key, -7200, 3600);
    assert!(matches!(verify(&expired), Err(IdentityError::Expired { .. })));
    let future = signed(&ca, &subject(), &key, 3600, 3600);
    assert!(matches!(verify(&future), Err(IdentityError::NotYetValid { .. })));
    let skewed = signed(&ca, &subject(), &key, 50, 3600);
    assert!(verify(&skewed).is_ok(), "a minute of skew is allowed");
    let marked =
        |usage: &str| signed(&ca, &Subject { usage: vec![usage.into()], ..subject() }, &key, 0, 3600);
    let kube = verify(&marked("usage:kube")).unwrap().usage();
    assert!(kube.opens_kube() && !kube.opens_admin());
    let login = verify(&signed(&ca, &subject(), &key, 0, 3600)).unwrap().usage();
    assert!(login.opens_kube() && login.opens_admin());
    assert_eq!(verify(&marked("usage:other")), Err(IdentityError::WrongUse));
}

#[test]
fn ssh_certificates_say_the_same() {
    let ca = authority(AuthorityKind::User);
    let key = KeyPair::generate().public();
    let permissions = SshPermissions { port_forwarding: true, agent_forwarding: true };
    let validity = Validity::starting(Timestamp::now(), SignedDuration::from_hours(12));
    let line = ca.sign_ssh_user(&subject(), permissions, &key, validity).unwrap().to_line();
    let read = SshCertificate::from_line(&line).unwrap();
    assert_eq!(read.username(), "alice@example.com");
    assert_eq!(read.logins(), ["root", "alice"]);
    assert_eq!(read.roles(), ["access", "editor"]);
    assert_eq!(read.extensions(), ["permit-agent-forwarding", "permit-port-forwarding", "permit-pty"]);
    assert_eq!(read.valid_before().as_second(), validity.not_after.as_second());
    let nobody = Subject { principals: vec![], ..subject() };
    let read = ca.sign_ssh_user(&nobody, SshPermissions::default(), &key, validity).unwrap();
    assert_eq!(read.logins(), ["-jumpgate-nologin"]);
    assert_eq!(read.extensions(), ["permit-pty"]);
}

proptest::proptest! {
    #[test]
    fn hostile_certificates_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0usize..600) {
        let _ = Certificate::from_der(&bytes);
        let mut der = Certificate::from_pem(STOCK_X509).unwrap().der().to_vec();
        for (i, b) in bytes.iter().take(4).enumerate() {
            let index = (at + i) % der.len();
            der[index] = *b;
        }
        if let Ok(certificate) = Certificate::from_der(&der) {
            let _ = certificate.subject();
            let _ = certificate.validity();
        }
    }
}
