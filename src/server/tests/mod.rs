//! The listeners and the start of the gate, over real sockets and real TLS.

mod abuse;
pub(in crate::server) mod frames;
mod listener;
mod running;
mod support;
