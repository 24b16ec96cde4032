//! Sessions that are recorded without a stream: who may see them, who follows, what fails.

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    model::{Conditions, Role, RoleSpec, Rule, Traits},
    recording::{
        What, blocks,
        decode::Decoder,
        event::Stream,
        header::Kind,
        verify::{self, Expected},
    },
    server::{
        auth::access::Access,
        store::{SqliteStore, StoreResult, Watch, resources},
    },
    wire::recordings::Query,
};

mod followers;

struct Room {
    recordings: Recordings,
    audit: AuditLog,
    store: Arc<dyn Store>,
    folder: tempfile::TempDir,
}

fn config(mode: RecordingMode) -> RecordingConfig {
    RecordingConfig { mode, storage: None, retention: None, free_space: 0 }
}

async fn room(mode: RecordingMode) -> Room {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    in_room(mode, SEAL, store, folder).await
}

async fn in_room(
    mode: RecordingMode,
    seal: Duration,
    store: Arc<dyn Store>,
    folder: tempfile::TempDir,
) -> Room {
    let audit = AuditLog::memory();
    let config = config(mode);
    let opened = Recordings::open_sealing_every(seal, &config, folder.path(), store.clone(), audit.clone());
    Room { recordings: opened.await.unwrap(), audit, store, folder }
}

pub(super) fn session(user: &str) -> Session {
    Session {
        id: crate::recording::id::new(jiff::Timestamp::now()),
        kind: Kind::Exec,
        user: user.into(),
        roles: vec![],
        kube_user: user.into(),
        kube_groups: vec![],
        cluster: "prod".into(),
        namespace: "default".into(),
        pod: "web".into(),
        container: String::new(),
        command: vec!["sh".into()],
        terminal: true,
        stdin: true,
        protocol: String::new(),
        remote: String::new(),
        started: Timestamp::now(),
    }
}

fn out(text: &str) -> Vec<What> {
    vec![What::Bytes(Stream::Stdout, text.as_bytes().to_vec())]
}

impl Room {
    async fn viewer(&self, user: &str, rules: Vec<Rule>) -> Viewer {
        let allow = Conditions { rules, ..Conditions::default() };
        let role = Role::new("r", RoleSpec { allow, ..RoleSpec::default() });
        resources::upsert(&*self.store, &role).await.unwrap();
        let access = Access::new(self.store.clone());
        Viewer::new(&access.rights_of(user, &["r".into()], Traits::new()).await.unwrap())
    }

    async fn auditor(&self) -> Viewer {
        self.viewer("auditor", vec![Rule::new(&["session"], &["list", "read"])]).await
    }

    async fn events(&self, name: &str) -> Vec<serde_json::Value> {
        let now = Timestamp::now();
        let hour = SignedDuration::from_hours(1);
        let all = self.audit.read(now - hour, now + hour, 1000).await.unwrap();
        all.into_iter().filter(|event| event["event"] == name).collect()
    }

