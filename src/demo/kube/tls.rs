//! The demo's own CA and the certificate of its port; only the gate knows the CA.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::KubeDemoError;
use crate::pki::{Authority, AuthorityKind, KeyPair, Validity};

/// The name of the demo's cluster in its certificates.
const CLUSTER: &str = "demo-kubernetes";
/// How long a certificate lives; a run is shorter.
const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the port shows, and the CA by which it is trusted, in PEM.
pub(crate) struct Tls {
    /// Configuration of the listener.
    pub(crate) config: Arc<ServerConfig>,
    /// The CA's certificate.
    pub(crate) ca_pem: String,
}

/// Makes a CA and a certificate for loopback.
pub(crate) fn generate() -> Result<Tls, KubeDemoError> {
    let broken = |error: &dyn std::fmt::Display| KubeDemoError::Tls(error.to_string());
    let now = Timestamp::now();
    let authority = Authority::generate(AuthorityKind::Host, CLUSTER, now).map_err(|e| broken(&e))?;
    let key = KeyPair::generate();
    let names = ["127.0.0.1", "::1", "localhost", "kubernetes", "kubernetes.default.svc"].map(str::to_owned);
    let validity = Validity::starting(now, LIFE);
    let certificate = authority.sign_host(&names, &key.public(), validity).map_err(|e| broken(&e))?;
    let pem = key.to_pem().map_err(|e| broken(&e))?;
    let private = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|e| broken(&e))?;
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| broken(&e))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| broken(&e))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(config), ca_pem: authority.certificate().to_pem() })
}
