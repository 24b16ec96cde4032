//! The conformance suite of a store: each backend runs all of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{Change, SqliteStore, Store, StoreError};

/// Runs the suite on a fresh, empty store each time.
macro_rules! conform {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            let dir = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(dir.path()).unwrap();
            super::$name(Arc::new(store)).await;
        })*
    };
}

mod sqlite {
    use super::*;
    conform!(
        create_put_swap_delete_keep_their_conditions,
        revisions_grow_in_the_whole_store,
        an_expired_item_is_as_if_not_there,
        expiry_reaches_watchers,
        ranges_are_sorted_and_paged,
        watchers_see_what_is_below_their_prefix_in_order,
        of_many_takers_one_gets_it,
        of_many_swaps_one_wins,
        many_are_written_at_once,
        a_slow_watcher_learns_that_it_missed_something,
    );
}

fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

async fn create_put_swap_delete_keep_their_conditions(store: Arc<dyn Store>) {
    assert_eq!(store.get("/a").await.unwrap(), None);
    let first = store.create("/a", value("1"), None).await.unwrap();
    assert_eq!(store.create("/a", value("2"), None).await, Err(StoreError::Exists("/a".into())));
    assert_eq!(store.get("/a").await.unwrap().unwrap().value, "1");
    let second = store.put("/a", value("3"), None).await.unwrap();
    let stale = store.compare_and_swap("/a", first, value("4"), None).await;
    assert_eq!(stale, Err(StoreError::Conflict("/a".into())));
    let third = store.compare_and_swap("/a", second, value("5"), None).await.unwrap();
    let item = store.get("/a").await.unwrap().unwrap();
    assert_eq!((item.value, item.revision), (value("5"), third));
    assert_eq!(store.delete("/a", Some(second)).await, Err(StoreError::Conflict("/a".into())));
    store.delete("/a", Some(third)).await.unwrap();
    assert_eq!(store.delete("/a", None).await, Err(StoreError::NotFound("/a".into())));
    let gone = store.compare_and_swap("/a", third, value("6"), None).await;
    assert_eq!(gone, Err(StoreError::NotFound("/a".into())));
    assert_eq!(store.take("/a").await.unwrap(), None);
}

async fn many_are_written_at_once(store: Arc<dyn Store>) {
    let put = |key: &str, text: &str| (key.to_owned(), Some(value(text)));
    store.put("/m/gone", value("0"), None).await.unwrap();
    store.put("/m/a", value("0"), None).await.unwrap();
    let mut watch = store.watch("/m/");
    let all = vec![put("/m/a", "1"), put("/m/b", "2"), ("/m/gone".into(), None), ("/m/never".into(), None)];
    store.write_all(all).await.unwrap();
    let found = store.range("/m/", None, 10).await.unwrap();
    let values: Vec<(&str, &[u8])> = found.iter().map(|item| (&*item.key, &*item.value)).collect();
    assert_eq!(values, [("/m/a", &b"1"[..]), ("/m/b", b"2")]);
    assert!(found[0].revision < found[1].revision);
    assert!(matches!(next(&mut watch).await, Change::Put(item) if item.key == "/m/a" && item.value == "1"));
    assert!(matches!(next(&mut watch).await, Change::Put(item) if item.key == "/m/b"));
    assert!(matches!(next(&mut watch).await, Change::Delete { key, .. } if key == "/m/gone"));
    store.write_all(vec![]).await.unwrap();
}

async fn revisions_grow_in_the_whole_store(store: Arc<dyn Store>) {
    let mut last = 0;
    for i in 0..20 {
        let key = format!("/k{}", i % 3);
        let revision = store.put(&key, value("x"), None).await.unwrap();
        assert!(revision > last);
        last = revision;
        if i % 5 == 0 {
            store.delete(&key, None).await.unwrap();
        }
    }
}

async fn an_expired_item_is_as_if_not_there(store: Arc<dyn Store>) {
    let soon = Timestamp::now() + SignedDuration::from_millis(150);
    let revision = store.create("/e", value("1"), Some(soon)).await.unwrap();
    assert!(store.get("/e").await.unwrap().is_some());
    while Timestamp::now() <= soon {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(store.get("/e").await.unwrap(), None);
    assert_eq!(store.range("/", None, 10).await.unwrap(), []);
    assert_eq!(store.take("/e").await.unwrap(), None);
    let swap = store.compare_and_swap("/e", revision, value("2"), None).await;
    assert_eq!(swap, Err(StoreError::NotFound("/e".into())));
    store.create("/e", value("3"), None).await.unwrap();
    assert_eq!(store.get("/e").await.unwrap().unwrap().value, "3");
}

async fn expiry_reaches_watchers(store: Arc<dyn Store>) {
    let mut watch = store.watch("/e");
    let soon = Timestamp::now() + SignedDuration::from_millis(20);
    let put = store.put("/e", value("1"), Some(soon)).await.unwrap();
    assert!(matches!(next(&mut watch).await, Change::Put(item) if item.revision == put));
    match next(&mut watch).await {
        Change::Delete { key, revision } => assert!(key == "/e" && revision > put),
        other => panic!("{other:?}"),
    }
}

async fn ranges_are_sorted_and_paged(store: Arc<dyn Store>) {
    for key in ["/r/b", "/r/a", "/r", "/r0", "/r/ü", "/r/a/deep", "/q/x"] {
        store.put(key, value(key), None).await.unwrap();
    }
    let keys = |items: Vec<super::Item>| items.into_iter().map(|i| i.key).collect::<Vec<_>>();
    let all = keys(store.range("/r/", None, 100).await.unwrap());
    assert_eq!(all, ["/r/a", "/r/a/deep", "/r/b", "/r/ü"]);
    assert_eq!(keys(store.range("/r/", None, 2).await.unwrap()), ["/r/a", "/r/a/deep"]);
    assert_eq!(keys(store.range("/r/", Some("/r/a/deep"), 2).await.unwrap()), ["/r/b", "/r/ü"]);
    assert_eq!(keys(store.range("/r/", Some("/r/ü"), 2).await.unwrap()), [""; 0]);
    assert_eq!(keys(store.range("/r/", None, 0).await.unwrap()), [""; 0]);
}

async fn watchers_see_what_is_below_their_prefix_in_order(store: Arc<dyn Store>) {
    store.put("/w/old", value("0"), None).await.unwrap();
    let mut watch = store.watch("/w/");
    store.put("/w/a", value("1"), None).await.unwrap();
    store.put("/other", value("x"), None).await.unwrap();
    store.put("/w/a", value("2"), None).await.unwrap();
    store.delete("/w/a", None).await.unwrap();
    assert!(matches!(next(&mut watch).await, Change::Put(item) if item.value == "1"));
    assert!(matches!(next(&mut watch).await, Change::Put(item) if item.value == "2"));
    assert!(matches!(next(&mut watch).await, Change::Delete { key, .. } if key == "/w/a"));
}

async fn of_many_takers_one_gets_it(store: Arc<dyn Store>) {
    store.put("/t", value("1"), None).await.unwrap();
    let takers: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.take("/t").await.unwrap().is_some() })
        })
        .collect();
    let mut got = 0;
    for taker in takers {
        got += usize::from(taker.await.unwrap());
    }
    assert_eq!(got, 1);
}

