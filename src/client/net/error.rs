//! Why a request got no answer: each step of a connection fails in its own words.

use std::{fmt, io};

/// A step of a request, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking the name up.
    Lookup,
    /// Connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Waiting for the answer.
    Answer,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lookup => "the look-up of its name",
            Self::Connect => "the connection",
            Self::Tls => "the TLS handshake",
            Self::Answer => "the answer",
        })
    }
}

/// Why there is no answer. The texts follow the address: `cannot reach ADDRESS: …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The name exists nowhere.
    #[error("there is no host of the name {host:?}")]
    NoSuchHost {
        /// The name.
        host: String,
    },
    /// Nobody could say whether the name exists.
    #[error("the name {host:?} could not be looked up ({reason}); does this machine's DNS work?")]
    Lookup {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The machine is there, and nothing listens at the port.
    #[error("the connection was refused; nothing listens there")]
    Refused,
    /// Any other failure to connect.
    #[error("{0}")]
    Connect(String),
    /// A proxy is in the way, or does not let through.
    #[error("the proxy {proxy} {reason}")]
    Proxy {
        /// Scheme, host and port; never a password.
        proxy: String,
        /// What went wrong with it.
        reason: String,
    },
    /// A variable that names a proxy cannot be used. The value is not shown: it may hold a password.
    #[error("the variable {variable} names no usable proxy: {reason}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A step took too long.
    #[error("{phase} took longer than {seconds} seconds")]
    Timeout {
        /// The step.
        phase: Phase,
        /// How long it was given.
        seconds: u64,
    },
    /// TLS did not come about.
    #[error("{0}")]
    Tls(#[from] TlsFailure),
    /// The request was sent, the answer did not come or broke off.
    #[error("{0}")]
    Broken(String),
    /// The answer is larger than any that is expected.
    #[error("its answer does not end")]
    TooLong,
    /// The request cannot be written down; a fault of this program.
    #[error("the request cannot be sent: {0}")]
    Request(String),
}

/// How TLS failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// The other end speaks something else.
    #[error("it does not speak TLS")]
    NotTls,
    /// It speaks TLS, but none of the protocols inside that were offered (ALPN).
    #[error("it speaks TLS, but not HTTP/1.1 in it")]
    NoHttp1,
    /// Anything else, in the words of TLS; a refused certificate among it.
    #[error("{0}")]
    Other(String),
}

impl NetError {
    /// Whether the request certainly did not reach the server and another try may help.
    pub(super) fn never_arrived(&self) -> bool {
        matches!(self, Self::Refused | Self::Connect(_) | Self::Lookup { .. })
    }

    /// What a failed attempt to connect means.
    pub(super) fn of_connect(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                Self::Connect("there is no way to it from here (no route)".into())
            }
            io::ErrorKind::TimedOut => Self::Connect("it does not answer at all".into()),
            io::ErrorKind::PermissionDenied => {
                Self::Connect("this machine does not allow the connection".into())
            }
            _ => Self::Connect(without_number(error)),
        }
    }

    /// What a failed look-up means. The standard library hands on the resolver's words alone.
    pub(super) fn of_lookup(host: &str, error: &io::Error) -> Self {
        let said = error.to_string();
        let reason = said.rsplit(": ").next().unwrap_or(&said).to_owned();
        let absent = [
            "Name or service not known",
            "No address associated with hostname",
            "Name does not resolve",
            "Name has no usable address",
            "nodename nor servname provided",
            "No such host is known",
        ];
        let host = host.to_owned();
        if absent.iter().any(|words| said.contains(words)) {
            Self::NoSuchHost { host }
        } else {
            Self::Lookup { host, reason }
        }
    }

    /// What a failed handshake means.
    pub(super) fn of_tls(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        Self::Tls(match inner {
            Some(rustls::Error::InvalidMessage(_)) => TlsFailure::NotTls,
            Some(
                rustls::Error::NoApplicationProtocol
                | rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol),
            ) => TlsFailure::NoHttp1,
            Some(other) => TlsFailure::Other(other.to_string()),
            None => TlsFailure::Other(match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                    "it ended the connection during the TLS handshake".into()
                }
                _ => without_number(error),
            }),
        })
    }
}

/// An error of the system without its number.
fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
