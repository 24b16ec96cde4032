//! Sessions that are recorded without a stream: who may see them, who follows, what fails.

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    model::{Conditions, Role, RoleSpec, Rule, Traits},
    pki::PublicKey,
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

mod faults;
mod followers;
mod keys;
mod over;

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

    /// The public halves of all keys, the one that signs first.
    async fn keys(&self) -> Vec<PublicKey> {
        self.recordings.keys().await.unwrap().iter().map(|known| known.public.clone()).collect()
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
    let expected = Expected { session: Some(id), keys: room.keys().await, last: recording.last };
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
    std::fs::write(recordings.0.folder(ids[1]).join("open.0.cast"), "nonsense\n").unwrap();
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
    let done = before.recordings.0.spool.join(format!("{id}{}", kept::DONE));
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
