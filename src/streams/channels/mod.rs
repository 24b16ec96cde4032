//! What Kubernetes puts on the streams of exec, attach and port-forward.
//!
//! Over SPDY every stream says by its headers what it is; over WebSocket the first byte of a message does
//! ([`websocket`]). What goes over them is the same: bytes, a terminal's sizes ([`resize`]) and, at the end, how the
//! command went ([`status`]). Source: the Kubernetes API server's and kubelet's remote command protocols, v1 to v5.

pub mod resize;
pub mod status;
#[cfg(test)]
mod tests;
pub mod websocket;

use super::spdy::Headers;

/// The request and response header by which SPDY peers agree on a protocol.
pub const PROTOCOL_HEADER: &str = "x-stream-protocol-version";
/// The response header that lists what a server speaks when none of the client's protocols is among it.
pub const ACCEPTED_HEADER: &str = "x-accepted-stream-protocol-versions";
/// The SPDY protocol of port-forward.
pub const PORT_FORWARD: &str = "portforward.k8s.io";
/// The WebSocket subprotocol that carries the SPDY of port-forward in binary messages.
pub const TUNNELLED_PORT_FORWARD: &str = "SPDY/3.1+portforward.k8s.io";
/// The most bytes that a status or another message at the end of a stream is read to.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// What a stream of exec, attach or port-forward is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// To the command.
    Stdin,
    /// From the command.
    Stdout,
    /// From the command.
    Stderr,
    /// How it ended, or what went wrong.
    Error,
    /// The sizes of the person's terminal.
    Resize,
    /// The bytes of a forwarded connection.
    Data,
}

impl Role {
    /// The role that a SPDY stream's `streamType` header names.
    pub fn of(headers: &Headers) -> Option<Self> {
        Some(match headers.get("streamType")? {
            "stdin" => Self::Stdin,
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            "error" => Self::Error,
            "resize" => Self::Resize,
            "data" => Self::Data,
            _ => return None,
        })
    }

    /// The name in a `streamType` header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdin => "stdin",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Error => "error",
            Self::Resize => "resize",
            Self::Data => "data",
        }
    }

    /// The number of this role's channel in a WebSocket exec or attach; port-forward's data has none there.
    pub fn channel(self) -> Option<u8> {
        match self {
            Self::Stdin => Some(0),
            Self::Stdout => Some(1),
            Self::Stderr => Some(2),
            Self::Error => Some(3),
            Self::Resize => Some(4),
            Self::Data => None,
        }
    }

    /// The role of a channel in a WebSocket exec or attach.
    pub fn from_channel(channel: u8) -> Option<Self> {
        [Self::Stdin, Self::Stdout, Self::Stderr, Self::Error, Self::Resize]
            .get(usize::from(channel))
            .copied()
    }
}

/// One stream of a port-forward: half of a forwarded connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardStream {
    /// [`Role::Data`] or [`Role::Error`].
    pub role: Role,
    /// The pod's port.
    pub port: u16,
    /// What pairs a connection's two streams.
    pub request: String,
}

impl ForwardStream {
    /// Reads the headers of a stream.
    ///
    /// # Errors
    /// A sentence that says which header is missing or wrong. Clients before `requestID` existed are not served.
    pub fn read(headers: &Headers) -> Result<Self, String> {
        let role = match Role::of(headers) {
            Some(role @ (Role::Data | Role::Error)) => role,
            _ => return Err("port-forward stream needs a streamType header of data or error".to_owned()),
        };
        let port = headers.get("port").and_then(|text| text.parse().ok()).filter(|port| *port != 0);
        let port = port.ok_or("port-forward stream needs a port header between 1 and 65535")?;
        let request = headers.get("requestID").filter(|text| !text.is_empty());
        let request = request.ok_or("port-forward stream needs a requestID header")?.to_owned();
        Ok(Self { role, port, request })
    }
}

/// The version of the remote command protocol over SPDY. Each adds to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExecProtocol {
    /// The first.
    V1,
    /// Repairs an end of stream; otherwise as v1.
    V2,
    /// Adds the resize stream.
    V3,
    /// Adds the JSON status on the error stream.
    V4,
}

impl ExecProtocol {
    /// The protocol of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::V4, Self::V3, Self::V2, Self::V1].into_iter().find(|protocol| protocol.name() == name)
    }

    /// Its name in [`PROTOCOL_HEADER`].
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4.channel.k8s.io",
            Self::V3 => "v3.channel.k8s.io",
            Self::V2 => "v2.channel.k8s.io",
            Self::V1 => "channel.k8s.io",
        }
    }
}
