//! What the frames promise: the dictionary, round trips, any cut of the bytes, limits, and no panic on noise.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::headers::{DICTIONARY, DICTIONARY_ID};
use super::{DATA_PIECE, Decoder, Encoder, Error, Frame, Headers, Setting};

fn decode(bytes: &[u8]) -> Result<Vec<Frame>, Error> {
    let mut frames = Vec::new();
    Decoder::new().feed(bytes, &mut frames)?;
    Ok(frames)
}

fn encode(frames: &[Frame]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    for frame in frames {
        encoder.encode(frame, &mut out).unwrap();
    }
    out
}

fn syn(stream: u32, headers: Headers) -> Frame {
    Frame::SynStream { stream, associated: 0, priority: 0, fin: false, unidirectional: false, headers }
}

#[test]
fn the_dictionary_is_the_standards() {
    // A zlib stream names its dictionary by this checksum; 1423 and 0xe3c6a7c2 are the protocol's.
    let (mut a, mut b) = (1u32, 0u32);
    for byte in DICTIONARY.iter() {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    assert_eq!(DICTIONARY.len(), 1423);
    assert_eq!(b << 16 | a, DICTIONARY_ID);
}

#[test]
fn kubectls_first_bytes_are_read() {
    // The first frames that kubectl 1.20.2 sent for `kubectl exec -i` without a terminal.
    let bytes = include_bytes!("../../../tests/data/streams/kubectl-1.20-exec.spdy");
    let frames = decode(bytes).unwrap();
    let kinds: Vec<_> = frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::SynStream { stream, headers, .. } => {
                Some((*stream, headers.get("streamType")?.to_owned()))
            }
            _ => None,
        })
        .collect();
    let expected = [(1, "error"), (3, "stdin"), (5, "stdout"), (7, "stderr")];
    assert_eq!(kinds, expected.map(|(stream, kind)| (stream, kind.to_owned())));
}

