//! What the store knows of recordings: one record each, the newest first, and an index beside them.
//!
//! A record is at `/recordings/PLACE`; a place is the time at which a session began, counted backwards, and the session's ID, so
//! that what is newer sorts first. The [`index`] is written with the record, in one go; [`walk`] answers questions out of both.

mod index;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    recording::id,
    server::store::{Item, Store, StoreError},
    wire::recordings::{Recording, State},
};

const PREFIX: &str = "/recordings/";
/// How many items are read at a time.
const BATCH: usize = 500;

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    /// What was asked for is none that can be: the sentence for the person.
    #[error("{0}")]
    Asked(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The records of recordings.
#[derive(Clone)]
pub(super) struct Catalogue {
    store: Arc<dyn Store>,
}

impl Catalogue {
    /// The records in a store; those that an earlier version wrote are put into the index first.
    pub(super) async fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let catalogue = Self { store };
        catalogue.index_all().await?;
        Ok(catalogue)
    }

    /// Writes a record, new or not.
    pub(super) async fn put(&self, recording: &Recording) -> Result<(), StoreError> {
        let value = serde_json::to_vec(recording).map_err(|error| StoreError::Backend(error.to_string()))?;
        let session = &recording.session;
        let mut all = index::entries(session.id, &session.user, recording.state == State::Live);
        all.push((key(session.id), Some(Bytes::from(value))));
        self.store.write_all(all).await
    }

    /// Reads a record.
    pub(super) async fn get(&self, session: Uuid) -> Result<Option<Recording>, StoreError> {
        let item = self.store.get(&key(session)).await?;
        item.as_ref().map(decode).transpose()
    }

    /// Removes a record.
    pub(super) async fn delete(&self, session: Uuid) -> Result<(), StoreError> {
        let user = self.owner(session).await?;
        let mut all = index::entries(session, &user.unwrap_or_default(), false);
        for (_, value) in &mut all {
            *value = None;
        }
        all.push((key(session), None));
        self.store.write_all(all).await
    }

    /// Records that began before a time, some of them, and where the others begin.
    pub(super) async fn older_than(
        &self,
        time: Timestamp,
        after: Option<String>,
    ) -> Result<(Vec<Recording>, Option<String>), StoreError> {
        let after = after.unwrap_or_else(|| format!("{PREFIX}{}", inverted(time)));
        let items = self.store.range(PREFIX, Some(&after), BATCH).await?;
        let next = items.last().filter(|_| items.len() == BATCH).map(|item| item.key.clone());
        let all = items.iter().filter_map(|item| decode(item).ok());
        Ok((all.filter(|recording| recording.session.started < time).collect(), next))
    }
}

fn decode(item: &Item) -> Result<Recording, StoreError> {
    serde_json::from_slice(&item.value)
        .map_err(|error| StoreError::Backend(format!("the record {} does not parse: {error}", item.key)))
}

fn key(session: Uuid) -> String {
    format!("{PREFIX}{}", place(session))
}

/// Where a session stands among all, the newest first.
fn place(session: Uuid) -> String {
    format!("{}-{session}", backwards(id::millis(session).unwrap_or(0)))
}

fn inverted(time: Timestamp) -> String {
    backwards(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

fn backwards(millis: u64) -> String {
    format!("{:016x}", u64::MAX - millis)
}
