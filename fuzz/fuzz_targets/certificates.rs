//! Certificates as a stranger may send them: X.509 of a client, lines of SSH, public keys.

#![no_main]

use std::sync::LazyLock;

use jumpgate::pki::{Authority, AuthorityKind, Certificate, Identity, PublicKey, SshCertificate};
use libfuzzer_sys::fuzz_target;

static CA: LazyLock<Authority> = LazyLock::new(|| {
    Authority::generate(AuthorityKind::User, "fuzz.example.com", jiff::Timestamp::now()).expect("a CA")
});

fuzz_target!(|bytes: &[u8]| {
    let trusted = [CA.trusted()];
    assert!(Identity::verify(&[bytes], &trusted, jiff::Timestamp::now()).is_err(), "nobody signed it");
    if let Ok(found) = Certificate::from_der(bytes) {
        let _ = (found.subject(), found.issuer_cluster(), found.serial(), found.is_ca(), found.login_time());
        let _ = (found.login_end(), found.pin(), found.fingerprint(), found.validity());
        assert_eq!(Certificate::from_pem(&found.to_pem()).expect("its own text").der(), found.der());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Certificate::all_from_pem(text);
        let _ = PublicKey::from_pem(text);
        let _ = PublicKey::from_authorized_key(text);
        if let Ok(found) = SshCertificate::from_line(text) {
            let _ = (found.logins(), found.roles(), found.extensions(), found.valid_before());
            assert!(SshCertificate::from_line(&found.to_line()).is_ok());
        }
    }
});
