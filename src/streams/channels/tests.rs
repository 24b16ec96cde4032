//! What the channels promise.

use proptest::collection::vec;
use proptest::prelude::*;

use super::resize::{self, TerminalSize};
use super::status::Outcome;
use super::websocket::{ChannelProtocol, Error, Event};
use super::{ExecProtocol, ForwardStream, Role};
use crate::streams::spdy::Headers;

#[test]
fn streams_say_what_they_are() {
    let of = |kind: &str| Role::of(&[("streamtype", kind)].into_iter().collect());
    for role in [Role::Stdin, Role::Stdout, Role::Stderr, Role::Error, Role::Resize] {
        assert_eq!(of(role.name()), Some(role));
        assert_eq!(Role::from_channel(role.channel().unwrap()), Some(role));
    }
    assert_eq!(of("data"), Some(Role::Data));
    assert_eq!(of("Stdin"), None);
    assert_eq!(Role::of(&Headers::new()), None);
    assert_eq!(Role::from_channel(5), None);
}

#[test]
fn forward_streams_need_all_their_headers() {
    let read = |pairs: &[(&str, &str)]| ForwardStream::read(&pairs.iter().copied().collect());
    assert_eq!(
        read(&[("streamType", "data"), ("port", "8080"), ("requestID", "0")]),
        Ok(ForwardStream { role: Role::Data, port: 8080, request: "0".to_owned() })
    );
    for wrong in [
        &[("streamType", "stdin"), ("port", "8080"), ("requestID", "0")][..],
        &[("streamType", "data"), ("port", "0"), ("requestID", "0")],
        &[("streamType", "data"), ("port", "65536"), ("requestID", "0")],
        &[("streamType", "data"), ("port", "80")],
    ] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn exec_protocols_have_an_order() {
    assert_eq!(ExecProtocol::from_name("v4.channel.k8s.io"), Some(ExecProtocol::V4));
    assert_eq!(ExecProtocol::from_name("v5.channel.k8s.io"), None);
    assert!(ExecProtocol::V2 < ExecProtocol::V3);
}

#[test]
fn messages_in_each_protocol() {
    use ChannelProtocol::{V1, V1Base64, V4, V5};
    assert_eq!(V5.decode(b"\x00hi"), Ok(Event::Data { channel: 0, bytes: b"hi".to_vec() }));
    assert_eq!(V5.decode(b"\xff\x00"), Ok(Event::Close { channel: 0 }));
    assert_eq!(V5.decode(b"\xff"), Err(Error::Close));
    assert_eq!(V4.decode(b"\xff\x00"), Ok(Event::Data { channel: 255, bytes: vec![0] }));
    assert_eq!(V1.decode(b""), Err(Error::Empty));
    assert_eq!(V1Base64.decode(b"0aGk="), Ok(Event::Data { channel: 0, bytes: b"hi".to_vec() }));
    assert_eq!(V1Base64.decode(b"xaGk="), Err(Error::Channel));
    assert_eq!(V1Base64.decode(b"0a"), Err(Error::Base64));
    assert_eq!(V1Base64.encode(2, b"hi"), b"2aGk=");
    assert_eq!(V5.encode_close(0), Some(vec![255, 0]));
    assert_eq!(V4.encode_close(0), None);
    assert_eq!(ChannelProtocol::choose(["v9.channel.k8s.io", "v4.channel.k8s.io"]), Some(V4));
}

#[test]
fn sizes_come_whole_however_they_are_cut() {
    let bytes = b"{\"Width\":80,\"Height\":24}\n{\"Width\":100,\"Height\":30}";
    let expected = [TerminalSize { width: 80, height: 24 }, TerminalSize { width: 100, height: 30 }];
    for cut in 0..=bytes.len() {
        let mut decoder = resize::Decoder::new();
        let mut sizes = Vec::new();
        decoder.feed(&bytes[..cut], &mut sizes).unwrap();
        decoder.feed(&bytes[cut..], &mut sizes).unwrap();
        assert_eq!(sizes, expected, "cut at {cut}");
    }
    let fault = |text: &str| resize::Decoder::new().feed(text.as_bytes(), &mut Vec::new());
    assert_eq!(fault("{\"Width\":70000}"), Err(resize::Error::Malformed));
    assert_eq!(fault("\"80x24\""), Err(resize::Error::Malformed));
    assert_eq!(fault(&format!("{{\"Width\":{}", " ".repeat(2000))), Err(resize::Error::TooLong));
}

#[test]
fn outcomes_are_read_as_they_were_written() {
    let command = ["sh".to_owned(), "-c".to_owned(), "exit 3".to_owned()];
    for outcome in [
        Outcome::Success,
        Outcome::from_code(&command, 3),
        Outcome::Failure { message: "no such pod".to_owned() },
    ] {
        assert_eq!(Outcome::read(&outcome.to_json()), outcome);
    }
    assert_eq!(
        String::from_utf8(Outcome::Success.to_json()).unwrap(),
        r#"{"metadata":{},"status":"Success"}"#
    );
    assert_eq!(Outcome::read(b""), Outcome::Success);
    assert_eq!(Outcome::read(b"went wrong\n"), Outcome::Failure { message: "went wrong".to_owned() });
    assert_eq!(Outcome::Success.to_text(), b"");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_round_trip(channel in 0..10u8, bytes in vec(any::<u8>(), 0..200)) {
        use ChannelProtocol::{V1, V1Base64, V4, V4Base64, V5};
        for protocol in [V1, V1Base64, V4, V4Base64, V5] {
            let message = protocol.encode(channel, &bytes);
            prop_assert_eq!(protocol.decode(&message), Ok(Event::Data { channel, bytes: bytes.clone() }));
        }
    }

    #[test]
    fn noise_never_panics(noise in vec(any::<u8>(), 0..300)) {
        for protocol in [ChannelProtocol::V5, ChannelProtocol::V4, ChannelProtocol::V1Base64] {
            let _ = protocol.decode(&noise);
        }
        let _ = resize::Decoder::new().feed(&noise, &mut Vec::new());
        let _ = Outcome::read(&noise);
    }
}
