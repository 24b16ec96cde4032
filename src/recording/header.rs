//! The first line of a recording: asciicast v2's header (docs.asciinema.org/manual/asciicast/v2) with a key of our own in it,
//! that other players ignore.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Columns where nobody said how wide the terminal is.
pub const DEFAULT_WIDTH: u16 = 80;
/// Rows where nobody said how high the terminal is.
pub const DEFAULT_HEIGHT: u16 = 24;

/// The header of an asciicast v2 file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always 2.
    pub version: u32,
    /// Columns at the start.
    pub width: u16,
    /// Rows at the start.
    pub height: u16,
    /// When it began, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The command, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// A title, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `TERM` and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Who, what and where. Missing in files of other recorders.
    #[serde(default, rename = "jumpgate", skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// What was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A command in a container.
    Exec,
    /// The container's own process.
    Attach,
}

/// Who did what, where and when. Texts of strangers are bounded by whoever makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names the session, here and in the audit log.
    pub id: Uuid,
    /// exec or attach.
    pub kind: Kind,
    /// The person.
    pub user: String,
    /// The person's roles at the start.
    #[serde(default)]
    pub roles: Vec<String>,
    /// `Impersonate-User` towards Kubernetes.
    #[serde(default)]
    pub kube_user: String,
    /// `Impersonate-Group` towards Kubernetes.
    #[serde(default)]
    pub kube_groups: Vec<String>,
    /// The cluster.
    pub cluster: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container; empty if the request named none.
    #[serde(default)]
    pub container: String,
    /// The command word by word; empty for attach.
    #[serde(default)]
    pub command: Vec<String>,
    /// Whether there is a terminal.
    pub terminal: bool,
    /// Whether standard input is open.
    pub stdin: bool,
    /// The stream protocol, `SPDY/3.1` or `WebSocket`. Its subprotocol is an event: the API server chooses it later.
    #[serde(default)]
    pub protocol: String,
    /// The address that the person came from.
    #[serde(default)]
    pub remote: String,
    /// When it began.
    pub started: Timestamp,
}

impl Header {
    /// The header of a session whose terminal's size is not known yet.
    pub fn new(session: Session) -> Self {
        let command = (!session.command.is_empty()).then(|| session.command.join(" "));
        let place = format!("{}/{}/{}", session.cluster, session.namespace, session.pod);
        Self {
            version: 2,
            width: DEFAULT_WIDTH,
            height: DEFAULT_HEIGHT,
            timestamp: Some(session.started.as_second()),
            command,
            title: Some(format!("{} in {place}", session.user)),
            env: BTreeMap::new(),
            session: Some(session),
        }
    }
}
