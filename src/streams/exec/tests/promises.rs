//! What the listener promises: every protocol, any cut of the bytes, who may say what on which stream, no panic on noise.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::streams::{
    channels::{self, MAX_MESSAGE},
    exec::{ListenError, MAX_STREAMS},
    spdy::Error as SpdyError,
};

#[test]
fn every_protocol_over_spdy_however_it_is_cut() {
    for protocol in SPDY {
        let (sent, expected) = spdy_session(protocol);
        assert_eq!(listen(Listener::spdy(protocol), &sent), expected, "{protocol:?}");
        for sent in cut_once(&sent) {
            assert_eq!(listen(Listener::spdy(protocol), &sent), expected, "{protocol:?}");
        }
    }
}

#[test]
fn every_protocol_over_a_websocket_however_it_is_cut() {
    for protocol in WEBSOCKET {
        let (sent, expected) = websocket_session(protocol);
        assert_eq!(listen(Listener::websocket(protocol), &sent), expected, "{protocol:?}");
        for sent in cut_once(&sent) {
            assert_eq!(listen(Listener::websocket(protocol), &sent), expected, "{protocol:?}");
        }
    }
}

#[test]
fn bytes_of_a_message_are_heard_in_the_call_that_brings_them() {
    for (protocol, whole) in [(ChannelProtocol::V5, 1), (ChannelProtocol::V4Base64, 4)] {
        let text = "some output, and more of it\n";
        let all = message(protocol, Server, 1, text);
        let mut listener = Listener::websocket(protocol);
        let (mut heard, mut so_far) = (Vec::new(), 0);
        for (at, byte) in all.iter().enumerate() {
            listener.server(&[*byte], &mut heard).unwrap();
            // Two bytes of head, one of channel.
            let seen = (at + 1).saturating_sub(3);
            let due = if whole == 1 { seen } else { (seen / 4 * 3).min(text.len()) };
            so_far += heard.drain(..).map(|one| length(&one)).sum::<usize>();
            assert_eq!(so_far, due, "{protocol:?} after byte {at}");
        }
    }
}

#[test]
fn a_long_frame_is_heard_before_it_ends() {
    let mut listener = Listener::spdy(ExecProtocol::V4);
    let (mut up, mut heard) = (Encoder::new(), Vec::new());
    listener.client(&spdy(&mut up, &[syn(1, "stdout")]), &mut heard).unwrap();
    let long = spdy(&mut Encoder::new(), &[data(1, false, vec![b'x'; 200_000])]);
    listener.server(&long[..long.len() - 1], &mut heard).unwrap();
    let total: usize = heard.iter().map(length).sum();
    assert_eq!(total, 3 * 64 * 1024);
}

#[test]
fn only_who_is_read_is_heard() {
    let (mut up, mut down) = (Encoder::new(), Encoder::new());
    let sent = [
        (
            Client,
            spdy(&mut up, &[syn(1, "error"), syn(3, "stdin"), syn(5, "stdout"), syn(7, "data"), syn(9, "x")]),
        ),
        // A client's output, a server's input, and streams that mean nothing or were never opened.
        (
            Client,
            spdy(
                &mut up,
                &[data(1, false, "no"), data(5, true, "no"), data(7, false, "no"), data(11, false, "no")],
            ),
        ),
        (
            Server,
            spdy(
                &mut down,
                &[data(3, false, "no"), data(7, false, "no"), data(9, false, "no"), data(13, false, "no")],
            ),
        ),
        (Server, spdy(&mut down, &[syn(2, "stdout"), data(2, false, "no"), data(5, false, "yes")])),
    ];
    assert_eq!(listen(Listener::spdy(ExecProtocol::V4), &sent), [bytes(Role::Stdout, "yes")]);
    let v5 = ChannelProtocol::V5;
    let sent = [
        (
            Client,
            [message(v5, Client, 1, "no"), message(v5, Client, 2, "no"), message(v5, Client, 3, "no")]
                .concat(),
        ),
        (
            Server,
            [message(v5, Server, 0, "no"), message(v5, Server, 4, "no"), message(v5, Server, 255, "no")]
                .concat(),
        ),
        (
            Client,
            [message(v5, Client, 77, "no"), frame(0x82, Client, b""), message(v5, Client, 0, "yes")].concat(),
        ),
    ];
    assert_eq!(listen(Listener::websocket(v5), &sent), [bytes(Role::Stdin, "yes")]);
}

