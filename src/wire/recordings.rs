//! Recordings and live sessions of the admin API (`/v2/recordings…`). Jumpgate's own; Teleport 4 has other paths (wire facts 11.9).
//!
//! - `GET /v2/recordings?QUERY`: a [`Page`], the newest first.
//! - `GET /v2/recordings/ID`: a [`Recording`].
//! - `GET /v2/recordings/ID/content`: the sealed file (`application/zstd`); of a live session, what there is so far.
//! - `GET /v2/recordings/ID/live`: its lines from the start and then as they come, until the session ends (`application/x-ndjson`).
//! - `GET /v2/recordings/search?text=…&QUERY`: a [`Found`]; the query's `limit` is one of lines of a session, [`LINES`] unless told.
//! - `GET /v2/recordings/keys`: the [`Keys`] that sign recordings or signed them.
//! - `POST /v2/recordings/keys`: makes a new key that signs from now on, and answers with a [`Rotated`].
//! - `DELETE /v2/sessions/ID?reason=…`: ends a live session; the person reads the reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::recording::{
    Session, copy,
    event::{Direction, Stream},
    verify::Last,
};

/// The most recordings on a page.
pub const MAX_PAGE: usize = 1000;
/// How many recordings a page has if nobody says.
pub const PAGE: usize = 100;
/// How many lines of one session a search names if nobody says.
pub const LINES: usize = 20;
/// The most lines of one session that a search names.
pub const MAX_LINES: usize = 10_000;

/// The longest reason that a killed session is told, in bytes; what is longer is cut.
pub const MAX_REASON: usize = 512;

/// Where a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The session goes on.
    Live,
    /// The session is over, and its recording is being closed. It stands in no record: a gate knows it of its own sessions.
    Ended,
    /// The session is over and all of it is there.
    Complete,
    /// The gate died meanwhile; what it had written is there.
    Cut,
    /// Something of it could not be recorded (`best_effort`).
    Partial,
}

/// What is known of a recording without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Who, what, where and when.
    #[serde(flatten)]
    pub session: Session,
    /// Where it stands.
    pub state: State,
    /// When the session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How long the session was, from its start to its end, in milliseconds; of a live one, until now. In the store: how long it
    /// is known to have been.
    #[serde(default)]
    pub duration: u64,
    /// The length of its lines in bytes.
    #[serde(default)]
    pub plain: u64,
    /// Its length on disk in bytes.
    #[serde(default)]
    pub size: u64,
    /// The subprotocol of the stream, for example `v4.channel.k8s.io`; missing in records of earlier gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
    /// The command's exit code, if it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// Why the command could not be run, or why the gate ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Bytes that could not be recorded.
    #[serde(default)]
    pub lost: u64,
    /// Set if it is the stream of a `kubectl cp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Copied>,
    /// The last signed checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

/// A `kubectl cp`, of which the record keeps no bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Into the container or out of it.
    pub direction: Direction,
    /// What was packed, or the folder in which it was unpacked.
    pub path: String,
    /// How many bytes of it came, as they were packed; of one that goes on, at the last checkpoint. Missing in records of earlier gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Copied {
    /// What is known by the words of the command.
    pub fn of(session: &Session) -> Option<Self> {
        let (direction, path) = copy::of(session)?;
        Some(Self { direction, path: path.to_owned(), bytes: None })
    }
}

/// What is asked for; each key narrows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Begun at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Begun before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The beginning of its ID: at least 4 hexadecimal digits, dashes or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// A text in the user, cluster, namespace, pod, container or command, or the beginning of the ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How many at most: [`PAGE`] unless told, [`MAX_PAGE`] at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Some recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The newest first; those of the same millisecond in any order.
    pub recordings: Vec<Recording>,
    /// Set if there may be more: the next page goes on `after` it. A page can have fewer than asked for, even none, and be followed
    /// by another: the gate looks at so many recordings for one page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The public halves of the keys that sign recordings or signed them; the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// SubjectPublicKeyInfo in PEM.
    pub keys: Vec<String>,
    /// The same keys with what is known of them; an older gate has only the one and says nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Key>,
}

/// A key that signs recordings or signed them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name, as it stands in checkpoints: the fingerprint of its public half.
    pub fingerprint: String,
    /// The public half, SubjectPublicKeyInfo in PEM.
    pub pem: String,
    /// Whether it signs now.
    pub current: bool,
    /// Since when it signs; not known of a key that an older gate made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when it signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A new key signs recordings. Keys are named by their fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// The key that signed until now.
    pub old: String,
    /// The key that signs from now on.
    pub new: String,
    /// Since when.
    pub since: Timestamp,
}

/// Where a text was on the screen, or in what was sent to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The session.
    pub id: Uuid,
    /// Who.
    pub user: String,
    /// When the session began.
    pub started: Timestamp,
    /// When the line appeared, in milliseconds since then.
    pub at: u64,
    /// `stdin` if the line was sent to the command's standard input; else it was on the screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// The line.
    pub line: String,
}

/// What a search has not told of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    /// The session.
    pub id: Uuid,
    /// How many more lines of it fit; 0 if none is known.
    pub lines: u64,
    /// Whether that is all: false if the session was not searched to its end, so that there may be more.
    pub all: bool,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The newest session first.
    pub hits: Vec<Hit>,
    /// The sessions of which not all is told, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<Untold>,
    /// Set if there are sessions that were not searched; the next search goes on `after` it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
