//! SPDY frames: however the bytes are cut, the same frames come out, and the same fault.

#![no_main]

use jumpgate::streams::spdy::{Decoder, Frame};
use libfuzzer_sys::fuzz_target;

/// Frames as they are told apart.
fn joined(frames: Vec<Frame>) -> Vec<String> {
    frames.iter().map(|frame| format!("{frame:?}")).collect()
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    let at_once = Decoder::new().feed(bytes, &mut whole);
    let mut decoder = Decoder::new();
    let step = usize::from(cut % 64) + 1;
    let by_parts = bytes.chunks(step).try_for_each(|part| decoder.feed(part, &mut parts));
    assert_eq!(at_once, by_parts);
    assert_eq!(joined(whole), joined(parts));
    if by_parts.is_err() {
        assert_eq!(decoder.feed(b"", &mut Vec::new()), by_parts, "a decoder that failed stays failed");
    }
});
