//! The listeners and the start of the gate, over real sockets and real TLS.

mod listener;
mod running;
mod support;
