//! The key that signs is rotated: while sessions go on, while a gate dies, by two at once.

use super::{super::keys::Keys, faults::Failing, *};
use crate::{
    pki::KeyPair,
    recording::blocks::{Block, Blocks, Piece},
    recording::verify::Finding,
};

/// Sealed often enough for a test, and not so often that much is sealed in between.
const OFTEN: Duration = Duration::from_millis(50);

fn names(keys: &[PublicKey]) -> Vec<String> {
    keys.iter().map(PublicKey::fingerprint).collect()
}

/// The name of the key of each checkpoint.
fn signers(sealed: &[u8]) -> Vec<String> {
    let blocks = Blocks::new(sealed).map(Result::unwrap);
    let checkpoints = blocks.filter_map(|Block { what, .. }| match what {
        Piece::Checkpoint(signed) => Some(signed.checkpoint.key),
        _ => None,
    });
    checkpoints.collect()
}

fn finding(sealed: &[u8], keys: &[PublicKey]) -> Option<Finding> {
    verify::verify(sealed, &Expected { keys: keys.to_vec(), ..Expected::default() }).err()
}

impl Room {
    /// Waits until all that was written of a live session is sealed; the number of checkpoints.
    async fn sealed(&self, id: Uuid) -> u64 {
        let plain = blocks::lines(&self.content(id).await).len() as u64;
        self.record(id, |recording| recording.plain == plain).await.last.unwrap().number
    }
}

/// A store with a key of an older gate, of which it is not on record since when it signs.
async fn older() -> (tempfile::TempDir, Arc<dyn Store>, KeyPair) {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let key = KeyPair::generate();
    let value = serde_json::json!({ "key": *key.to_pem().unwrap() }).to_string();
    store.create("/recording/key", value.into(), None).await.unwrap();
    (folder, store, key)
}

#[tokio::test]
async fn the_old_private_half_is_replaced_and_the_public_one_stays() {
    let (_folder, store, first) = older().await;
    let keys = Keys::open(store.clone()).await.unwrap();
    assert_eq!(keys.signing().await.public(), first.public());
    let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).unwrap();
    let mut made = vec![first];
    for second in [10, 20] {
        let rotated = keys.rotate(at(second)).await.unwrap();
        let now = keys.signing().await;
        assert_eq!(rotated.old, made[made.len() - 1].public().fingerprint());
        assert_eq!((rotated.new, rotated.since), (now.public().fingerprint(), at(second)));
        made.push(now);
    }
    let known = keys.known().await.unwrap();
    let told: Vec<_> = known.iter().map(|key| (key.public.clone(), key.since, key.until)).collect();
    let wanted = [
        (made[2].public(), Some(at(20)), None),
        (made[1].public(), Some(at(10)), Some(at(20))),
        (made[0].public(), None, Some(at(10))),
    ];
    assert_eq!(told, wanted);
    let value =
        String::from_utf8(store.get("/recording/key").await.unwrap().unwrap().value.to_vec()).unwrap();
    assert_eq!(value.matches("PRIVATE KEY-----").count(), 2, "the beginning and the end of one: {value}");
    // The next start finds the same.
    assert_eq!(*Keys::open(store).await.unwrap().known().await.unwrap(), *known);
}

