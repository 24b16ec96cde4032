//! The signals that a gate obeys.

use std::io;

use tokio::signal::unix::{self, SignalKind, signal};

/// The signals that a gate obeys. Made before the gate starts, so that none comes too early.
pub struct Signals {
    hangup: unix::Signal,
    terminate: unix::Signal,
    interrupt: unix::Signal,
    /// Never waited for. While it is held, a file at its limit of size is a failed write and not the end of the gate.
    _file_size: unix::Signal,
}

/// What a signal asks for.
#[derive(PartialEq, Eq)]
pub(super) enum Signal {
    /// To read files again.
    Reload,
    /// To end in order.
    End,
}

impl Signals {
    /// From now on SIGHUP, SIGTERM and SIGINT do only what [`super::Running::until_signal`] says.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _file_size: signal(SignalKind::from_raw(libc::SIGXFSZ))?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.terminate.recv() => Signal::End,
            _ = self.interrupt.recv() => Signal::End,
        }
    }
}
