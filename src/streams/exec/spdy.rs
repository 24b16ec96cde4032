//! exec and attach over SPDY/3.1: streams that say by their headers what they are.

use super::{Heard, ListenError, MAX_STREAMS, hear, hear_sizes, outcome};
use crate::streams::{
    channels::{ExecProtocol, MAX_MESSAGE, Role, resize},
    spdy::{Decoder, Frame},
};

/// Both directions of a connection.
#[derive(Debug)]
pub(super) struct Spdy {
    protocol: ExecProtocol,
    client: Decoder,
    server: Decoder,
    /// Kept for its room; empty between two calls.
    frames: Vec<Frame>,
    /// Those that mean something. None is ever taken off: a number comes once in a connection.
    streams: Vec<Stream>,
    /// The highest number of a client's stream.
    last: u32,
    /// How much all error streams have said, in bytes.
    said: usize,
}

#[derive(Debug)]
struct Stream {
    id: u32,
    what: What,
    /// Whoever is to read it takes nothing more.
    over: bool,
}

#[derive(Debug)]
enum What {
    Input,
    /// [`Role::Stdout`] or [`Role::Stderr`].
    Output(Role),
    Sizes(resize::Decoder),
    Errors(Vec<u8>),
}

impl Spdy {
    pub(super) fn new(protocol: ExecProtocol) -> Self {
        Self {
            protocol,
            client: Decoder::new(),
            server: Decoder::new(),
            frames: Vec::new(),
            streams: Vec::new(),
            last: 0,
            said: 0,
        }
    }

    pub(super) fn client(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), ListenError> {
        let mut frames = std::mem::take(&mut self.frames);
        let read = self.client.feed(bytes, &mut frames);
        let done = frames.drain(..).try_for_each(|frame| self.hear_client(frame, heard));
        self.frames = frames;
        done.and(read.map_err(Into::into))
    }

    pub(super) fn server(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), ListenError> {
        let mut frames = std::mem::take(&mut self.frames);
        let read = self.server.feed(bytes, &mut frames);
        frames.drain(..).for_each(|frame| self.hear_server(frame, heard));
        self.frames = frames;
        read.map_err(Into::into)
    }

    pub(super) fn finish(&mut self, heard: &mut Vec<Heard>) {
        for at in 0..self.streams.len() {
            self.tell(at, false, heard);
        }
    }

    fn hear_client(&mut self, frame: Frame, heard: &mut Vec<Heard>) -> Result<(), ListenError> {
        match frame {
            Frame::SynStream { stream, fin, headers, .. } => {
                self.open(stream, Role::of(&headers))?;
                if fin {
                    self.end_of_client(stream);
                }
            }
            Frame::Data { stream, fin, bytes } => {
                // A stream that nobody opened: both Go libraries throw its data away.
                if let Some(stream) = self.find(stream).filter(|stream| !stream.over) {
                    match &mut stream.what {
                        What::Input => hear(Role::Stdin, bytes, heard),
                        What::Sizes(decoder) => {
                            hear_sizes(decoder, &bytes, heard)?;
                        }
                        // No kubelet reads what comes up on these.
                        What::Output(_) | What::Errors(_) => {}
                    }
                }
                if fin {
                    self.end_of_client(stream);
                }
            }
            Frame::Headers { stream, fin: true, .. } => self.end_of_client(stream),
            // The kubelet's side forgets the stream. It may go on to write to it, since Go's library does not look
            // before it writes: a client that resets an output and still reads it is heard all the same.
            Frame::RstStream { stream, .. } => self.end_of_client(stream),
            _ => {}
        }
        Ok(())
    }

    fn hear_server(&mut self, frame: Frame, heard: &mut Vec<Heard>) {
        match frame {
            Frame::Data { stream, fin, bytes } => {
                self.hear_output(stream, bytes, heard);
                if fin {
                    self.end_of_errors(stream, true, heard);
                }
            }
            Frame::SynReply { stream, fin: true, .. } | Frame::Headers { stream, fin: true, .. } => {
                self.end_of_errors(stream, true, heard);
            }
            Frame::RstStream { stream, .. } => {
                // It has forgotten the stream and takes no more input; kubectl reads what was said until then. Outputs
                // have no end here: some client could still show what comes, and too much on record is better than too little.
                self.end_of_client(stream);
                self.end_of_errors(stream, false, heard);
            }
            // A server's own streams (SYN_STREAM) no client of Kubernetes takes.
            _ => {}
        }
    }

    fn hear_output(&mut self, id: u32, bytes: bytes::Bytes, heard: &mut Vec<Heard>) {
        let room = MAX_MESSAGE - self.said;
        let Some(stream) = self.find(id) else { return };
        match &mut stream.what {
            What::Output(role) => hear(*role, bytes, heard),
            What::Errors(said) if !stream.over => {
                let kept = &bytes[..bytes.len().min(room)];
                said.extend_from_slice(kept);
                self.said += kept.len();
            }
            // kubectl drains what comes down on these and shows none of it.
            What::Errors(_) | What::Input | What::Sizes(_) => {}
        }
    }

    fn open(&mut self, id: u32, role: Option<Role>) -> Result<(), ListenError> {
        if id <= self.last {
            return Err(ListenError::StreamOrder { stream: id, last: self.last });
        }
        self.last = id;
        let what = match role {
            Some(Role::Stdin) => What::Input,
            Some(role @ (Role::Stdout | Role::Stderr)) => What::Output(role),
            Some(Role::Error) => What::Errors(Vec::new()),
            // Before v3 a kubelet knows no such stream.
            Some(Role::Resize) if self.protocol >= ExecProtocol::V3 => What::Sizes(resize::Decoder::new()),
            // A kubelet reports the stream as unexpected and leaves it.
            Some(Role::Resize | Role::Data) | None => return Ok(()),
        };
        if self.streams.len() == MAX_STREAMS {
            return Err(ListenError::TooManyStreams);
        }
        // A second one of the same role counts as well: which of them a kubelet takes differs between versions.
        self.streams.push(Stream { id, what, over: false });
        Ok(())
    }

    fn find(&mut self, id: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    /// The client's half of a stream is over.
    fn end_of_client(&mut self, id: u32) {
        if let Some(stream) = self.find(id)
            && matches!(stream.what, What::Input | What::Sizes(_))
        {
            stream.over = true;
        }
    }

    /// The server's half of a stream is over; where it was an error stream, it tells how the command ended.
    fn end_of_errors(&mut self, id: u32, orderly: bool, heard: &mut Vec<Heard>) {
        if let Some(at) = self.streams.iter().position(|stream| stream.id == id) {
            self.tell(at, orderly, heard);
        }
    }

    /// An orderly end that says nothing is a success; another one says nothing.
    fn tell(&mut self, at: usize, orderly: bool, heard: &mut Vec<Heard>) {
        let json = self.protocol >= ExecProtocol::V4;
        if let Stream { what: What::Errors(said), over: over @ false, .. } = &mut self.streams[at] {
            *over = true;
            let said = std::mem::take(said);
            self.said -= said.len();
            if orderly || !said.is_empty() {
                heard.push(Heard::Outcome(outcome(json, &said)));
            }
        }
    }
}