#[tokio::test]
async fn of_two_rotations_at_once_one_wins_and_another_gate_takes_its_key() {
    let (_folder, store, first) = older().await;
    let (here, there) = (Keys::open(store.clone()).await.unwrap(), Keys::open(store).await.unwrap());
    let (read_here, read_there) = (here.item().await.unwrap(), there.item().await.unwrap());
    let won = here.replace(&read_here, Timestamp::now()).await.unwrap();
    let error = there.replace(&read_there, Timestamp::now()).await.unwrap_err();
    assert!(matches!(error, KeysError::Meanwhile), "{error}");
    for gate in [&there, &here] {
        assert_eq!(gate.signing().await.public().fingerprint(), won.new);
        let (_, all) = gate.all().await.unwrap();
        assert_eq!(names(&all), [won.new.clone(), first.public().fingerprint()]);
    }
    // However they meet, each is either told to somebody and listed, or refused.
    let many = (0..20).map(|n| if n % 2 == 0 { &here } else { &there }.rotate(Timestamp::now()));
    let mut done = vec![first.public().fingerprint(), won.new];
    for rotated in futures_util::future::join_all(many).await {
        match rotated {
            Ok(rotated) => done.push(rotated.new),
            Err(error) => assert!(matches!(error, KeysError::Meanwhile), "{error}"),
        }
    }
    assert!(done.len() > 2);
    let (_, all) = here.all().await.unwrap();
    let (mut listed, last) = (names(&all), there.signing().await.public().fingerprint());
    assert_eq!(listed[0], last);
    listed.sort();
    done.sort();
    assert_eq!(listed, done);
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_old_key_and_one_whose_answer_is_lost_the_new() {
    let (_folder, store, first) = older().await;
    let failing = Failing::new(store);
    let keys = Keys::open(failing.clone()).await.unwrap();
    failing.fail(true);
    assert!(matches!(keys.rotate(Timestamp::now()).await, Err(KeysError::Store(_))));
    // What is to be sealed meanwhile is.
    assert_eq!(keys.signing().await.public(), first.public());
    failing.fail(false);
    assert_eq!(keys.all().await.unwrap().1, [first.public()]);
    failing.lose_answers();
    let rotated = keys.rotate(Timestamp::now()).await.unwrap();
    assert_eq!(names(&keys.all().await.unwrap().1), [rotated.new, rotated.old]);
}

#[tokio::test]
async fn a_live_session_is_signed_by_the_key_that_another_gate_made() {
    let room = room(RecordingMode::Strict).await;
    let other = in_room(RecordingMode::Strict, OFTEN, room.store.clone(), tempfile::tempdir().unwrap()).await;
    let session = session("alice");
    let id = session.id;
    let recorder = other.recordings.begin(session).await.unwrap().unwrap();
    recorder.record(out("before\r\n")).await.unwrap();
    let by_old = other.sealed(id).await;
    let remote = "192.0.2.1:4".parse().unwrap();
    let rotated = room.recordings.rotate_key("root".into(), remote).await.unwrap();
    let events = room.events("session.recording.key_rotated").await;
    let told =
        ["code", "user", "old_key", "new_key", "addr.remote"].map(|name| events[0][name].as_str().unwrap());
    assert_eq!((events.len(), told), (1, ["JG2004I", "root", &rotated.old, &rotated.new, "192.0.2.1:4"]));
    recorder.record(out("after\r\n")).await.unwrap();
    assert!(other.sealed(id).await > by_old);
    recorder.finish(None, vec![]).await;
    other.kept(id).await;

    let content = other.content(id).await;
    assert_eq!(shown(&blocks::lines(&content)), "before\r\nafter\r\n");
    let signers = signers(&content);
    let (old, new) = signers.split_at(by_old as usize);
    assert!(old.iter().all(|name| *name == rotated.old), "{signers:?}");
    assert!(new.len() > 1 && new.iter().all(|name| *name == rotated.new), "{signers:?}");
    let keys = other.keys().await;
    assert_eq!(names(&keys), [rotated.new, rotated.old]);
    assert_eq!(finding(&content, &keys), None);
    // Who has one of the keys alone, or another gate's, is told where that ends.
    let unsigned = |keys: &[PublicKey]| match finding(&content, keys) {
        Some(Finding::Signature { number, .. }) => number,
        other => panic!("{other:?}"),
    };
    assert_eq!(unsigned(&keys[..1]), 1);
    assert_eq!(unsigned(&keys[1..]), by_old + 1);
    assert_eq!(unsigned(&[KeyPair::generate().public()]), 1);
}

#[tokio::test]
async fn a_spool_that_the_old_key_signed_is_sealed_with_the_new_one_and_a_strangers_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let before = in_room(RecordingMode::Strict, OFTEN, store, folder).await;
    let mut ids = Vec::new();
    for text in ["ours", "a stranger's"] {
        let session = session("alice");
        ids.push(session.id);
        let recorder = before.recordings.begin(session).await.unwrap().unwrap();
        recorder.record(out(&format!("{text}\r\n"))).await.unwrap();
        before.sealed(ids[ids.len() - 1]).await;
        // As a gate that is killed: nobody finishes it.
        std::mem::forget(recorder);
    }
    let Room { folder, store, recordings, .. } = before;
    recordings.0.lock_actors().abort_all();
    let rotated = Keys::open(store.clone()).await.unwrap().rotate(Timestamp::now()).await.unwrap();
    sign_anew(&recordings.0.folder(ids[1]).join("000001.part"), ids[1]);
    drop(recordings);

    let after = in_room(RecordingMode::Strict, SEAL, store, folder).await;
    after.recordings.recover().await;
    assert_eq!(after.kept(ids[0]).await.state, State::Cut);
    let content = after.content(ids[0]).await;
    let mut signers = signers(&content);
    assert_eq!(signers.pop(), Some(rotated.new));
    assert!(!signers.is_empty() && signers.iter().all(|name| *name == rotated.old), "{signers:?}");
    assert_eq!(finding(&content, &after.keys().await), None);
    after.record(ids[1], |recording| recording.state == State::Cut).await;
    let failed = after.events("session.recording.failed").await;
    assert_eq!(failed.len(), 1);
    assert!(failed[0]["error"].as_str().unwrap().contains("this gate did not sign"), "{failed:?}");
}

/// Puts a checkpoint by a key that no gate ever had in the place of the one at a part's end.
fn sign_anew(part: &Path, id: Uuid) {
    let bytes = std::fs::read(part).unwrap();
    let all: Vec<Block<'_>> = Blocks::new(&bytes).map(Result::unwrap).collect();
    let [Block { what: Piece::Frame { hash, .. }, .. }, Block { what: Piece::Checkpoint(signed), at }] =
        &all[..]
    else {
        panic!("{all:?}")
    };
    let mut packer = crate::recording::pack::Packer::resume(id, 1, 0, *hash);
    let (forged, _) = packer.checkpoint(&KeyPair::generate(), signed.checkpoint.signed, None);
    std::fs::write(part, [&bytes[..*at], &forged].concat()).unwrap();
}