#[test]
fn a_reset_hides_no_output_and_ends_input() {
    let reset = |stream| Frame::RstStream { stream, status: 5 };
    let (mut up, mut down) = (Encoder::new(), Encoder::new());
    let sent = [
        (Client, spdy(&mut up, &[syn(1, "stdin"), syn(3, "stdout"), syn(5, "error"), syn(7, "stdin")])),
        (Client, spdy(&mut up, &[data(1, false, "in"), reset(1), data(1, false, "no"), reset(3)])),
        (Server, spdy(&mut down, &[data(3, false, "out"), reset(7), reset(5)])),
        (
            Client,
            spdy(
                &mut up,
                &[data(7, false, "no"), syn(9, "stdin"), data(9, true, "second"), data(9, false, "no")],
            ),
        ),
        (Server, spdy(&mut down, &[data(5, true, "no"), data(3, true, ""), data(3, false, "late")])),
    ];
    let expected = [
        bytes(Role::Stdin, "in"),
        bytes(Role::Stdout, "out"),
        bytes(Role::Stdin, "second"),
        bytes(Role::Stdout, "late"),
    ];
    assert_eq!(listen(Listener::spdy(ExecProtocol::V4), &sent), expected);
}

#[test]
fn how_it_ended() {
    let told = |protocol, frames: &[Frame]| {
        let open = spdy(&mut Encoder::new(), &[syn(1, "error")]);
        listen(Listener::spdy(protocol), &[(Client, open), (Server, spdy(&mut Encoder::new(), frames))])
    };
    let failure = |message: &str| [Heard::Outcome(Outcome::Failure { message: message.to_owned() })];
    let success = [Heard::Outcome(Outcome::Success)];
    assert_eq!(told(ExecProtocol::V4, &[data(1, true, "")]), success);
    assert_eq!(told(ExecProtocol::V4, &[data(1, false, Outcome::Success.to_json())]), success);
    assert_eq!(told(ExecProtocol::V4, &[]), []);
    assert_eq!(told(ExecProtocol::V4, &[Frame::RstStream { stream: 1, status: 5 }]), []);
    assert_eq!(told(ExecProtocol::V1, &[data(1, true, "404")]), failure("404"));
    let fin = Frame::Headers { stream: 1, fin: true, headers: Headers::new() };
    assert_eq!(told(ExecProtocol::V4, &[data(1, false, "went wrong"), fin]), failure("went wrong"));
    let much = "x".repeat(MAX_MESSAGE);
    assert_eq!(told(ExecProtocol::V4, &[data(1, false, &much), data(1, true, "more")]), failure(&much));

    let over =
        |protocol, frames: &[Vec<u8>]| listen(Listener::websocket(protocol), &[(Server, frames.concat())]);
    let close = frame(0x88, Server, &[3, 0xe8]);
    assert_eq!(over(ChannelProtocol::V1, std::slice::from_ref(&close)), success);
    assert_eq!(over(ChannelProtocol::V5, &[close]), []);
    let said = message(ChannelProtocol::V5, Server, 3, Outcome::Success.to_json());
    assert_eq!(over(ChannelProtocol::V5, &[said]), success);
    let much = message(ChannelProtocol::V5, Server, 3, vec![b'x'; MAX_MESSAGE]);
    assert_eq!(over(ChannelProtocol::V5, &[much.clone(), much]), failure(&"x".repeat(MAX_MESSAGE)));
}

#[test]
fn base64_is_read_as_a_go_server_reads_it() {
    let protocol = ChannelProtocol::V4Base64;
    let text = |text: &str| frame(0x81, Client, text.as_bytes());
    let heard = |texts: &[&str]| {
        let mut heard = Vec::new();
        let all: Vec<u8> = texts.iter().flat_map(|one| text(one)).collect();
        Listener::websocket(protocol).client(&all, &mut heard).map(|()| joined(heard))
    };
    assert_eq!(heard(&["0aG\r\nk=\n", "0", "0IQ=="]), Ok(vec![bytes(Role::Stdin, "hi!")]));
    // Bits that are left over.
    assert_eq!(heard(&["0aGl="]), Ok(vec![bytes(Role::Stdin, "hi")]));
    let wrong = |error| Err(ListenError::Message(error));
    for bad in ["0aGkh0", "0aGk=aGk=", "0aGk==", "0a-k=", "0a=k="] {
        assert_eq!(heard(&[bad]), wrong(channels::websocket::Error::Base64), "{bad}");
    }
    assert_eq!(heard(&["xaGk="]), wrong(channels::websocket::Error::Channel));
}

