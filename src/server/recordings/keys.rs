//! The keys that sign recordings: the gate's own, none of its CAs'. Their public halves are for whoever verifies.
//!
//! All that is known of them is one value in the store, so that a rotation happens wholly or not at all: the private half of the key
//! that signs now, and the public halves of those that signed before. Each gate of a store looks there before it signs, by the
//! value's revision, so that a key that another gate made counts from the next checkpoint on.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::ZeroizeOnDrop;

use super::{Inner, Recordings};
use crate::{
    pki::{KeyError, KeyPair, PublicKey},
    server::{
        audit::{Event, RecordingEvent},
        store::{Item, Revision, Store, StoreError},
    },
    wire::recordings::Rotated,
};

/// Where the store has them.
const KEY: &str = "/recording/key";

/// Why the keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys in the store cannot be read.
    #[error("the recording key in the store is damaged: {0}")]
    Damaged(KeyError),
    /// Two rotations at once.
    #[error(
        "the recording key was rotated by somebody else in the meantime; to see the keys: tsh recordings keys"
    )]
    Meanwhile,
    /// Whoever rotated was stopped.
    #[error("the rotation of the recording key broke; to see whether it happened: tsh recordings keys")]
    Broke,
}

/// What is known of a key that signs recordings or signed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// The public half.
    pub public: PublicKey,
    /// Since when it signs; not on record for the first key of an older gate.
    pub since: Option<Timestamp>,
    /// Until when it signed; None: it is the one that signs now.
    pub until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
struct Stored {
    /// The private half, in PEM.
    key: String,
    #[zeroize(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// Those that signed before, the newest first.
    #[zeroize(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    old: Vec<Retired>,
}

/// A key of which only the public half is left.
#[derive(Serialize, Deserialize)]
struct Retired {
    /// The public half, in PEM.
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    until: Timestamp,
}

/// The keys as they stand in the store at one revision.
#[derive(Clone)]
struct Held {
    revision: Revision,
    key: KeyPair,
    /// The newest first, so that the one that signs is the first.
    known: Arc<[KnownKey]>,
}

/// The keys of a store.
pub(super) struct Keys {
    store: Arc<dyn Store>,
    /// As they were when somebody looked last.
    held: Mutex<Held>,
}

