//! The channels of a WebSocket: which protocol two peers speak and what one message means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The first byte of v5's message that ends a channel; the second one is the channel.
const CLOSE: u8 = 255;

/// A subprotocol that carries numbered channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelProtocol {
    /// `v5.channel.k8s.io`: binary; JSON status; a client can end a channel.
    V5,
    /// `v4.channel.k8s.io`: binary; JSON status.
    V4,
    /// `v4.base64.channel.k8s.io`: as v4, in text.
    V4Base64,
    /// `channel.k8s.io`, or no subprotocol at all: binary; plain text status, and none for success.
    V1,
    /// `base64.channel.k8s.io`: as v1, in text.
    V1Base64,
}

/// One message, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parsed<'a> {
    Bytes(u8, &'a [u8]),
    Close(u8),
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Bytes of a channel.
    Data {
        /// The channel's number.
        channel: u8,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A channel has ended; v5 alone can say so.
    Close {
        /// The channel's number.
        channel: u8,
    },
}

/// Why a message is none of its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It has no channel.
    #[error("WebSocket message is empty; its first byte must name a channel")]
    Empty,
    /// Text protocols name a channel by one digit.
    #[error("WebSocket message doesn't begin with a channel's digit")]
    Channel,
    /// It is not base64 behind the digit.
    #[error("WebSocket message is not base64")]
    Base64,
    /// v5's end of a channel is two bytes long.
    #[error("WebSocket message that ends a channel is not two bytes long")]
    Close,
}

impl ChannelProtocol {
    const ALL: [Self; 5] = [Self::V5, Self::V4, Self::V4Base64, Self::V1, Self::V1Base64];

    /// The first of a client's subprotocols that is known here.
    pub fn choose<'a>(offered: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        offered.into_iter().find_map(Self::from_name)
    }

    /// The protocol of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// Its name in `Sec-WebSocket-Protocol`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V5 => "v5.channel.k8s.io",
            Self::V4 => "v4.channel.k8s.io",
            Self::V4Base64 => "v4.base64.channel.k8s.io",
            Self::V1 => "channel.k8s.io",
            Self::V1Base64 => "base64.channel.k8s.io",
        }
    }

    /// Whether messages are text with base64 in it, rather than binary.
    pub fn is_text(self) -> bool {
        matches!(self, Self::V4Base64 | Self::V1Base64)
    }

    /// Whether the end is told as a JSON `Status`, rather than in plain text.
    pub fn has_json_status(self) -> bool {
        !matches!(self, Self::V1 | Self::V1Base64)
    }

    /// Reads one message.
    ///
    /// # Errors
    /// The message is none of this protocol.
    pub fn decode(self, message: &[u8]) -> Result<Event, Error> {
        match self.parse(message)? {
            Parsed::Close(channel) => Ok(Event::Close { channel }),
            Parsed::Bytes(channel, bytes) if self.is_text() => {
                let bytes = BASE64.decode(bytes).map_err(|_| Error::Base64)?;
                Ok(Event::Data { channel, bytes })
            }
            Parsed::Bytes(channel, bytes) => Ok(Event::Data { channel, bytes: bytes.to_vec() }),
        }
    }

    fn parse(self, message: &[u8]) -> Result<Parsed<'_>, Error> {
        match (self, message) {
            (_, []) => Err(Error::Empty),
            (Self::V5, [CLOSE, channel]) => Ok(Parsed::Close(*channel)),
            (Self::V5, [CLOSE, ..]) => Err(Error::Close),
            (Self::V4Base64 | Self::V1Base64, [digit @ b'0'..=b'9', rest @ ..]) => {
                Ok(Parsed::Bytes(digit - b'0', rest))
            }
            (Self::V4Base64 | Self::V1Base64, _) => Err(Error::Channel),
            (_, [channel, rest @ ..]) => Ok(Parsed::Bytes(*channel, rest)),
        }
    }

    /// The message that carries `bytes` on a channel. Text protocols know the channels 0 to 9 alone.
    pub fn encode(self, channel: u8, bytes: &[u8]) -> Vec<u8> {
        if self.is_text() {
            let mut message = vec![b'0'.wrapping_add(channel)];
            message.extend_from_slice(BASE64.encode(bytes).as_bytes());
            return message;
        }
        let mut message = Vec::with_capacity(1 + bytes.len());
        message.push(channel);
        message.extend_from_slice(bytes);
        message
    }

    /// The message that ends a channel, where the protocol has one.
    pub fn encode_close(self, channel: u8) -> Option<Vec<u8>> {
        (self == Self::V5).then(|| vec![CLOSE, channel])
    }
}
