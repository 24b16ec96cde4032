//! Bytes of both directions of an exec or attach, in any protocol: no panic, nothing heard that was not sent, the same however they
//! are cut, and a listener that failed stays failed.

#![no_main]

use jumpgate::streams::{
    channels::{ExecProtocol, Role, websocket::ChannelProtocol},
    exec::{Heard, ListenError, Listener},
};
use libfuzzer_sys::fuzz_target;

const SPDY: [ExecProtocol; 4] = [ExecProtocol::V1, ExecProtocol::V2, ExecProtocol::V3, ExecProtocol::V4];
const WEBSOCKET: [ChannelProtocol; 5] = [
    ChannelProtocol::V1,
    ChannelProtocol::V1Base64,
    ChannelProtocol::V4,
    ChannelProtocol::V4Base64,
    ChannelProtocol::V5,
];

/// What was heard, byte by byte.
#[derive(Debug, PartialEq)]
enum One {
    Byte(Role, u8),
    Other(Heard),
}

fn one_by_one(heard: Vec<Heard>) -> Vec<One> {
    let mut all = Vec::new();
    for one in heard {
        match one {
            Heard::Bytes(role, bytes) => {
                assert!(!bytes.is_empty());
                all.extend(bytes.iter().map(|byte| One::Byte(role, *byte)));
            }
            other => all.push(One::Other(other)),
        }
    }
    all
}

/// What is heard of pieces, each cut once more; and the fault.
fn listen(mut listener: Listener, pieces: &[(bool, &[u8])], step: usize) -> (Vec<One>, Option<ListenError>) {
    let (mut heard, mut failed) = (Vec::new(), None);
    for (server, piece) in pieces {
        for part in piece.chunks(step) {
            let done = match server {
                true => listener.server(part, &mut heard),
                false => listener.client(part, &mut heard),
            };
            match (&failed, done) {
                (None, done) => failed = done.err(),
                (Some(before), done) => assert_eq!(done.as_ref(), Err(before)),
            }
        }
    }
    // After a fault nothing is said of the end: what was said until then may be cut.
    if failed.is_none() {
        listener.finish(&mut heard);
    }
    (one_by_one(heard), failed)
}

// The first byte chooses the protocol, and how the pieces are cut once more. Then come pieces, as in the tapes of tests/data/streams
// but with a single byte before each: its highest bit is the sender (set: the server), the rest the length.
fuzz_target!(|input: &[u8]| {
    let Some((first, mut rest)) = input.split_first() else { return };
    let which = usize::from(*first) % (SPDY.len() + WEBSOCKET.len());
    let listener = || match SPDY.get(which) {
        Some(protocol) => Listener::spdy(*protocol),
        None => Listener::websocket(WEBSOCKET[which - SPDY.len()]),
    };
    let mut pieces = Vec::new();
    while let Some((head, after)) = rest.split_first() {
        let (piece, later) = after.split_at(usize::from(head & 0x7f).min(after.len()));
        pieces.push((head & 0x80 != 0, piece));
        rest = later;
    }
    let (whole, failed) = listen(listener(), &pieces, usize::MAX);
    let (parts, failed_too) = listen(listener(), &pieces, 1 + usize::from(*first) / 9);
    // Base64 is decoded a piece at a time: of the very piece that has a fault more is heard when it comes in parts, and then that may
    // be what fails first.
    if which >= SPDY.len() && WEBSOCKET[which - SPDY.len()].is_text() {
        assert_eq!(failed.is_some(), failed_too.is_some());
    } else {
        assert_eq!(failed, failed_too);
    }
    let same = if failed.is_some() { whole.len().min(parts.len()) } else { whole.len().max(parts.len()) };
    assert_eq!(whole.get(..same), parts.get(..same));
    let bytes = whole.iter().filter(|one| matches!(one, One::Byte(..))).count();
    assert!(bytes <= input.len());
});