impl Keys {
    /// The keys out of the store; at the first start one is made.
    pub(super) async fn open(store: Arc<dyn Store>) -> Result<Self, KeysError> {
        loop {
            if let Some(item) = store.get(KEY).await? {
                let held = Mutex::new(Held::read(&item)?);
                return Ok(Self { store, held });
            }
            let made = KeyPair::generate();
            let value = Stored::of(&made, Timestamp::now(), vec![])?;
            match store.create(KEY, value, None).await {
                Ok(_) => {
                    tracing::info!(key = %made.public().fingerprint(), "a new recording key was made");
                }
                // Another gate was faster.
                Err(StoreError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The key to sign with now. A store that fails keeps nothing from being signed: then it is the last key that was seen.
    pub(super) async fn signing(&self) -> KeyPair {
        match self.look().await {
            Ok(held) => held.key,
            Err(error) => {
                tracing::warn!(%error, "the recording key cannot be looked up; the last one that was seen signs");
                self.lock().key.clone()
            }
        }
    }

    /// All keys, the one that signs first.
    pub(super) async fn known(&self) -> Result<Arc<[KnownKey]>, KeysError> {
        Ok(self.look().await?.known)
    }

    /// The key to sign with, and all that may have signed before.
    pub(super) async fn all(&self) -> Result<(KeyPair, Vec<PublicKey>), KeysError> {
        let held = self.look().await?;
        Ok((held.key, held.known.iter().map(|known| known.public.clone()).collect()))
    }

    /// Makes a new key in the place of the one that signs now, whose private half is gone after that.
    pub(super) async fn rotate(&self, now: Timestamp) -> Result<Rotated, KeysError> {
        let item = self.item().await?;
        self.replace(&item, now).await
    }

    /// Puts a new key in the place of what was read, if it still stands there.
    pub(super) async fn replace(&self, before: &Item, now: Timestamp) -> Result<Rotated, KeysError> {
        let mut stored = Stored::read(before)?;
        let old = Held::read(before)?.key.public();
        let new = KeyPair::generate();
        let mut retired = std::mem::take(&mut stored.old);
        let key = old.to_pem().map_err(KeysError::Damaged)?;
        retired.insert(0, Retired { key, since: stored.since, until: now });
        let value = Stored::of(&new, now, retired)?;
        let swapped = self.store.compare_and_swap(KEY, before.revision, value, None).await;
        // This gate lets go of the old private half here. And a store that broke off may have done it all the same.
        let is_new = self.look().await.is_ok_and(|held| held.key.public() == new.public());
        match swapped {
            Ok(_) => {}
            Err(_) if is_new => {}
            Err(StoreError::Conflict(_)) => return Err(KeysError::Meanwhile),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = self.store.scrub().await {
            tracing::warn!(%error, "something of the old recording key may still be in the store's files");
        }
        Ok(Rotated { old: old.fingerprint(), new: new.public().fingerprint(), since: now })
    }

    /// The keys as the store has them.
    pub(super) async fn item(&self) -> Result<Item, KeysError> {
        Ok(self.store.get(KEY).await?.ok_or_else(|| StoreError::NotFound(KEY.to_owned()))?)
    }

    /// The keys as they stand in the store now. They are parsed only when they were changed.
    async fn look(&self) -> Result<Held, KeysError> {
        let item = self.item().await?;
        let seen = self.lock().clone();
        if seen.revision == item.revision {
            return Ok(seen);
        }
        let read = Held::read(&item)?;
        let mut held = self.lock();
        // Somebody else may have seen a later one meanwhile.
        if held.revision < read.revision {
            *held = read;
        }
        Ok(held.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn read(item: &Item) -> Result<Self, KeysError> {
        serde_json::from_slice(&item.value).map_err(|_| KeysError::Damaged(KeyError::NotAPrivateKey))
    }

    /// What the store keeps for a key that signs since a time.
    fn of(key: &KeyPair, since: Timestamp, old: Vec<Retired>) -> Result<Bytes, KeysError> {
        let key = key.to_pem().map_err(KeysError::Damaged)?.to_string();
        let value = serde_json::to_vec(&Self { key, since: Some(since), old });
        Ok(value.map_err(|error| StoreError::Backend(error.to_string()))?.into())
    }
}

impl Held {
    fn read(item: &Item) -> Result<Self, KeysError> {
        let stored = Stored::read(item)?;
        let key = KeyPair::from_pem(&stored.key).map_err(KeysError::Damaged)?;
        let mut known = vec![KnownKey { public: key.public(), since: stored.since, until: None }];
        for retired in &stored.old {
            let public = PublicKey::from_pem(&retired.key).map_err(KeysError::Damaged)?;
            known.push(KnownKey { public, since: retired.since, until: Some(retired.until) });
        }
        Ok(Self { revision: item.revision, key, known: known.into() })
    }
}

impl Recordings {
    /// The keys that sign recordings or signed them, the one that signs now first.
    pub async fn keys(&self) -> Result<Arc<[KnownKey]>, KeysError> {
        self.0.keys.known().await
    }

    /// Has a new key sign from now on, here at once, at other gates of the same store from their next checkpoints on. The old
    /// private half is gone then; the public one stays.
    pub async fn rotate_key(&self, by: String, remote: SocketAddr) -> Result<Rotated, KeysError> {
        let inner = self.0.clone();
        // In a task of its own: a client that goes away meanwhile must not keep it out of the audit log.
        let rotating = tokio::spawn(async move { inner.rotate_key(by, remote).await });
        rotating.await.unwrap_or(Err(KeysError::Broke))
    }
}

impl Inner {
    async fn rotate_key(&self, by: String, remote: SocketAddr) -> Result<Rotated, KeysError> {
        let rotated = self.keys.rotate(Timestamp::now()).await?;
        tracing::info!(old = rotated.old, new = rotated.new, by, "the recording key was rotated");
        let (old, new) = (rotated.old.clone(), rotated.new.clone());
        self.audit.emit(Event::Recording(RecordingEvent::KeyRotated { by, remote, old, new })).await;
        Ok(rotated)
    }
}
