//! Small keys beside the records: by ID, by person, and of those that are live. Each is written in one go with its record.
//!
//! `/recording-index/id/DIGITS` and `/recording-index/live/PLACE` hold the person's name, so that what somebody may not see need not
//! be read; `/recording-index/user/NAME/PLACE` holds nothing.

use bytes::Bytes;
use uuid::Uuid;

use super::{BATCH, Catalogue, PREFIX, decode, place};
use crate::{
    server::store::StoreError,
    wire::recordings::{Recording, State},
};

/// By the digits of an ID.
pub(super) const BY_ID: &str = "/recording-index/id/";
/// Those that are live.
pub(super) const LIVE: &str = "/recording-index/live/";
/// Is there once the records of earlier versions are in the index.
const DONE: &str = "/recording-index/complete";

/// The keys of a person's sessions.
pub(super) fn by_user(user: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(user.as_bytes()).collect();
    format!("/recording-index/user/{name}/")
}

/// What is written with the record of a session.
pub(super) fn entries(session: Uuid, user: &str, live: bool) -> Vec<(String, Option<Bytes>)> {
    let (place, owner) = (place(session), Bytes::copy_from_slice(user.as_bytes()));
    vec![
        (format!("{BY_ID}{}", session.simple()), Some(owner.clone())),
        (format!("{}{place}", by_user(user)), Some(Bytes::new())),
        (format!("{LIVE}{place}"), live.then_some(owner)),
    ]
}

impl Catalogue {
    /// Whose session it is, whether or not its record can be read.
    pub(super) async fn owner(&self, session: Uuid) -> Result<Option<String>, StoreError> {
        let entry = self.store.get(&format!("{BY_ID}{}", session.simple())).await?;
        Ok(entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned()))
    }

    /// Puts what an earlier version wrote into the index, once.
    pub(super) async fn index_all(&self) -> Result<(), StoreError> {
        if self.store.get(DONE).await?.is_some() {
            return Ok(());
        }
        let (mut after, mut count) = (None::<String>, 0);
        loop {
            let items = self.store.range(PREFIX, after.as_deref(), BATCH).await?;
            let records: Vec<Recording> = items.iter().filter_map(|item| decode(item).ok()).collect();
            count += records.len();
            let all = records.iter().flat_map(|Recording { session, state, .. }| {
                entries(session.id, &session.user, *state == State::Live)
            });
            self.store.write_all(all.collect()).await?;
            after = items.last().map(|item| item.key.clone());
            if items.len() < BATCH {
                break;
            }
        }
        if count > 0 {
            tracing::info!(count, "the records of recordings were put into their index");
        }
        self.store.put(DONE, Bytes::new(), None).await.map(drop)
    }
}
