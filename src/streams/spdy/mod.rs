//! SPDY/3.1 frames, as kubectl, the API server and the kubelet exchange them after `Upgrade: SPDY/3.1`.
//!
//! Source of the format: the SPDY Protocol draft 3 and 3.1 (Chromium project). Nothing here keeps track of streams:
//! a frame is decoded by itself, and only the compression of header blocks has a memory, one for each direction.

mod decode;
mod encode;
mod headers;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use decode::Decoder;
pub use encode::Encoder;
pub use headers::Headers;

/// The version in every control frame; SPDY/3.1 still says 3.
const VERSION: u16 = 3;
/// Length of a frame's head in bytes.
const HEAD: usize = 8;
/// The longest payload a frame's 24-bit length can name, in bytes.
const MAX_PAYLOAD: usize = 0x00ff_ffff;
/// The longest control frame that is read, in bytes. Kubernetes' own stay far under 1 KiB.
const MAX_CONTROL: usize = 64 * 1024;
/// The longest inflated header block that is read, in bytes.
const MAX_HEADER_BLOCK: usize = 16 * 1024;
/// The most name/value pairs that one header block may hold.
const MAX_HEADER_PAIRS: usize = 128;
/// A data frame longer than this, in bytes, is handed out in pieces of this size.
pub const DATA_PIECE: usize = 64 * 1024;
/// The window that each side grants before any WINDOW_UPDATE, in bytes, for a stream and for the whole session.
pub const INITIAL_WINDOW: u32 = 64 * 1024;
/// The bits of a stream id.
const STREAM_MASK: u32 = 0x7fff_ffff;

/// Flag: the sender has nothing more for this stream.
const FLAG_FIN: u8 = 0x01;
/// Flag of SYN_STREAM: the receiver may not send on it.
const FLAG_UNIDIRECTIONAL: u8 = 0x02;
/// Flag of SETTINGS: forget what earlier frames set.
const FLAG_CLEAR: u8 = 0x01;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const SETTINGS: u16 = 4;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const HEADERS: u16 = 8;
const WINDOW_UPDATE: u16 = 9;

/// RST_STREAM status: the stream was used in a way that the protocol doesn't allow.
pub const RST_PROTOCOL_ERROR: u32 = 1;
/// RST_STREAM status: the stream is not known or no longer.
pub const RST_INVALID_STREAM: u32 = 2;
/// RST_STREAM status: refused before anything was done with it.
pub const RST_REFUSED_STREAM: u32 = 3;
/// RST_STREAM status: its creator no longer needs it.
pub const RST_CANCEL: u32 = 5;
/// The id of the setting that holds the initial window of a stream, in bytes.
pub const SETTING_INITIAL_WINDOW: u32 = 7;

/// One SPDY/3.1 frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A new stream.
    SynStream {
        /// Its id: odd from the client, even from the server.
        stream: u32,
        /// The stream that it belongs to, or 0.
        associated: u32,
        /// 0 (first) to 7 (last).
        priority: u8,
        /// The sender sends nothing on it.
        fin: bool,
        /// The receiver may not send on it.
        unidirectional: bool,
        /// What the stream is for.
        headers: Headers,
    },
    /// The receiver accepts a stream.
    SynReply {
        /// The accepted stream.
        stream: u32,
        /// The receiver sends nothing on it.
        fin: bool,
        /// Usually none in Kubernetes.
        headers: Headers,
    },
    /// A stream ends at once, in both directions.
    RstStream {
        /// The stream that ends.
        stream: u32,
        /// Why: one of the `RST_…` numbers.
        status: u32,
    },
    /// Settings of the session.
    Settings {
        /// Forget settings kept from before.
        clear: bool,
        /// The settings.
        entries: Vec<Setting>,
    },
    /// A ping, or the answer to one (the same id back).
    Ping {
        /// Odd when the client asked, even when the server did.
        id: u32,
    },
    /// The sender takes no new streams.
    GoAway {
        /// The last stream that it did take.
        last_stream: u32,
        /// 0 for an orderly end.
        status: u32,
    },
    /// More headers for a stream.
    Headers {
        /// The stream.
        stream: u32,
        /// The sender sends nothing more on it.
        fin: bool,
        /// The additional headers.
        headers: Headers,
    },
    /// The receiver has taken bytes in and can take as many again.
    WindowUpdate {
        /// The stream, or 0 for the whole session.
        stream: u32,
        /// How many bytes more.
        delta: u32,
    },
    /// Bytes of a stream.
    Data {
        /// The stream.
        stream: u32,
        /// The sender sends nothing more on it.
        fin: bool,
        /// The bytes.
        bytes: Bytes,
    },
    /// A control frame of a type that this version of the protocol doesn't know; its payload was skipped.
    Unknown {
        /// The type in its head.
        kind: u16,
        /// The length of its payload in bytes.
        length: u32,
    },
}

/// One entry of a SETTINGS frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// 1: the client shall keep it; 2: it was kept.
    pub flags: u8,
    /// Which setting, a 24-bit number.
    pub id: u32,
    /// Its value.
    pub value: u32,
}

/// Why bytes are not SPDY/3.1. A decoder that has failed once stays failed: what follows can't be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another version than 3 stands in a control frame.
    #[error("SPDY control frame says version {0}; only version 3 is spoken here")]
    Version(u16),
    /// A frame is longer than this decoder reads, or than the format can say.
    #[error("SPDY {what} is {length} bytes long; the limit is {limit}")]
    TooLong {
        /// What was too long.
        what: &'static str,
        /// Its length.
        length: usize,
        /// The limit that it breaks.
        limit: usize,
    },
    /// A frame's payload ends too early or too late for its type.
    #[error("SPDY frame of type {0} has a payload that doesn't fit its length")]
    Malformed(u16),
    /// A frame of this type must name a stream and names 0.
    #[error("SPDY frame names stream 0 where a stream is needed")]
    NoStream,
    /// A header block can't be inflated or parsed.
    #[error("SPDY header block is damaged: {0}")]
    HeaderBlock(&'static str),
}
