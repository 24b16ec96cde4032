//! Listens to both directions of one exec or attach after its 101: what went in, what came out, how it ended. No I/O.
//!
//! A [`Listener`] changes nothing; it says what the peers make of the same bytes. Where two implementations of Kubernetes'
//! protocols would read them differently it fails rather than guess, so that nobody can show it one thing and the pod or
//! the person another. What counts is who reads a stream:
//!
//! - Standard input and sizes count from the client, as long as a kubelet would take them. What a server sends on these
//!   streams kubectl throws away.
//! - Outputs and the error stream count from the server. What a client sends on these streams no kubelet reads.
//!
//! What it keeps between two calls, at the most: for SPDY two header decompressors (about 50 KiB each), 64 KiB of an
//! unfinished frame for each direction and [`MAX_STREAMS`] streams; for WebSocket the head of a frame for each direction
//! and three bytes of base64. In both cases 64 KiB of error streams and 1 KiB of an unfinished terminal size for each
//! resize stream. What it adds to `heard` in a call is a small multiple of the bytes of that call.

mod spdy;
#[cfg(test)]
mod tests;
mod websocket;

use bytes::Bytes;

use super::{
    channels::{
        self, ExecProtocol, Role,
        resize::{self, TerminalSize},
        status::Outcome,
        websocket::ChannelProtocol,
    },
    frames,
};
use crate::streams::spdy::Error as SpdyError;

/// The most streams with a meaning that one SPDY connection may open; kubectl opens at most five.
pub const MAX_STREAMS: usize = 16;

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Bytes of [`Role::Stdin`], [`Role::Stdout`] or [`Role::Stderr`], never empty.
    Bytes(Role, Bytes),
    /// The person's terminal has another size.
    Resize(TerminalSize),
    /// How the command ended. A client that opened several error streams can hear several.
    Outcome(Outcome),
}

/// Why a connection can't be listened to any longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// The bytes are not SPDY/3.1.
    #[error(transparent)]
    Spdy(#[from] SpdyError),
    /// The bytes are not WebSocket frames.
    #[error(transparent)]
    Frames(#[from] frames::Error),
    /// A message is none of its protocol.
    #[error(transparent)]
    Message(#[from] channels::websocket::Error),
    /// A terminal's size is none.
    #[error(transparent)]
    Resize(#[from] resize::Error),
    /// A client must number its streams upwards (SPDY/3.1, 2.3.2).
    #[error("SPDY stream {stream} is opened after stream {last}; the numbers of streams must rise")]
    StreamOrder {
        /// The stream.
        stream: u32,
        /// The highest number until then.
        last: u32,
    },
    /// Far more streams than any client of Kubernetes opens.
    #[error("more than {MAX_STREAMS} streams are opened on one connection")]
    TooManyStreams,
    /// A client's message in parts: Kubernetes' servers take each part for a message of its own, other servers join them.
    #[error(
        "WebSocket message of the client comes in parts, which servers read in different ways; send it in one frame"
    )]
    Parts,
}

/// Listens to one connection.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    failed: Option<ListenError>,
}

#[derive(Debug)]
enum Kind {
    Spdy(Box<spdy::Spdy>),
    WebSocket(Box<websocket::WebSocket>),
}

impl Listener {
    /// For a connection that became SPDY/3.1.
    pub fn spdy(protocol: ExecProtocol) -> Self {
        Self { kind: Kind::Spdy(Box::new(spdy::Spdy::new(protocol))), failed: None }
    }

    /// For a connection that became a WebSocket without extensions.
    pub fn websocket(protocol: ChannelProtocol) -> Self {
        Self { kind: Kind::WebSocket(Box::new(websocket::WebSocket::new(protocol))), failed: None }
    }

    /// Takes the next bytes of the client, before the server can have read them, and adds what they say to `heard`.
    ///
    /// # Errors
    /// The bytes can't be understood. What was heard before the fault is in `heard`; every later call fails in the same way.
    pub fn client(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), ListenError> {
        self.listen(|kind| match kind {
            Kind::Spdy(spdy) => spdy.client(bytes, heard),
            Kind::WebSocket(websocket) => websocket.client(bytes, heard),
        })
    }

    /// Takes the next bytes of the server, before the client can have read them, and adds what they say to `heard`.
    ///
    /// # Errors
    /// As [`Listener::client`].
    pub fn server(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), ListenError> {
        self.listen(|kind| match kind {
            Kind::Spdy(spdy) => spdy.server(bytes, heard),
            Kind::WebSocket(websocket) => websocket.server(bytes, heard),
        })
    }

    /// The connection has ended: an error stream that was not ended tells what it has said.
    pub fn finish(&mut self, heard: &mut Vec<Heard>) {
        match &mut self.kind {
            Kind::Spdy(spdy) => spdy.finish(heard),
            Kind::WebSocket(websocket) => websocket.finish(heard),
        }
    }

    fn listen(&mut self, to: impl FnOnce(&mut Kind) -> Result<(), ListenError>) -> Result<(), ListenError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        to(&mut self.kind).inspect_err(|error| self.failed = Some(error.clone()))
    }
}

/// Adds bytes, unless there are none.
fn hear(role: Role, bytes: Bytes, heard: &mut Vec<Heard>) {
    if !bytes.is_empty() {
        heard.push(Heard::Bytes(role, bytes));
    }
}

/// Adds the sizes that a resize stream's bytes complete, also those before a fault.
fn hear_sizes(
    decoder: &mut resize::Decoder,
    bytes: &[u8],
    heard: &mut Vec<Heard>,
) -> Result<(), resize::Error> {
    let mut sizes = Vec::new();
    let read = decoder.feed(bytes, &mut sizes);
    heard.extend(sizes.into_iter().map(Heard::Resize));
    read
}

/// How a command ended, by all that stood on its error stream.
fn outcome(json: bool, said: &[u8]) -> Outcome {
    if json {
        return Outcome::read(said);
    }
    // Plain text may look like JSON and is still none.
    let message = String::from_utf8_lossy(said).trim().to_owned();
    if message.is_empty() { Outcome::Success } else { Outcome::Failure { message } }
}
