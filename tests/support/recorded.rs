//! Reads the recordings of a world's gate from its data directory, as an auditor would who has the files and the keys.

use std::{fs, path::PathBuf};

use jumpgate::{
    pki::PublicKey,
    recording::{
        Event, Header, Session, What, blocks,
        decode::Decoder,
        event::{Direction, Stream},
        verify::{Expected, Report, verify},
    },
    wire::recordings::{Keys, Recording},
};
use uuid::Uuid;

use super::world::{Shown, World, wait_for};

/// One recording.
pub struct Recorded {
    /// The file.
    pub sealed: Vec<u8>,
    header: Header,
    /// What happened.
    pub events: Vec<Event>,
}

impl Recorded {
    /// Reads a sealed file.
    pub fn read(sealed: Vec<u8>) -> Self {
        Self::of_lines(blocks::lines(&sealed), sealed)
    }

    /// Reads lines.
    pub fn of_lines(lines: Vec<u8>, sealed: Vec<u8>) -> Self {
        let mut decoder = Decoder::default();
        decoder.feed(&lines).expect("lines of a recording");
        decoder.finish();
        let header = decoder.header().cloned().expect("a header");
        let events = std::iter::from_fn(|| decoder.next_event()).collect();
        Self { sealed, header, events }
    }

    pub fn session(&self) -> &Session {
        self.header.session.as_ref().expect("a session")
    }

    pub fn exit(&self) -> Option<i32> {
        self.events.iter().find_map(|event| match event.what {
            What::Exit(code) => Some(code),
            _ => None,
        })
    }

    pub fn sizes(&self) -> Vec<(u16, u16)> {
        let sizes = self.events.iter().filter_map(|event| match event.what {
            What::Resize { width, height } => Some((width, height)),
            _ => None,
        });
        sizes.collect()
    }

    pub fn files(&self) -> Vec<(Direction, u64)> {
        let files = self.events.iter().filter_map(|event| match event.what {
            What::File { so_far: false, direction, bytes, .. } => Some((direction, bytes)),
            _ => None,
        });
        files.collect()
    }

    /// Why the gate ended it, if it did.
    pub fn ended(&self) -> Option<&str> {
        self.events.iter().find_map(|event| match &event.what {
            What::Ended(why) => Some(why.as_str()),
            _ => None,
        })
    }

    /// How many bytes are missing, each time.
    pub fn lost(&self) -> Vec<u64> {
        let lost = self.events.iter().filter_map(|event| match event.what {
            What::Lost { bytes, .. } => Some(bytes),
            _ => None,
        });
        lost.collect()
    }

    /// Checks it with the gate's key.
    pub fn verify(&self, world: &World) -> Report {
        let expected = Expected { session: Some(self.session().id), keys: keys(world), last: None };
        verify(&self.sealed, &expected).expect("a good recording")
    }

    fn bytes(&self, wanted: Stream) -> String {
        let pieces = self.events.iter().filter_map(|event| match &event.what {
            What::Bytes(stream, bytes) if *stream == wanted => Some(&bytes[..]),
            _ => None,
        });
        String::from_utf8(pieces.collect::<Vec<_>>().concat()).expect("text")
    }
}

pub fn stdout(recorded: &Recorded) -> String {
    recorded.bytes(Stream::Stdout)
}

pub fn stderr(recorded: &Recorded) -> String {
    recorded.bytes(Stream::Stderr)
}

pub fn input(recorded: &Recorded) -> String {
    recorded.bytes(Stream::Stdin)
}

/// The folders of sessions that are not wholly kept yet.
pub fn spooled(world: &World) -> Vec<PathBuf> {
    folders(world, "spool")
}

/// The folders of sessions that are kept.
pub fn kept(world: &World) -> Vec<PathBuf> {
    folders(world, "kept")
}

/// All recordings that are kept, the oldest first.
pub fn recordings(world: &World) -> Vec<Recorded> {
    let unfinished = spooled(world);
    let done = |folder: &PathBuf| unfinished.iter().all(|other| other.file_name() != folder.file_name());
    kept(world).into_iter().filter(done).map(|folder| Recorded::read(sealed(&folder))).collect()
}

/// The newest recording, once so many are wholly kept.
pub fn last(world: &World, count: usize) -> Recorded {
    wait_for(&format!("{count} recordings"), || {
        let done = kept(world).len() == count && spooled(world).is_empty();
        done.then(|| recordings(world)).and_then(|mut all| all.pop())
    })
}

fn folders(world: &World, name: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(world.gate.data().join("recordings").join(name)) else { return vec![] };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    // An ID ends with the time at which its session began.
    found.sort_by_key(|folder| folder.to_string_lossy().rsplit('-').next().map(str::to_owned));
    found
}

/// The parts of a session, one behind the other.
pub fn sealed(folder: &std::path::Path) -> Vec<u8> {
    let mut parts: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .collect();
    parts.sort();
    parts.into_iter().flat_map(|part| fs::read(part).expect("a part")).collect()
}

/// What the gate's admin API says of a session's recording.
pub fn record(world: &World, session: Uuid) -> Recording {
    let shown = Shown::of_administrator(world);
    let request = format!("GET /v2/recordings/{session}");
    let (code, body) = world.gate.raw_admin(world.gate.admin, Some(&shown), &request, "");
    assert_eq!(code, 200, "{body}");
    serde_json::from_str(&body).expect("a record")
}

/// The gate's recording keys, from its admin API.
pub fn keys(world: &World) -> Vec<PublicKey> {
    let shown = Shown::of_administrator(world);
    let (code, body) = world.gate.raw_admin(world.gate.admin, Some(&shown), "GET /v2/recordings/keys", "");
    assert_eq!(code, 200, "{body}");
    let keys: Keys = serde_json::from_str(&body).expect("keys");
    keys.keys.iter().map(|pem| PublicKey::from_pem(pem).expect("a key")).collect()
}
