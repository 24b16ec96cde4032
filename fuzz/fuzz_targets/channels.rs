//! The channels of exec: WebSocket messages, terminal sizes (the same however they are cut), the status at the end.

#![no_main]

use jumpgate::streams::channels::{
    resize,
    status::Outcome,
    websocket::{ChannelProtocol, Event},
};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 5] = [
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
    "v4.base64.channel.k8s.io",
];

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (which, channel, bytes) = input;
    if let Some(protocol) = ChannelProtocol::from_name(NAMES[usize::from(which) % NAMES.len()]) {
        let _ = protocol.decode(bytes);
        let channel = channel % 5;
        let sent = protocol.encode(channel, bytes);
        assert_eq!(protocol.decode(&sent), Ok(Event::Data { channel, bytes: bytes.to_vec() }));
    }
    let read = |step: usize| {
        let (mut decoder, mut sizes) = (resize::Decoder::new(), Vec::new());
        let done = bytes.chunks(step.max(1)).try_for_each(|part| decoder.feed(part, &mut sizes));
        (sizes, done)
    };
    assert_eq!(read(bytes.len()), read(usize::from(which)));
    let outcome = Outcome::read(bytes);
    assert_eq!(Outcome::read(&outcome.to_json()), outcome);
});
