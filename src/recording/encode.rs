//! From events to the lines of a recording. Nothing is held back: after each event all its bytes stand in the lines.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::{
    event::{Direction, Event, Stream, What},
    header::Header,
};

/// The header's line.
pub fn header(header: &Header) -> Vec<u8> {
    let mut line = serde_json::to_vec(header).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Writes lines. It remembers the beginnings of characters that are not whole yet, three bytes a stream at most.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    tails: [Vec<u8>; 3],
}

impl Encoder {
    /// Adds the lines of an event to `out`.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        match &event.what {
            What::Bytes(stream, bytes) => self.bytes(event.at, *stream, bytes, out),
            What::Resize { width, height } => line(event.at, 'r', &format!("{width}x{height}"), out),
            What::InputRest { so_far, bytes, sha256 } => {
                let word = if *so_far { "input-so-far" } else { "input-rest" };
                note(event.at, &format!("{word} {bytes} {}", hex::encode(sha256)), out);
            }
            What::File { so_far, direction, bytes, sha256 } => {
                let word = if *so_far { "file-so-far" } else { "file" };
                let way = if *direction == Direction::Up { "up" } else { "down" };
                note(event.at, &format!("{word} {way} {bytes} {}", hex::encode(sha256)), out);
            }
            What::Lost { bytes, why } => note(event.at, &format!("lost {bytes} {why}"), out),
            What::Protocol(name) => note(event.at, &format!("protocol {name}"), out),
            What::Exit(code) => note(event.at, &format!("exit {code}"), out),
            What::Failed(why) => note(event.at, &format!("failed {why}"), out),
            What::Ended(why) => note(event.at, &format!("ended {why}"), out),
        }
    }

    fn bytes(&mut self, at: Duration, stream: Stream, bytes: &[u8], out: &mut Vec<u8>) {
        let tail = &mut self.tails[stream as usize];
        let joined;
        let whole = if tail.is_empty() {
            bytes
        } else {
            tail.extend_from_slice(bytes);
            joined = std::mem::take(tail);
            &joined[..]
        };
        let body = &whole[..whole.len() - unfinished(whole)];
        *tail = whole[body.len()..].to_vec();
        let code = if stream == Stream::Stdin { 'i' } else { 'o' };
        if !body.is_empty() {
            if stream == Stream::Stderr {
                note(at, "stderr", out);
            }
            match std::str::from_utf8(body) {
                Ok(text) => line(at, code, text, out),
                Err(_) => {
                    note(at, &format!("raw {}", BASE64.encode(body)), out);
                    line(at, code, &String::from_utf8_lossy(body), out);
                }
            }
        }
        if !tail.is_empty() {
            note(at, &format!("tail {} {}", stream.name(), BASE64.encode(tail)), out);
        }
    }
}

/// How many bytes at the end begin a character of UTF-8 that more bytes could finish.
fn unfinished(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    for at in from..bytes.len() {
        if let Err(error) = std::str::from_utf8(&bytes[at..])
            && error.valid_up_to() == 0
            && error.error_len().is_none()
        {
            return bytes.len() - at;
        }
    }
    0
}

fn note(at: Duration, text: &str, out: &mut Vec<u8>) {
    line(at, 'x', text, out);
}

fn line(at: Duration, code: char, text: &str, out: &mut Vec<u8>) {
    let head = format!("[{}.{:06},\"{code}\",", at.as_secs(), at.subsec_micros());
    out.extend_from_slice(head.as_bytes());
    // A string always has a JSON form.
    let _ = serde_json::to_writer(&mut *out, text);
    out.extend_from_slice(b"]\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(events: &[What]) -> String {
        let (mut encoder, mut out) = (Encoder::default(), Vec::new());
        for what in events {
            encoder.encode(&Event { at: Duration::from_micros(1_500_000), what: what.clone() }, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_lines_are_asciicast_with_notes_that_other_players_leave_out() {
        let bytes = |stream, bytes: &[u8]| What::Bytes(stream, bytes.to_vec());
        insta::assert_snapshot!(lines(&[
            What::Resize { width: 120, height: 40 },
            bytes(Stream::Stdout, "\u{1b}[1mhé\n".as_bytes()),
            bytes(Stream::Stderr, b"no such file\n"),
            bytes(Stream::Stdout, &[b'a', 0xe2, 0x82]),
            bytes(Stream::Stderr, b"between\n"),
            bytes(Stream::Stdout, &[0xac, b'b']),
            bytes(Stream::Stdout, &[0xff, b'!']),
            bytes(Stream::Stdin, b"ls\n"),
            What::InputRest { so_far: false, bytes: 3, sha256: [7; 32] },
            What::Exit(3),
        ]));
    }

    #[test]
    fn only_a_character_that_can_still_become_whole_is_unfinished() {
        for (bytes, count) in [
            (&b""[..], 0),
            (b"abc", 0),
            (b"a\xe2", 1),
            (b"a\xe2\x82", 2),
            (b"\xe2\x82\xac", 0),
            (b"\xf0\x9f\x98", 3),
            (b"\xff", 0),
            (b"\x80\x80\x80\x80", 0),
            (b"\xe2\x28", 0),
        ] {
            assert_eq!(unfinished(bytes), count, "{bytes:?}");
        }
    }
}
