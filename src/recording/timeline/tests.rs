use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::recording::{blocks, decode::Decoder, encode, event::Direction, pack::Packer};

fn header(width: u16, height: u16) -> Header {
    let line = format!("{{\"version\":2,\"width\":{width},\"height\":{height}}}");
    serde_json::from_str(&line).unwrap()
}

fn output(at: u64, text: &str) -> Event {
    Event { at: Duration::from_millis(at), what: What::Bytes(Stream::Stdout, text.into()) }
}

fn texts(moment: &Moment) -> Vec<String> {
    moment.screen.rows().iter().map(|row| row.text()).collect()
}

#[test]
fn the_screen_at_a_time_is_what_had_been_shown_until_then() {
    let mut timeline = Timeline::new(header(10, 2));
    for event in [output(1000, "one\r\n"), output(2000, "two"), output(3000, "\u{1b}[2J\u{1b}[Hthree")] {
        timeline.push(event);
    }
    timeline.push(Event { at: Duration::from_secs(4), what: What::Resize { width: 4, height: 3 } });
    timeline.push(Event { at: Duration::from_secs(5), what: What::Exit(3) });
    let at = |ms| texts(&timeline.at(Duration::from_millis(ms)));
    assert_eq!(at(999), ["", ""]);
    assert_eq!(at(1000), ["one", ""]);
    assert_eq!(at(2500), ["one", "two"]);
    assert_eq!(at(3000), ["three", ""]);
    assert_eq!(at(9000), ["thre", "e", ""]);
    assert_eq!(timeline.total(), Duration::from_secs(5));
    assert_eq!(timeline.ending(), Some(&What::Exit(3)));
}

#[test]
fn a_file_that_is_no_recording_is_refused_and_a_damaged_one_goes_to_the_damage() {
    assert!(matches!(Timeline::read(&b"hello\n"[..]), Err(DecodeError::Header(_))));
    assert!(matches!(Timeline::read(&b""[..]), Err(DecodeError::Header(_))));
    let file = b"{\"version\":2,\"width\":9,\"height\":1}\n[1,\"o\",\"a\"]\nx\n[2,\"o\",\"b\"]\n";
    let timeline = Timeline::read(&file[..]).unwrap();
    assert_eq!(timeline.total(), Duration::from_secs(1));
    assert_eq!(timeline.damage(), Some(&DecodeError::Line(3)));
}

#[test]
fn an_hour_is_sought_through_in_a_tenth_of_a_second() {
    let mut timeline = Timeline::new(header(120, 40));
    let line =
        "\u{1b}[1;32muser@pod\u{1b}[0m:~$ a line of a long session, with some \u{1b}[31mcolour\u{1b}[0m\r\n";
    // Ten lines every tenth of a second.
    for n in 0..36_000 {
        timeline.push(output(n * 100, &line.repeat(10)));
    }
    let times = [3_599_000, 5_000, 1_800_000, 2_700_500, 899_900];
    let mut slowest = Duration::ZERO;
    for ms in times {
        let began = std::time::Instant::now();
        let moment = timeline.at(Duration::from_millis(ms));
        slowest = slowest.max(began.elapsed());
        assert!(texts(&moment)[0].starts_with("user@pod"));
    }
    // The tests are built without optimization, and the machine may be busy.
    assert!(slowest < Duration::from_millis(1000), "{slowest:?}");
}

proptest! {
    #[test]
    fn from_wherever_one_comes_the_screen_is_the_same(
        pieces in proptest::collection::vec(("(\\PC|\r\n|\u{1b}\\[[0-9;]{0,5}[ABCDHJKLMPXm@]|\u{1b}\\[\\?1049[hl]){0,12}", 1_u16..30, 1_u16..9), 1..12),
        seeks in proptest::collection::vec(0_u64..14, 1..6),
    ) {
        let mut timeline = Timeline::new(header(20, 5));
        for (n, (text, width, height)) in pieces.iter().enumerate() {
            let at = Duration::from_secs(n as u64 + 1);
            timeline.push(output(at.as_millis() as u64, text));
            if n % 3 == 2 {
                timeline.push(Event { at, what: What::Resize { width: *width, height: *height } });
            }
            // Key screens everywhere.
            timeline.keys.add(timeline.count, timeline.tip.as_ref().unwrap());
        }
        let mut moment = timeline.at(Duration::ZERO);
        for to in seeks {
            let to = Duration::from_secs(to);
            timeline.advance(&mut moment, to);
            let mut plain = Screen::new(20, 5, false);
            for event in timeline.events().filter(|event| event.at <= to) {
                plain.apply(&event.what);
            }
            prop_assert_eq!(moment.screen.rows(), plain.rows());
            prop_assert_eq!(moment.screen.size(), plain.size());
        }
    }
}

