//! Recordings in bad times: what cannot be sealed, a vault and a store that fail, a gate that was killed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

impl Room {
    /// Waits for what the record says.
    pub(super) async fn record(&self, id: Uuid, ready: impl Fn(&Recording) -> bool) -> Recording {
        let auditor = self.auditor().await;
        for _ in 0..1000 {
            let recording = self.recordings.get(&auditor, id).await.unwrap();
            if ready(&recording) {
                return recording;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", self.recordings.get(&auditor, id).await);
    }
}

#[tokio::test]
async fn a_session_that_is_over_and_cannot_be_sealed_is_not_live() {
    let room = room(RecordingMode::Strict).await;
    let session = session("alice");
    let id = session.id;
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("all of it\r\n")).await.unwrap();
    // Where the first frame would go is no file.
    let obstacle = room.recordings.0.folder(id).join("000001.part");
    std::fs::create_dir(&obstacle).unwrap();
    recorder.finish(None, vec![What::Exit(0)]).await;
    let over = room.record(id, |recording| recording.state == State::Partial).await;
    assert_eq!((over.exit, over.ended.is_some()), (Some(0), true));
    assert!(over.reason.unwrap().contains("not sealed yet"));
    assert!(!room.recordings.kill(id, "it is over".into()));
    while room.events("session.recording.failed").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::remove_dir(&obstacle).unwrap();
    let kept = room.kept(id).await;
    assert_eq!(shown(&blocks::lines(&room.content(id).await)), "all of it\r\n");
    assert_eq!((kept.state, kept.reason), (State::Complete, None));
    assert_eq!(room.events("session.recording.failed").await.len(), 1);
}

#[tokio::test]
async fn a_recorder_that_breaks_leaves_no_live_session_and_the_next_start_seals_it() {
    let before = room(RecordingMode::BestEffort).await;
    let session = session("alice");
    let id = session.id;
    let recorder = before.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("so far\r\n")).await.unwrap();
    recorder.record(vec![What::Exit(3)]).await.unwrap();
    recorder.break_pen().await;
    recorder.finish(None, vec![]).await;
    let over = before.record(id, |recording| recording.state == State::Partial).await;
    assert_eq!(over.exit, Some(3));
    assert!(over.reason.unwrap().contains("broke"));
    assert!(!before.recordings.kill(id, "it is over".into()));
    // The event follows the record; whoever closes has waited for both.
    before.recordings.close().await;
    assert!(!before.events("session.recording.failed").await.is_empty());

    let Room { folder, store, recordings, .. } = before;
    drop(recordings);
    let after = in_room(RecordingMode::BestEffort, SEAL, store, folder).await;
    after.recordings.recover().await;
    let kept = after.kept(id).await;
    assert_eq!((kept.state, kept.exit, kept.reason), (State::Cut, Some(3), None));
    assert_eq!(shown(&blocks::lines(&after.content(id).await)), "so far\r\n");
}

#[tokio::test]
async fn a_part_of_another_hand_in_the_vault_stays_and_so_does_the_spool() {
    let room = room(RecordingMode::Strict).await;
    let session = session("alice");
    let id = session.id;
    room.recordings.0.vault.put(id, 1, bytes::Bytes::from_static(b"forged")).await.unwrap();
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("the real one\r\n")).await.unwrap();
    recorder.finish(None, vec![]).await;
    room.record(id, |recording| recording.state == State::Complete).await;
    room.recordings.close().await;
    let events = room.events("session.recording.failed").await;
    assert_eq!((events.len(), &events[0]["user"]), (1, &"alice".into()));
    assert!(events[0]["error"].as_str().unwrap().contains("another part 1"), "{events:?}");
    assert!(room.events("session.upload").await.is_empty());
    assert_eq!(room.recordings.0.vault.get(id, 1).await.unwrap(), "forged");
    assert_eq!(shown(&blocks::lines(&room.content(id).await)), "the real one\r\n");
}

#[tokio::test]
async fn thousands_that_are_too_old_go_in_one_pass_and_one_that_fails_blocks_none() {
    let room = room(RecordingMode::Strict).await;
    let vault = &room.recordings.0.vault;
    let mut ids = Vec::new();
    for n in 0..1700 {
        let mut recording = fresh(session("alice"));
        recording.state = State::Complete;
        let id = recording.session.id;
        room.recordings.0.catalogue.put(&recording).await.unwrap();
        // Those that fail are the newest of a batch, and in the middle.
        if n % 100 == 50 || n > 1690 {
            let bad = room.folder.path().join("recordings/kept").join(id.to_string()).join("000001.part");
            std::fs::create_dir_all(bad).unwrap();
        } else if n % 10 == 0 {
            vault.put(id, 1, bytes::Bytes::from_static(b"old")).await.unwrap();
        }
        ids.push((id, n % 100 == 50 || n > 1690));
    }
    room.recordings.remove_older_than(Timestamp::now() + SignedDuration::from_secs(5)).await;
    let auditor = room.auditor().await;
    for (id, bad) in ids {
        assert_eq!(room.recordings.get(&auditor, id).await.is_ok(), bad);
        assert!(vault.parts(id).await.unwrap().is_empty());
    }
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    let deleted = room.audit.read(now - hour, now + hour, 5000).await.unwrap();
    assert_eq!(deleted.len(), 1700 - 17 - 9);
}