async fn of_many_swaps_one_wins(store: Arc<dyn Store>) {
    let revision = store.put("/s", value("1"), None).await.unwrap();
    let swaps: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.compare_and_swap("/s", revision, value("2"), None).await })
        })
        .collect();
    let mut won = 0;
    for swap in swaps {
        match swap.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error, StoreError::Conflict("/s".into())),
        }
    }
    assert_eq!(won, 1);
}

async fn a_slow_watcher_learns_that_it_missed_something(store: Arc<dyn Store>) {
    let mut watch = store.watch("/");
    let writers: Vec<_> = (0..100)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move {
                for j in 0..100 {
                    store.put(&format!("/{i}"), value(&j.to_string()), None).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(next(&mut watch).await, Change::Lost);
    assert!(matches!(next(&mut watch).await, Change::Put(_)));
}

async fn next(watch: &mut super::Watch) -> Change {
    tokio::time::timeout(Duration::from_secs(20), watch.next()).await.unwrap().unwrap()
}

/// What only a store in a file has.
mod file {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::server::store::OpenError;

    #[tokio::test]
    async fn it_is_there_after_reopening_and_nobody_else_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let store = SqliteStore::open(&data).unwrap();
        let revision = store.put("/a", value("1"), None).await.unwrap();
        store.delete("/a", None).await.unwrap();
        store.put("/b", value("2"), None).await.unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        for entry in std::fs::read_dir(&data).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{path:?}");
        }
        assert_eq!(SqliteStore::peek(&data, "/").unwrap().len(), 1);
        drop(store);
        assert_eq!(SqliteStore::peek(&data, "/").unwrap().len(), 1);
        let store = SqliteStore::open(&data).unwrap();
        assert_eq!(store.get("/b").await.unwrap().unwrap().value, "2");
        // The number of a write is never given twice, even if what it wrote is gone.
        assert!(store.put("/c", value("3"), None).await.unwrap() >= revision + 3);
    }

    #[tokio::test]
    async fn what_was_replaced_or_removed_is_in_no_file_once_it_is_scrubbed() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        // Longer than what comes in its place, so that something could be left of it, and among others.
        let secret = "a-private-half-".repeat(20);
        for key in ["/a", "/k", "/k2", "/z"] {
            store.put(key, value(&secret), None).await.unwrap();
        }
        for n in 0..300 {
            store.put(&format!("/other/{n}"), value(&format!("{n} ").repeat(n)), None).await.unwrap();
        }
        let found = || {
            let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
            let all: Vec<u8> = files.flat_map(|file| std::fs::read(file).unwrap()).collect();
            all.windows(30).filter(|window| *window == "a-private-half-a-private-half-".as_bytes()).count()
        };
        assert!(found() > 0);
        store.put("/a", value("new"), None).await.unwrap();
        store.put("/k", value(&"longer than before ".repeat(40)), None).await.unwrap();
        store.delete("/k2", None).await.unwrap();
        store.take("/z").await.unwrap();
        store.scrub().await.unwrap();
        assert_eq!(found(), 0);
        assert_eq!(store.get("/a").await.unwrap().unwrap().value, "new");
    }

    #[tokio::test]
    async fn a_second_gate_on_the_same_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        let Err(error) = SqliteStore::open(dir.path()) else { panic!("two gates in one directory") };
        let text = error.to_string();
        assert!(
            text.contains(&format!("another jumpgate (process {}) already", std::process::id())),
            "{text}"
        );
        drop(store);
        SqliteStore::open(dir.path()).unwrap();
    }

    #[tokio::test]
    async fn what_is_no_database_or_of_a_later_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("gate.sqlite"), "hello ".repeat(1000)).unwrap();
        assert!(matches!(SqliteStore::open(dir.path()), Err(OpenError::Sqlite(..))));
        std::fs::remove_file(dir.path().join("gate.sqlite")).unwrap();
        drop(SqliteStore::open(dir.path()).unwrap());
        let connection = rusqlite::Connection::open(dir.path().join("gate.sqlite")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        assert!(matches!(SqliteStore::open(dir.path()), Err(OpenError::Newer(_))));
    }
}
