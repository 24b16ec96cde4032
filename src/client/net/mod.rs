//! Every connection that `tsh` and `tctl` open: one connector, whatever the command is.
//!
//! [`route`] decides whether a proxy stands between (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), [`dial`] looks names up and
//! connects (RFC 8305), [`tunnel`] asks a proxy for the way, [`connector`] puts these and TLS together, and [`exchange`] sends a
//! request over it, with retries of what is safe to retry. Each step has a time limit of its own, so that a failure can
//! say which step it was.

use std::{any::Any, sync::Arc, time::Duration};

mod connector;
mod dial;
mod error;
mod exchange;

mod route;
mod tunnel;

pub use connector::Connector;
pub use error::{NetError, Phase, TlsFailure};
pub use exchange::{Answer, Coming, HttpClient};
pub use route::Routes;

/// Called when a request takes longer than a second, with a line for the person who waits. What it returns is dropped when
/// the wait is over.
pub type Slow = Arc<dyn Fn(&str) -> Box<dyn Any + Send> + Send + Sync>;

/// How long each step may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Looking a name up.
    pub lookup: Duration,
    /// A connection to one of the addresses of a name.
    pub connect: Duration,
    /// A proxy's yes to the way.
    pub proxy: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// The whole answer, from the last byte of the request.
    pub answer: Duration,
    /// All tries of one request together; no new one is begun later.
    pub tries: Duration,
    /// After this the person is told what is being waited for.
    pub slow: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let ten = Duration::from_secs(10);
        Self {
            lookup: ten,
            connect: ten,
            proxy: ten,
            tls: ten,
            answer: Duration::from_secs(30),
            tries: ten,
            slow: Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests;