#[tokio::test]
async fn what_is_known_of_a_session_that_was_cut_off_is_what_its_film_says() {
    let before = room(RecordingMode::Strict).await;
    let session = session("alice");
    let (id, started) = (session.id, session.started);
    let recorder = before.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("shown\r\n")).await.unwrap();
    recorder.record(vec![What::Lost { bytes: 9, why: "why".into() }, What::Exit(4)]).await.unwrap();
    std::mem::forget(recorder);
    let Room { folder, store, recordings, .. } = before;
    recordings.0.lock_actors().abort_all();
    drop(recordings);
    let after = in_room(RecordingMode::Strict, SEAL, store, folder).await;
    after.recordings.recover().await;
    let kept = after.kept(id).await;
    assert_eq!((kept.state, kept.exit, kept.lost), (State::Cut, Some(4), 9));
    let lived = SignedDuration::from_millis(kept.duration as i64);
    assert_eq!(kept.ended.unwrap().duration_since(started).as_millis(), lived.as_millis());
}

/// A store that fails from a moment on.
pub(super) struct Failing {
    store: Arc<dyn Store>,
    failing: AtomicBool,
    /// Whether it takes no records.
    full: AtomicBool,
    /// Whether it does what it is asked to swap, and its answer is lost.
    losing: AtomicBool,
}

impl Failing {
    pub(super) fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, failing: false.into(), full: false.into(), losing: false.into() })
    }

    pub(super) fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    pub(super) fn take_no_records(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    pub(super) fn lose_answers(&self) {
        self.losing.store(true, Ordering::Relaxed);
    }

    fn refuse(&self) -> Result<(), StoreError> {
        if self.failing.load(Ordering::Relaxed) { Err(lost()) } else { Ok(()) }
    }
}

fn lost() -> StoreError {
    StoreError::Backend("connection lost".into())
}

impl Store for Failing {
    fn get<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<crate::server::store::Item>> {
        if let Err(error) = self.refuse() {
            return Box::pin(async { Err(error) });
        }
        self.store.get(key)
    }
    fn create<'a>(
        &'a self,
        key: &'a str,
        value: bytes::Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, i64> {
        self.store.create(key, value, expires)
    }
    fn put<'a>(
        &'a self,
        key: &'a str,
        value: bytes::Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, i64> {
        if let Err(error) = self.refuse() {
            return Box::pin(async { Err(error) });
        }
        self.store.put(key, value, expires)
    }
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        revision: i64,
        value: bytes::Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, i64> {
        if let Err(error) = self.refuse() {
            return Box::pin(async { Err(error) });
        }
        let swapping = self.store.compare_and_swap(key, revision, value, expires);
        let losing = self.losing.load(Ordering::Relaxed);
        Box::pin(async move { if losing { swapping.await.and(Err(lost())) } else { swapping.await } })
    }
    fn delete<'a>(&'a self, key: &'a str, revision: Option<i64>) -> StoreResult<'a, ()> {
        self.store.delete(key, revision)
    }
    fn take<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<crate::server::store::Item>> {
        self.store.take(key)
    }
    fn write_all<'a>(&'a self, values: Vec<(String, Option<bytes::Bytes>)>) -> StoreResult<'a, ()> {
        let full = self.full.load(Ordering::Relaxed);
        if let Err(error) = self.refuse().and(if full { Err(lost()) } else { Ok(()) }) {
            return Box::pin(async { Err(error) });
        }
        self.store.write_all(values)
    }
    fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreResult<'a, Vec<crate::server::store::Item>> {
        self.store.range(prefix, after, limit)
    }
    fn watch(&self, prefix: &str) -> Watch {
        self.store.watch(prefix)
    }
}

#[tokio::test]
async fn a_store_that_is_gone_ends_a_strict_session_and_no_other() {
    for mode in [RecordingMode::Strict, RecordingMode::BestEffort] {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let failing = Failing::new(store);
        let room = in_room(mode, Duration::from_millis(50), failing.clone(), folder).await;
        let session = session("alice");
        let id = session.id;
        let recorder = room.recordings.begin(session).await.unwrap().unwrap();
        failing.fail(true);
        recorder.record(out("before\r\n")).await.unwrap();
        if mode == RecordingMode::Strict {
            let why = recorder.killed().await;
            assert!(why.contains("connection lost") && why.contains("recorded"), "{why}");
            assert!(recorder.record(out("after\r\n")).await.is_err());
        } else {
            while room.events("session.recording.failed").await.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            recorder.record(out("after\r\n")).await.unwrap();
        }
        failing.fail(false);
        recorder.finish(None, vec![]).await;
        room.kept(id).await;
        let on_record = shown(&blocks::lines(&room.content(id).await));
        let wanted = if mode == RecordingMode::Strict { "before\r\n" } else { "before\r\nafter\r\n" };
        assert_eq!(on_record, wanted);
        assert_eq!(room.events("session.recording.failed").await.len(), 1);
    }
}
