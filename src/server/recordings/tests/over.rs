//! What a list says of sessions that are over: that they are, how long they were, what they copied.

use super::{faults::Failing, *};
use crate::{
    recording::event::Direction,
    wire::recordings::{Copied, Query},
};

impl Room {
    async fn listed(&self, state: Option<State>) -> Vec<Recording> {
        let query = Query { state, ..Query::default() };
        self.recordings.list(&self.auditor().await, &query).await.unwrap().recordings
    }
}

#[tokio::test]
async fn a_session_is_listed_as_over_before_its_record_can_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let failing = Failing::new(store);
    let room = in_room(RecordingMode::Strict, SEAL, failing.clone(), folder).await;
    let session = session("alice");
    let id = session.id;
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("so far\r\n")).await.unwrap();
    assert_eq!(room.listed(Some(State::Live)).await.len(), 1);
    let auditor = room.auditor().await;
    failing.take_no_records(true);
    recorder.finish(None, vec![]).await;
    let list = async |state| {
        let query = Query { state, ..Query::default() };
        let page = room.recordings.list(&auditor, &query).await.unwrap();
        page.recordings.into_iter().map(|one| (one.state, one.ended.is_some())).collect::<Vec<_>>()
    };
    for state in [None, Some(State::Ended)] {
        assert_eq!(list(state).await, [(State::Ended, true)]);
    }
    assert!(list(Some(State::Live)).await.is_empty());
    assert!(!room.recordings.kill(id, "it is over".into()));
    failing.take_no_records(false);
    let kept = room.kept(id).await;
    assert_eq!(kept.state, State::Complete);
    assert!(room.recordings.0.live.over().is_empty(), "nothing is remembered of it");
}

#[tokio::test]
async fn a_session_is_as_long_as_it_went_on_though_nothing_happened_in_it() {
    let room = room(RecordingMode::Strict).await;
    let long = SignedDuration::from_secs(90);
    let mut quiet = session("alice");
    quiet.started = Timestamp::now() - long;
    let id = quiet.id;
    let recorder = room.recordings.begin(quiet).await.unwrap().unwrap();
    recorder.record(out("at once\r\n")).await.unwrap();
    let live = room.listed(None).await.remove(0);
    assert!(live.duration >= 90_000, "{}", live.duration);
    recorder.finish(None, vec![]).await;
    let kept = room.kept(id).await;
    let lived = kept.ended.unwrap().duration_since(kept.session.started);
    assert_eq!(i128::from(kept.duration), lived.as_millis());
    assert!(lived >= long);

    // An earlier gate wrote the time of the last event.
    let mut old = fresh(session("alice"));
    (old.state, old.duration) = (State::Complete, 100);
    old.ended = Some(old.session.started + long);
    room.recordings.0.catalogue.put(&old).await.unwrap();
    let read = room.recordings.get(&room.auditor().await, old.session.id).await.unwrap();
    assert_eq!(read.duration, 90_000);
    // Whose clock was set back lasted as long as something happened in it.
    old.ended = Some(old.session.started - long);
    room.recordings.0.catalogue.put(&old).await.unwrap();
    let read = room.recordings.get(&room.auditor().await, old.session.id).await.unwrap();
    assert_eq!(read.duration, 100);
}

#[tokio::test]
async fn a_copy_is_named_with_its_size_also_after_the_death_of_its_gate() {
    let before = room(RecordingMode::Strict).await;
    let copying = || {
        let mut copying = session("alice");
        (copying.terminal, copying.command) =
            (false, ["tar", "-xmf", "-", "-C", "/tmp"].map(str::to_owned).to_vec());
        copying
    };
    let file = |bytes| vec![What::File { so_far: true, direction: Direction::Up, bytes, sha256: [0; 32] }];
    let copied = |bytes| Some(Copied { direction: Direction::Up, path: "/tmp".into(), bytes });
    let (whole, cut) = (copying(), copying());
    let ids = [whole.id, cut.id];
    let recorder = before.recordings.begin(whole).await.unwrap().unwrap();
    assert_eq!(before.listed(None).await[0].copy, copied(None));
    recorder.record(file(7)).await.unwrap();
    recorder.finish(None, file(9)).await;
    assert_eq!(before.kept(ids[0]).await.copy, copied(Some(9)));

    let recorder = before.recordings.begin(cut).await.unwrap().unwrap();
    recorder.record(file(5)).await.unwrap();
    std::mem::forget(recorder);
    let Room { folder, store, recordings, .. } = before;
    recordings.0.lock_actors().abort_all();
    drop(recordings);
    let after = in_room(RecordingMode::Strict, SEAL, store, folder).await;
    after.recordings.recover().await;
    assert_eq!(after.kept(ids[1]).await.copy, copied(Some(5)));
    // A record of an earlier gate says nothing of it, its words do.
    let mut old = fresh(copying());
    (old.state, old.copy) = (State::Complete, None);
    after.recordings.0.catalogue.put(&old).await.unwrap();
    let read = after.recordings.get(&after.auditor().await, old.session.id).await.unwrap();
    assert_eq!(read.copy, copied(None));
}
