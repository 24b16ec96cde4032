//! Whether the server at the other end is the gate: system roots, a CA file, CAs learnt at login, pins.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use crate::pki::Certificate;

/// SHA-256 of a public key (SubjectPublicKeyInfo), as `sha256:HEX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin(String);

/// A text that is no pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a pin; it is sha256: and 64 hex digits, as `tctl status` prints it on the gate")]
pub struct BadPin(String);

impl std::str::FromStr for Pin {
    type Err = BadPin;

    fn from_str(text: &str) -> Result<Self, BadPin> {
        let text = text.trim().to_ascii_lowercase();
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        let right = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        if right { Ok(Self(text)) } else { Err(BadPin(text)) }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What to believe of a server.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// CAs to trust besides the system's, PEM: `--ca-file` and those learnt at login.
    pub ca_pem: String,
    /// The web port's key, accepted with `--insecure` at an earlier login.
    pub web_pin: Option<Pin>,
    /// `--ca-pin`: the server's chain must hold this key, or a trusted chain must lead to a host CA of this key.
    pub ca_pin: Option<Pin>,
    /// `--insecure`: any certificate will do.
    pub insecure: bool,
}

/// How a certificate was found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// A root or a CA learnt at login.
    Roots,
    /// Its chain holds the key of `--ca-pin`.
    CaPin,
    /// It has the key that was pinned with `--insecure`.
    WebPin,
    /// `--insecure` alone.
    Insecure,
}

/// Why a certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The issuer is not known.
    #[error("the certificate of {server} is signed by nobody that this machine trusts (its key is {seen})")]
    UnknownIssuer {
        /// The name that was asked for.
        server: String,
        /// The key that was shown.
        seen: Pin,
    },
    /// It is for other names.
    #[error("the certificate at {server} is for another name")]
    WrongName {
        /// The name that was asked for.
        server: String,
    },
    /// Its time is over or has not begun.
    #[error("the certificate of {server} {when}; is this machine's clock right?")]
    Time {
        /// The name that was asked for.
        server: String,
        /// `has expired` or `is not valid yet`.
        when: &'static str,
    },
    /// The key pinned with `--insecure` is another one.
    #[error(
        "the web port of {server} has changed its key: expected {expected}, seen {seen}. Somebody may be listening in, or the gate was set up anew"
    )]
    ChangedKey {
        /// The name that was asked for.
        server: String,
        /// The key in the profile.
        expected: Pin,
        /// The key that was shown.
        seen: Pin,
    },
    /// The chain does not hold the pinned key.
    #[error("the gate at {server} is not the one of --ca-pin: expected {expected}, seen {seen}")]
    NotThePin {
        /// The name that was asked for.
        server: String,
        /// The pin that was given.
        expected: Pin,
        /// The keys that were shown.
        seen: String,
    },
    /// Anything else.
    #[error("the certificate of {server} is not valid: {reason}")]
    Other {
        /// The name that was asked for.
        server: String,
        /// What rustls says.
        reason: String,
    },
}

/// What the last handshake showed.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The server's own key.
    pub key: Option<Pin>,
    /// SHA-256 of its certificate, as browsers show it.
    pub fingerprint: Option<String>,
    /// All that it showed, its own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Why it was accepted.
    pub ground: Option<Ground>,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
}

impl Seen {
    /// Whether the server of this handshake could have answered for `host` too, going by what is known of that one.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn speaks_for(&self, host: &str, trust: Trust) -> Result<bool, TlsError> {
        let Some((leaf, rest)) = self.chain.split_first() else { return Ok(false) };
        let Ok(name) = ServerName::try_from(host) else { return Ok(false) };
        let gatekeeper = Gatekeeper::new(Trust { insecure: false, ..trust })?;
        Ok(gatekeeper.judge(&Shown { leaf, rest, name: &name, ocsp: &[], now: UnixTime::now() }).is_ok())
    }

    /// The keys of the CAs in the chain.
    pub fn ca_keys(&self) -> Vec<Pin> {
        let rest = self.chain.iter().skip(1);
        rest.filter_map(|der| Some(Pin(Certificate::from_der(der).ok()?.pin()))).collect()
    }
}

