//! The last word of an exec or attach that the gate ends: a failure on the error stream, which kubectl shows as the command's error.
//!
//! It listens to the bytes that pass, changes none, and speaks only between two frames; what it cannot read it leaves alone.

use http::{HeaderMap, header::SEC_WEBSOCKET_PROTOCOL};

use super::{lifetime::Ended, whole::Frames};
use crate::{
    streams::{
        channels::{ExecProtocol, PROTOCOL_HEADER, Role, websocket::ChannelProtocol},
        forward::Ports,
        frames::{Kind, Reader, Sender},
        spdy::{Decoder, Encoder, Frame},
    },
    wire::kube::Status,
};

/// How a tunnel can be told why it ends.
pub(super) enum Farewell {
    /// Not at all: port-forward, proxied applications, what did not parse.
    None,
    /// On the stream that the client opened for errors.
    Spdy(Box<Spdy>),
    /// On the channel for errors.
    WebSocket { protocol: ChannelProtocol, frames: Boundary },
    /// Not at all, but the ports of a port-forward are listened to.
    Forward(Box<Ports>),
}

pub(super) struct Spdy {
    json: bool,
    client: Decoder,
    server: Frames,
    errors: Option<u32>,
}

impl Farewell {
    /// For an exec or attach over SPDY, by the headers of the answer 101.
    pub(super) fn spdy(headers: &HeaderMap) -> Self {
        let name = headers.get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let json = ExecProtocol::from_name(name) == Some(ExecProtocol::V4);
        Self::Spdy(Box::new(Spdy { json, client: Decoder::new(), server: Frames::default(), errors: None }))
    }

    /// For an exec or attach over WebSocket, by the headers of the answer 101.
    pub(super) fn websocket(headers: &HeaderMap) -> Self {
        let name = headers.get(SEC_WEBSOCKET_PROTOCOL).map(|value| value.to_str().unwrap_or_default());
        match name.map_or(Some(ChannelProtocol::V1), ChannelProtocol::from_name) {
            Some(protocol) => Self::WebSocket { protocol, frames: Boundary::default() },
            None => Self::None,
        }
    }

    /// The ports of a port-forward.
    pub(super) fn ports(&self) -> Vec<u16> {
        match self {
            Self::Forward(ports) => ports.ports(),
            _ => vec![],
        }
    }

    /// Listens to bytes of the client.
    pub(super) fn hear_client(&mut self, bytes: &[u8]) {
        let spdy = match self {
            Self::Spdy(spdy) => spdy,
            Self::Forward(ports) => return ports.client(bytes),
            Self::None | Self::WebSocket { .. } => return,
        };
        let mut frames = Vec::new();
        if spdy.client.feed(bytes, &mut frames).is_err() {
            *self = Self::None;
            return;
        }
        for frame in frames {
            if let Frame::SynStream { stream, headers, .. } = frame
                && Role::of(&headers) == Some(Role::Error)
            {
                spdy.errors = Some(stream);
            }
        }
    }

    /// Listens to bytes of the server that were passed on.
    pub(super) fn hear_server(&mut self, bytes: &[u8]) {
        match self {
            Self::None | Self::Forward(_) => {}
            Self::WebSocket { frames, .. } => {
                frames.feed(bytes);
            }
            Self::Spdy(spdy) => {
                spdy.server.feed(bytes);
            }
        }
    }

    /// Whether something may be said now.
    pub(super) fn may_speak(&self) -> bool {
        match self {
            Self::None | Self::Forward(_) => true,
            Self::Spdy(spdy) => spdy.server.is_between_frames(),
            Self::WebSocket { frames, .. } => frames.is_between_messages(),
        }
    }

