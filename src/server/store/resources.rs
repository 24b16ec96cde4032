//! Connectors, roles and users in the store: JSON under `/KIND/NAME`, with the record's revision in `metadata.id`.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Item, Revision, Store, StoreError};
use crate::model::{GithubConnector, Metadata, Role, User};

/// A resource that has a place in the store.
pub trait Stored: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// Where all of its kind are, with a slash at both ends.
    const PREFIX: &'static str;
    /// Its metadata.
    fn metadata(&self) -> &Metadata;
    /// Its metadata, to set the revision.
    fn metadata_mut(&mut self) -> &mut Metadata;
}

macro_rules! stored {
    ($kind:ty, $prefix:literal) => {
        impl Stored for $kind {
            const PREFIX: &'static str = $prefix;
            fn metadata(&self) -> &Metadata {
                &self.metadata
            }
            fn metadata_mut(&mut self) -> &mut Metadata {
                &mut self.metadata
            }
        }
    };
}

stored!(GithubConnector, "/connectors/github/");
stored!(Role, "/roles/");
stored!(User, "/users/");

/// How many are read at a time.
const PAGE: usize = 500;

fn key<T: Stored>(name: &str) -> String {
    format!("{}{name}", T::PREFIX)
}

fn decode<T: Stored>(item: &Item) -> Result<T, StoreError> {
    let mut resource: T = serde_json::from_slice(&item.value)
        .map_err(|e| StoreError::Backend(format!("the record {} does not parse: {e}", item.key)))?;
    resource.metadata_mut().id = Some(item.revision);
    resource.metadata_mut().expires = item.expires;
    Ok(resource)
}

/// The value without its revision: that is the record's, not the text's.
fn encode<T: Stored>(resource: &T) -> Result<Bytes, StoreError> {
    let mut copy = resource.clone();
    copy.metadata_mut().id = None;
    serde_json::to_vec(&copy).map(Bytes::from).map_err(|e| StoreError::Backend(e.to_string()))
}

/// Reads one by name.
pub async fn get<T: Stored>(store: &dyn Store, name: &str) -> Result<Option<T>, StoreError> {
    store.get(&key::<T>(name)).await?.as_ref().map(decode).transpose()
}

/// Reads all, in the order of their names.
pub async fn list<T: Stored>(store: &dyn Store) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.range(T::PREFIX, after.as_deref(), PAGE).await?;
        for item in &page {
            found.push(decode(item)?);
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.key.clone()),
            _ => return Ok(found),
        }
    }
}

/// Writes a new one; one of the same name is an error.
pub async fn create<T: Stored>(store: &dyn Store, resource: &T) -> Result<Revision, StoreError> {
    let meta = resource.metadata();
    store.create(&key::<T>(&meta.name), encode(resource)?, meta.expires).await
}

/// Writes one over whatever is there; if it carries a revision and one is there, only over that revision.
pub async fn upsert<T: Stored>(store: &dyn Store, resource: &T) -> Result<Revision, StoreError> {
    let meta = resource.metadata();
    let (key, value) = (key::<T>(&meta.name), encode(resource)?);
    match meta.id {
        None => store.put(&key, value, meta.expires).await,
        Some(revision) => match store.compare_and_swap(&key, revision, value.clone(), meta.expires).await {
            Err(StoreError::NotFound(_)) => store.create(&key, value, meta.expires).await,
            done => done,
        },
    }
}

/// Replaces one that was read; one that was changed or removed in the meantime is an error.
pub async fn replace<T: Stored>(store: &dyn Store, resource: &T) -> Result<Revision, StoreError> {
    let meta = resource.metadata();
    let revision = meta.id.unwrap_or_default();
    store.compare_and_swap(&key::<T>(&meta.name), revision, encode(resource)?, meta.expires).await
}

/// Removes one by name.
pub async fn delete<T: Stored>(store: &dyn Store, name: &str) -> Result<(), StoreError> {
    store.delete(&key::<T>(name), None).await
}
