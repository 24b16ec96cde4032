//! The two CAs of a cluster: the user CA signs people, the host CA signs the gate's own listeners.

use jiff::{SignedDuration, Timestamp};

use super::{
    Certificate, KeyPair, PublicKey, Subject, Validity,
    ssh::{self, SshCertificate, SshPermissions},
    subject,
    x509::{CertificateError, LoginTimes, Purpose, Template, random_serial},
};

/// How long a CA lives.
const CA_LIFE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

/// What a CA signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityKind {
    /// People.
    User,
    /// The gate.
    Host,
}

impl AuthorityKind {
    /// The kind as Teleport writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Host => "host",
        }
    }
}

/// A CA with its private key.
#[derive(Debug, Clone)]
pub struct Authority {
    kind: AuthorityKind,
    cluster: String,
    key: KeyPair,
    certificate: Certificate,
}

impl Authority {
    /// A fresh CA for a cluster.
    pub fn generate(kind: AuthorityKind, cluster: &str, now: Timestamp) -> Result<Self, CertificateError> {
        let key = KeyPair::generate();
        let serial = random_serial()?;
        let name = subject::authority_name(cluster, &u128::from_be_bytes(serial).to_string());
        let spki = key.public().spki_der()?;
        let template = Template {
            serial,
            issuer: &name,
            subject: &name,
            spki: &spki,
            issuer_spki: &spki,
            validity: Validity::starting(now, CA_LIFE),
            purpose: Purpose::Authority,
        };
        let certificate = template.sign(&key)?;
        Ok(Self { kind, cluster: cluster.to_owned(), key, certificate })
    }

    /// A CA from what the store kept.
    pub fn from_pem(
        kind: AuthorityKind,
        cluster: &str,
        key: &str,
        cert: &str,
    ) -> Result<Self, CertificateError> {
        let key = KeyPair::from_pem(key)?;
        let certificate = Certificate::from_pem(cert)?;
        if certificate.spki_der() != key.public().spki_der()? {
            return Err(CertificateError::Malformed);
        }
        Ok(Self { kind, cluster: cluster.to_owned(), key, certificate })
    }

    /// What it signs.
    pub fn kind(&self) -> AuthorityKind {
        self.kind
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Its private key, for the store.
    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its public half, to verify with.
    pub fn trusted(&self) -> TrustedCa {
        TrustedCa { certificate: self.certificate.clone() }
    }

    /// Signs an X.509 user certificate. The caller answers for the subject: see `server::auth::issue`.
    pub(crate) fn sign_user(
        &self,
        subject: &Subject,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Certificate, CertificateError> {
        self.sign(&subject.to_der(), key, validity, Purpose::User(None))
    }

    /// As [`Authority::sign_user`], for a certificate that goes back to a login.
    pub(crate) fn sign_user_since(
        &self,
        subject: &Subject,
        key: &PublicKey,
        validity: Validity,
        login: LoginTimes,
    ) -> Result<Certificate, CertificateError> {
        self.sign(&subject.to_der(), key, validity, Purpose::User(Some(login)))
    }

    /// Signs a certificate for a listener under DNS names and IP addresses.
    pub fn sign_host(
        &self,
        names: &[String],
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Certificate, CertificateError> {
        let common_name = names.first().map_or(self.cluster.as_str(), String::as_str);
        let subject = subject::host_name(&self.cluster, common_name);
        self.sign(&subject, key, validity, Purpose::Host(names))
    }

    /// Signs an SSH user certificate.
    pub(crate) fn sign_ssh_user(
        &self,
        subject: &Subject,
        permissions: SshPermissions,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<SshCertificate, ssh::SshError> {
        ssh::sign_user(&self.key, subject, permissions, key, validity)
    }

    fn sign(
        &self,
        subject: &[u8],
        key: &PublicKey,
        validity: Validity,
        purpose: Purpose<'_>,
    ) -> Result<Certificate, CertificateError> {
        let issuer_spki = self.key.public().spki_der()?;
        let issuer = self.certificate.subject_der();
        let spki = key.spki_der()?;
        let template = Template {
            serial: random_serial()?,
            issuer: &issuer,
            subject,
            spki: &spki,
            issuer_spki: &issuer_spki,
            validity,
            purpose,
        };
        template.sign(&self.key)
    }
}

/// The public half of a CA that was pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedCa {
    certificate: Certificate,
}

impl TrustedCa {
    /// Takes a certificate as a CA; it must be one.
    pub fn new(certificate: Certificate) -> Option<Self> {
        certificate.is_ca().then_some(Self { certificate })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Whether this CA issued the certificate, by name and by signature.
    pub fn issued(&self, certificate: &Certificate) -> bool {
        certificate.issuer_der() == self.certificate.subject_der()
            && certificate.is_signed_by(&self.certificate)
    }
}
