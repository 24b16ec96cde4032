//! The seal around a login's result on its way through the browser (wire facts 2.4): AES-256-GCM under a one-time key
//! that only `tsh` and the gate know.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::b64::Bytes;

/// A sealed text: the value of the callback's `response` parameter, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The text, encrypted, with the 16-byte tag at its end.
    pub ciphertext: Bytes,
    /// 12 random bytes.
    pub nonce: Bytes,
}

/// A one-time key. Its text form, 64 hex digits, is the callback's `secret_key` parameter.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is not 64 hex digits.
    #[error("the callback's secret_key is not 64 hex digits")]
    BadKey,
    /// Wrong key, or changed on the way.
    #[error("the answer could not be opened: it was sealed for another login or changed on the way")]
    NotOurs,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
}

impl SealKey {
    /// A fresh random key.
    pub fn generate() -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(key.as_mut()).map_err(|_| SealError::NoRandom)?;
        Ok(Self(key))
    }

    /// Reads 64 hex digits.
    pub fn from_hex(text: &str) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, key.as_mut()).map_err(|_| SealError::BadKey)?;
        Ok(Self(key))
    }

    /// The key as 64 hex digits.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }

    /// Seals a text.
    pub fn seal(&self, plain: &[u8]) -> Result<Sealed, SealError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let mut text = plain.to_vec();
        self.key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)
            .map_err(|_| SealError::NotOurs)?;
        Ok(Sealed { ciphertext: Bytes(text), nonce: Bytes(nonce.to_vec()) })
    }

    /// Opens a sealed text.
    pub fn open(&self, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce.0).map_err(|_| SealError::NotOurs)?;
        let mut text = Zeroizing::new(sealed.ciphertext.0.clone());
        let length =
            self.key()?.open_in_place(nonce, Aad::empty(), &mut text).map_err(|_| SealError::NotOurs)?.len();
        text.truncate(length);
        Ok(text)
    }

    fn key(&self) -> Result<LessSafeKey, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, self.0.as_ref()).map_err(|_| SealError::BadKey)?;
        Ok(LessSafeKey::new(key))
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_own_key_and_only_unchanged() {
        let key = SealKey::generate().unwrap();
        let sealed = key.seal(b"certificate").unwrap();
        assert_eq!(&**key.open(&sealed).unwrap(), b"certificate");
        assert_eq!(
            SealKey::from_hex(&key.to_hex()).unwrap().open(&sealed).unwrap().as_slice(),
            b"certificate"
        );
        assert_eq!(SealKey::generate().unwrap().open(&sealed).unwrap_err(), SealError::NotOurs);
        let mut changed = sealed.clone();
        changed.ciphertext.0[0] ^= 1;
        assert_eq!(key.open(&changed).unwrap_err(), SealError::NotOurs);
        let mut short = sealed;
        short.nonce.0.pop();
        assert_eq!(key.open(&short).unwrap_err(), SealError::NotOurs);
        assert!(SealKey::from_hex("abcd").is_err());
    }
}