/// Decides on a server's certificate, and remembers what it saw.
pub struct Gatekeeper {
    provider: Arc<CryptoProvider>,
    roots: Arc<dyn ServerCertVerifier>,
    trust: Trust,
    seen: Mutex<Seen>,
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatekeeper").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl Gatekeeper {
    /// Loads the system's roots and the given CAs.
    pub fn new(trust: Trust) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let extra = certificates(&trust.ca_pem);
        let roots: Arc<dyn ServerCertVerifier> =
            match rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider.clone()) {
                Ok(verifier) => Arc::new(verifier),
                // A machine without any roots: then only pins and learnt CAs count.
                Err(reason) => {
                    tracing::debug!(%reason, "no system roots");
                    Arc::new(NoRoots)
                }
            };
        Ok(Arc::new(Self { provider, roots, trust, seen: Mutex::default() }))
    }

    /// A TLS configuration that asks this gatekeeper.
    pub fn client_config(self: &Arc<Self>) -> Result<ClientConfig, TlsError> {
        Ok(ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_no_client_auth())
    }

    /// What the last handshake showed.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The trust that it was made with.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    fn judge(&self, shown: &Shown<'_>) -> Result<Ground, Refusal> {
        let server = shown.name.to_str().into_owned();
        let pins: Vec<Pin> =
            shown.chain().filter_map(|der| Some(Pin(Certificate::from_der(der).ok()?.pin()))).collect();
        if let Some(wanted) = &self.trust.ca_pin
            && let Some(place) = pins.iter().position(|pin| pin == wanted)
        {
            return self.judge_pinned(shown, place, &server);
        }
        let by_roots =
            self.roots.verify_server_cert(shown.leaf, shown.rest, shown.name, shown.ocsp, shown.now);
        let Err(reason) = by_roots else { return Ok(Ground::Roots) };
        let seen = pins.first().cloned().unwrap_or(Pin(String::new()));
        if let Some(expected) = self.trust.ca_pin.clone() {
            let seen = pins.iter().map(Pin::to_string).collect::<Vec<_>>().join(", ");
            return Err(Refusal::NotThePin { server, expected, seen });
        }
        if self.trust.web_pin.as_ref() == Some(&seen) {
            return Ok(Ground::WebPin);
        }
        if self.trust.insecure {
            return Ok(Ground::Insecure);
        }
        if let Some(expected) = self.trust.web_pin.clone() {
            return Err(Refusal::ChangedKey { server, expected, seen });
        }
        Err(refusal(&reason, server, seen))
    }

    /// The chain holds the pinned key: the server's own, or that of a CA which then has to have signed for this name.
    fn judge_pinned(&self, shown: &Shown<'_>, place: usize, server: &str) -> Result<Ground, Refusal> {
        let other = |e: TlsError| refusal(&e, server.to_owned(), Pin(String::new()));
        if place == 0 {
            return Ok(Ground::CaPin);
        }
        let mut store = RootCertStore::empty();
        store.add(shown.rest[place - 1].clone().into_owned()).map_err(other)?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), self.provider.clone())
            .build()
            .map_err(|e| other(TlsError::General(e.to_string())))?
            .verify_server_cert(shown.leaf, shown.rest, shown.name, shown.ocsp, shown.now)
            .map(|_| Ground::CaPin)
            .map_err(other)
    }
}

/// What a server showed.
struct Shown<'a> {
    leaf: &'a CertificateDer<'a>,
    rest: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    ocsp: &'a [u8],
    now: UnixTime,
}

impl Shown<'_> {
    fn chain(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.leaf.as_ref()).chain(self.rest.iter().map(AsRef::as_ref))
    }
}

impl ServerCertVerifier for Gatekeeper {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let verdict = self.judge(&Shown { leaf, rest, name, ocsp, now });
        let certificate = Certificate::from_der(leaf).ok();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen {
            key: certificate.as_ref().map(|c| Pin(c.pin())),
            fingerprint: certificate.as_ref().map(Certificate::fingerprint),
            chain: std::iter::once(leaf).chain(rest).map(|der| der.clone().into_owned()).collect(),
            ground: verdict.as_ref().ok().copied(),
            refusal: verdict.as_ref().err().cloned(),
        };
        tracing::debug!(server = %name.to_str(), ?verdict, "server certificate");
        match verdict {
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(_) => Err(TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        }
    }

    // The handshake's signature is always verified, also with --insecure: a pin means the key, not a copied certificate.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// For a machine without roots.
#[derive(Debug)]
struct NoRoots;

impl ServerCertVerifier for NoRoots {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Err(CertificateError::UnknownIssuer.into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(CertificateError::UnknownIssuer.into())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(CertificateError::UnknownIssuer.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![]
    }
}

fn refusal(reason: &TlsError, server: String, seen: Pin) -> Refusal {
    use CertificateError as E;
    let TlsError::InvalidCertificate(why) = reason else {
        return Refusal::Other { server, reason: reason.to_string() };
    };
    match why {
        E::UnknownIssuer | E::BadSignature => Refusal::UnknownIssuer { server, seen },
        E::NotValidForName | E::NotValidForNameContext { .. } => Refusal::WrongName { server },
        E::Expired | E::ExpiredContext { .. } => Refusal::Time { server, when: "has expired" },
        E::NotValidYet | E::NotValidYetContext { .. } => Refusal::Time { server, when: "is not valid yet" },
        // A certificate that is its own issuer and a CA, as `openssl req -x509` makes it.
        E::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            Refusal::UnknownIssuer { server, seen }
        }
        _ => Refusal::Other { server, reason: reason.to_string() },
    }
}

/// The certificates of a PEM text that webpki can use as roots; Teleport's own CAs are among them.
fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    let mut store = RootCertStore::empty();
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .filter_map(Result::ok)
        .filter(|ca| store.add(ca.clone()).is_ok())
        .collect()
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
