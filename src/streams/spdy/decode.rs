//! From bytes to SPDY frames, however the bytes are cut.

use bytes::{Buf, BytesMut};

use super::headers::Inflater;
use super::{
    DATA_PIECE, Error, FLAG_CLEAR, FLAG_FIN, FLAG_UNIDIRECTIONAL, Frame, GOAWAY, HEAD, HEADERS, MAX_CONTROL,
    PING, RST_STREAM, SETTINGS, STREAM_MASK, SYN_REPLY, SYN_STREAM, Setting, VERSION, WINDOW_UPDATE,
};

/// Listens to one direction of a connection.
///
/// Bytes go in as they come; frames come out as soon as they are whole. A data frame over [`DATA_PIECE`] comes out in
/// pieces cut at multiples of that size (the last one bears `fin`), so that no more than one piece is ever held back.
#[derive(Debug)]
pub struct Decoder {
    pending: BytesMut,
    state: State,
    inflater: Inflater,
    failed: Option<Error>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// A frame's head comes next.
    Head,
    /// `left` bytes of a control frame come next.
    Control { kind: u16, flags: u8, left: usize },
    /// `left` bytes of a data frame come next.
    Data { stream: u32, fin: bool, left: usize },
    /// `left` bytes of something unknown come next.
    Skip { left: usize },
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder for a direction of which nothing has been read yet.
    pub fn new() -> Self {
        Self { pending: BytesMut::new(), state: State::Head, inflater: Inflater::new(), failed: None }
    }

    /// Takes the next bytes and adds the frames that they complete to `frames`.
    ///
    /// # Errors
    /// The bytes are not SPDY/3.1 or go over a limit. The frames before the fault are in `frames`; every later call
    /// fails in the same way.
    pub fn feed(&mut self, bytes: &[u8], frames: &mut Vec<Frame>) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.pending.extend_from_slice(bytes);
        loop {
            match self.step(frames) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    self.failed = Some(error.clone());
                    self.pending = BytesMut::new();
                    return Err(error);
                }
            }
        }
    }

    /// Whether the bytes so far end at the end of a frame. At the end of a connection, `false` means that it was cut.
    pub fn is_between_frames(&self) -> bool {
        self.failed.is_none() && matches!(self.state, State::Head) && self.pending.is_empty()
    }

    /// Does the next piece of work; `false` when it needs more bytes.
    fn step(&mut self, frames: &mut Vec<Frame>) -> Result<bool, Error> {
        match self.state {
            State::Head => self.head(frames),
            State::Skip { left } => {
                let gone = left.min(self.pending.len());
                self.pending.advance(gone);
                let left = left - gone;
                self.state = if left == 0 { State::Head } else { State::Skip { left } };
                Ok(left == 0)
            }
            State::Data { stream, fin, left } => {
                let piece = left.min(DATA_PIECE);
                if self.pending.len() < piece {
                    return Ok(false);
                }
                let bytes = self.pending.split_to(piece).freeze();
                let left = left - piece;
                frames.push(Frame::Data { stream, fin: fin && left == 0, bytes });
                self.state = if left == 0 { State::Head } else { State::Data { stream, fin, left } };
                Ok(true)
            }
            State::Control { kind, flags, left } => {
                if self.pending.len() < left {
                    return Ok(false);
                }
                let payload = self.pending.split_to(left);
                frames.push(self.control(kind, flags, &payload)?);
                self.state = State::Head;
                Ok(true)
            }
        }
    }

    fn head(&mut self, frames: &mut Vec<Frame>) -> Result<bool, Error> {
        if self.pending.len() < HEAD {
            return Ok(false);
        }
        let mut head = self.pending.split_to(HEAD);
        let first = head.get_u32();
        let second = head.get_u32();
        let (flags, left) = ((second >> 24) as u8, (second & 0x00ff_ffff) as usize);
        if first & !STREAM_MASK == 0 {
            if first == 0 {
                return Err(Error::NoStream);
            }
            self.state = State::Data { stream: first, fin: flags & FLAG_FIN != 0, left };
            return Ok(true);
        }
        let (version, kind) = (((first & STREAM_MASK) >> 16) as u16, first as u16);
        if version != VERSION {
            return Err(Error::Version(version));
        }
        if !matches!(
            kind,
            SYN_STREAM | SYN_REPLY | RST_STREAM | SETTINGS | PING | GOAWAY | HEADERS | WINDOW_UPDATE
        ) {
            frames.push(Frame::Unknown { kind, length: left as u32 });
            self.state = State::Skip { left };
            return Ok(true);
        }
        if left > MAX_CONTROL {
            return Err(Error::TooLong { what: "control frame", length: left, limit: MAX_CONTROL });
        }
        self.state = State::Control { kind, flags, left };
        Ok(true)
    }

    fn control(&mut self, kind: u16, flags: u8, payload: &[u8]) -> Result<Frame, Error> {
        let mut rest = Payload { kind, rest: payload };
        let fin = flags & FLAG_FIN != 0;
        let frame = match kind {
            SYN_STREAM => {
                let stream = rest.stream()?;
                let associated = rest.u32()? & STREAM_MASK;
                let priority = (rest.u16()? >> 13) as u8;
                let unidirectional = flags & FLAG_UNIDIRECTIONAL != 0;
                let headers = self.inflater.read(rest.take())?;
                Frame::SynStream { stream, associated, priority, fin, unidirectional, headers }
            }
            SYN_REPLY => {
                Frame::SynReply { stream: rest.stream()?, fin, headers: self.inflater.read(rest.take())? }
            }
            HEADERS => {
                Frame::Headers { stream: rest.stream()?, fin, headers: self.inflater.read(rest.take())? }
            }
            RST_STREAM => Frame::RstStream { stream: rest.stream()?, status: rest.u32()? },
            PING => Frame::Ping { id: rest.u32()? },
            GOAWAY => Frame::GoAway { last_stream: rest.u32()? & STREAM_MASK, status: rest.u32()? },
            WINDOW_UPDATE => {
                Frame::WindowUpdate { stream: rest.u32()? & STREAM_MASK, delta: rest.u32()? & STREAM_MASK }
            }
            _ => {
                let count = rest.u32()? as usize;
                let mut entries = Vec::new();
                // The payload's length bounds the loop, not the count that it claims.
                while !rest.rest.is_empty() {
                    let (name, value) = (rest.u32()?, rest.u32()?);
                    entries.push(Setting { flags: (name >> 24) as u8, id: name & 0x00ff_ffff, value });
                }
                if entries.len() != count {
                    return Err(Error::Malformed(kind));
                }
                Frame::Settings { clear: flags & FLAG_CLEAR != 0, entries }
            }
        };
        if rest.rest.is_empty() { Ok(frame) } else { Err(Error::Malformed(kind)) }
    }
}

/// What is still unread of a control frame.
struct Payload<'a> {
    kind: u16,
    rest: &'a [u8],
}

impl<'a> Payload<'a> {
    fn u32(&mut self) -> Result<u32, Error> {
        self.rest.try_get_u32().map_err(|_| Error::Malformed(self.kind))
    }

    fn u16(&mut self) -> Result<u16, Error> {
        self.rest.try_get_u16().map_err(|_| Error::Malformed(self.kind))
    }

    fn stream(&mut self) -> Result<u32, Error> {
        match self.u32()? & STREAM_MASK {
            0 => Err(Error::NoStream),
            stream => Ok(stream),
        }
    }

    fn take(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
}
