//! Who follows a live session gets all of it, however slowly they read, and costs little meanwhile.

use super::*;

/// What packs badly, so that parts grow.
fn noise(n: u64, length: usize) -> Vec<u8> {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b' ' + u8::try_from(state % 90).unwrap()
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

async fn say(recorder: &Recorder, all: &mut Vec<u8>, count: u64) {
    for _ in 0..count {
        let bytes = noise(all.len() as u64, 256 * 1024);
        all.extend(&bytes);
        recorder.record(vec![What::Bytes(Stream::Stdout, bytes)]).await.unwrap();
    }
}

/// The files below a folder that this process has open.
fn open_below(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let files = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    files.filter(|file| file.starts_with(folder)).collect()
}

#[tokio::test]
async fn whoever_reads_late_gets_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let room = in_room(RecordingMode::Strict, Duration::from_millis(300), store, folder).await;
    let session = session("alice");
    let id = session.id;
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    let alice = room.viewer("alice", vec![]).await;
    let follow = async || room.recordings.follow(&alice, id).await.unwrap();
    let mut said = Vec::new();
    say(&recorder, &mut said, 1).await;
    let (mut steady, mut late, mut last) = (follow().await, follow().await, follow().await);
    let mut of_steady = steady.next().await.unwrap().unwrap().to_vec();
    // One piece is taken, so that it stands in the middle.
    let mut of_late = late.next().await.unwrap().unwrap().to_vec();
    for _ in 0..12 {
        say(&recorder, &mut said, 4).await;
        while let Ok(Some(piece)) = tokio::time::timeout(Duration::from_millis(50), steady.next()).await {
            of_steady.extend(piece.unwrap());
        }
    }
    while of_late.len() < said.len() / 2 {
        of_late.extend(late.next().await.unwrap().unwrap());
    }
    say(&recorder, &mut said, 20).await;
    recorder.finish(None, vec![]).await;
    room.kept(id).await;
    // By now the session's folder is gone.
    for (name, mut content, mut lines) in
        [("steady", steady, of_steady), ("late", late, of_late), ("last", last.by_ref().boxed(), vec![])]
    {
        while let Some(piece) = content.next().await {
            lines.extend(piece.unwrap_or_else(|error| panic!("{name}: {error}")));
        }
        assert!(shown(&lines).as_bytes() == said, "{name} got {} bytes of {}", lines.len(), said.len());
    }
}

#[tokio::test]
async fn a_viewer_has_one_file_open_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let room = in_room(RecordingMode::Strict, Duration::from_millis(20), store, folder).await;
    let session = session("alice");
    let id = session.id;
    let recorder = room.recordings.begin(session).await.unwrap().unwrap();
    let spool = room.recordings.0.folder(id);
    while spool::parts(&spool).unwrap().len() < 30 {
        recorder.record(out("tick\r\n")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let alice = room.viewer("alice", vec![]).await;
    let before = open_below(&spool).len();
    for _ in 0..10 {
        let mut content = room.recordings.content(&alice, id).await.unwrap();
        let mut following = room.recordings.follow(&alice, id).await.unwrap();
        content.next().await.unwrap().unwrap();
        following.next().await.unwrap().unwrap();
        let open = open_below(&spool);
        assert!(open.len() <= before + 3, "{open:?}");
    }
    recorder.finish(None, vec![]).await;
}
