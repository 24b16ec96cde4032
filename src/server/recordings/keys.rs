//! The key that signs recordings: the gate's own, none of its CAs'. Its public half is for whoever verifies.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zeroize::ZeroizeOnDrop;

use crate::{
    pki::{KeyError, KeyPair},
    server::store::{Store, StoreError},
};

/// Where the store has it.
const KEY: &str = "/recording/key";

/// Why the key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key in the store cannot be read.
    #[error("the recording key in the store is damaged: {0}")]
    Damaged(KeyError),
}

#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
struct Stored {
    key: String,
}

/// The key out of the store; at the first start it is made.
pub(super) async fn recording_key(store: &dyn Store) -> Result<KeyPair, KeysError> {
    loop {
        if let Some(item) = store.get(KEY).await? {
            let stored: Stored = serde_json::from_slice(&item.value)
                .map_err(|_| KeysError::Damaged(KeyError::NotAPrivateKey))?;
            return KeyPair::from_pem(&stored.key).map_err(KeysError::Damaged);
        }
        let made = KeyPair::generate();
        let stored = Stored { key: made.to_pem().map_err(KeysError::Damaged)?.to_string() };
        let value = serde_json::to_vec(&stored).map_err(|error| StoreError::Backend(error.to_string()))?;
        match store.create(KEY, Bytes::from(value), None).await {
            Ok(_) => {
                tracing::info!(key = %made.public().fingerprint(), "a new recording key was made");
                return Ok(made);
            }
            // Another gate was faster.
            Err(StoreError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
