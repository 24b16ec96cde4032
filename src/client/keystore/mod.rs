//! Where private keys are kept. One contract, [`KeyStore`], and the stores that keep it: [`FileStore`] (the profile's own
//! folder) and [`SystemStore`] (the operating system's keyring, or the Linux kernel's). `none` is a choice, not a store: what is
//! not kept needs no place.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

mod file;
mod system;
#[cfg(test)]
mod tests;

pub use file::FileStore;
pub use system::SystemStore;
pub(crate) use system::label;

use super::profile::{Home, ProfileError};
use crate::pki::Certificate;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file of the profile, mode 0600.
    #[default]
    File,
    /// The operating system's keyring: Secret Service, Keychain, Credential Manager.
    Keyring,
    /// The Linux kernel's keyring, in memory until the machine restarts (keyrings(7)).
    Keyutils,
    /// Nothing is kept.
    None,
}

impl Kind {
    /// The names, as people type them.
    pub const NAMES: [&'static str; 4] = ["file", "keyring", "keyutils", "none"];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
            Self::Keyutils => "keyutils",
            Self::None => "none",
        }
    }

    /// Whether the key is somewhere else than in the profile.
    pub fn is_outside(self) -> bool {
        matches!(self, Self::Keyring | Self::Keyutils)
    }

    /// The store that `keyring` stands for here. A machine without a session bus has no Secret Service and never will have
    /// one in this session; there the kernel's keyring takes its place. A bus without the service is no such machine: what
    /// is missing there is told.
    pub fn here(self) -> Self {
        if self == Self::Keyring && !system::has_session_bus() { Self::Keyutils } else { self }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no key store; there are file, keyring, keyutils and none")]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let all = [Self::File, Self::Keyring, Self::Keyutils, Self::None];
        all.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Which key: whose, where, and the hash of its public half. So a new key never takes the place of an old one before its
/// certificate does, and a certificate leads to the one key that it is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    /// The profile.
    pub profile: String,
    /// The person.
    pub user: String,
    /// SHA-256 of the public key (SubjectPublicKeyInfo, DER), hexadecimal.
    pub public: String,
}

impl KeyName {
    /// The name of the key that belongs to a public key in DER (SubjectPublicKeyInfo).
    pub fn of_spki(profile: &str, user: &str, spki: &[u8]) -> Self {
        let public = hex::encode(ring::digest::digest(&ring::digest::SHA256, spki));
        Self { profile: profile.to_owned(), user: user.to_owned(), public }
    }

    /// The name of a certificate's key.
    pub fn of(profile: &str, user: &str, certificate: &Certificate) -> Self {
        Self::of_spki(profile, user, &certificate.spki_der())
    }

    /// The name as a keyring's account: `PROFILE/USER/HASH`.
    pub fn account(&self) -> String {
        format!("{}/{}/{}", self.profile, self.user, self.public)
    }

    /// Reads an account.
    pub fn from_account(account: &str) -> Option<Self> {
        let mut parts = account.splitn(3, '/').map(str::to_owned);
        let name = Self { profile: parts.next()?, user: parts.next()?, public: parts.next()? };
        let is_hash = name.public.len() == 64 && name.public.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then_some(name)
    }
}

/// Why a store does not do what is asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// Nobody answers: choose another store, or start the service.
    #[error("{store} is not there ({reason})")]
    Missing {
        /// The store, as a sentence names it.
        store: &'static str,
        /// What the system says.
        reason: String,
    },
    /// It waits for its password.
    #[error("{store} is locked; unlock it, then run this again")]
    Locked {
        /// The store.
        store: &'static str,
    },
    /// It took longer than a person waits.
    #[error("{store} did not answer within {} s", system::LIMIT.as_secs())]
    Slow {
        /// The store.
        store: &'static str,
    },
    /// It answers, but not with what was asked for.
    #[error("{store} failed: {reason}")]
    Failed {
        /// The store.
        store: &'static str,
        /// What it says.
        reason: String,
    },
    /// What was written is not what is read.
    #[error("{store} does not give back the key that it was given")]
    Unfaithful {
        /// The store.
        store: &'static str,
    },
    /// `none` keeps nothing.
    #[error("the key store `none` keeps no key")]
    NotKept,
    /// The profile's files.
    #[error(transparent)]
    Disk(Box<ProfileError>),
}

/// The contract. A store keeps each key under its name; what one process writes another one reads at once.
pub trait KeyStore {
    /// The key of this name.
    fn read(&self, name: &KeyName) -> Result<Option<Zeroizing<String>>, KeyStoreError>;

    /// Keeps a key (PEM). One of the same name is replaced.
    fn write(&self, name: &KeyName, key_pem: &str) -> Result<(), KeyStoreError>;

    /// Forgets a key; says whether it was there.
    fn delete(&self, name: &KeyName) -> Result<bool, KeyStoreError>;

    /// The names of all keys, sorted.
    fn list(&self) -> Result<Vec<KeyName>, KeyStoreError>;
}

/// Opens a store. Nothing is asked of it yet.
pub fn open(kind: Kind, home: &Home) -> Result<Box<dyn KeyStore>, KeyStoreError> {
    match kind {
        Kind::File => Ok(Box::new(FileStore::new(home.clone()))),
        Kind::Keyring | Kind::Keyutils => Ok(Box::new(SystemStore::new(kind))),
        Kind::None => Err(KeyStoreError::NotKept),
    }
}

/// Keeps a key and makes sure that it is kept.
pub(crate) fn write_verified(
    kind: Kind,
    home: &Home,
    name: &KeyName,
    key_pem: &str,
) -> Result<(), KeyStoreError> {
    let store = open(kind, home)?;
    store.write(name, key_pem)?;
    match store.read(name)? {
        Some(read) if *read == key_pem => Ok(()),
        _ => Err(KeyStoreError::Unfaithful { store: label(kind) }),
    }
}

/// Keeps something that is no key for a moment, to see whether a store works before anything depends on it. (Only reading
/// would not show that it is locked.)
pub fn probe(kind: Kind, home: &Home) -> Result<(), KeyStoreError> {
    if !kind.is_outside() {
        return Ok(());
    }
    let nobody = KeyName::of_spki("probe", "probe", b"probe");
    let store = open(kind, home)?;
    store.write(&nobody, "probe")?;
    store.delete(&nobody).map(drop)
}