    /// What to say to the client; nothing where that is not possible.
    pub(super) fn say(&self, ended: &Ended) -> Vec<u8> {
        let text = |json: bool| {
            let status = Status::failure(ended.code.as_u16(), &*ended.reason);
            if json {
                serde_json::to_vec(&status).unwrap_or_default()
            } else {
                ended.reason.clone().into_bytes()
            }
        };
        match self {
            Self::None | Self::Forward(_) => vec![],
            Self::Spdy(spdy) => {
                let mut out = Vec::new();
                if let Some(stream) = spdy.errors {
                    let bytes = text(spdy.json).into();
                    if Encoder::new().encode(&Frame::Data { stream, fin: true, bytes }, &mut out).is_err() {
                        return vec![];
                    }
                }
                out
            }
            Self::WebSocket { protocol, .. } => {
                let channel = Role::Error.channel().unwrap_or_default();
                let message = protocol.encode(channel, &text(protocol.has_json_status()));
                let mut out = frame(if protocol.is_text() { 1 } else { 2 }, &message);
                // RFC 6455, 7.4.1: 1000 is an orderly end.
                out.extend(frame(8, &1000_u16.to_be_bytes()));
                out
            }
        }
    }
}

/// A whole WebSocket message of a server, unmasked (RFC 6455, 5.2).
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..126 => out.push(length as u8),
        length @ 126..=0xffff => {
            out.push(126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(payload);
    out
}

/// Follows a server's WebSocket frames to know where one message ends and the next has not begun.
#[derive(Debug)]
pub(super) struct Boundary {
    frames: Reader,
    /// It has said that it says nothing more, or can't be followed.
    closed: bool,
}

impl Default for Boundary {
    fn default() -> Self {
        Self { frames: Reader::new(Sender::Server), closed: false }
    }
}

impl Boundary {
    /// Takes the next bytes; the answer is how many of them end with the last whole message in them.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> usize {
        let (mut rest, mut whole) = (bytes, 0);
        while !self.closed {
            match self.frames.next(&mut rest) {
                Ok(Some(piece)) => self.closed = piece.kind == Kind::Close,
                Ok(None) => return whole,
                Err(_) => self.closed = true,
            }
            if self.is_between_messages() {
                whole = bytes.len() - rest.len();
            }
        }
        bytes.len()
    }

    pub(super) fn is_between_messages(&self) -> bool {
        self.frames.is_between_messages() && !self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended() -> Ended {
        Ended { code: http::StatusCode::UNAUTHORIZED, reason: "the certificate expired".into() }
    }

    #[test]
    fn a_websocket_is_spoken_to_between_messages_only() {
        let mut boundary = Boundary::default();
        assert!(boundary.is_between_messages());
        // A message in two parts with a ping between them, then a long one.
        let mut all = vec![0x02, 2, 1, b'a', 0x89, 1, b'p', 0x80, 1, b'b'];
        let long = frame(2, &[1; 70_000]);
        let parts = all.len();
        all.extend(&long);
        for (at, byte) in all.iter().enumerate() {
            boundary.feed(&[*byte]);
            let ends = at + 1 == parts || at + 1 == all.len();
            assert_eq!(boundary.is_between_messages(), ends, "after byte {at}");
        }
        boundary.feed(&frame(8, &[]));
        assert!(!boundary.is_between_messages());
    }

    #[test]
    fn the_last_word_is_a_status_on_the_error_channel_and_an_orderly_close() {
        let mut headers = HeaderMap::new();
        headers.insert(SEC_WEBSOCKET_PROTOCOL, http::HeaderValue::from_static("v5.channel.k8s.io"));
        let said = Farewell::websocket(&headers).say(&ended());
        let length = usize::from(u16::from_be_bytes([said[2], said[3]]));
        assert_eq!((said[0], said[1], said[4]), (0x82, 126, 3));
        let status: serde_json::Value = serde_json::from_slice(&said[5..4 + length]).unwrap();
        assert_eq!(status["message"], "the certificate expired");
        assert_eq!(said[4 + length..], [0x88, 2, 0x03, 0xe8]);
    }
}
