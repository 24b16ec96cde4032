//! Jumpgate: short-lived, recorded access to Kubernetes from your own terminal.
//!
//! The map, and the rule of floors (a room knows only the rooms below it; `tests/floors.rs` holds it):
//!
//! - `bin/` parses and sets the exit code; it stands on `cli`.
//! - `cli` is what a person types, one file a command; `demo` beside it is the stand-ins of the tour and the tests.
//! - `client` is what a command does over the network and to this person's disk; `server` is the gate.
//!   The two never know each other.
//! - `model` (nouns), `wire` (bodies of requests and answers), `pki` (keys and certificates) and `streams`
//!   (the bytes of exec and port-forward) know nobody above them and do no I/O. `recording` (what a recorded session
//!   holds, how it is sealed and shown) stands on them and does none either.

pub mod cli;
pub mod client;
pub mod model;
pub mod pki;
pub mod recording;
pub mod wire;

#[cfg(feature = "server")]
pub mod demo;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod streams;
