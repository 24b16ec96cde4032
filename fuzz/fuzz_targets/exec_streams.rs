//! Bytes of both directions of an exec or attach, in any protocol, cut anywhere: no panic, nothing heard that was not sent, and a
//! listener that failed stays failed.
#![no_main]

use jumpgate::streams::{
    channels::{ExecProtocol, websocket::ChannelProtocol},
    exec::{Heard, Listener},
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

// The first byte chooses the protocol. Then come pieces, as in the tapes of tests/data/streams but with a single byte before each:
// its highest bit is the sender (set: the server), the rest the length.
fuzz_target!(|input: &[u8]| {
    let Some((which, mut rest)) = input.split_first() else { return };
    let which = usize::from(*which) % (SPDY.len() + WEBSOCKET.len());
    let mut listener = match SPDY.get(which) {
        Some(protocol) => Listener::spdy(*protocol),
        None => Listener::websocket(WEBSOCKET[which - SPDY.len()]),
    };
    let (mut heard, mut failed) = (Vec::new(), None);
    while let Some((head, after)) = rest.split_first() {
        let (piece, later) = after.split_at(usize::from(head & 0x7f).min(after.len()));
        let done = match head & 0x80 {
            0 => listener.client(piece, &mut heard),
            _ => listener.server(piece, &mut heard),
        };
        match (&failed, done) {
            (None, done) => failed = done.err(),
            (Some(before), done) => assert_eq!(done.as_ref(), Err(before)),
        }
        rest = later;
    }
    listener.finish(&mut heard);
    let bytes: usize = heard
        .iter()
        .map(|one| match one {
            Heard::Bytes(_, bytes) => {
                assert!(!bytes.is_empty());
                bytes.len()
            }
            _ => 0,
        })
        .sum();
    assert!(bytes <= input.len());
});
