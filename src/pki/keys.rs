//! Key pairs (ECDSA P-256) and the public keys that clients bring (ECDSA P-256 and P-384, RSA).

use p256::{
    SecretKey,
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
};
use ssh_key::public::{EcdsaPublicKey, KeyData};
use x509_cert::der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::der;

pub(super) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const PRIME256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The shortest RSA modulus that is certified, in bits.
const MIN_RSA_BITS: usize = 2048;
/// The longest: beyond it a key only costs time.
const MAX_RSA_BITS: usize = 8192;

/// A key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an `authorized_keys` line.
    #[error("the public key is not an authorized_keys line such as `ecdsa-sha2-nistp256 AAAA…`")]
    NotAKey,
    /// An algorithm that is not certified (Teleport 4.0 says it in these words).
    #[error("x509: only RSA and ECDSA public keys supported")]
    Algorithm,
    /// RSA below 2048 or above 8192 bits.
    #[error("RSA keys must have between 2048 and 8192 bits, this one has {0}")]
    RsaLength(usize),
    /// A private key that does not parse.
    #[error("the private key is not an ECDSA P-256 key in PEM form")]
    NotAPrivateKey,
}

/// An ECDSA P-256 key pair. `Debug` does not show the private half.
#[derive(Clone)]
pub struct KeyPair(SecretKey);

impl KeyPair {
    /// A fresh key pair.
    pub fn generate() -> Self {
        Self(SecretKey::random(&mut p256::elliptic_curve::rand_core::OsRng))
    }

    /// Reads SEC 1 (`EC PRIVATE KEY`) or PKCS #8 (`PRIVATE KEY`).
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        use p256::pkcs8::DecodePrivateKey;
        SecretKey::from_sec1_pem(pem)
            .ok()
            .or_else(|| SecretKey::from_pkcs8_pem(pem).ok())
            .map(Self)
            .ok_or(KeyError::NotAPrivateKey)
    }

    /// SEC 1 PEM (`EC PRIVATE KEY`, RFC 5915) with the curve named in it: OpenSSH, Teleport 4 and Go's TLS all read that
    /// form, and Go's refuses it without the curve.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let secret = Zeroizing::new(self.0.to_bytes().to_vec());
        let key = Zeroizing::new(der::sequence(&[
            der::unsigned(&[1]),
            der::tlv(der::OCTET_STRING, &secret),
            der::explicit(0, &der::oid(PRIME256V1)),
            der::explicit(1, &der::bit_string(self.encoded_point().as_bytes(), 0)),
        ]));
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Ok(Zeroizing::new(pem::encode_config(&pem::Pem::new("EC PRIVATE KEY", key.to_vec()), config)))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(KeyData::Ecdsa(EcdsaPublicKey::NistP256(self.encoded_point())))
    }

    /// An ECDSA signature over the SHA-256 of `message`: r and s, 32 bytes each (IEEE P1363).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.signing_key().sign(message);
        signature.to_bytes().into()
    }

    pub(super) fn signing_key(&self) -> SigningKey {
        SigningKey::from(&self.0)
    }

    pub(super) fn secret(&self) -> &SecretKey {
        &self.0
    }

    fn encoded_point(&self) -> p256::EncodedPoint {
        p256::EncodedPoint::from(self.0.public_key())
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyPair({})", self.public().fingerprint())
    }
}

/// A public key that may be certified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(KeyData);

