//! From SPDY frames to bytes.

use bytes::BufMut;

use super::headers::{Deflater, Headers};
use super::{
    Error, FLAG_CLEAR, FLAG_FIN, FLAG_UNIDIRECTIONAL, Frame, GOAWAY, HEADERS, MAX_CONTROL, MAX_PAYLOAD, PING,
    RST_STREAM, SETTINGS, STREAM_MASK, SYN_REPLY, SYN_STREAM, Setting, VERSION, WINDOW_UPDATE,
};

/// Writes one direction of a connection.
#[derive(Debug)]
pub struct Encoder {
    deflater: Deflater,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder for a direction on which nothing has been written yet.
    pub fn new() -> Self {
        Self { deflater: Deflater::new() }
    }

    /// Adds the bytes of `frame` to `out`. Data beyond 16 MiB is cut into several frames, the last of which bears `fin`.
    ///
    /// # Errors
    /// The headers or settings are more than a decoder takes. `out` may then hold a part of the frame, and the
    /// direction must be given up. [`Frame::Unknown`] writes nothing, since its payload isn't kept.
    pub fn encode(&mut self, frame: &Frame, out: &mut Vec<u8>) -> Result<(), Error> {
        match frame {
            Frame::SynStream { stream, associated, priority, fin, unidirectional, headers } => {
                let mut flags = if *fin { FLAG_FIN } else { 0 };
                if *unidirectional {
                    flags |= FLAG_UNIDIRECTIONAL;
                }
                let start = open(out, SYN_STREAM, flags);
                put_stream(out, *stream)?;
                out.put_u32(associated & STREAM_MASK);
                out.put_u16(u16::from(priority & 7) << 13);
                self.deflater.write(headers, out)?;
                close(out, start)
            }
            Frame::SynReply { stream, fin, headers } => {
                self.with_headers(out, SYN_REPLY, *stream, *fin, headers)
            }
            Frame::Headers { stream, fin, headers } => {
                self.with_headers(out, HEADERS, *stream, *fin, headers)
            }
            Frame::RstStream { stream, status } => {
                let start = open(out, RST_STREAM, 0);
                put_stream(out, *stream)?;
                out.put_u32(*status);
                close(out, start)
            }
            Frame::Settings { clear, entries } => settings(out, *clear, entries),
            Frame::Ping { id } => {
                let start = open(out, PING, 0);
                out.put_u32(*id);
                close(out, start)
            }
            Frame::GoAway { last_stream, status } => {
                let start = open(out, GOAWAY, 0);
                out.put_u32(last_stream & STREAM_MASK);
                out.put_u32(*status);
                close(out, start)
            }
            Frame::WindowUpdate { stream, delta } => {
                let start = open(out, WINDOW_UPDATE, 0);
                out.put_u32(stream & STREAM_MASK);
                out.put_u32(delta & STREAM_MASK);
                close(out, start)
            }
            Frame::Data { stream, fin, bytes } => data(out, *stream, *fin, bytes),
            Frame::Unknown { .. } => Ok(()),
        }
    }

    fn with_headers(
        &mut self,
        out: &mut Vec<u8>,
        kind: u16,
        stream: u32,
        fin: bool,
        headers: &Headers,
    ) -> Result<(), Error> {
        let start = open(out, kind, if fin { FLAG_FIN } else { 0 });
        put_stream(out, stream)?;
        self.deflater.write(headers, out)?;
        close(out, start)
    }
}

/// Writes the head of a control frame with an empty length; gives back where it starts.
fn open(out: &mut Vec<u8>, kind: u16, flags: u8) -> usize {
    let start = out.len();
    out.put_u16(0x8000 | VERSION);
    out.put_u16(kind);
    out.put_u32(u32::from(flags) << 24);
    start
}

/// Fills in the length of the frame that starts at `start`.
fn close(out: &mut [u8], start: usize) -> Result<(), Error> {
    let length = out.len() - start - super::HEAD;
    if length > MAX_CONTROL {
        return Err(Error::TooLong { what: "control frame", length, limit: MAX_CONTROL });
    }
    for (at, byte) in (length as u32).to_be_bytes().into_iter().enumerate().skip(1) {
        if let Some(place) = out.get_mut(start + 4 + at) {
            *place = byte;
        }
    }
    Ok(())
}

fn put_stream(out: &mut Vec<u8>, stream: u32) -> Result<(), Error> {
    match stream & STREAM_MASK {
        0 => Err(Error::NoStream),
        stream => {
            out.put_u32(stream);
            Ok(())
        }
    }
}

fn settings(out: &mut Vec<u8>, clear: bool, entries: &[Setting]) -> Result<(), Error> {
    let start = open(out, SETTINGS, if clear { FLAG_CLEAR } else { 0 });
    out.put_u32(entries.len() as u32);
    for entry in entries {
        out.put_u32(u32::from(entry.flags) << 24 | entry.id & 0x00ff_ffff);
        out.put_u32(entry.value);
    }
    close(out, start)
}

fn data(out: &mut Vec<u8>, stream: u32, fin: bool, mut bytes: &[u8]) -> Result<(), Error> {
    loop {
        let (now, later) = bytes.split_at(bytes.len().min(MAX_PAYLOAD));
        let last = later.is_empty();
        put_stream(out, stream)?;
        out.put_u32(if fin && last { u32::from(FLAG_FIN) << 24 } else { 0 } | now.len() as u32);
        out.extend_from_slice(now);
        if last {
            return Ok(());
        }
        bytes = later;
    }
}
