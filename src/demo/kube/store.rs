//! The objects, as given, under one counter of versions, with a bounded history for watches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

/// Changes kept for watches; an older version is answered 410.
pub(crate) const HISTORY: usize = 1024;

/// Where an object lies: plural name of its resource, namespace (empty for none), name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Plural name (unique in the table of resources).
    pub(crate) resource: &'static str,
    /// Namespace, empty for a cluster-wide resource.
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
}

impl Key {
    /// A key.
    pub(crate) fn new(resource: &'static str, namespace: &str, name: &str) -> Self {
        Self { resource, namespace: namespace.into(), name: name.into() }
    }
}

/// One change of one object. Neither side is there before a creation or after a deletion.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The version that it made.
    pub(crate) version: u64,
    /// Which object.
    pub(crate) key: Key,
    /// What it was.
    pub(crate) before: Option<Arc<Value>>,
    /// What it is; for a deletion, its last state under the version of the deletion.
    pub(crate) after: Option<Arc<Value>>,
    /// The last state of a deleted object.
    pub(crate) last: Option<Arc<Value>>,
}

/// Why a write was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// There is one of that name.
    #[error("it already exists")]
    Exists,
    /// There is none of that name.
    #[error("it does not exist")]
    Missing,
    /// It has another version or uid than the writer knew.
    #[error("it was changed by someone else")]
    Stale,
}

/// All objects at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objects {
    version: u64,
    objects: BTreeMap<Key, Arc<Value>>,
    history: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
}

impl Objects {
    /// The version of the last change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The oldest version from which a watch can start.
    pub(crate) fn oldest(&self) -> u64 {
        self.forgotten
    }

    /// One object.
    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// Objects of a resource in the order of namespace and name; an empty namespace means all.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &'static str,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        let from = Key::new(resource, namespace, "");
        self.objects.range(from..).take_while(move |(key, _)| {
            key.resource == resource && (namespace.is_empty() || key.namespace == namespace)
        })
    }

    /// All objects.
    pub(crate) fn everything(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.iter()
    }

    /// Adds an object; gives it uid, time and version.
    pub(crate) fn create(&mut self, key: Key, mut object: Value) -> Result<Arc<Value>, WriteError> {
        if self.objects.contains_key(&key) {
            return Err(WriteError::Exists);
        }
        let metadata = &mut object["metadata"];
        metadata["uid"] = uuid::Uuid::new_v4().to_string().into();
        metadata["creationTimestamp"] = now_text().into();
        if object.get("spec").is_some() {
            object["metadata"]["generation"] = 1.into();
        }
        Ok(self.put(key, object))
    }

    /// Replaces an object. `expected` is the version that the writer knew; an object that is the same stays as it is.
    pub(crate) fn replace(
        &mut self,
        key: &Key,
        expected: Option<&str>,
        mut object: Value,
    ) -> Result<Arc<Value>, WriteError> {
        let old = self.objects.get(key).ok_or(WriteError::Missing)?;
        if expected.is_some_and(|version| old["metadata"]["resourceVersion"] != version) {
            return Err(WriteError::Stale);
        }
        for field in ["uid", "creationTimestamp", "resourceVersion", "generation"] {
            match old["metadata"].get(field) {
                Some(value) => object["metadata"][field] = value.clone(),
                None => {
                    if let Some(metadata) = object["metadata"].as_object_mut() {
                        metadata.shift_remove(field);
                    }
                }
            }
        }
        if object == **old {
            return Ok(old.clone());
        }
        if object.get("spec") != old.get("spec") {
            let generation = old["metadata"]["generation"].as_i64().unwrap_or(0);
            object["metadata"]["generation"] = (generation + 1).into();
        }
        Ok(self.put(key.clone(), object))
    }

    /// Removes an object; returns its last state.
    pub(crate) fn delete(&mut self, key: &Key) -> Result<Arc<Value>, WriteError> {
        let before = self.objects.remove(key).ok_or(WriteError::Missing)?;
        self.version += 1;
        let mut last = (*before).clone();
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        let last = Arc::new(last);
        self.remember(Change {
            version: self.version,
            key: key.clone(),
            before: Some(before),
            after: None,
            last: Some(last.clone()),
        });
        Ok(last)
    }

    /// Changes after a version, oldest first; `None` when the history does not reach back that far.
    pub(crate) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let from = self.history.partition_point(move |change| change.version <= version);
        (version >= self.forgotten).then(|| self.history.range(from..))
    }

    fn put(&mut self, key: Key, mut object: Value) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let object = Arc::new(object);
        let before = self.objects.insert(key.clone(), object.clone());
        self.remember(Change { version: self.version, key, before, after: Some(object.clone()), last: None });
        object
    }

    fn remember(&mut self, change: Change) {
        self.history.push_back(change);
        while self.history.len() > HISTORY {
            if let Some(old) = self.history.pop_front() {
                self.forgotten = old.version;
            }
        }
    }
}

