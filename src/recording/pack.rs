//! Seals lines into frames, and frames with checkpoints.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::chain::{CHECKPOINT_MAGIC, Checkpoint, Ending, Hash, LINK_MAGIC, Link, signed_bytes, skippable};
use crate::pki::KeyPair;

/// zstd's level: its fastest of those that are kept small enough; a session's output waits for it.
const LEVEL: i32 = 1;

/// Where a recording's chain stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packer {
    session: Uuid,
    frames: u64,
    checkpoints: u64,
    chain: Hash,
}

impl Packer {
    /// For a session of which nothing is sealed.
    pub fn new(session: Uuid) -> Self {
        Self { session, frames: 0, checkpoints: 0, chain: Hash::start(session) }
    }

    /// For a session that was sealed up to a frame and a checkpoint.
    pub fn resume(session: Uuid, frames: u64, checkpoints: u64, chain: Hash) -> Self {
        Self { session, frames, checkpoints, chain }
    }

    /// The number of frames so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The number of checkpoints so far.
    pub fn checkpoints(&self) -> u64 {
        self.checkpoints
    }

    /// The hash of the last link.
    pub fn chain(&self) -> Hash {
        self.chain
    }

    /// Seals whole lines, the events of a span of time: a link and a frame.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn pack(&mut self, lines: &[u8], from: Duration, to: Duration) -> io::Result<Vec<u8>> {
        let body = compress(lines)?;
        let micros = |at: Duration| u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        let link = Link {
            frame: self.frames + 1,
            before: self.chain,
            body: Hash::of(&body),
            size: body.len() as u64,
            plain: lines.len() as u64,
            from: micros(from),
            to: micros(to),
        };
        let json = serde_json::to_vec(&link).map_err(io::Error::other)?;
        let mut out = Vec::with_capacity(body.len() + json.len() + 8);
        skippable(LINK_MAGIC, &json, &mut out);
        out.extend(body);
        self.frames += 1;
        self.chain = Hash::of(&json);
        Ok(out)
    }

    /// Signs what was sealed so far.
    pub fn checkpoint(
        &mut self,
        key: &KeyPair,
        now: Timestamp,
        end: Option<Ending>,
    ) -> (Vec<u8>, Checkpoint) {
        self.checkpoints += 1;
        let checkpoint = Checkpoint {
            session: self.session,
            number: self.checkpoints,
            frame: self.frames,
            chain: self.chain,
            signed: now,
            key: key.public().fingerprint(),
            end,
        };
        // A struct of numbers and texts always has a JSON form.
        let json = serde_json::to_vec(&checkpoint).unwrap_or_default();
        let payload = [&key.sign(&signed_bytes(&json))[..], &json].concat();
        let mut out = Vec::with_capacity(payload.len() + 8);
        skippable(CHECKPOINT_MAGIC, &payload, &mut out);
        (out, checkpoint)
    }
}

/// One frame of zstd. Its compressors stay for the next frame of whatever session: each has to have much memory.
fn compress(lines: &[u8]) -> io::Result<Vec<u8>> {
    /// As many as are busy at once on most machines.
    const KEPT: usize = 4;
    static COMPRESSORS: Mutex<Vec<zstd::bulk::Compressor<'static>>> = Mutex::new(Vec::new());
    let kept = || COMPRESSORS.lock().unwrap_or_else(PoisonError::into_inner);
    let compressor = kept().pop();
    let mut compressor = compressor.map_or_else(|| zstd::bulk::Compressor::new(LEVEL), Ok)?;
    let body = compressor.compress(lines)?;
    let mut kept = kept();
    if kept.len() < KEPT {
        kept.push(compressor);
    }
    Ok(body)
}
