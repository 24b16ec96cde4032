//! A recording: what it holds and how it is sealed. No I/O; the gate writes with it, both sides read with it.
//!
//! A recording is asciicast v2 ([`header`], [`event`]; one JSON line each), packed into zstd frames. Before each frame stands a
//! [`chain::Link`] with the hash of the one before, and about once a minute a signed [`chain::Checkpoint`]; both are zstd's
//! skippable frames, so that `zstd -dc` gives plain asciicast and a cut file plays to the cut.
//!
//! [`encode`] turns what a stream did into lines, [`decode`] turns lines back, [`pack`] seals, [`blocks`] takes a sealed file
//! apart, and [`verify`] says whether it is what the gate wrote. [`screen`] is the terminal that shows it, [`timeline`]
//! its state at any moment, [`transcript`] the lines that were on it, [`input`] those that were sent to a command, and [`telling`] all
//! of them as they come. [`id`] names a session, [`copy`] knows a `kubectl cp`.

pub mod blocks;
pub mod chain;
pub mod copy;
pub mod decode;
pub mod encode;
pub mod event;
pub mod header;
pub mod id;
pub mod input;
pub mod pack;
pub mod screen;
pub mod telling;
pub mod timeline;
pub mod transcript;
pub mod verify;

pub use event::{Event, What};
pub use header::{Header, Session};