/// The store: objects behind a lock, and a bell for watches.
#[derive(Debug)]
pub(crate) struct Store {
    objects: Mutex<Objects>,
    bell: watch::Sender<u64>,
}

impl Store {
    /// An empty store.
    pub(crate) fn new() -> Self {
        Self { objects: Mutex::default(), bell: watch::Sender::new(0) }
    }

    /// Looks at all objects at one moment.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Objects) -> R) -> R {
        look(&self.lock())
    }

    /// Changes objects, all or none: after an error, and in a dry run, everything is as before.
    pub(crate) fn write<R, E>(
        &self,
        dry_run: bool,
        change: impl FnOnce(&mut Objects) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut objects = self.lock();
        let before = objects.clone();
        let result = change(&mut objects);
        if dry_run || result.is_err() {
            *objects = before;
        }
        let version = objects.version;
        drop(objects);
        self.bell.send_if_modified(|seen| std::mem::replace(seen, version) != version);
        result
    }

    /// Rings at each change with the new version.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The present, in seconds, as Kubernetes writes it.
pub(crate) fn now_text() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str) -> Value {
        json!({"metadata": {"name": name}, "spec": {"a": 1}})
    }

    #[test]
    fn versions_grow_and_stale_writes_fail() {
        let mut all = Objects::default();
        let key = Key::new("pods", "d", "a");
        let first = all.create(key.clone(), object("a")).unwrap();
        assert_eq!(first["metadata"]["resourceVersion"], "1");
        assert_eq!(all.create(key.clone(), object("a")), Err(WriteError::Exists));
        let mut changed = (*first).clone();
        changed["spec"]["a"] = 2.into();
        let second = all.replace(&key, Some("1"), changed.clone()).unwrap();
        assert_eq!(
            (&second["metadata"]["resourceVersion"], &second["metadata"]["generation"]),
            (&json!("2"), &json!(2))
        );
        assert_eq!(second["metadata"]["uid"], first["metadata"]["uid"]);
        assert_eq!(all.replace(&key, Some("1"), changed.clone()), Err(WriteError::Stale));
        all.replace(&key, None, changed).unwrap();
        assert_eq!(all.version(), 2, "an object that is the same makes no version");
        all.delete(&key).unwrap();
        assert_eq!(all.delete(&key), Err(WriteError::Missing));
        assert_eq!(all.since(0).unwrap().count(), 3);
        assert_eq!(all.since(2).unwrap().count(), 1);
    }

    #[test]
    fn the_history_is_bounded() {
        let mut all = Objects::default();
        let key = Key::new("pods", "d", "a");
        all.create(key.clone(), object("a")).unwrap();
        for n in 0..HISTORY + 5 {
            let mut next = object("a");
            next["spec"]["a"] = (n + 10).into();
            all.replace(&key, None, next).unwrap();
        }
        assert!(all.since(1).is_none());
        assert_eq!(all.since(all.version()).unwrap().count(), 0);
    }

    #[test]
    fn a_failed_write_and_a_dry_run_change_nothing() {
        let store = Store::new();
        let mut bell = store.subscribe();
        let key = || Key::new("pods", "d", "a");
        store.write(true, |all| all.create(key(), object("a")).map(drop)).unwrap();
        let failed: Result<(), ()> = store.write(false, |all| {
            all.create(key(), object("a")).map_err(drop)?;
            Err(())
        });
        assert!(failed.is_err() && !bell.has_changed().unwrap());
        assert_eq!(store.read(|all| all.version()), 0);
        store.write(false, |all| all.create(key(), object("a")).map(drop)).unwrap();
        assert!(bell.has_changed().unwrap());
        assert_eq!(*bell.borrow_and_update(), 1);
    }
}
