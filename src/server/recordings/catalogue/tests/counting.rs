//! A store that counts what is read from it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;
use crate::server::store::{Revision, StoreResult, Watch};

pub(super) struct Counting {
    store: SqliteStore,
    read: AtomicUsize,
}

impl Counting {
    pub(super) fn new(store: SqliteStore) -> Arc<Self> {
        Arc::new(Self { store, read: AtomicUsize::new(0) })
    }

    /// How many items were read since the last time.
    pub(super) fn read(&self) -> usize {
        self.read.swap(0, Ordering::Relaxed)
    }
}

impl Store for Counting {
    fn get<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.store.get(key)
    }

    fn create<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        self.store.create(key, value, expires)
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        self.store.put(key, value, expires)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        revision: Revision,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        self.store.compare_and_swap(key, revision, value, expires)
    }

    fn delete<'a>(&'a self, key: &'a str, revision: Option<Revision>) -> StoreResult<'a, ()> {
        self.store.delete(key, revision)
    }

    fn take<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>> {
        self.store.take(key)
    }

    fn write_all<'a>(&'a self, values: Vec<(String, Option<Bytes>)>) -> StoreResult<'a, ()> {
        self.store.write_all(values)
    }

    fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreResult<'a, Vec<Item>> {
        Box::pin(async move {
            let items = self.store.range(prefix, after, limit).await?;
            self.read.fetch_add(items.len(), Ordering::Relaxed);
            Ok(items)
        })
    }

    fn watch(&self, prefix: &str) -> Watch {
        self.store.watch(prefix)
    }
}