#[test]
fn faults_are_errors_that_stay() {
    let v5 = ChannelProtocol::V5;
    let from_client = |payload: &[u8]| frame(0x82, Client, payload);
    let stdin = from_client(b"\x00in");
    let cases: [(Sent, ListenError); 12] = [
        ((Client, frame(0x82, Server, b"\x00in")), frames::Error::Mask("client", "is not masked").into()),
        ((Server, stdin.clone()), frames::Error::Mask("server", "is masked").into()),
        ((Server, frame(0xc2, Server, b"\x01")), frames::Error::Reserved.into()),
        ((Server, frame(0x83, Server, b"\x01")), frames::Error::Opcode(3).into()),
        ((Server, frame(0x09, Server, b"")), frames::Error::Control.into()),
        ((Server, frame(0x89, Server, &[0; 126])), frames::Error::Control.into()),
        ((Server, frame(0x80, Server, b"\x01")), frames::Error::Continuation.into()),
        (
            (Server, [frame(2, Server, b"\x01"), frame(2, Server, b"\x01")].concat()),
            frames::Error::Unfinished.into(),
        ),
        ((Server, [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1].to_vec()), frames::Error::Length.into()),
        ((Client, [frame(2, Client, b"\x09"), frame(0x80, Client, b"\x00in")].concat()), ListenError::Parts),
        ((Client, from_client(b"\xff\x00\x00")), channels::websocket::Error::Close.into()),
        ((Client, from_client(b"\x04\"80x24\"")), resize::Error::Malformed.into()),
    ];
    for ((sender, bytes), expected) in cases {
        let (mut listener, mut heard) = (Listener::websocket(v5), Vec::new());
        let first = match sender {
            Client => listener.client(&bytes, &mut heard),
            Server => listener.server(&bytes, &mut heard),
        };
        assert_eq!(first.as_ref(), Err(&expected));
        assert_eq!(listener.client(&stdin, &mut heard).as_ref(), Err(&expected), "it stays failed");
        assert_eq!(heard, []);
    }

    let mut listener = Listener::spdy(ExecProtocol::V4);
    let (mut up, mut heard) = (Encoder::new(), Vec::new());
    // Opened anew as something else: a kubelet would stay with the first.
    let bytes_up = spdy(&mut up, &[syn(3, "stdin"), data(3, false, "in"), syn(3, "resize")]);
    let order = Err(ListenError::StreamOrder { stream: 3, last: 3 });
    assert_eq!(listener.client(&bytes_up, &mut heard), order);
    assert_eq!(listener.server(&[], &mut heard), order);
    assert_eq!(heard, [bytes(Role::Stdin, "in")], "what came before the fault");
    let many: Vec<_> = (0..=MAX_STREAMS as u32).map(|n| syn(2 * n + 1, "stdout")).collect();
    let many = spdy(&mut Encoder::new(), &many);
    assert_eq!(Listener::spdy(ExecProtocol::V4).client(&many, &mut heard), Err(ListenError::TooManyStreams));
    let fault = Listener::spdy(ExecProtocol::V4).server(&[0x80, 2, 0, 1, 0, 0, 0, 0], &mut heard);
    assert_eq!(fault, Err(SpdyError::Version(2).into()));
}

/// What is heard of a resize stream in pieces of this length, and whether it failed.
fn sizes_heard(text: &str, length: usize) -> (Vec<Heard>, Result<(), ListenError>) {
    let all = spdy(&mut Encoder::new(), &[syn(1, "resize"), data(1, false, text)]);
    let (mut listener, mut heard) = (Listener::spdy(ExecProtocol::V4), Vec::new());
    let done = all.chunks(length).try_for_each(|piece| listener.client(piece, &mut heard));
    (heard, done)
}

