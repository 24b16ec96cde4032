//! Sessions in every protocol, as bytes, and what is to be heard of them.

mod captured;
mod promises;

use bytes::Bytes;

use super::{Heard, Listener};
use crate::streams::{
    channels::{
        ExecProtocol, Role,
        resize::{self, TerminalSize},
        status::Outcome,
        websocket::ChannelProtocol,
    },
    frames,
    spdy::{Encoder, Frame, Headers},
};

use frames::Sender::{Client, Server};

/// A side of a connection and bytes that it sent.
type Sent = (frames::Sender, Vec<u8>);

fn feed(listener: &mut Listener, (sender, bytes): (frames::Sender, &[u8]), heard: &mut Vec<Heard>) {
    match sender {
        Client => listener.client(bytes, heard),
        Server => listener.server(bytes, heard),
    }
    .unwrap();
}

/// All that is heard, with neighbouring bytes of a stream joined.
fn listen(mut listener: Listener, sent: &[Sent]) -> Vec<Heard> {
    let mut heard = Vec::new();
    for (sender, bytes) in sent {
        feed(&mut listener, (*sender, bytes), &mut heard);
    }
    listener.finish(&mut heard);
    joined(heard)
}

fn joined(heard: Vec<Heard>) -> Vec<Heard> {
    let mut joined: Vec<Heard> = Vec::new();
    for one in heard {
        match (joined.last_mut(), one) {
            (Some(Heard::Bytes(before, so_far)), Heard::Bytes(role, more)) if *before == role => {
                *so_far = [&so_far[..], &more].concat().into();
            }
            (_, one) => joined.push(one),
        }
    }
    joined
}

fn bytes(role: Role, text: &str) -> Heard {
    Heard::Bytes(role, Bytes::copy_from_slice(text.as_bytes()))
}

fn length(heard: &Heard) -> usize {
    if let Heard::Bytes(_, bytes) = heard { bytes.len() } else { 0 }
}

/// The same bytes in pieces of these lengths, over and over.
fn cut(sent: &[Sent], lengths: &[usize]) -> Vec<Sent> {
    let mut lengths = lengths.iter().copied().cycle();
    let mut pieces = Vec::new();
    for (sender, bytes) in sent {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(lengths.next().unwrap().clamp(1, rest.len()));
            pieces.push((*sender, now.to_vec()));
            rest = later;
        }
    }
    pieces
}

/// The same bytes, with one of the pieces cut in two; in every way.
fn cut_once(sent: &[Sent]) -> impl Iterator<Item = Vec<Sent>> {
    sent.iter().enumerate().flat_map(move |(at, (sender, bytes))| {
        (1..bytes.len()).map(move |middle| {
            let mut all = sent.to_vec();
            all[at] = (*sender, bytes[middle..].to_vec());
            all.insert(at, (*sender, bytes[..middle].to_vec()));
            all
        })
    })
}

fn spdy(encoder: &mut Encoder, frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    frames.iter().for_each(|frame| encoder.encode(frame, &mut out).unwrap());
    out
}

fn syn(stream: u32, role: &str) -> Frame {
    let headers = [("streamtype", role)].into_iter().collect();
    Frame::SynStream { stream, associated: 0, priority: 0, fin: false, unidirectional: false, headers }
}

fn data(stream: u32, fin: bool, text: impl AsRef<[u8]>) -> Frame {
    Frame::Data { stream, fin, bytes: Bytes::copy_from_slice(text.as_ref()) }
}

fn size(width: u16, height: u16) -> TerminalSize {
    TerminalSize { width, height }
}

