//! The store contract: keys and values with revisions, expiry, compare-and-swap, ranges and watch.
//!
//! One suite of tests runs against every backend. What was acknowledged is on disk.

#[cfg(test)]
mod kill;
pub mod resources;
mod sqlite;
mod sqlite_rows;
#[cfg(test)]
mod suite;
mod timed;

pub use sqlite::{OpenError, SqliteStore};
pub use timed::Timed;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

/// Number of a write: grows with each one in the whole store, never repeats.
pub type Revision = i64;

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is: segments joined by `/`, for example `/roles/editor`.
    pub key: String,
    /// What it is.
    pub value: Bytes,
    /// The write that put it there.
    pub revision: Revision,
    /// When it disappears.
    pub expires: Option<Timestamp>,
}

/// Something that happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Created or replaced.
    Put(Item),
    /// Deleted or expired.
    Delete {
        /// Where it was.
        key: String,
        /// The write that removed it.
        revision: Revision,
    },
    /// The watcher was too slow and missed changes: read the range anew.
    Lost,
}

/// Why a store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// `create` on a key that is there.
    #[error("key {0} already exists")]
    Exists(String),
    /// A key that is not there.
    #[error("key {0} is not found")]
    NotFound(String),
    /// The revision is another one: somebody was faster.
    #[error("key {0} was changed by somebody else in the meantime; read it again and repeat")]
    Conflict(String),
    /// No space, a limit on the size of files, a disk that failed. Nothing was changed, and later it may work.
    #[error(
        "the gate cannot write to its disk now (no space left in data_dir, perhaps), and nothing was changed; \
             try again, and tell an administrator if it lasts"
    )]
    Unwritable,
    /// No permission, damaged file, lost connection.
    #[error("the store failed: {0}")]
    Backend(String),
}

/// Answer of a store.
pub type StoreResult<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Keys and values that outlive the process. Expired items are as if they were not there.
pub trait Store: Send + Sync + 'static {
    /// Reads one.
    fn get<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>>;
    /// Writes one that must not be there.
    fn create<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision>;
    /// Writes one, whether or not it is there.
    fn put<'a>(&'a self, key: &'a str, value: Bytes, expires: Option<Timestamp>)
    -> StoreResult<'a, Revision>;
    /// Replaces one that must still have this revision.
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        revision: Revision,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision>;
    /// Removes one; with a revision, only if it still has it.
    fn delete<'a>(&'a self, key: &'a str, revision: Option<Revision>) -> StoreResult<'a, ()>;
    /// Removes one and returns it, so that of many callers only one gets it.
    fn take<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>>;
    /// Writes many at once, all of them or none; None removes one, if it is there.
    fn write_all<'a>(&'a self, values: Vec<(String, Option<Bytes>)>) -> StoreResult<'a, ()>;
    /// Reads those whose key begins with `prefix`, in the order of their keys, after `after`, at most `limit`.
    fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreResult<'a, Vec<Item>>;
    /// Leaves nothing in its files of values that were replaced or removed: for keys that must not come back. A backend whose files
    /// are not its own to clean does nothing.
    fn scrub(&self) -> StoreResult<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    /// Follows changes below a prefix from now on.
    fn watch(&self, prefix: &str) -> Watch;
}

/// Changes below a prefix, in the order of their revisions.
pub struct Watch {
    prefix: String,
    changes: tokio::sync::broadcast::Receiver<Change>,
}

impl Watch {
    /// Wraps a backend's feed of all changes.
    pub fn new(prefix: &str, changes: tokio::sync::broadcast::Receiver<Change>) -> Self {
        Self { prefix: prefix.to_owned(), changes }
    }

    /// The next change; None when the store is closed.
    pub async fn next(&mut self) -> Option<Change> {
        use tokio::sync::broadcast::error::RecvError;
        loop {
            let change = match self.changes.recv().await {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => return Some(Change::Lost),
                Err(RecvError::Closed) => return None,
            };
            let key = match &change {
                Change::Put(item) => &item.key,
                Change::Delete { key, .. } => key,
                Change::Lost => return Some(change),
            };
            if key.starts_with(&self.prefix) {
                return Some(change);
            }
        }
    }
}