    /// Waits until the recording is wholly kept.
    async fn kept(&self, id: Uuid) -> Recording {
        let folder = self.recordings.0.folder(id);
        for _ in 0..1000 {
            if !folder.exists() {
                let auditor = self.auditor().await;
                return self.recordings.get(&auditor, id).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} is still there", folder.display());
    }

    async fn content(&self, id: Uuid) -> Vec<u8> {
        all(self.recordings.content(&self.auditor().await, id).await.unwrap()).await
    }
}

async fn all(content: Content) -> Vec<u8> {
    let chunks: Vec<_> = content.collect().await;
    chunks.into_iter().flat_map(|chunk| chunk.unwrap().to_vec()).collect()
}

fn shown(lines: &[u8]) -> String {
    let mut decoder = Decoder::default();
    decoder.feed(lines).unwrap();
    let events = std::iter::from_fn(|| decoder.next_event());
    let bytes = events.filter_map(|event| match event.what {
        What::Bytes(Stream::Stdout, bytes) => Some(bytes),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Vec<_>>().concat()).unwrap()
}

#[tokio::test]
async fn a_session_can_be_read_while_it_goes_on_and_when_it_is_kept() {
    let room = room(RecordingMode::Strict).await;
    let session = session("alice");
    let id = session.id;
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("one\r\n")).await.unwrap();
    assert_eq!(shown(&blocks::lines(&room.content(id).await)), "one\r\n");
    let alice = room.viewer("alice", vec![]).await;
    assert_eq!(room.recordings.get(&alice, id).await.unwrap().state, State::Live);

    let mut following = room.recordings.follow(&alice, id).await.unwrap();
    recorder.record(out("two\r\n")).await.unwrap();
    recorder.record(vec![What::Exit(3)]).await.unwrap();
    recorder.finish(None, vec![]).await;
    let mut followed = Vec::new();
    while let Some(chunk) = following.next().await {
        followed.extend(chunk.unwrap());
    }
    assert_eq!(shown(&followed), "one\r\ntwo\r\n");

    let recording = room.kept(id).await;
    assert_eq!((recording.state, recording.exit, recording.lost), (State::Complete, Some(3), 0));
    let content = room.content(id).await;
    assert_eq!(recording.size, content.len() as u64);
    let expected = Expected { session: Some(id), keys: room.recordings.public_keys(), last: recording.last };
    assert_eq!(verify::verify(&content, &expected).unwrap().state, verify::State::Complete);
    assert_eq!(room.events("session.upload").await.len(), 1);
    let error = room.recordings.follow(&alice, id).await.err().unwrap();
    assert!(matches!(error, ReadError::NotLive(_)), "{error}");
}

#[tokio::test]
async fn only_ones_own_sessions_are_seen_unless_a_role_says_more() {
    let room = room(RecordingMode::Strict).await;
    let mut ids = Vec::new();
    for user in ["alice", "bob"] {
        let session = session(user);
        ids.push(session.id);
        let recorder = room.recordings.begin(session).await.unwrap().unwrap();
        recorder.finish(None, vec![]).await;
        room.kept(ids[ids.len() - 1]).await;
    }
    let seen = async |viewer: &Viewer| {
        let page = room.recordings.list(viewer, &Query::default()).await.unwrap();
        page.recordings.into_iter().map(|recording| recording.session.user).collect::<Vec<_>>()
    };
    let alice = room.viewer("alice", vec![]).await;
    assert_eq!(seen(&alice).await, ["alice"]);
    for refused in [ids[1], crate::recording::id::new(jiff::Timestamp::now())] {
        let error = room.recordings.content(&alice, refused).await.err().unwrap();
        assert!(matches!(error, ReadError::NotFound(_)), "{error}");
    }
    assert!(room.events("session.recording.access").await.is_empty());
    let half = room.viewer("alice", vec![Rule::new(&["session"], &["list"])]).await;
    assert_eq!(seen(&half).await, ["alice"]);
    let auditor = room.auditor().await;
    assert_eq!(seen(&auditor).await, ["bob", "alice"]);
    drop(room.recordings.content(&auditor, ids[1]).await.unwrap());
    let events = room.events("session.recording.access").await;
    assert_eq!((events.len(), &events[0]["user"]), (1, &"auditor".into()));
}

#[tokio::test]
async fn what_was_on_a_screen_is_found_across_sessions_with_its_time() {
    let room = room(RecordingMode::Strict).await;
    for (user, text) in
        [("alice", "Hello Wor\u{1b}[1mld\r\n"), ("bob", "nothing\r\n"), ("bob", "hello world\r\n")]
    {
        let session = session(user);
        let id = session.id;
        let recorder = room.recordings.begin(session).await.unwrap().unwrap();
        recorder.record(out(text)).await.unwrap();
        recorder.finish(None, vec![]).await;
        room.kept(id).await;
    }
    let auditor = room.auditor().await;
    let found = room.recordings.search(&auditor, "HELLO world", &Query::default()).await.unwrap();
    let lines: Vec<(&str, &str)> = found.hits.iter().map(|hit| (&*hit.user, &*hit.line)).collect();
    assert_eq!(lines, [("bob", "hello world"), ("alice", "Hello World")]);
    assert!(found.next.is_none());
    let alice = room.viewer("alice", vec![]).await;
    let own = room.recordings.search(&alice, "hello", &Query::default()).await.unwrap();
    assert_eq!(own.hits.len(), 1);
}

#[tokio::test]
async fn whoever_ends_a_session_is_heard_by_its_person() {
    let room = room(RecordingMode::Strict).await;
    let session = session("alice");
    let id = session.id;
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    assert!(room.recordings.kill(id, "the first reason".into()));
    room.recordings.kill(id, "a second one".into());
    assert_eq!(recorder.killed().await, "the first reason");
    recorder.finish(Some("the first reason".into()), vec![]).await;
    assert_eq!(room.kept(id).await.reason.as_deref(), Some("the first reason"));
    assert!(!room.recordings.kill(id, "too late".into()));
}

#[tokio::test]
async fn a_session_that_never_began_leaves_nothing() {
    let room = room(RecordingMode::Strict).await;
    let session = session("alice");
    let id = session.id;
    room.recordings.begin(session).await.unwrap().unwrap().discard().await;
    while room.recordings.0.folder(id).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let page = room.recordings.list(&room.auditor().await, &Query::default()).await.unwrap();
    assert!(page.recordings.is_empty());
}

#[tokio::test]
async fn b6_52_what_a_gate_left_is_kept_by_the_next_one_and_a_bad_folder_stops_nothing() {
    let before = room(RecordingMode::Strict).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let session = session("alice");
        ids.push(session.id);
        let recorder = before.recordings.begin(session).await.unwrap().unwrap();
        recorder.record(out(&format!("session {n}\r\n"))).await.unwrap();
        // As a gate that is killed: nobody finishes it.
        std::mem::forget(recorder);
    }
    let Room { folder, store, recordings, .. } = before;
    recordings.0.lock_actors().abort_all();
    std::fs::write(recordings.0.folder(ids[1]).join("open.1.cast"), "nonsense\n").unwrap();
    let lost = session("alice");
    recordings.0.catalogue.put(&fresh(lost.clone())).await.unwrap();
    drop(recordings);

