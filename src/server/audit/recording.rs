//! Events about recordings.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::event::{object, text};

/// What happened to a recording.
#[derive(Debug, Clone)]
pub enum RecordingEvent {
    /// All of it is kept.
    Kept {
        /// The session.
        id: Uuid,
        /// Whose.
        user: String,
        /// Where.
        place: String,
    },
    /// It could not be written, or not wholly.
    Failed {
        /// The session.
        id: Uuid,
        /// Whose; empty if that is not known any more.
        user: String,
        /// Why.
        error: String,
        /// Whether the session was ended for it.
        ended: bool,
    },
    /// It was removed, being too old.
    Deleted {
        /// The session.
        id: Uuid,
        /// Whose.
        user: String,
        /// When it began.
        started: Timestamp,
    },
    /// Somebody looked at one of another person.
    Seen {
        /// The session.
        id: Uuid,
        /// Whose.
        user: String,
        /// Who looked.
        viewer: String,
    },
    /// Somebody ended a live session.
    Killed {
        /// The session.
        id: Uuid,
        /// Whose.
        user: String,
        /// Who ended it.
        by: String,
        /// What the person read.
        reason: String,
    },
    /// Another key signs from now on. Keys are named by their fingerprints.
    KeyRotated {
        /// Who wanted it.
        by: String,
        /// From where.
        remote: SocketAddr,
        /// The key that signed.
        old: String,
        /// The key that signs.
        new: String,
    },
}

impl RecordingEvent {
    pub(super) fn fields(&self) -> Map<String, Value> {
        object(match self {
            Self::Kept { id, user, place } => json!({
                "event": "session.upload", "code": "T2005I", "sid": id.to_string(), "user": text(user), "url": text(place),
            }),
            Self::Failed { id, user, error, ended } => json!({
                "event": "session.recording.failed", "code": "JG2001E", "sid": id.to_string(), "user": text(user),
                "error": text(error), "success": false, "session_ended": ended,
            }),
            Self::Deleted { id, user, started } => json!({
                "event": "session.recording.deleted", "code": "JG2002I", "sid": id.to_string(), "user": text(user),
                "session_start": started.to_string(),
            }),
            Self::Seen { id, user, viewer } => json!({
                "event": "session.recording.access", "code": "T2012I", "sid": id.to_string(), "user": text(viewer),
                "session_user": text(user),
            }),
            Self::Killed { id, user, by, reason } => json!({
                "event": "session.killed", "code": "JG2003I", "sid": id.to_string(), "user": text(by),
                "session_user": text(user), "reason": text(reason),
            }),
            Self::KeyRotated { by, remote, old, new } => json!({
                "event": "session.recording.key_rotated", "code": "JG2004I", "user": text(by), "old_key": old, "new_key": new,
                "addr.remote": remote.to_string(),
            }),
        })
    }
}
