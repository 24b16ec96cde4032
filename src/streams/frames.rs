//! WebSocket frames of one direction, however their bytes are cut (RFC 6455, 5.2 to 5.5). No extensions, no I/O.

use bytes::Bytes;

/// The longest head of a frame: two bytes, a length of eight, a key of four.
const MAX_HEAD: usize = 14;
/// The longest payload of a control frame, in bytes (5.5).
const MAX_CONTROL: u8 = 125;

/// Who sends the frames that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Must mask.
    Client,
    /// Must not.
    Server,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A message or a part of one, text or binary.
    Message,
    /// The sender sends nothing more.
    Close,
    /// A question whether the other side is there.
    Ping,
    /// The answer, or a sign of life.
    Pong,
}

/// Why bytes are not WebSocket frames, or none that both sides read alike. A reader that has failed once stays failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A client's frame without a mask, or a server's with one (5.1).
    #[error("WebSocket frame of the {0} {1}")]
    Mask(&'static str, &'static str),
    /// Reserved bits belong to extensions, of which none was agreed on.
    #[error("WebSocket frame has reserved bits set, though no extension was agreed on")]
    Reserved,
    /// An opcode that the RFC doesn't define.
    #[error("WebSocket frame has the unknown opcode {0}")]
    Opcode(u8),
    /// A control frame over 125 bytes, or one in parts.
    #[error("WebSocket control frame is in parts or longer than {MAX_CONTROL} bytes")]
    Control,
    /// A length with its highest bit set.
    #[error("WebSocket frame is longer than 2^63 bytes")]
    Length,
    /// A continuation of nothing.
    #[error("WebSocket frame goes on with a message that none began")]
    Continuation,
    /// A new message within another.
    #[error("WebSocket message begins before the one before it has ended")]
    Unfinished,
}

/// Bytes of one frame. A frame comes out in as many pieces as its bytes come in; one without payload in a single empty piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What the frame is.
    pub kind: Kind,
    /// It is the first piece of a message.
    pub starts_message: bool,
    /// It is the last piece of a message.
    pub ends_message: bool,
    /// It belongs to a frame that goes on with a message.
    pub continues: bool,
    /// The length of the frame's whole payload in bytes.
    pub frame_length: u64,
    bytes: &'a [u8],
    /// As these bytes need it: turned to where the piece begins. Zeros where there is no mask.
    key: [u8; 4],
}

impl Piece<'_> {
    /// Takes the first byte off.
    pub fn take_byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        let byte = first ^ self.key[0];
        self.bytes = rest;
        self.key.rotate_left(1);
        Some(byte)
    }

    /// The bytes, unmasked.
    pub fn read(&self) -> Bytes {
        if self.key == [0; 4] {
            return Bytes::copy_from_slice(self.bytes);
        }
        let mut bytes = self.bytes.to_vec();
        let mut fours = bytes.chunks_exact_mut(4);
        for four in &mut fours {
            four.iter_mut().zip(self.key).for_each(|(byte, key)| *byte ^= key);
        }
        fours.into_remainder().iter_mut().zip(self.key).for_each(|(byte, key)| *byte ^= key);
        bytes.into()
    }
}

/// Reads one direction of a connection. It keeps no more than the head of one frame.
#[derive(Debug)]
pub struct Reader {
    sender: Sender,
    head: [u8; MAX_HEAD],
    /// How much of the head is there.
    have: usize,
    frame: Option<Frame>,
    within_message: bool,
    failed: Option<Error>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    continues: bool,
    fin: bool,
    length: u64,
    /// How much of the payload has gone by.
    at: u64,
    key: [u8; 4],
}

impl Reader {
    /// A reader of a direction on which nothing has been sent yet.
    pub fn new(sender: Sender) -> Self {
        Self { sender, head: [0; MAX_HEAD], have: 0, frame: None, within_message: false, failed: None }
    }

    /// Takes the next piece off `bytes`; nothing when more bytes are needed, and then none are left.
    ///
    /// # Errors
    /// The bytes are not what the RFC allows. Every later call fails in the same way.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        while self.frame.is_none() {
            let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
            self.head[self.have] = *first;
            self.have += 1;
            *bytes = rest;
            self.frame = self.finish_head().inspect_err(|error| self.failed = Some(*error))?;
        }
        Ok(self.payload(bytes))
    }

    /// Whether the bytes so far end where one message has ended and the next has not begun.
    pub fn is_between_messages(&self) -> bool {
        self.failed.is_none() && self.have == 0 && self.frame.is_none() && !self.within_message
    }

    fn payload<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        let frame = self.frame.as_mut()?;
        let left = frame.length - frame.at;
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        if now == 0 && left > 0 {
            return None;
        }
        let (these, rest) = bytes.split_at(now);
        *bytes = rest;
        let mut key = frame.key;
        key.rotate_left((frame.at % 4) as usize);
        let is_message = frame.kind == Kind::Message;
        let ends_frame = now as u64 == left;
        let piece = Piece {
            kind: frame.kind,
            starts_message: is_message && !frame.continues && frame.at == 0,
            ends_message: is_message && frame.fin && ends_frame,
            continues: frame.continues,
            frame_length: frame.length,
            bytes: these,
            key,
        };
        frame.at += now as u64;
        if ends_frame {
            self.frame = None;
        }
        Some(piece)
    }

    /// Reads a head that is whole; of one that is not, it looks at what is there.
    fn finish_head(&mut self) -> Result<Option<Frame>, Error> {
        let (first, second) = (self.head[0], self.head[1]);
        if self.have < 2 {
            return Ok(None);
        }
        if self.have == 2 {
            self.look(first, second)?;
        }
        let masked = second & 0x80 != 0;
        let short = second & 0x7f;
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let key_at = 2 + extended;
        if self.have < key_at + if masked { 4 } else { 0 } {
            return Ok(None);
        }
        let length = match extended {
            0 => u64::from(short),
            _ => self.head[2..key_at].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        if length >> 63 != 0 {
            return Err(Error::Length);
        }
        let mut key = [0; 4];
        if masked {
            key.copy_from_slice(&self.head[key_at..key_at + 4]);
        }
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        let kind = match opcode {
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => Kind::Message,
        };
        if kind == Kind::Message {
            self.within_message = !fin;
        }
        self.have = 0;
        Ok(Some(Frame { kind, continues: opcode == 0, fin, length, at: 0, key }))
    }

    /// Whether the first two bytes of a head may stand where they stand.
    fn look(&self, first: u8, second: u8) -> Result<(), Error> {
        match (self.sender, second & 0x80 != 0) {
            (Sender::Client, false) => return Err(Error::Mask("client", "is not masked")),
            (Sender::Server, true) => return Err(Error::Mask("server", "is masked")),
            _ => {}
        }
        if first & 0x70 != 0 {
            return Err(Error::Reserved);
        }
        match first & 0x0f {
            0 if !self.within_message => Err(Error::Continuation),
            1 | 2 if self.within_message => Err(Error::Unfinished),
            0..=2 => Ok(()),
            8..=10 if first & 0x80 != 0 && second & 0x7f <= MAX_CONTROL => Ok(()),
            8..=10 => Err(Error::Control),
            opcode => Err(Error::Opcode(opcode)),
        }
    }
}
