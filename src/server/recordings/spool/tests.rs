use super::{recover::Recovered, *};
use crate::recording::{
    blocks::lines,
    header::{Kind, Session},
    verify::{Expected, Last, State, verify},
};

struct Room {
    folder: tempfile::TempDir,
    key: KeyPair,
    id: Uuid,
}

fn room() -> Room {
    Room {
        folder: tempfile::tempdir().unwrap(),
        key: KeyPair::generate(),
        id: crate::recording::id::new(jiff::Timestamp::now()),
    }
}

impl Room {
    fn header(&self) -> Header {
        Header::new(Session {
            id: self.id,
            kind: Kind::Exec,
            user: "alice".into(),
            roles: vec![],
            kube_user: "alice".into(),
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
            started: Timestamp::UNIX_EPOCH,
        })
    }

    fn spool(&self) -> Spool {
        Spool::create(self.folder.path(), self.id, &self.header()).unwrap()
    }

    fn own(&self) -> PathBuf {
        self.folder.path().join(self.id.to_string())
    }

    fn recover(&self) -> Recovered {
        recover(&self.own(), self.id, &self.key, Timestamp::UNIX_EPOCH).unwrap().unwrap()
    }

    fn whole(&self) -> Vec<u8> {
        let parts = parts(&self.own()).unwrap();
        parts.into_iter().flat_map(|n| fs::read(part_path(&self.own(), n)).unwrap()).collect()
    }

    fn verified(&self, last: &Checkpoint) -> crate::recording::verify::Report {
        let last = Some(Last { number: last.number, chain: last.chain });
        let keys = vec![self.key.public()];
        verify(&self.whole(), &Expected { session: Some(self.id), keys, last }).unwrap()
    }
}

