//! The channels of exec: WebSocket messages, terminal sizes, the status at the end.

#![no_main]

use jumpgate::streams::channels::{resize, status::Outcome, websocket::ChannelProtocol};
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
        let sent = protocol.encode(channel % 5, bytes);
        assert!(protocol.decode(&sent).is_ok(), "what is written here is read here");
    }
    let read = |step: usize| {
        let mut decoder = resize::Decoder::new();
        let mut sizes = Vec::new();
        let done = bytes.chunks(step.max(1)).try_for_each(|part| {
            sizes.extend(decoder.feed(part)?);
            Ok::<(), resize::Error>(())
        });
        (sizes, done.is_ok())
    };
    let (whole, cut) = (read(bytes.len()), read(usize::from(which)));
    if whole.1 && cut.1 {
        assert_eq!(whole.0, cut.0);
    }
    let _ = Outcome::read(bytes).to_json();
});