/// Leaves out the notes of what went on in whose place a later one stands.
fn settle(events: &mut Vec<Event>) {
    let (mut inputs, mut files) = (false, false);
    let mut keep: Vec<bool> = events
        .iter()
        .rev()
        .map(|event| match &event.what {
            What::InputRest { so_far, .. } => !std::mem::replace(&mut inputs, true) || !so_far,
            What::File { so_far, .. } => !std::mem::replace(&mut files, true) || !so_far,
            _ => true,
        })
        .collect();
    events.retain(|_| keep.pop().unwrap_or(true));
}

/// All events of a file, read at once.
fn at_once(file: &[u8]) -> Vec<Event> {
    let mut decoder = Decoder::default();
    decoder.feed(&blocks::lines(file)).unwrap();
    decoder.finish();
    let mut events: Vec<Event> = std::iter::from_fn(|| decoder.next_event()).collect();
    let mut last = Duration::ZERO;
    for event in &mut events {
        last = last.max(event.at);
        event.at = last;
    }
    settle(&mut events);
    events
}

/// A file with a frame for each of these.
fn sealed(frames: &[Vec<Event>]) -> Vec<u8> {
    let (mut encoder, mut packer) = (encode::Encoder::default(), Packer::new(Uuid::nil()));
    let mut lines = encode::header(&header(20, 5));
    let mut out = Vec::new();
    for frame in frames {
        frame.iter().for_each(|event| encoder.encode(event, &mut lines));
        out.extend(packer.pack(&lines, Duration::ZERO, Duration::ZERO).unwrap());
        lines.clear();
    }
    out
}

fn any_event() -> impl Strategy<Value = Event> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..12);
    let stream = prop_oneof![Just(Stream::Stdin), Just(Stream::Stdout), Just(Stream::Stderr)];
    let what = prop_oneof![
        4 => (stream, bytes).prop_map(|(stream, bytes)| What::Bytes(stream, bytes)),
        1 => (1_u16..30, 1_u16..9).prop_map(|(width, height)| What::Resize { width, height }),
        1 => (any::<bool>(), any::<u64>())
            .prop_map(|(so_far, bytes)| What::InputRest { so_far, bytes, sha256: [1; 32] }),
        1 => (any::<bool>(), any::<u64>())
            .prop_map(|(so_far, bytes)| What::File { so_far, direction: Direction::Up, bytes, sha256: [2; 32] }),
    ];
    (0_u64..20, what).prop_map(|(at, what)| Event { at: Duration::from_secs(at), what })
}

proptest! {
    #[test]
    fn what_is_unpacked_when_it_is_needed_is_what_was_packed(
        frames in proptest::collection::vec(proptest::collection::vec(any_event(), 0..6), 1..6),
        seeks in proptest::collection::vec(0_u64..22, 1..6),
    ) {
        let file = sealed(&frames);
        let expected = at_once(&file);
        let plain = blocks::lines(&file);
        let read = [Timeline::read(file.clone()), Timeline::read(plain), Timeline::read_events(file)];
        for timeline in read.map(Result::unwrap) {
            prop_assert!(timeline.damage().is_none());
            prop_assert_eq!(timeline.events().collect::<Vec<_>>(), expected.clone());
            let counted: Vec<&Event> = expected.iter().filter(|event| !is_so_far(&event.what)).collect();
            prop_assert_eq!(timeline.count(), counted.len());
            for (n, event) in counted.iter().enumerate() {
                prop_assert_eq!(timeline.time_of(n), Some(event.at));
            }
            prop_assert_eq!(timeline.time_of(counted.len()), None);
            for to in &seeks {
                let to = Duration::from_secs(*to);
                let moment = timeline.at(to);
                prop_assert_eq!(moment.next, counted.iter().filter(|event| event.at <= to).count());
                let mut plain = Screen::new(20, 5, false);
                counted.iter().filter(|event| event.at <= to).for_each(|event| plain.apply(&event.what));
                prop_assert_eq!(moment.screen.rows(), plain.rows());
            }
        }
    }
}