    let after = in_room(RecordingMode::Strict, SEAL, store, folder).await;
    after.recordings.recover().await;
    for (n, id) in [(0, ids[0]), (2, ids[2])] {
        let recording = after.kept(id).await;
        assert_eq!(recording.state, State::Cut);
        assert_eq!(shown(&blocks::lines(&after.content(id).await)), format!("session {n}\r\n"));
    }
    let lost = after.recordings.get(&after.auditor().await, lost.id).await.unwrap();
    assert_eq!(lost.state, State::Cut);
    assert!(after.recordings.0.folder(ids[1]).exists());
    assert_eq!(after.events("session.recording.failed").await.len(), 1);
}

#[tokio::test]
async fn what_is_too_old_goes_with_an_event_and_what_is_live_stays() {
    let room = room(RecordingMode::Strict).await;
    let old = session("alice");
    let old_id = old.id;
    room.recordings.begin(old).await.unwrap().unwrap().finish(None, vec![]).await;
    room.kept(old_id).await;
    let live = session("alice");
    let live_id = live.id;
    let _recorder = room.recordings.begin(live).await.unwrap().unwrap();
    room.recordings.remove_older_than(Timestamp::now() + SignedDuration::from_secs(5)).await;
    let auditor = room.auditor().await;
    assert!(room.recordings.get(&auditor, old_id).await.is_err());
    assert!(room.recordings.0.vault.parts(old_id).await.unwrap().is_empty());
    assert!(room.recordings.get(&auditor, live_id).await.is_ok());
    assert_eq!(room.events("session.recording.deleted").await.len(), 1);
}

/// As when a client goes away while its upgrade is under way: nobody finishes the recording, it only goes out of reach.
#[tokio::test]
async fn a_recorder_that_is_dropped_ends_its_recording() {
    let room = room(RecordingMode::Strict).await;
    let session = session("alice");
    let id = session.id;
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("so far\r\n")).await.unwrap();
    drop(recorder);
    let recording = room.kept(id).await;
    assert_eq!(
        (recording.state, recording.reason.as_deref()),
        (State::Complete, Some("the connection was given up"))
    );
    assert_eq!(shown(&blocks::lines(&room.content(id).await)), "so far\r\n");
    assert!(!room.recordings.kill(id, "nothing is live".into()));
}

/// The gate died between the new name of a spool and its removal.
#[tokio::test]
async fn a_spool_that_was_being_removed_is_removed_and_no_recording() {
    let before = room(RecordingMode::Strict).await;
    let session = session("alice");
    let id = session.id;
    let recorder = before.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("kept\r\n")).await.unwrap();
    let copy = before.folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let folder = before.recordings.0.folder(id);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    recorder.finish(None, vec![]).await;
    let kept = before.kept(id).await;
    let done = before.recordings.0.spool.join(format!("{id}{DONE}"));
    std::fs::rename(&copy, &done).unwrap();

    let Room { folder, store, recordings, .. } = before;
    drop(recordings);
    let after = in_room(RecordingMode::Strict, SEAL, store, folder).await;
    after.recordings.recover().await;
    after.recordings.close().await;
    assert!(!done.exists());
    assert_eq!(std::fs::read_dir(&after.recordings.0.spool).unwrap().count(), 0);
    assert_eq!(after.kept(id).await, kept);
    assert!(after.events("session.recording.failed").await.is_empty());
}

