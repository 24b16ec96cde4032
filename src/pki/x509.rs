//! X.509 certificates (RFC 5280): making them and reading what they say.

use jiff::{SignedDuration, Timestamp};
use p256::ecdsa::signature::Signer;
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
    signature,
};
use x509_cert::{
    der::{
        Decode, Encode, Reader, SliceReader,
        asn1::{AnyRef, GeneralizedTime, ObjectIdentifier},
    },
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
};

use super::{KeyError, KeyPair, der, subject};

const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const SUBJECT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
/// When the person signed in, as a GeneralizedTime. Ours, below the arc that Teleport uses, and never critical: stock
/// software skips it. A renewed certificate carries that of the login that it goes back to.
const LOGIN_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.7.1");
/// Until when the login may be renewed at most, as a GeneralizedTime: the end to which its person agreed. As [`LOGIN_TIME`],
/// and absent where the roles and the gate alone set the end.
const LOGIN_END: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.7.2");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// How far a certificate's life begins before its making, against clocks that differ.
pub const BACKDATING: SignedDuration = SignedDuration::from_secs(60);

/// A certificate that cannot be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate in DER or PEM.
    #[error("not an X.509 certificate")]
    Malformed,
    /// A key that cannot be certified.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub not_before: Timestamp,
    /// The last moment.
    pub not_after: Timestamp,
}

impl Validity {
    /// From a minute before `now` until `ttl` after it.
    pub fn starting(now: Timestamp, ttl: SignedDuration) -> Self {
        Self { not_before: now - BACKDATING, not_after: now + ttl }
    }
}

/// A certificate in DER, with what is read most often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: x509_cert::Certificate,
}

impl Certificate {
    /// Reads one certificate in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        Ok(Self { der: der.to_vec(), parsed })
    }

    /// Reads all certificates of a PEM text.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        let blocks = pem::parse_many(text).map_err(|_| CertificateError::Malformed)?;
        let certificates = blocks.iter().filter(|block| block.tag() == "CERTIFICATE");
        certificates.map(|block| Self::from_der(block.contents())).collect()
    }

    /// Reads the first certificate of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        Self::all_from_pem(text)?.into_iter().next().ok_or(CertificateError::Malformed)
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM, with a line end.
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("CERTIFICATE", self.der.clone()), config)
    }

    /// From when to when it is valid.
    pub fn validity(&self) -> Validity {
        let validity = self.parsed.tbs_certificate().validity();
        let at = |time: &x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
            Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
        };
        Validity { not_before: at(&validity.not_before), not_after: at(&validity.not_after) }
    }

    /// The cluster that the issuer's name gives (its first O).
    pub fn issuer_cluster(&self) -> Option<String> {
        subject::organization(self.parsed.tbs_certificate().issuer())
    }

    /// The serial number in hex.
    pub fn serial(&self) -> String {
        hex::encode(self.parsed.tbs_certificate().serial_number().as_bytes())
    }

    /// What the subject says, as a user certificate.
    pub fn subject(&self) -> Result<subject::Subject, subject::SubjectError> {
        subject::Subject::from_name(self.parsed.tbs_certificate().subject())
    }

    /// SHA-256 of the SubjectPublicKeyInfo as `sha256:HEX`: the form of `--ca-pin`.
    pub fn pin(&self) -> String {
        let spki = self.spki_der();
        format!("sha256:{}", hex::encode(digest::digest(&digest::SHA256, &spki)))
    }

    /// SHA-256 of the whole certificate as `sha256:HEX`.
    pub fn fingerprint(&self) -> String {
        format!("sha256:{}", hex::encode(digest::digest(&digest::SHA256, &self.der)))
    }

    /// SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> Vec<u8> {
        self.parsed.tbs_certificate().subject_public_key_info().to_der().unwrap_or_default()
    }

    /// The subject's name in DER.
    pub fn subject_der(&self) -> Vec<u8> {
        self.parsed.tbs_certificate().subject().to_der().unwrap_or_default()
    }

    pub(super) fn issuer_der(&self) -> Vec<u8> {
        self.parsed.tbs_certificate().issuer().to_der().unwrap_or_default()
    }

    /// Whether it may issue others (BasicConstraints).
    pub fn is_ca(&self) -> bool {
        let found = self.parsed.tbs_certificate().get_extension::<BasicConstraints>();
        found.ok().flatten().is_some_and(|(_, constraints)| constraints.ca)
    }

    /// When the person signed in, if the certificate says so.
    pub fn login_time(&self) -> Option<Timestamp> {
        self.time_of(LOGIN_TIME)
    }

    /// When the login ends with all its renewals, if its person agreed to an end.
    pub fn login_end(&self) -> Option<Timestamp> {
        self.time_of(LOGIN_END)
    }

    fn time_of(&self, oid: ObjectIdentifier) -> Option<Timestamp> {
        let extensions = self.parsed.tbs_certificate().extensions()?;
        let found = extensions.iter().find(|extension| extension.extn_id == oid)?;
        let time = GeneralizedTime::from_der(found.extn_value.as_bytes()).ok()?;
        Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
    }

    /// Whether key usage and extended key usage let it authenticate a client.
    pub(super) fn may_authenticate_client(&self) -> bool {
        let tbs = self.parsed.tbs_certificate();
        let signs =
            tbs.get_extension::<KeyUsage>().ok().flatten().is_some_and(|(_, u)| u.digital_signature());
        let client = tbs.get_extension::<ExtendedKeyUsage>();
        signs && client.ok().flatten().is_some_and(|(_, usage)| usage.0.contains(&CLIENT_AUTH))
    }

    /// Whether `issuer`'s key signed this certificate. Says nothing of names or time.
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        self.check_signature(issuer).is_some()
    }

    fn check_signature(&self, issuer: &Self) -> Option<()> {
        // The signed bytes are taken as they came; encoding them anew could give others.
        let outer = AnyRef::from_der(&self.der).ok()?;
        let signed = SliceReader::new(outer.value()).ok()?.tlv_bytes().ok()?.to_vec();
        let key = issuer.parsed.tbs_certificate().subject_public_key_info().subject_public_key.as_bytes()?;
        let algorithm: &dyn signature::VerificationAlgorithm = match self.parsed.signature_algorithm().oid {
            ECDSA_SHA256 => &signature::ECDSA_P256_SHA256_ASN1,
            RSA_SHA256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            _ => return None,
        };
        let signature = self.parsed.signature().as_bytes()?;
        signature::UnparsedPublicKey::new(algorithm, key).verify(&signed, signature).ok()
    }
}