/// A file's first frame, then one of many bytes.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut packer = Packer::new(Uuid::nil());
    let mut lines = encode::header(&header(20, 5));
    lines.extend(b"[1,\"o\",\"before\"]\n");
    let mut file = packer.pack(&lines, Duration::ZERO, Duration::ZERO).unwrap();
    let line = [b"[2,\"i\",\"", "a".repeat((1 << 20) - 11).as_bytes(), b"\"]\n"].concat();
    file.extend(packer.pack(&line.repeat(mebibytes), Duration::ZERO, Duration::ZERO).unwrap());
    file.extend(packer.pack(b"[3,\"o\",\" behind\"]\n", Duration::ZERO, Duration::ZERO).unwrap());
    file
}

#[test]
fn e2_33_a_frame_of_more_than_a_gate_writes_is_left_out_and_named() {
    let timeline = Timeline::read(bomb(16)).unwrap();
    assert_eq!((timeline.count(), timeline.damage()), (18, None));
    let file = bomb(17);
    assert!(file.len() < 10_000, "{}", file.len());
    let timeline = Timeline::read(file.clone()).unwrap();
    let at = blocks::runs(&file).nth(1).unwrap().at;
    assert_eq!(timeline.damage(), Some(&DecodeError::Overfull(at)));
    assert_eq!(texts(&timeline.at(Duration::from_secs(9)))[0], "before behind");
}

#[test]
fn e2_33_a_frame_that_holds_more_than_it_says_is_left_out_and_named() {
    let file = bomb(15);
    let plain = format!("\"plain\":{}", 15 << 20);
    let at = file.windows(plain.len()).position(|some| some == plain.as_bytes()).unwrap();
    let mut lying = file.clone();
    lying[at + 8..at + plain.len()].copy_from_slice(format!("{:>1$}", 4, plain.len() - 8).as_bytes());
    let timeline = Timeline::read(lying.clone()).unwrap();
    let at = blocks::runs(&lying).nth(1).unwrap().at;
    assert_eq!((timeline.count(), timeline.damage()), (2, Some(&DecodeError::Overfull(at))));
}

#[test]
fn a_frame_that_ends_inside_of_a_line_spoils_no_other() {
    let mut packer = Packer::new(Uuid::nil());
    let mut file = Vec::new();
    let lines = encode::header(&header(20, 5));
    for lines in [&lines[..], b"[1,\"o\",\"a\"]\n[2,\"o\",\"b", b"[3,\"o\",\"c\"]\n"] {
        file.extend(packer.pack(lines, Duration::ZERO, Duration::ZERO).unwrap());
    }
    let at = blocks::runs(&file).nth(1).unwrap().at;
    let timeline = Timeline::read(file).unwrap();
    assert_eq!(timeline.damage(), Some(&DecodeError::Broken(at)));
    assert_eq!(texts(&timeline.at(Duration::from_secs(9)))[0], "ac");
}

#[test]
fn key_screens_stay_within_their_room() {
    let (mut screen, mut keys) = (Screen::new(1000, 500, false), Keys::new(&Screen::new(1000, 500, false)));
    let mut random = 1_u64;
    let mut noise = String::new();
    for _ in 0..40_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise += &format!("\u{1b}[38;5;{}m{}", random >> 56, char::from(b'a' + (random >> 40) as u8 % 26));
    }
    screen.feed(&noise);
    for next in 1..=400 {
        keys.add(next, &screen);
    }
    let (weight, count) = keys.size();
    assert!(weight <= 32 << 20 && (50..400).contains(&count), "{weight} {count}");
    let (next, found) = keys.before(300, false);
    assert!((200..=300).contains(&next), "{next}");
    assert_eq!(found.rows(), screen.rows());
    assert_eq!(keys.before(0, false).0, 0);
}
