//! SPDY frames: however the bytes are cut, the same frames come out, and the same fault; what is written from them is read as them.

#![no_main]

use jumpgate::streams::spdy::{Decoder, Encoder, Error, Frame};
use libfuzzer_sys::fuzz_target;

fn decode(bytes: &[u8], step: usize) -> (Vec<Frame>, Result<(), Error>, bool) {
    let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
    let done = bytes.chunks(step).try_for_each(|part| decoder.feed(part, &mut frames));
    let again = decoder.feed(b"", &mut Vec::new());
    assert_eq!(again, done, "a decoder that failed stays failed");
    (frames, done, decoder.is_between_frames())
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let whole = decode(bytes, bytes.len().max(1));
    assert_eq!(decode(bytes, usize::from(cut % 64) + 1), whole);
    let (frames, ..) = whole;
    let held: usize = frames.iter().map(|frame| if let Frame::Data { bytes, .. } = frame { bytes.len() } else { 0 }).sum();
    assert!(held <= bytes.len());

    let (mut encoder, mut written) = (Encoder::new(), Vec::new());
    for frame in &frames {
        encoder.encode(frame, &mut written).expect("a frame that was read can be written");
    }
    let known: Vec<Frame> = frames.into_iter().filter(|frame| !matches!(frame, Frame::Unknown { .. })).collect();
    assert_eq!(decode(&written, 1024), (known, Ok(()), true));
});
