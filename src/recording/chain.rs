//! What makes a recording evidence: each frame names the hash of the one before, and checkpoints are signed.
//!
//! A link is JSON in a skippable zstd frame (RFC 8878, 3.1.2) right before the frame that it speaks of. A checkpoint is a skippable
//! frame too: 64 bytes of signature, then JSON. What is hashed and signed are the bytes as they stand in the file.

use jiff::Timestamp;
use ring::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The magic number of a link's skippable frame.
pub const LINK_MAGIC: u32 = 0x184d_2a5a;
/// The magic number of a checkpoint's skippable frame.
pub const CHECKPOINT_MAGIC: u32 = 0x184d_2a5b;
/// The length of a checkpoint's signature in bytes.
pub const SIGNATURE: usize = 64;
/// Stands before what a recording key signs, so that its signatures mean nothing elsewhere.
const DOMAIN: &[u8] = b"jumpgate recording checkpoint 1\n";

/// A SHA-256, in hex where it is text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(out)
    }

    /// What the first frame of a session names as the one before: a frame cannot be moved to another session.
    pub fn start(session: Uuid) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(b"jumpgate recording 1\n");
        hash.update(session.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(hash.finish().as_ref());
        Self(out)
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = hex::decode(text).map_err(|_| "a hash is 64 hex digits")?;
        bytes.try_into().map(Self).map_err(|_| "a hash is 64 hex digits")
    }
}

/// Speaks of the frame behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The frame's number, from 1.
    pub frame: u64,
    /// The hash of the link before this one; [`Hash::start`] for the first.
    pub before: Hash,
    /// The hash of the frame's bytes.
    pub body: Hash,
    /// The length of the frame in bytes.
    pub size: u64,
    /// The length of its lines in bytes.
    pub plain: u64,
    /// The time of its first event in microseconds since the start.
    pub from: u64,
    /// The time of its last event in microseconds since the start.
    pub to: u64,
}

/// How a recording ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// The session ended and everything of it is there.
    Complete,
    /// The gate died meanwhile and sealed at its next start what it had written.
    Cut,
}

/// The gate's word that all frames so far are its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The session.
    pub session: Uuid,
    /// The checkpoint's number, from 1.
    pub number: u64,
    /// The last frame before it.
    pub frame: u64,
    /// The hash of that frame's link.
    pub chain: Hash,
    /// When it was signed, by the gate's clock.
    pub signed: Timestamp,
    /// The key's name: the fingerprint of its public half.
    pub key: String,
    /// Set in the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Ending>,
}

/// What is signed for a checkpoint's JSON.
pub(super) fn signed_bytes(json: &[u8]) -> Vec<u8> {
    [DOMAIN, json].concat()
}

/// A skippable frame of zstd.
pub(super) fn skippable(magic: u32, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&magic.to_le_bytes());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(payload);
}
