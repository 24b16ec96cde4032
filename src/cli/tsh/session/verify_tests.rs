use super::*;
use crate::{
    pki::{Authority, AuthorityKind, SshPermissions, Subject, Validity},
    wire::b64::Bytes,
};

/// A gate's answer to a login with `key`.
struct Gate {
    user_ca: Authority,
    host_ca: Authority,
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

impl Gate {
    fn new() -> Self {
        let now = Timestamp::now();
        let ca = |kind| Authority::generate(kind, "gate.example.com", now).unwrap();
        Self { user_ca: ca(AuthorityKind::User), host_ca: ca(AuthorityKind::Host) }
    }

    fn answer(&self, key: &KeyPair, begin: Timestamp) -> LoginResponse {
        let subject =
            Subject { username: "alice".into(), roles: vec!["access".into()], ..Subject::default() };
        let validity = Validity::starting(begin, HOUR);
        let x509 = self.user_ca.sign_user(&subject, &key.public(), validity).unwrap();
        let permissions = SshPermissions::default();
        let ssh = self.user_ca.sign_ssh_user(&subject, permissions, &key.public(), validity).unwrap();
        LoginResponse {
            renewable_until: None,
            username: "alice".into(),
            cert: ssh.to_line().into(),
            tls_cert: x509.to_pem().into(),
            host_signers: vec![HostSigner {
                domain_name: "gate.example.com".into(),
                checking_keys: vec!["ecdsa-sha2-nistp256 AAAA\n".into()],
                tls_certs: vec![self.host_ca.certificate().to_pem().into()],
            }],
        }
    }
}

fn expected() -> Expected {
    Expected { key: Arc::new(KeyPair::generate()), ca_pin: None, cluster: None, only: None }
}

/// What is said of an answer that was changed.
fn complaint(change: impl FnOnce(&mut LoginResponse, &mut Expected)) -> String {
    let (gate, mut expected) = (Gate::new(), expected());
    let mut answer = gate.answer(&expected.key, Timestamp::now());
    change(&mut answer, &mut expected);
    verify(answer, &expected, Timestamp::now()).err().unwrap_or_default()
}

#[test]
fn a_good_answer_is_taken_whole() {
    let (gate, expected) = (Gate::new(), expected());
    let answer = gate.answer(&expected.key, Timestamp::now());
    let verified = verify(answer, &expected, Timestamp::now()).unwrap();
    assert_eq!((verified.username.as_str(), verified.cluster.as_str()), ("alice", "gate.example.com"));
    assert_eq!(verified.host_cas, gate.host_ca.certificate().to_pem());
    assert_eq!(verified.ssh_host_keys, ["ecdsa-sha2-nistp256 AAAA"]);
    assert!(verified.credentials.ssh().is_some());
}

#[test]
fn an_answer_that_is_not_right_is_refused_with_a_reason() {
    let other_key = complaint(|_, expected| expected.key = Arc::new(KeyPair::generate()));
    assert_eq!(other_key, "its certificate is not for the key of this login");
    assert_eq!(
        complaint(|a, _| a.tls_cert = Bytes::default()),
        "its certificate is not for the key of this login"
    );
    assert_eq!(complaint(|a, _| a.cert = "ssh-rsa junk".into()), "its SSH certificate does not parse");
    assert_eq!(
        complaint(|a, _| a.username = "bob".into()),
        "its certificate is not for the person who signed in"
    );
    assert_eq!(complaint(|a, _| a.host_signers.clear()), "it names no host CA to trust");
    assert_eq!(
        complaint(|a, _| a.host_signers[0].tls_certs.clear()),
        "it brings no host CA certificate to trust"
    );
    for name in ["", "../x", "a b", "x\u{1b}[31m", ".x"] {
        let text = complaint(|a, _| a.host_signers[0].domain_name = name.into());
        assert!(text.starts_with("its cluster name "), "{text}");
    }
    let leaf = complaint(|a, _| a.host_signers[0].tls_certs[0] = a.tls_cert.clone());
    assert_eq!(leaf, "it brings no host CA certificate to trust");
    let cluster = complaint(|_, e| e.cluster = Some("other".into()));
    assert_eq!(cluster, "there is no cluster other; this gate's is gate.example.com");
    let only = complaint(|_, e| e.only = Some("bob".into()));
    assert_eq!(only, "alice signed in, but the login was for bob");
    let pin: Pin = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    assert!(complaint(|_, e| e.ca_pin = Some(pin)).starts_with("its host CA is not the one of --ca-pin"));
}

#[test]
fn clocks_that_differ_are_named() {
    let (gate, expected) = (Gate::new(), expected());
    let now = Timestamp::now();
    for (begin, text) in [
        (now - HOUR * 3, "its certificate has expired already; is this machine's clock right?"),
        (now + HOUR, "its certificate is not valid yet; is this machine's clock right?"),
    ] {
        let answer = gate.answer(&expected.key, begin);
        assert_eq!(verify(answer, &expected, now).err().unwrap(), text);
    }
}