#[test]
fn sizes_are_the_same_however_they_are_cut_also_before_a_fault() {
    let long = format!("{{\"Width\":70,{}\"Height\":20}}", " ".repeat(1500));
    let (first, too_long) = (Heard::Resize(size(80, 24)), Err(resize::Error::TooLong.into()));
    for length in [1, 7, 64, 4096] {
        let heard = sizes_heard("{\"Width\":80,\"Height\":24} nonsense", length);
        assert_eq!(heard, (vec![first.clone()], Err(resize::Error::Malformed.into())), "{length}");
        // Where it is cut behind the minus, a parser that takes what is there for a whole number fails.
        let heard = sizes_heard("{\"more\":-0,\"Width\":80,\"Height\":24}", length);
        assert_eq!(heard, (vec![first.clone()], Ok(())), "{length}");
        let heard = sizes_heard(&format!("{{\"Width\":80,\"Height\":24}}{long}"), length);
        assert_eq!(heard, (vec![first.clone()], too_long.clone()), "{length}");
    }
}

#[test]
fn sizes_are_read_as_a_kubelet_reads_them() {
    // Go's encoding/json takes names in any letters: whoever wrote them so had another size in the pod than on record.
    let heard = sizes_heard("{\"width\":80,\"HEIGHT\":24,\"more\":[{}]}", 4096);
    assert_eq!(heard, (vec![Heard::Resize(size(80, 24))], Ok(())));
    for wrong in ["{\"Width\":80,\"width\":9}", "[80,24]", "{\"Width\":-1}", "80"] {
        let heard = sizes_heard(&format!("{wrong}\n"), 4096);
        assert_eq!(heard, (vec![], Err(resize::Error::Malformed.into())), "{wrong}");
    }
}

#[test]
fn masks_are_taken_off_wherever_a_piece_begins() {
    let text: String = (0..999).map(|n| char::from(b' ' + (n % 90) as u8)).collect();
    let sent = [(Client, message(ChannelProtocol::V5, Client, 0, &text))];
    for length in 1..20 {
        let cut = cut(&sent, &[length, 3]);
        assert_eq!(listen(Listener::websocket(ChannelProtocol::V5), &cut), [bytes(Role::Stdin, &text)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_is_heard_alike(lengths in vec(1..40usize, 1..20), which in 0..9usize) {
        let (listener, (sent, expected)): (fn(usize) -> Listener, _) = if which < 4 {
            (|which| Listener::spdy(SPDY[which]), spdy_session(SPDY[which]))
        } else {
            (|which| Listener::websocket(WEBSOCKET[which - 4]), websocket_session(WEBSOCKET[which - 4]))
        };
        prop_assert_eq!(listen(listener(which), &cut(&sent, &lengths)), expected);
    }

    #[test]
    fn noise_never_panics_and_is_never_kept(noise in vec((any::<bool>(), vec(any::<u8>(), 0..300)), 0..10), which in 0..9usize) {
        let mut listener =
            if which < 4 { Listener::spdy(SPDY[which]) } else { Listener::websocket(WEBSOCKET[which - 4]) };
        let mut heard = Vec::new();
        for (client, bytes) in &noise {
            let _ = if *client { listener.client(bytes, &mut heard) } else { listener.server(bytes, &mut heard) };
        }
        listener.finish(&mut heard);
        let out: usize = heard.iter().map(length).sum();
        prop_assert!(out <= noise.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
    }

    /// Real sessions with some bytes changed: further into the decoders than noise comes.
    #[test]
    fn damage_never_panics(changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), which in 0..9usize) {
        let (mut listener, (mut sent, _)) = if which < 4 {
            (Listener::spdy(SPDY[which]), spdy_session(SPDY[which]))
        } else {
            (Listener::websocket(WEBSOCKET[which - 4]), websocket_session(WEBSOCKET[which - 4]))
        };
        for (at, byte) in changes {
            let total: usize = sent.iter().map(|(_, bytes)| bytes.len()).sum();
            let at = at.index(total);
            *sent.iter_mut().flat_map(|(_, bytes)| bytes).nth(at).unwrap() = byte;
        }
        let mut heard = Vec::new();
        for (sender, bytes) in &sent {
            let _ = match sender {
                Client => listener.client(bytes, &mut heard),
                Server => listener.server(bytes, &mut heard),
            };
        }
        listener.finish(&mut heard);
    }
}
