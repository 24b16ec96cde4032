//! What happens in a session.
//!
//! asciicast v2 has output (`o`), input (`i`) and resizes (`r`). What it has no word for is an event of type `x`, which other
//! players leave out; its text is a word and what belongs to it:
//!
//! - `stderr`: the output line that follows came on standard error.
//! - `raw BASE64`: the line that follows stands for these bytes, which are not all UTF-8.
//! - `tail STREAM BASE64`: so far the stream ends in these bytes, a character not whole yet. The next line of the stream begins with them.
//! - `input-rest BYTES SHA256`: so many more bytes of input were not kept; their hash.
//! - `input-so-far BYTES SHA256`, `file-so-far up|down BYTES SHA256`: the same while it goes on; the last of them counts, and none
//!   does once the final one is there.
//! - `file up|down BYTES SHA256`: bytes of a `kubectl cp`, not kept; their hash.
//! - `lost BYTES WHY`: so many bytes could not be recorded.
//! - `protocol NAME`: the subprotocol of the stream, which the API server chose.
//! - `exit CODE`, `failed WHY`, `ended WHY`: how the command ended, could not run, or was ended by the gate.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, since the start. Lines carry microseconds.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// A stream of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// To the command.
    Stdin,
    /// From the command, or all that a terminal shows.
    Stdout,
    /// From the command, without a terminal.
    Stderr,
}

impl Stream {
    /// The name in a `tail` line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdin => "stdin",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Stdin, Self::Stdout, Self::Stderr].into_iter().find(|stream| stream.name() == name)
    }
}

/// Where the bytes of a `kubectl cp` went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Into the container.
    Up,
    /// Out of it.
    Down,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Bytes of a stream.
    Bytes(Stream, Vec<u8>),
    /// The terminal's new size in characters, as the client claims it.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Input that was not kept.
    InputRest {
        /// Whether it goes on: a later note takes the place of this one.
        so_far: bool,
        /// How many bytes.
        bytes: u64,
        /// SHA-256 of them.
        sha256: [u8; 32],
    },
    /// Bytes of a copy.
    File {
        /// Whether it goes on: a later note takes the place of this one.
        so_far: bool,
        /// Which way.
        direction: Direction,
        /// How many.
        bytes: u64,
        /// SHA-256 of them.
        sha256: [u8; 32],
    },
    /// What could not be recorded.
    Lost {
        /// How many bytes.
        bytes: u64,
        /// Why.
        why: String,
    },
    /// The subprotocol that the API server chose, for example `v4.channel.k8s.io`.
    Protocol(String),
    /// The command's exit code.
    Exit(i32),
    /// The command could not be run, and why.
    Failed(String),
    /// The gate ended it, and why.
    Ended(String),
}

/// How a session ended, as far as its events tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The command's exit code.
    pub exit: Option<i32>,
    /// Why the command could not be run, or why the gate ended it.
    pub reason: Option<String>,
    /// Bytes that could not be recorded.
    pub lost: u64,
    /// The subprotocol of the stream.
    pub subprotocol: Option<String>,
    /// How many bytes of a copy came.
    pub copied: Option<u64>,
}

impl Told {
    /// Takes the next event into account.
    pub fn hear(&mut self, what: &What) {
        match what {
            What::Protocol(name) => self.subprotocol = Some(name.clone()),
            What::Exit(code) => self.exit = Some(*code),
            What::Failed(why) | What::Ended(why) => self.reason = Some(why.clone()),
            What::File { bytes, .. } => self.copied = Some(*bytes),
            What::Lost { bytes, .. } => self.lost = self.lost.saturating_add(*bytes),
            _ => {}
        }
    }
}
