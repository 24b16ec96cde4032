//! What kubectl and an API server sent each other, recorded by the story `listened` (tests/listened.rs).

use super::*;

/// A recorded connection: for each piece the sender (`c` or `s`), its length in 32 bits, its bytes.
fn tape(mut bytes: &[u8]) -> Vec<Sent> {
    let mut sent = Vec::new();
    while let Some((sender, rest)) = bytes.split_first() {
        let (length, rest) = rest.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (piece, rest) = rest.split_at(length);
        sent.push((if *sender == b'c' { Client } else { Server }, piece.to_vec()));
        bytes = rest;
    }
    sent
}

/// All bytes of a role, and whatever else was heard, in order. How two streams fall between each other is chance.
fn told(heard: &[Heard]) -> ([String; 3], Vec<Heard>) {
    let text = |wanted| {
        let all = heard.iter().filter_map(|one| match one {
            Heard::Bytes(role, bytes) if *role == wanted => Some(&bytes[..]),
            _ => None,
        });
        String::from_utf8(all.flatten().copied().collect()).unwrap()
    };
    let rest = heard.iter().filter(|one| !matches!(one, Heard::Bytes(..))).cloned().collect();
    ([text(Role::Stdin), text(Role::Stdout), text(Role::Stderr)], rest)
}

fn exit(heard: &[Heard]) -> Option<i32> {
    match heard.last() {
        Some(Heard::Outcome(Outcome::Exit { code, .. })) => Some(*code),
        _ => None,
    }
}

fn check(listener: fn() -> Listener, piped: &[u8], terminal: &[u8]) {
    let piped = tape(piped);
    let whole = listen(listener(), &piped);
    let (texts, rest) = told(&whole);
    assert_eq!(texts, ["one\ntwo", "one\ntwo", "err\n"]);
    assert_eq!((rest.len(), exit(&rest)), (1, Some(3)));
    let terminal = tape(terminal);
    let (texts, rest) = told(&listen(listener(), &terminal));
    assert!(texts[0].ends_with("exit 7\n") && texts[1].contains("resized\r\n"), "{texts:?}");
    assert_eq!(texts[2], "");
    assert!(
        rest.contains(&Heard::Resize(size(80, 24))) && rest.contains(&Heard::Resize(size(132, 41))),
        "{rest:?}"
    );
    assert_eq!(exit(&rest), Some(7));
    for tape in [piped, terminal] {
        let whole = listen(listener(), &tape);
        for sent in cut_once(&tape) {
            assert_eq!(listen(listener(), &sent), whole);
        }
        for length in 1..30 {
            assert_eq!(listen(listener(), &cut(&tape, &[length, 1, 2 * length])), whole);
        }
    }
}

#[test]
fn kubectl_1_20_over_spdy() {
    check(
        || Listener::spdy(ExecProtocol::V4),
        include_bytes!("../../../../tests/data/streams/old-piped.tape"),
        include_bytes!("../../../../tests/data/streams/old-terminal.tape"),
    );
}

#[test]
fn a_current_kubectl_over_a_websocket() {
    check(
        || Listener::websocket(ChannelProtocol::V5),
        include_bytes!("../../../../tests/data/streams/websocket-piped.tape"),
        include_bytes!("../../../../tests/data/streams/websocket-terminal.tape"),
    );
}

#[test]
fn a_current_kubectl_over_spdy() {
    check(
        || Listener::spdy(ExecProtocol::V4),
        include_bytes!("../../../../tests/data/streams/spdy-piped.tape"),
        include_bytes!("../../../../tests/data/streams/spdy-terminal.tape"),
    );
}
