//! exec and attach over a WebSocket: messages whose first byte names a channel.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;

use super::{Heard, ListenError, hear, hear_sizes, outcome};
use crate::streams::{
    channels::{
        MAX_MESSAGE, Role, resize,
        websocket::{ChannelProtocol, Error},
    },
    frames::{Kind, Piece, Reader, Sender},
};

/// What v5 puts in a channel's place to end the one that the next byte names.
const CLOSE: u8 = 255;
/// As Go reads base64, which lets bits that are left over be anything.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Both directions of a connection.
#[derive(Debug)]
pub(super) struct WebSocket {
    protocol: ChannelProtocol,
    client: Side,
    server: Side,
    stdin_over: bool,
    sizes: resize::Decoder,
    said: Vec<u8>,
}

/// One direction.
#[derive(Debug)]
struct Side {
    frames: Reader,
    at: At,
    base64: Quanta,
    closed: bool,
}

/// What comes next in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The channel.
    Channel,
    /// The channel that v5 ends.
    Ended,
    /// Bytes of a channel, or of one that nobody knows.
    Bytes(Option<Role>),
}

/// What a piece of a message says.
enum Said {
    Nothing,
    Bytes(Role, Bytes),
    /// The end of a channel.
    End(Role),
}

impl WebSocket {
    pub(super) fn new(protocol: ChannelProtocol) -> Self {
        Self {
            protocol,
            client: Side::new(Sender::Client),
            server: Side::new(Sender::Server),
            stdin_over: false,
            sizes: resize::Decoder::new(),
            said: Vec::new(),
        }
    }

    pub(super) fn client(&mut self, mut bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), ListenError> {
        while !self.client.closed
            && let Some(piece) = self.client.frames.next(&mut bytes)?
        {
            // Kubernetes' servers (golang.org/x/net/websocket) take each frame for a message, with a channel of its own.
            if piece.continues && piece.frame_length > 0 {
                return Err(ListenError::Parts);
            }
            let ends = self.protocol == ChannelProtocol::V5;
            // Of the other channels the server is the only writer.
            let read = |role| matches!(role, Role::Stdin | Role::Resize);
            match self.client.hear(piece, self.protocol, ends, read)? {
                Said::Bytes(Role::Stdin, bytes) if !self.stdin_over => hear(Role::Stdin, bytes, heard),
                Said::Bytes(Role::Resize, bytes) => {
                    hear_sizes(&mut self.sizes, &bytes, heard)?;
                }
                Said::End(Role::Stdin) => self.stdin_over = true,
                Said::Bytes(..) | Said::End(_) | Said::Nothing => {}
            }
        }
        Ok(())
    }

    pub(super) fn server(&mut self, mut bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), ListenError> {
        while !self.server.closed
            && let Some(piece) = self.server.frames.next(&mut bytes)?
        {
            if piece.kind == Kind::Close {
                // Only before v4 saying nothing is how a success is told.
                self.tell(!self.protocol.has_json_status(), heard);
            }
            // kubectl throws away what a server sends on the other channels, and takes an end of a channel for an unknown one.
            let read = |role| matches!(role, Role::Stdout | Role::Stderr | Role::Error);
            match self.server.hear(piece, self.protocol, false, read)? {
                Said::Bytes(Role::Error, bytes) => {
                    let room = MAX_MESSAGE - self.said.len();
                    self.said.extend_from_slice(&bytes[..bytes.len().min(room)]);
                }
                Said::Bytes(role, bytes) => hear(role, bytes, heard),
                Said::End(_) | Said::Nothing => {}
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, heard: &mut Vec<Heard>) {
        self.tell(false, heard);
    }

    fn tell(&mut self, silence_is_success: bool, heard: &mut Vec<Heard>) {
        let said = std::mem::take(&mut self.said);
        if silence_is_success || !said.is_empty() {
            heard.push(Heard::Outcome(outcome(self.protocol.has_json_status(), &said)));
        }
    }
}

impl Side {
    fn new(sender: Sender) -> Self {
        Self { frames: Reader::new(sender), at: At::Channel, base64: Quanta::default(), closed: false }
    }

    /// Reads a piece; bytes only of the roles that `read` is true for. `ends`: whether a message may end a channel.
    ///
    /// A message without any byte, which some clients send to keep a connection alive, says nothing: servers skip it too.
    fn hear(
        &mut self,
        mut piece: Piece<'_>,
        protocol: ChannelProtocol,
        ends: bool,
        read: impl Fn(Role) -> bool,
    ) -> Result<Said, ListenError> {
        match piece.kind {
            Kind::Ping | Kind::Pong => return Ok(Said::Nothing),
            Kind::Close => {
                self.closed = true;
                return Ok(Said::Nothing);
            }
            Kind::Message => {}
        }
        if piece.starts_message {
            (self.at, self.base64) = (At::Channel, Quanta::default());
        }
        if self.at == At::Channel {
            let Some(byte) = piece.take_byte() else { return Ok(Said::Nothing) };
            self.at = channel(byte, protocol, ends, piece.frame_length)?;
        }
        match self.at {
            At::Ended => match piece.take_byte().and_then(Role::from_channel) {
                Some(role) => Ok(Said::End(role)),
                None => Ok(Said::Nothing),
            },
            At::Bytes(Some(role)) if read(role) => {
                let bytes = piece.read();
                if !protocol.is_text() {
                    return Ok(Said::Bytes(role, bytes));
                }
                let bytes = self.base64.feed(&bytes)?;
                if piece.ends_message {
                    self.base64.end()?;
                }
                Ok(Said::Bytes(role, bytes))
            }
            At::Channel | At::Bytes(_) => Ok(Said::Nothing),
        }
    }
}

/// What follows on a message's first byte.
fn channel(byte: u8, protocol: ChannelProtocol, ends: bool, length: u64) -> Result<At, Error> {
    if protocol.is_text() {
        return match byte {
            b'0'..=b'9' => Ok(At::Bytes(Role::from_channel(byte - b'0'))),
            _ => Err(Error::Channel),
        };
    }
    match byte {
        CLOSE if ends && length == 2 => Ok(At::Ended),
        CLOSE if ends => Err(Error::Close),
        // Both peers leave a channel that they don't know.
        channel => Ok(At::Bytes(Role::from_channel(channel))),
    }
}

/// Base64 of one message in whole groups of four; what is not whole yet waits, three characters at most.
#[derive(Debug, Default)]
struct Quanta {
    pending: Vec<u8>,
    /// Padding has come.
    over: bool,
}

impl Quanta {
    fn feed(&mut self, text: &[u8]) -> Result<Bytes, Error> {
        // Go's decoder skips ends of lines wherever they stand.
        self.pending.extend(text.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        if self.over && !self.pending.is_empty() {
            return Err(Error::Base64);
        }
        let whole = self.pending.len() - self.pending.len() % 4;
        let bytes = BASE64.decode(&self.pending[..whole]).map_err(|_| Error::Base64)?;
        self.over |= self.pending[..whole].last() == Some(&b'=');
        if self.over && whole < self.pending.len() {
            return Err(Error::Base64);
        }
        self.pending.drain(..whole);
        // Room for one message's long piece is not kept for the next.
        self.pending.shrink_to(64);
        Ok(bytes.into())
    }

    fn end(&self) -> Result<(), Error> {
        if self.pending.is_empty() { Ok(()) } else { Err(Error::Base64) }
    }
}