impl PublicKey {
    /// Reads an `authorized_keys` line (sshd(8)) and checks algorithm and length.
    pub fn from_authorized_key(line: &str) -> Result<Self, KeyError> {
        let parsed = ssh_key::PublicKey::from_openssh(line.trim()).map_err(|_| KeyError::NotAKey)?;
        let data = parsed.key_data().clone();
        match &data {
            KeyData::Rsa(rsa) => {
                let modulus = rsa.n.as_positive_bytes().ok_or(KeyError::NotAKey)?;
                let bits = modulus.len() * 8 - modulus.first().map_or(0, |b| b.leading_zeros() as usize);
                if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
                    return Err(KeyError::RsaLength(bits));
                }
            }
            KeyData::Ecdsa(EcdsaPublicKey::NistP256(point)) => {
                p256::PublicKey::from_sec1_bytes(point.as_bytes()).map_err(|_| KeyError::NotAKey)?;
            }
            KeyData::Ecdsa(EcdsaPublicKey::NistP384(_)) => {}
            _ => return Err(KeyError::Algorithm),
        }
        Ok(Self(data))
    }

    /// The key as an `authorized_keys` line without comment or line end.
    pub fn to_authorized_key(&self) -> Result<String, KeyError> {
        ssh_key::PublicKey::from(self.0.clone()).to_openssh().map_err(|_| KeyError::NotAKey)
    }

    /// SubjectPublicKeyInfo in PEM (RFC 7468, section 13).
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Ok(pem::encode_config(&pem::Pem::new("PUBLIC KEY", self.spki_der()?), config))
    }

    /// `SHA256:…` as ssh-keygen(1) shows it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(ssh_key::HashAlg::Sha256).to_string()
    }

    /// Reads SubjectPublicKeyInfo in PEM of an ECDSA P-256 key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        use p256::pkcs8::DecodePublicKey;
        let key = p256::PublicKey::from_public_key_pem(text.trim()).map_err(|_| KeyError::NotAKey)?;
        Ok(Self(KeyData::Ecdsa(EcdsaPublicKey::NistP256(key.into()))))
    }

    /// Whether a signature of [`KeyPair::sign`] over `message` was made with this key's private half. Only P-256 keys sign so.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let KeyData::Ecdsa(EcdsaPublicKey::NistP256(point)) = &self.0 else { return false };
        let key = VerifyingKey::from_encoded_point(point);
        let signature = Signature::from_slice(signature);
        matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
    }

    pub(super) fn ssh(&self) -> &KeyData {
        &self.0
    }

    /// SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7; RFC 5480; RFC 3279).
    pub fn spki_der(&self) -> Result<Vec<u8>, KeyError> {
        let ec = |curve: ObjectIdentifier, point: &[u8]| {
            let algorithm = der::sequence(&[der::oid(EC_PUBLIC_KEY), der::oid(curve)]);
            der::sequence(&[algorithm, der::bit_string(point, 0)])
        };
        match &self.0 {
            KeyData::Ecdsa(EcdsaPublicKey::NistP256(point)) => Ok(ec(PRIME256V1, point.as_bytes())),
            KeyData::Ecdsa(EcdsaPublicKey::NistP384(point)) => Ok(ec(SECP384R1, point.as_bytes())),
            KeyData::Rsa(rsa) => {
                let part =
                    |n: &ssh_key::Mpint| n.as_positive_bytes().map(der::unsigned).ok_or(KeyError::NotAKey);
                let key = der::sequence(&[part(&rsa.n)?, part(&rsa.e)?]);
                let algorithm = der::sequence(&[der::oid(RSA_ENCRYPTION), der::tlv(0x05, &[])]);
                Ok(der::sequence(&[algorithm, der::bit_string(&key, 0)]))
            }
            _ => Err(KeyError::Algorithm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_message_and_one_key() {
        let pair = KeyPair::generate();
        let signature = pair.sign(b"message");
        let public = PublicKey::from_pem(&pair.public().to_pem().unwrap()).unwrap();
        assert_eq!(public, pair.public());
        assert!(public.verifies(b"message", &signature));
        assert!(!public.verifies(b"messagf", &signature));
        assert!(!public.verifies(b"message", &[0; 64]));
        assert!(!KeyPair::generate().public().verifies(b"message", &signature));
    }

    #[test]
    fn a_key_pair_survives_its_pem() {
        let pair = KeyPair::generate();
        let pem = pair.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN EC PRIVATE KEY-----"));
        let named = pem::parse(pem.as_bytes()).unwrap();
        assert!(named.contents().windows(8).any(|w| w == PRIME256V1.as_bytes()), "the curve is named");
        let again = KeyPair::from_pem(&pem).unwrap();
        assert_eq!(again.public(), pair.public());
        let line = pair.public().to_authorized_key().unwrap();
        assert_eq!(PublicKey::from_authorized_key(&line).unwrap(), pair.public());
        assert!(!format!("{pair:?}").contains("PRIVATE"));
    }

    #[test]
    fn only_rsa_and_ecdsa_are_certified() {
        let ed = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS x";
        assert_eq!(PublicKey::from_authorized_key(ed), Err(KeyError::Algorithm));
        assert_eq!(PublicKey::from_authorized_key("hello"), Err(KeyError::NotAKey));
        assert_eq!(PublicKey::from_authorized_key(""), Err(KeyError::NotAKey));
    }
}
