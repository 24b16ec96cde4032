//! Counts and hashes bytes that are not kept themselves, and says now and then how far it is.

use std::time::{Duration, Instant};

use ring::digest::{Context, SHA256};

/// How often it stands in the recording how far a copy or the rest of an input is, whatever comes of the gate: each minute and …
pub(super) const NOTE_EVERY: Duration = Duration::from_secs(60);
/// … each so many bytes, and at the beginning whenever they have doubled.
pub(super) const NOTE_BYTES: u64 = 16 * 1024 * 1024;
const NOTE_FIRST: u64 = 64 * 1024;

/// Bytes that are counted and hashed, not kept.
pub(super) struct Counted {
    pub(super) bytes: u64,
    hash: Context,
    /// How many of them were told of, and when.
    noted: u64,
    pub(super) noted_at: Instant,
}

impl Default for Counted {
    fn default() -> Self {
        Self { bytes: 0, hash: Context::new(&SHA256), noted: 0, noted_at: Instant::now() }
    }
}

impl Counted {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }

    /// How far it is, if that should be told now.
    pub(super) fn due(&mut self) -> Option<(u64, [u8; 32])> {
        let more = self.bytes - self.noted;
        let many = more >= self.noted.clamp(NOTE_FIRST, NOTE_BYTES);
        if more == 0 || !(many || self.noted_at.elapsed() >= NOTE_EVERY) {
            return None;
        }
        (self.noted, self.noted_at) = (self.bytes, Instant::now());
        let so_far = Self { hash: self.hash.clone(), ..*self };
        Some(so_far.finish())
    }

    pub(super) fn finish(self) -> (u64, [u8; 32]) {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.hash.finish().as_ref());
        (self.bytes, sha256)
    }
}