/// A session over SPDY with all that the protocol's version has.
fn spdy_session(protocol: ExecProtocol) -> (Vec<Sent>, Vec<Heard>) {
    let (mut up, mut down) = (Encoder::new(), Encoder::new());
    let exit = Outcome::from_code(&["false".to_owned()], 7);
    let status = if protocol == ExecProtocol::V4 { exit.to_json() } else { exit.to_text() };
    let roles = ["error", "stdin", "stdout", "stderr", "resize"];
    let mut open: Vec<_> = (1..).step_by(2).zip(roles).map(|(stream, role)| syn(stream, role)).collect();
    open.push(data(1, true, ""));
    open.push(data(9, false, &resize::encode(size(80, 24))[..11]));
    let replies: Vec<_> = (1..10)
        .step_by(2)
        .map(|stream| Frame::SynReply { stream, fin: false, headers: Headers::new() })
        .collect();
    let sent = vec![
        (Client, spdy(&mut up, &open)),
        (Server, spdy(&mut down, &replies)),
        (Server, spdy(&mut down, &[data(5, false, "$ "), Frame::Ping { id: 2 }])),
        (
            Client,
            spdy(&mut up, &[data(9, false, &resize::encode(size(80, 24))[11..]), data(3, false, "ls\n")]),
        ),
        (Server, spdy(&mut down, &[data(7, false, "no such file\n"), data(5, true, "bye\n")])),
        (Client, spdy(&mut up, &[data(3, true, "exit")])),
        (Server, spdy(&mut down, &[data(1, false, &status[..5]), data(1, true, &status[5..])])),
    ];
    let mut heard = vec![bytes(Role::Stdout, "$ ")];
    if protocol >= ExecProtocol::V3 {
        heard.push(Heard::Resize(size(80, 24)));
    }
    heard.extend([
        bytes(Role::Stdin, "ls\n"),
        bytes(Role::Stderr, "no such file\n"),
        bytes(Role::Stdout, "bye\n"),
        bytes(Role::Stdin, "exit"),
        Heard::Outcome(match exit {
            Outcome::Exit { message, .. } if protocol < ExecProtocol::V4 => Outcome::Failure { message },
            exit => exit,
        }),
    ]);
    (sent, heard)
}

/// One frame of this many first bits.
fn frame(first: u8, sender: frames::Sender, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mask = if sender == Client { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(mask | length as u8),
        length @ 126..=0xffff => {
            out.push(mask | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(mask | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    if sender == Client {
        out.extend(KEY);
        out.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        out.extend(payload);
    }
    out
}

/// A message in one frame.
fn message(
    protocol: ChannelProtocol,
    sender: frames::Sender,
    channel: u8,
    text: impl AsRef<[u8]>,
) -> Vec<u8> {
    let opcode = if protocol.is_text() { 1 } else { 2 };
    frame(0x80 | opcode, sender, &protocol.encode(channel, text.as_ref()))
}

/// A session over a WebSocket: control frames between, a server's message in parts, sizes in two messages.
fn websocket_session(protocol: ChannelProtocol) -> (Vec<Sent>, Vec<Heard>) {
    let exit = Outcome::from_code(&["false".to_owned()], 7);
    let status = if protocol.has_json_status() { exit.to_json() } else { exit.to_text() };
    let opcode = if protocol.is_text() { 1 } else { 2 };
    let long = "0123456789".repeat(30);
    let parts = protocol.encode(1, long.as_bytes());
    let resized = resize::encode(size(100, 30));
    let mut sent = vec![
        (Server, message(protocol, Server, 0, "")),
        (Server, message(protocol, Server, 1, "$ ")),
        (Client, message(protocol, Client, 4, &resized[..7])),
        (Client, frame(0x89, Client, b"ping")),
        (Client, message(protocol, Client, 4, &resized[7..])),
        (Client, message(protocol, Client, 0, "ls\n")),
        (Server, frame(opcode, Server, b"")),
        (Server, frame(0, Server, &parts[..1])),
        (Server, frame(0x8a, Server, b"ping")),
        (Server, frame(0, Server, &parts[1..150])),
        (Server, frame(0x80, Server, &parts[150..])),
        (Server, message(protocol, Server, 2, "no such file\n")),
        (Server, message(protocol, Server, 9, "nobody")),
        (Client, message(protocol, Client, 0, "exit\n")),
    ];
    if let Some(end) = protocol.encode_close(0) {
        sent.push((Client, frame(0x82, Client, &end)));
        sent.push((Client, message(protocol, Client, 0, "after the end")));
    }
    sent.extend([
        (Server, message(protocol, Server, 3, &status)),
        (Server, frame(0x88, Server, &[3, 0xe8])),
        (Client, frame(0x88, Client, &[3, 0xe8])),
        (Client, b"not read any more".to_vec()),
    ]);
    let heard = vec![
        bytes(Role::Stdout, "$ "),
        Heard::Resize(size(100, 30)),
        bytes(Role::Stdin, "ls\n"),
        bytes(Role::Stdout, &long),
        bytes(Role::Stderr, "no such file\n"),
        bytes(Role::Stdin, "exit\n"),
        Heard::Outcome(match exit {
            Outcome::Exit { message, .. } if !protocol.has_json_status() => Outcome::Failure { message },
            exit => exit,
        }),
    ];
    (sent, heard)
}

const SPDY: [ExecProtocol; 4] = [ExecProtocol::V1, ExecProtocol::V2, ExecProtocol::V3, ExecProtocol::V4];
const WEBSOCKET: [ChannelProtocol; 5] = [
    ChannelProtocol::V1,
    ChannelProtocol::V1Base64,
    ChannelProtocol::V4,
    ChannelProtocol::V4Base64,
    ChannelProtocol::V5,
];
