use std::collections::BTreeMap;

use super::{files::open_begins, recover::Recovered, *};
use crate::recording::{
    Event, What,
    blocks::{Blocks, Piece, lines},
    event::Told,
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

    fn try_recover(&self, session: Option<&Session>, last: Option<&Last>) -> io::Result<Option<Recovered>> {
        let keys = [self.key.public()];
        let known = Known { id: self.id, session, last, key: &self.key, keys: &keys };
        recover(&self.own(), &known, Timestamp::UNIX_EPOCH)
    }

    fn recover(&self) -> Recovered {
        self.try_recover(self.header().session.as_ref(), None).unwrap().unwrap()
    }

    /// All files of the session.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.own()).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect()
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
        let open = open_begins(&room.own()).unwrap();
        let last = open_path(&room.own(), *open.last().unwrap());
        OpenOptions::new().append(true).open(last).unwrap().write_all(b"[99.0,\"o\",\"ha").unwrap();
        let recovered = room.recover();
        assert!(lines(&room.whole()) == wanted, "{count} {checkpoints}");
        assert_eq!(recovered.plain, wanted.len() as u64);
        assert_eq!(recovered.to, Duration::from_secs(count.saturating_sub(1) as u64));
        assert_eq!(recovered.header, room.header());
        assert_eq!(room.verified(&recovered.checkpoint).state, State::Cut);
        assert!(open_begins(&room.own()).unwrap().is_empty());
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
    // Until a sync the lines of every frame are there: whatever of the part a power cut took comes back.
    drop(spool);
    let part = fs::read(part_path(&room.own(), 1)).unwrap();
    let keep: Vec<_> = open_begins(&room.own()).unwrap();
    assert!(keep.len() > 1);
    let copy = tempfile::tempdir().unwrap();
    for at in [0, 1, part.len() / 3, part.len() / 2, part.len() - 1] {
        for begin in &keep {
            let (own, kept) = (open_path(&room.own(), *begin), open_path(copy.path(), *begin));
            if !kept.exists() {
                fs::copy(&own, &kept).unwrap();
            }
            fs::copy(&kept, own).unwrap();
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

/// A session of two closed parts and an open one, whose gate died. Lines of sealed frames are gone, as after a sync.
fn died(room: &Room) -> Vec<Checkpoint> {
    let mut spool = room.spool();
    let mut signed = Vec::new();
    for n in 0..45_000 {
        spool.append(&line(n), Duration::from_secs(n as u64)).unwrap();
        if n == 15_000 || n == 30_000 {
            signed.push(spool.checkpoint(&room.key, now(), None).unwrap().unwrap().checkpoint);
        }
    }
    spool.sync().unwrap();
    assert_eq!(parts(&room.own()).unwrap(), [1, 2, 3]);
    signed
}

/// Where the blocks of a part begin, and where it ends.
fn borders(part: &[u8]) -> Vec<usize> {
    Blocks::new(part).map(|block| block.unwrap().at).chain([part.len()]).collect()
}

/// A way to tamper with a session's folder.
type Tamper = fn(&Room, &Path);

fn edit(part: u64, folder: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let path = part_path(folder, part);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn remove_open(folder: &Path) {
    for begin in open_begins(folder).unwrap() {
        fs::remove_file(open_path(folder, begin)).unwrap();
    }
}

/// Each of these is an error that leaves every byte as it is; none gets a signature.
const TAMPERED: [(&str, Tamper); 14] = [
    ("a byte of a frame in a closed part", |_, folder| {
        edit(1, folder, |part| {
            let at = borders(part)[1] - 9;
            part[at] ^= 1;
        })
    }),
    ("a byte of a frame in the last part, which is closed", |_, folder| {
        fs::remove_file(part_path(folder, 3)).unwrap();
        remove_open(folder);
        edit(2, folder, |part| {
            let at = borders(part)[1] - 9;
            part[at] ^= 1;
        });
    }),
    ("the same, with lines that would fill the place", |_, folder| {
        fs::remove_file(part_path(folder, 3)).unwrap();
        remove_open(folder);
        let begin = lines(&fs::read(part_path(folder, 1)).unwrap()).len() as u64;
        edit(2, folder, |part| {
            let at = borders(part)[1] - 9;
            part[at] ^= 1;
        });
        fs::write(open_path(folder, begin), "[15000.0,\"o\",\"nothing happened\"]\n").unwrap();
    }),
    ("a byte of a checkpoint", |_, folder| edit(2, folder, |part| *part.last_mut().unwrap() ^= 1)),
    ("a part is gone", |_, folder| fs::remove_file(part_path(folder, 1)).unwrap()),
    ("two parts change places", |_, folder| {
        let one = fs::read(part_path(folder, 1)).unwrap();
        fs::copy(part_path(folder, 2), part_path(folder, 1)).unwrap();
        fs::write(part_path(folder, 2), one).unwrap();
    }),
    ("a frame is taken out", |_, folder| {
        edit(3, folder, |part| {
            let borders = borders(part);
            part.drain(..borders[1]);
        })
    }),
    ("a frame stands there twice", |_, folder| {
        edit(3, folder, |part| {
            let first = part[..borders(part)[1]].to_vec();
            part.splice(..0, first);
        })
    }),
    ("a checkpoint is taken out", |_, folder| {
        edit(1, folder, |part| {
            let borders = borders(part);
            part.truncate(borders[borders.len() - 2]);
        })
    }),
    ("a checkpoint stands there twice", |_, folder| {
        edit(1, folder, |part| {
            let borders = borders(part);
            let last = part[borders[borders.len() - 2]..].to_vec();
            part.extend(last);
        })
    }),
    ("a checkpoint of somebody else", |room, folder| {
        let mut packer = Packer::resume(room.id, 0, 2, chain_at_end(folder));
        let (bytes, _) = packer.checkpoint(&KeyPair::generate(), now(), Some(Ending::Complete));
        edit(3, folder, |part| part.extend(bytes));
    }),
    ("something behind a closed part", |_, folder| {
        fs::remove_file(part_path(folder, 3)).unwrap();
        remove_open(folder);
        fs::write(open_path(folder, 0), "").unwrap();
        edit(2, folder, |part| part.extend(b"more"));
    }),
    ("the lines of a torn frame are gone", |_, folder| {
        remove_open(folder);
        edit(3, folder, |part| {
            part.pop();
        });
    }),
    ("lines between are gone", |_, folder| {
        let last = open_begins(folder).unwrap().pop().unwrap();
        fs::rename(open_path(folder, last), open_path(folder, last + 1)).unwrap();
    }),
];

fn chain_at_end(folder: &Path) -> crate::recording::chain::Hash {
    let part = fs::read(part_path(folder, 3)).unwrap();
    let chains = Blocks::new(&part).filter_map(|block| match block.unwrap().what {
        Piece::Frame { hash, .. } => Some(hash),
        _ => None,
    });
    chains.last().unwrap()
}

#[test]
fn what_is_not_as_the_gate_left_it_is_neither_signed_nor_touched() {
    for (what, tamper) in TAMPERED {
        let room = room();
        died(&room);
        tamper(&room, &room.own());
        let before = room.files();
        let error = room.try_recover(room.header().session.as_ref(), None).err();
        let error = error.unwrap_or_else(|| panic!("{what}: it was sealed")).to_string();
        assert!(error.contains("the files stay as they are"), "{what}: {error}");
        assert!(room.files() == before, "{what}: files were changed");
    }
}

#[test]
fn what_the_store_knows_of_a_session_must_be_there() {
    let room = room();
    let signed = died(&room);
    let session = room.header().session.unwrap();
    let last = |checkpoint: &Checkpoint| Last { number: checkpoint.number, chain: checkpoint.chain };
    let known = last(&signed[1]);
    let refused = |session: &Session, last: &Last, says: &str| {
        let before = room.files();
        let error = room.try_recover(Some(session), Some(last)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(room.files() == before);
    };
    refused(&Session { user: "mallory".into(), ..session.clone() }, &known, "something else of the session");
    refused(&session, &Last { number: 2, ..last(&signed[0]) }, "checkpoint 2 of it");
    refused(&session, &Last { number: 3, ..known.clone() }, "checkpoint 3 of it");
    // The end was cut off cleanly: the files alone do not show it.
    let copy = room.files();
    for name in ["000002.part", "000003.part"] {
        fs::remove_file(room.own().join(name)).unwrap();
    }
    remove_open(&room.own());
    refused(&session, &known, "checkpoint 2 of it");
    for (name, bytes) in copy {
        fs::write(room.own().join(name), bytes).unwrap();
    }
    let recovered = room.try_recover(Some(&session), Some(&known)).unwrap().unwrap();
    assert_eq!(room.verified(&recovered.checkpoint).state, State::Cut);
}

#[test]
fn a_header_of_another_session_gets_no_signature() {
    let (one, other) = (room(), room());
    fs::create_dir_all(other.own()).unwrap();
    fs::write(open_path(&other.own(), 0), encode::header(&one.header())).unwrap();
    let before = other.files();
    let error = other.try_recover(None, None).unwrap_err().to_string();
    assert!(error.contains(&one.id.to_string()), "{error}");
    assert!(other.files() == before);
}

#[test]
fn nothing_stands_after_an_end() {
    let room = room();
    let mut spool = room.spool();
    spool.append(&line(1), Duration::from_secs(1)).unwrap();
    let end = spool.checkpoint(&room.key, now(), Some(Ending::Complete)).unwrap().unwrap().checkpoint;
    drop(spool);
    let mut packer = Packer::resume(room.id, 1, 1, end.chain);
    let more = packer.pack(&line(2), Duration::from_secs(2), Duration::from_secs(2)).unwrap();
    fs::write(part_path(&room.own(), 2), more).unwrap();
    let error = room.try_recover(None, None).unwrap_err().to_string();
    assert!(error.contains("something stands after its end"), "{error}");
}

#[test]
fn how_a_session_ended_is_read_from_its_film() {
    for seal in [false, true] {
        let room = room();
        let mut spool = room.spool();
        let mut lines = Vec::new();
        let mut encoder = encode::Encoder::default();
        for what in [
            What::Lost { bytes: 5, why: "the disk was full".into() },
            What::Exit(3),
            What::Ended("the rights went".into()),
            What::Lost { bytes: 2, why: "again".into() },
        ] {
            encoder.encode(&Event { at: Duration::from_secs(7), what }, &mut lines);
        }
        spool.append(&lines, Duration::from_secs(7)).unwrap();
        if seal {
            spool.checkpoint(&room.key, now(), Some(Ending::Complete)).unwrap();
        }
        drop(spool);
        let recovered = room.recover();
        let wanted =
            Told { exit: Some(3), reason: Some("the rights went".into()), lost: 7, ..Told::default() };
        assert_eq!((recovered.told, recovered.to), (wanted, Duration::from_secs(7)), "{seal}");
    }
}
