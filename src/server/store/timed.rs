//! A store that measures how long the one behind it takes.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use jiff::Timestamp;

use super::{super::metrics::Metrics, Item, Revision, Store, StoreResult, Watch};

/// Puts the times of a store's operations into the figures of `/metrics`.
pub struct Timed {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Timed {
    /// Around a store.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    fn time<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        work: StoreResult<'a, T>,
    ) -> StoreResult<'a, T> {
        Box::pin(async move {
            let start = Instant::now();
            let result = work.await;
            self.metrics.store(operation, start.elapsed());
            result
        })
    }
}

impl Store for Timed {
    fn get<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>> {
        self.time("get", self.store.get(key))
    }

    fn create<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        self.time("create", self.store.create(key, value, expires))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        self.time("put", self.store.put(key, value, expires))
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        revision: Revision,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        self.time("compare_and_swap", self.store.compare_and_swap(key, revision, value, expires))
    }

    fn delete<'a>(&'a self, key: &'a str, revision: Option<Revision>) -> StoreResult<'a, ()> {
        self.time("delete", self.store.delete(key, revision))
    }

    fn take<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>> {
        self.time("take", self.store.take(key))
    }

    fn write_all<'a>(&'a self, values: Vec<(String, Option<Bytes>)>) -> StoreResult<'a, ()> {
        self.time("write_all", self.store.write_all(values))
    }

    fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreResult<'a, Vec<Item>> {
        self.time("range", self.store.range(prefix, after, limit))
    }

    fn scrub(&self) -> StoreResult<'_, ()> {
        self.time("scrub", self.store.scrub())
    }

    fn watch(&self, prefix: &str) -> Watch {
        self.store.watch(prefix)
    }
}