impl Room {
    /// Waits for what the record says.
    async fn record(&self, id: Uuid, ready: impl Fn(&Recording) -> bool) -> Recording {
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
    // Where the next lines would go is no file: no frame can be closed.
    let obstacle = room.recordings.0.folder(id).join("open.2.cast");
    std::fs::create_dir(&obstacle).unwrap();
    recorder.finish(None, vec![What::Exit(0)]).await;
    let over = room.record(id, |recording| recording.state != State::Live).await;
    assert_eq!((over.state, over.exit, over.ended.is_some()), (State::Partial, Some(0), true));
    assert!(over.reason.unwrap().contains("not sealed yet"));
    assert!(!room.recordings.kill(id, "it is over".into()));
    assert_eq!(room.events("session.recording.failed").await.len(), 1);
    std::fs::remove_dir(&obstacle).unwrap();
    let kept = room.kept(id).await;
    assert_eq!(shown(&blocks::lines(&room.content(id).await)), "all of it\r\n");
    assert_eq!((kept.state, kept.reason), (State::Complete, None));
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
    let over = before.record(id, |recording| recording.state != State::Live).await;
    assert_eq!((over.state, over.exit), (State::Partial, Some(3)));
    assert!(over.reason.unwrap().contains("broke"));
    assert!(!before.recordings.kill(id, "it is over".into()));
    assert!(!before.events("session.recording.failed").await.is_empty());
    before.recordings.close().await;

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
struct Failing(Arc<dyn Store>, std::sync::atomic::AtomicBool);

impl Failing {
    fn refuse(&self) -> Result<(), StoreError> {
        if self.1.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(StoreError::Backend("connection lost".into()));
        }
        Ok(())
    }
}

impl Store for Failing {
    fn get<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<crate::server::store::Item>> {
        self.0.get(key)
    }
    fn create<'a>(
        &'a self,
        key: &'a str,
        value: bytes::Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, i64> {
        self.0.create(key, value, expires)
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
        self.0.put(key, value, expires)
    }
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        revision: i64,
        value: bytes::Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, i64> {
        self.0.compare_and_swap(key, revision, value, expires)
    }
    fn delete<'a>(&'a self, key: &'a str, revision: Option<i64>) -> StoreResult<'a, ()> {
        self.0.delete(key, revision)
    }
    fn take<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<crate::server::store::Item>> {
        self.0.take(key)
    }
    fn write_all<'a>(&'a self, values: Vec<(String, Option<bytes::Bytes>)>) -> StoreResult<'a, ()> {
        if let Err(error) = self.refuse() {
            return Box::pin(async { Err(error) });
        }
        self.0.write_all(values)
    }
    fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreResult<'a, Vec<crate::server::store::Item>> {
        self.0.range(prefix, after, limit)
    }
    fn watch(&self, prefix: &str) -> Watch {
        self.0.watch(prefix)
    }
}

#[tokio::test]
async fn a_store_that_is_gone_ends_a_strict_session_and_no_other() {
    for mode in [RecordingMode::Strict, RecordingMode::BestEffort] {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let failing = Arc::new(Failing(store, false.into()));
        let room = in_room(mode, Duration::from_millis(50), failing.clone(), folder).await;
        let session = session("alice");
        let id = session.id;
        let recorder = room.recordings.begin(session).await.unwrap().unwrap();
        failing.1.store(true, std::sync::atomic::Ordering::Relaxed);
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
        failing.1.store(false, std::sync::atomic::Ordering::Relaxed);
        recorder.finish(None, vec![]).await;
        room.kept(id).await;
        let on_record = shown(&blocks::lines(&room.content(id).await));
        let wanted = if mode == RecordingMode::Strict { "before\r\n" } else { "before\r\nafter\r\n" };
        assert_eq!(on_record, wanted);
        assert_eq!(room.events("session.recording.failed").await.len(), 1);
    }
}
