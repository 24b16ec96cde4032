//! TLS of the listeners: certificates that can be exchanged while serving, and client certificates that are asked for but
//! judged only by the handlers, so that a person whose certificate ended reads a sentence instead of a TLS alert.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
};

use crate::wire::admin;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No certificate or no key in it.
    #[error("{} holds no {what} in PEM form", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
        /// `certificate` or `private key`.
        what: &'static str,
    },
    /// Key and certificate are of different pairs, or of a kind that TLS does not take.
    #[error("the key {} does not fit the certificate {}: {error}", key.display(), cert.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        cert: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// TLS itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl TlsError {
    /// The file that it is about; of two that do not fit, the certificate's.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Read { file, .. } | Self::Empty { file, .. } => Some(file),
            Self::Mismatch { cert, .. } => Some(cert),
            Self::Tls(_) => None,
        }
    }
}

/// How a port shakes hands.
#[derive(Clone)]
pub struct Tls {
    plain: Arc<ServerConfig>,
    mutual: Arc<ServerConfig>,
    always_mutual: bool,
}

impl Tls {
    /// For the web port: `web` for browsers, who are never asked for a certificate; clients that ask for the admin API by
    /// ALPN or SNI see `host` and are asked for theirs.
    pub fn web(web: Arc<ServerCertificate>, host: Arc<ServerCertificate>) -> Result<Self, TlsError> {
        Ok(Self { plain: without_client(web)?, mutual: with_client(host)?, always_mutual: false })
    }

    /// For the admin and the Kubernetes port: every client is asked for a certificate.
    pub fn mutual(host: Arc<ServerCertificate>) -> Result<Self, TlsError> {
        let mutual = with_client(host)?;
        Ok(Self { plain: mutual.clone(), mutual, always_mutual: true })
    }

    /// The configuration for a client, by what it asks for.
    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let by_name = hello.server_name().is_some_and(admin::is_server_name);
        let by_protocol =
            hello.alpn().is_some_and(|mut offered| offered.any(|p| admin::ALPN_NAMES.contains(&p)));
        if self.always_mutual || by_name || by_protocol { self.mutual.clone() } else { self.plain.clone() }
    }
}

/// A certificate with its key that can be exchanged while connections are served.
pub struct ServerCertificate(RwLock<Arc<CertifiedKey>>);

impl ServerCertificate {
    /// Begins with this one.
    pub fn new(first: CertifiedKey) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(first))))
    }

    /// New handshakes show this one.
    pub fn replace(&self, next: CertifiedKey) {
        let mut current = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *current = Arc::new(next);
    }

    fn current(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCertificate")
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// The provider of all cryptography in TLS.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Reads key and certificate files and checks that they belong together.
pub fn from_files(key_file: &Path, cert_file: &Path) -> Result<CertifiedKey, TlsError> {
    let read =
        |file: &Path| std::fs::read(file).map_err(|error| TlsError::Read { file: file.to_owned(), error });
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(&read(cert_file)?).filter_map(std::result::Result::ok).collect();
    if chain.is_empty() {
        return Err(TlsError::Empty { file: cert_file.to_owned(), what: "certificate" });
    }
    let key_text = zeroize::Zeroizing::new(read(key_file)?);
    let key = PrivateKeyDer::from_pem_slice(&key_text)
        .map_err(|_| TlsError::Empty { file: key_file.to_owned(), what: "private key" })?;
    from_parts(chain, key).map_err(|error| TlsError::Mismatch {
        key: key_file.to_owned(),
        cert: cert_file.to_owned(),
        error,
    })
}

/// A certificate chain with its key, which must fit.
pub(super) fn from_parts(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, rustls::Error> {
    CertifiedKey::from_der(chain, key, &provider())
}

fn without_client(certificate: Arc<ServerCertificate>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn with_client(certificate: Arc<ServerCertificate>) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier = AnyCertificate(provider().signature_verification_algorithms);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(certificate);
    // The admin protocol comes first: who offers it means the admin API.
    let protocols = admin::ALPN_NAMES.into_iter().chain([&b"h2"[..], b"http/1.1"]);
    config.alpn_protocols = protocols.map(<[u8]>::to_vec).collect();
    // Each connection proves its key anew: a resumed one would carry a certificate from an earlier handshake.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Asks for a client certificate and takes any, or none. It checks that the client holds the certificate's key and nothing
/// else: whose it is, and whether its time is over, a handler judges with `pki::Identity::verify`.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // No hints: a client shows what it has, and one of another cluster reads why it is refused.
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