/// The login that a certificate goes back to. Renewals copy it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoginTimes {
    /// When the person signed in.
    pub(crate) since: Timestamp,
    /// The end to which they agreed, if they did.
    pub(crate) end: Option<Timestamp>,
}

/// What a new certificate is for.
pub(super) enum Purpose<'a> {
    /// A CA.
    Authority,
    /// A user, after that login: no names.
    User(Option<LoginTimes>),
    /// A host, under DNS names and IP addresses.
    Host(&'a [String]),
}

/// The parts of a new certificate; names in DER.
pub(super) struct Template<'a> {
    pub(super) serial: [u8; 16],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) spki: &'a [u8],
    pub(super) issuer_spki: &'a [u8],
    pub(super) validity: Validity,
    pub(super) purpose: Purpose<'a>,
}

impl Template<'_> {
    /// Signs the certificate with ECDSA over SHA-256.
    pub(super) fn sign(&self, key: &KeyPair) -> Result<Certificate, CertificateError> {
        let algorithm = der::sequence(&[der::oid(ECDSA_SHA256)]);
        let validity = der::sequence(&[time(self.validity.not_before), time(self.validity.not_after)]);
        let tbs = der::sequence(&[
            der::explicit(0, &der::unsigned(&[2])),
            der::unsigned(&self.serial),
            algorithm.clone(),
            self.issuer.to_vec(),
            validity,
            self.subject.to_vec(),
            self.spki.to_vec(),
            der::explicit(3, &self.extensions()),
        ]);
        let signature: p256::ecdsa::DerSignature = key.signing_key().sign(&tbs);
        let whole = der::sequence(&[tbs, algorithm, der::bit_string(signature.as_bytes(), 0)]);
        Certificate::from_der(&whole)
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let digital_signature_and_key_encipherment = der::bit_string(&[0xa0], 5);
        match &self.purpose {
            Purpose::Authority => {
                // digitalSignature, keyEncipherment, keyCertSign: as Teleport's CAs.
                all.push(extension(KEY_USAGE, true, &der::bit_string(&[0xa4], 2)));
                all.push(extension(BASIC_CONSTRAINTS, true, &der::sequence(&[der::boolean(true)])));
                all.push(extension(SUBJECT_KEY_ID, false, &der::tlv(der::OCTET_STRING, &key_id(self.spki))));
                return der::sequence(&all);
            }
            Purpose::User(login) => {
                all.push(extension(KEY_USAGE, true, &digital_signature_and_key_encipherment));
                let since = login.map(|times| times.since);
                all.extend(since.map(|at| extension(LOGIN_TIME, false, &generalized(at))));
                let end = login.and_then(|times| times.end);
                all.extend(end.map(|at| extension(LOGIN_END, false, &generalized(at))));
            }
            Purpose::Host(names) => {
                all.push(extension(KEY_USAGE, true, &digital_signature_and_key_encipherment));
                all.push(extension(SUBJECT_ALT_NAME, false, &alternative_names(names)));
            }
        }
        let both = der::sequence(&[der::oid(SERVER_AUTH), der::oid(CLIENT_AUTH)]);
        all.push(extension(EXTENDED_KEY_USAGE, false, &both));
        all.push(extension(BASIC_CONSTRAINTS, true, &der::sequence(&[])));
        let issuer_id = der::sequence(&[der::tlv(0x80, &key_id(self.issuer_spki))]);
        all.push(extension(AUTHORITY_KEY_ID, false, &issuer_id));
        der::sequence(&all)
    }
}

/// 128 random bits, positive.
pub(super) fn random_serial() -> Result<[u8; 16], CertificateError> {
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| CertificateError::NoRandom)?;
    serial[0] = (serial[0] & 0x7f) | 0x01;
    Ok(serial)
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![der::oid(oid)];
    if critical {
        parts.push(der::boolean(true));
    }
    parts.push(der::tlv(der::OCTET_STRING, value));
    der::sequence(&parts)
}

/// RFC 7093, method 1: the leftmost 160 bits of a SHA-256; the key as a whole is hashed.
fn key_id(spki: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, spki).as_ref()[..20].to_vec()
}

fn alternative_names(names: &[String]) -> Vec<u8> {
    let one = |name: &String| match name.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => der::tlv(0x87, &ip.octets()),
        Ok(std::net::IpAddr::V6(ip)) => der::tlv(0x87, &ip.octets()),
        Err(_) => der::tlv(0x82, name.as_bytes()),
    };
    der::sequence(&names.iter().map(one).collect::<Vec<_>>())
}

/// UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5).
fn time(at: Timestamp) -> Vec<u8> {
    let year = at.to_zoned(jiff::tz::TimeZone::UTC).year();
    if year < 2050 {
        der::tlv(0x17, at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        generalized(at)
    }
}

fn generalized(at: Timestamp) -> Vec<u8> {
    der::tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}