#[test]
fn a_long_data_frame_comes_in_pieces() {
    let bytes = Bytes::from(vec![7u8; DATA_PIECE * 2 + 3]);
    let frames = decode(&encode(&[Frame::Data { stream: 5, fin: true, bytes }])).unwrap();
    let shape: Vec<_> = frames
        .iter()
        .map(|frame| match frame {
            Frame::Data { stream, fin, bytes } => (*stream, *fin, bytes.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(shape, [(5, false, DATA_PIECE), (5, false, DATA_PIECE), (5, true, 3)]);
}

#[test]
fn limits_and_faults_are_errors_that_stay() {
    let head = |first: u32, second: u32| [first.to_be_bytes(), second.to_be_bytes()].concat();
    let cases: [(&str, Vec<u8>, Error); 6] = [
        ("version", head(0x8002_0001, 0), Error::Version(2)),
        ("stream 0", head(0, 5), Error::NoStream),
        (
            "long control frame",
            head(0x8003_0001, 0x00ff_ffff),
            Error::TooLong { what: "control frame", length: 0xff_ffff, limit: 65536 },
        ),
        ("short ping", [head(0x8003_0006, 3), vec![0; 3]].concat(), Error::Malformed(6)),
        ("long ping", [head(0x8003_0006, 5), vec![0; 5]].concat(), Error::Malformed(6)),
        (
            "settings that claim more than they hold",
            [head(0x8003_0004, 4), vec![0xff; 4]].concat(),
            Error::Malformed(4),
        ),
    ];
    for (name, bytes, expected) in cases {
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        assert_eq!(decoder.feed(&bytes, &mut frames), Err(expected.clone()), "{name}");
        assert_eq!(decoder.feed(&encode(&[Frame::Ping { id: 1 }]), &mut frames), Err(expected), "{name}");
        assert!(frames.is_empty(), "{name}");
    }
}

#[test]
fn a_header_block_that_inflates_too_far_is_refused() {
    // Compressible beyond the limit: one name of 15 KiB twice over would fit, so go through the deflater directly.
    let big = "a".repeat(15 * 1024);
    let frame = syn(1, [("name", big.as_str())].into_iter().collect());
    assert_eq!(decode(&encode(std::slice::from_ref(&frame))).unwrap(), [frame]);

    let bomb = flate(&vec![b'a'; 20 * 1024]);
    let mut bytes = vec![0x80, 3, 0, 2, 0, 0, 0, 0];
    bytes.extend_from_slice(&1u32.to_be_bytes());
    bytes.extend_from_slice(&bomb);
    let length = (bytes.len() - 8) as u32;
    bytes.splice(5..8, length.to_be_bytes()[1..].iter().copied());
    assert!(matches!(decode(&bytes), Err(Error::TooLong { what: "header block", .. })));
    assert!(bytes.len() < 200, "the bomb is small on the wire: {}", bytes.len());
}

fn flate(bytes: &[u8]) -> Vec<u8> {
    let mut compress = flate2::Compress::new(flate2::Compression::best(), true);
    compress.set_dictionary(&DICTIONARY).unwrap();
    let mut out = Vec::with_capacity(bytes.len() + 100);
    compress.compress_vec(bytes, &mut out, flate2::FlushCompress::Sync).unwrap();
    out
}

#[test]
fn an_unknown_control_frame_is_skipped() {
    let mut bytes = vec![0x80, 3, 0, 0x0b, 0, 2, 0, 1];
    bytes.extend(vec![0xee; 0x2_0001]);
    bytes.extend(encode(&[Frame::Ping { id: 3 }]));
    let frames = decode(&bytes).unwrap();
    assert_eq!(frames, [Frame::Unknown { kind: 11, length: 0x2_0001 }, Frame::Ping { id: 3 }]);
}

#[test]
fn values_of_one_name_are_joined() {
    let headers: Headers = [("Accept", "a"), ("accept", "b")].into_iter().collect();
    assert_eq!(headers.get("ACCEPT"), Some("a"));
    assert_eq!(headers.iter().collect::<Vec<_>>(), [("accept", "a\0b")]);
}

fn any_headers() -> impl Strategy<Value = Headers> {
    vec(("[a-zA-Z0-9-]{1,12}", "[ -~\u{e4}\u{20ac}]{0,40}"), 0..6)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let stream = 1..=0x7fff_ffffu32;
    prop_oneof![
        (stream.clone(), 0..=0x7fff_ffffu32, 0..8u8, any::<bool>(), any::<bool>(), any_headers()).prop_map(
            |(stream, associated, priority, fin, unidirectional, headers)| Frame::SynStream {
                stream,
                associated,
                priority,
                fin,
                unidirectional,
                headers
            }
        ),
        (stream.clone(), any::<bool>(), any_headers()).prop_map(|(stream, fin, headers)| Frame::SynReply {
            stream,
            fin,
            headers
        }),
        (stream.clone(), any::<bool>(), any_headers()).prop_map(|(stream, fin, headers)| Frame::Headers {
            stream,
            fin,
            headers
        }),
        (stream.clone(), any::<u32>()).prop_map(|(stream, status)| Frame::RstStream { stream, status }),
        (any::<bool>(), vec((any::<u8>(), 0..0x100_0000u32, any::<u32>()), 0..5)).prop_map(
            |(clear, entries)| Frame::Settings {
                clear,
                entries: entries.into_iter().map(|(flags, id, value)| Setting { flags, id, value }).collect(),
            }
        ),
        any::<u32>().prop_map(|id| Frame::Ping { id }),
        (0..=0x7fff_ffffu32, any::<u32>())
            .prop_map(|(last_stream, status)| Frame::GoAway { last_stream, status }),
        (0..=0x7fff_ffffu32, 0..=0x7fff_ffffu32)
            .prop_map(|(stream, delta)| Frame::WindowUpdate { stream, delta }),
        (stream, any::<bool>(), vec(any::<u8>(), 0..300)).prop_map(|(stream, fin, bytes)| Frame::Data {
            stream,
            fin,
            bytes: bytes.into()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_decodes_again(frames in vec(any_frame(), 0..12)) {
        prop_assert_eq!(decode(&encode(&frames)).unwrap(), frames);
    }

    #[test]
    fn one_cut_anywhere_changes_nothing(frames in vec(any_frame(), 1..4)) {
        let bytes = encode(&frames);
        for cut in 0..=bytes.len() {
            let mut decoder = Decoder::new();
            let mut got = Vec::new();
            decoder.feed(&bytes[..cut], &mut got).unwrap();
            prop_assert!(cut == bytes.len() || cut == 0 || got.len() < frames.len() || decoder.is_between_frames());
            decoder.feed(&bytes[cut..], &mut got).unwrap();
            prop_assert_eq!(&got, &frames);
            prop_assert!(decoder.is_between_frames());
        }
    }

    #[test]
    fn many_cuts_change_nothing(frames in vec(any_frame(), 1..10), sizes in vec(1..40usize, 1..50)) {
        let bytes = encode(&frames);
        let mut decoder = Decoder::new();
        let mut got = Vec::new();
        let mut rest = bytes.as_slice();
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            decoder.feed(now, &mut got).unwrap();
            rest = later;
        }
        prop_assert_eq!(got, frames);
    }

    #[test]
    fn noise_is_refused_or_read_but_never_panics(noise in vec(any::<u8>(), 0..2000), cut in 0..2000usize) {
        let whole = decode(&noise);
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        let (first, second) = noise.split_at(cut.min(noise.len()));
        let halves = decoder.feed(first, &mut frames).and_then(|()| decoder.feed(second, &mut frames));
        prop_assert_eq!(whole.map(|_| ()), halves);
    }

    #[test]
    fn a_damaged_byte_never_panics(frames in vec(any_frame(), 1..6), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encode(&frames);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes);
    }
}
