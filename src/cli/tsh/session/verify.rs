//! Whether what a gate sent is what the login was for. Nothing of it is kept before.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::{
    client::{profile::Credentials, trust::Pin},
    pki::{Certificate, KeyPair, SshCertificate},
    wire::login::{HostSigner, LoginResponse},
};

/// What the answer to a login or a renewal has to be.
pub(in crate::cli::tsh) struct Expected {
    pub(in crate::cli::tsh) key: Arc<KeyPair>,
    pub(in crate::cli::tsh) ca_pin: Option<Pin>,
    pub(in crate::cli::tsh) cluster: Option<String>,
    pub(in crate::cli::tsh) only: Option<String>,
}

/// A checked answer.
pub(in crate::cli::tsh) struct Verified {
    pub(in crate::cli::tsh) username: String,
    pub(in crate::cli::tsh) cluster: String,
    pub(in crate::cli::tsh) credentials: Credentials,
    pub(in crate::cli::tsh) host_cas: String,
    pub(in crate::cli::tsh) ssh_host_keys: Vec<String>,
    pub(in crate::cli::tsh) renewable_until: Option<Timestamp>,
}

/// Checks what the server sent before any of it is kept; the error is a sentence.
pub(in crate::cli::tsh) fn verify(
    answer: LoginResponse,
    expected: &Expected,
    now: Timestamp,
) -> Result<Verified, String> {
    let cert_pem = answer.tls_cert.as_text().ok_or("its certificate is no text")?;
    let key_pem: Zeroizing<String> = expected.key.to_pem().map_err(|e| e.to_string())?;
    let line = expected.key.public().to_authorized_key().map_err(|e| e.to_string())?;
    let ssh_cert = answer.cert.as_text().unwrap_or_default().trim().to_owned();
    if !ssh_cert.is_empty() && SshCertificate::from_line(&ssh_cert).is_err() {
        return Err("its SSH certificate does not parse".into());
    }
    let credentials = Credentials::new(key_pem, cert_pem.to_owned(), line, ssh_cert)
        .ok_or("its certificate is not for the key of this login")?;
    let certificate = credentials.certificate();
    let subject = certificate.subject().map_err(|e| format!("its certificate names nobody: {e}"))?;
    let username = subject.username;
    if certificate.is_ca() || (!answer.username.is_empty() && answer.username != username) {
        return Err("its certificate is not for the person who signed in".into());
    }
    if certificate.validity().not_after <= now {
        return Err("its certificate has expired already; is this machine's clock right?".into());
    }
    if certificate.validity().not_before > now + SignedDuration::from_mins(5) {
        return Err("its certificate is not valid yet; is this machine's clock right?".into());
    }
    if let Some(only) = expected.only.as_ref().filter(|only| **only != username) {
        return Err(format!("{username} signed in, but the login was for {only}"));
    }
    let signer = answer.host_signers.first().ok_or("it names no host CA to trust")?;
    let cluster = cluster_name(&signer.domain_name)?;
    if let Some(wanted) = expected.cluster.as_ref().filter(|wanted| **wanted != cluster) {
        return Err(format!("there is no cluster {wanted}; this gate's is {cluster}"));
    }
    let cas = host_cas(&answer.host_signers)?;
    if let Some(pin) = &expected.ca_pin
        && !cas.iter().any(|ca| ca.pin() == pin.to_string())
    {
        return Err(format!("its host CA is not the one of --ca-pin ({pin})"));
    }
    let keys = signer.checking_keys.iter().filter_map(|key| key.as_text()).map(|key| key.trim().to_owned());
    let ssh_host_keys = keys.filter(|key| !key.contains(char::is_control) && !key.is_empty()).collect();
    let host_cas = cas.iter().map(Certificate::to_pem).collect();
    let renewable_until = answer.renewable_until;
    Ok(Verified { username, cluster, credentials, host_cas, ssh_host_keys, renewable_until })
}

/// A cluster's name becomes one of a kubeconfig entry and stands in files and texts.
fn cluster_name(name: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let sane =
        !name.is_empty() && name.len() <= 253 && !name.starts_with(['.', '-']) && name.chars().all(fine);
    if sane { Ok(name.to_owned()) } else { Err(format!("its cluster name {name:?} is none")) }
}

fn host_cas(signers: &[HostSigner]) -> Result<Vec<Certificate>, String> {
    let texts = signers.iter().flat_map(|signer| &signer.tls_certs).filter_map(|pem| pem.as_text());
    let mut all = Vec::new();
    for text in texts {
        all.extend(Certificate::all_from_pem(text).map_err(|_| "its host CA does not parse")?);
    }
    if all.is_empty() || !all.iter().all(Certificate::is_ca) {
        return Err("it brings no host CA certificate to trust".into());
    }
    Ok(all)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