fn line(n: usize) -> Vec<u8> {
    format!("[{n}.000000,\"o\",\"line {n} {}\"]\n", "x".repeat(n % 100)).into_bytes()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

#[test]
fn a_session_is_sealed_in_parts_and_is_whole_at_its_end() {
    let room = room();
    let mut spool = room.spool();
    let mut wanted = encode::header(&room.header());
    for n in 0..20_000 {
        spool.append(&line(n), Duration::from_secs(n as u64)).unwrap();
        wanted.extend(line(n));
        if n % 7000 == 6999 {
            assert!(spool.checkpoint(&room.key, now(), None).unwrap().is_some());
            assert!(spool.checkpoint(&room.key, now(), None).unwrap().is_none(), "nothing new");
        }
    }
    let end = spool.checkpoint(&room.key, now(), Some(Ending::Complete)).unwrap().unwrap();
    assert_eq!((end.part, end.checkpoint.number), (3, 3));
    assert_eq!(spool.plain(), wanted.len() as u64);
    assert!(lines(&room.whole()) == wanted, "the lines are those that were written");
    assert_eq!(spool.sealed(), room.whole().len() as u64);
    let report = room.verified(&end.checkpoint);
    assert_eq!(report.state, State::Complete);
    assert_eq!(report.covered, 19_999_000_000);
    drop(spool);
    let again = room.recover();
    assert_eq!(again.checkpoint, end.checkpoint, "an ended session is left as it is");
    assert_eq!((again.plain, again.sealed), (wanted.len() as u64, room.whole().len() as u64));
}

#[test]
fn what_a_gate_that_died_has_written_is_all_there_and_verifies_as_cut() {
    for (count, checkpoints) in [(0, 0), (3, 0), (3, 1), (9000, 0), (30_000, 3)] {
        let room = room();
        let mut spool = room.spool();
        let mut wanted = encode::header(&room.header());
        for n in 0..count {
            spool.append(&line(n), Duration::from_secs(n as u64)).unwrap();
            wanted.extend(line(n));
            if checkpoints > 0 && n % (count / checkpoints) == 1 {
                spool.checkpoint(&room.key, now(), None).unwrap();
            }
        }
        // Half a line, as a write that was cut off leaves it.
        drop(spool);
        let open = numbers(&room.own(), "open.", ".cast").unwrap();
        let last = open_path(&room.own(), *open.last().unwrap());
        OpenOptions::new().append(true).open(last).unwrap().write_all(b"[99.0,\"o\",\"ha").unwrap();
        let recovered = room.recover();
        assert!(lines(&room.whole()) == wanted, "{count} {checkpoints}");
        assert_eq!(recovered.plain, wanted.len() as u64);
        assert_eq!(recovered.to, Duration::from_secs(count.saturating_sub(1) as u64));
        assert_eq!(recovered.header, room.header());
        assert_eq!(room.verified(&recovered.checkpoint).state, State::Cut);
        assert!(numbers(&room.own(), "open.", ".cast").unwrap().is_empty());
    }
}

#[test]
fn a_part_that_was_torn_is_mended_from_the_lines_that_were_kept() {
    let room = room();
    let mut spool = room.spool();
    let mut wanted = encode::header(&room.header());
    for n in 0..20_000 {
        spool.append(&line(n), Duration::from_secs(n as u64)).unwrap();
        wanted.extend(line(n));
    }
    // Without a sync the lines of every frame are still there: whatever of the part a power cut took comes back.
    drop(spool);
    let part = fs::read(part_path(&room.own(), 1)).unwrap();
    let keep: Vec<_> = numbers(&room.own(), "open.", ".cast").unwrap();
    assert!(keep.len() > 2);
    let copy = tempfile::tempdir().unwrap();
    for at in [0, 1, part.len() / 3, part.len() / 2, part.len() - 1] {
        for number in &keep {
            let name = format!("open.{number}.cast");
            let kept = copy.path().join(&name);
            if !kept.exists() {
                fs::copy(room.own().join(&name), &kept).unwrap();
            }
            fs::copy(&kept, room.own().join(&name)).unwrap();
        }
        fs::write(part_path(&room.own(), 1), &part[..at]).unwrap();
        let recovered = room.recover();
        assert!(lines(&room.whole()) == wanted, "cut at {at}");
        assert_eq!(room.verified(&recovered.checkpoint).state, State::Cut);
    }
}

#[test]
fn a_snapshot_has_everything_so_far() {
    let room = room();
    let mut spool = room.spool();
    let mut wanted = encode::header(&room.header());
    for n in 0..15_000 {
        spool.append(&line(n), Duration::from_secs(n as u64)).unwrap();
        wanted.extend(line(n));
        if n == 5000 {
            spool.checkpoint(&room.key, now(), None).unwrap();
        }
    }
    let snapshot = spool.snapshot().unwrap();
    let mut all = Vec::new();
    for part in snapshot.parts {
        let bytes = fs::read(part_path(&spool.folder, part.number)).unwrap();
        assert_eq!(Some(bytes.len() as u64), part.length);
        assert!(wanted.len() as u64 > part.begin.unwrap());
        all.extend(bytes);
    }
    let mut read = lines(&all);
    read.extend(snapshot.open);
    assert!(read == wanted);
    // What came behind a place in the second part.
    let sealed = spool.plain - spool.open_length;
    let Since::Sealed(parts) = spool.since(sealed - 1).unwrap() else { panic!("it is sealed") };
    assert_eq!((parts.len(), parts[0].number), (1, 2));
    assert!(matches!(spool.since(sealed).unwrap(), Since::Open(open) if wanted.ends_with(&open)));
    assert!(matches!(spool.since(spool.plain).unwrap(), Since::Open(open) if open.is_empty()));
}

#[test]
fn only_the_gate_can_read_a_spool() {
    use std::os::unix::fs::PermissionsExt;
    let room = room();
    let mut spool = room.spool();
    spool.checkpoint(&room.key, now(), None).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&room.own()), 0o700);
    for entry in fs::read_dir(room.own()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
