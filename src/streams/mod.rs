//! The bytes of exec, attach and port-forward: SPDY/3.1 frames and the channels that Kubernetes puts on them. No I/O.
//!
//! [`spdy`] turns bytes into frames and back; one [`spdy::Decoder`] listens to one direction of a connection, so whoever
//! wants both directions has two. [`channels`] says what the streams mean: which one is standard input, what a WebSocket
//! message carries, how a terminal's size and the end of a command are written.

pub mod channels;
pub mod exec;
pub mod forward;
pub mod frames;
pub mod spdy;
