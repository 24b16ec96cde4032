//! Files that claim to be recordings, sealed or plain, cut anywhere: no panic, the same events and the same fault however the bytes are
//! cut, nothing but cells on the screen and no control characters in the transcript, every moment can be gone to, and no file verifies
//! that no key of ours signed.

#![no_main]

use std::time::Duration;

use jumpgate::recording::{
    Event, What, blocks,
    decode::{DecodeError, Decoder},
    screen::Screen,
    timeline::Timeline,
    transcript,
    verify::{Expected, verify},
};
use libfuzzer_sys::fuzz_target;

const HEADER: &[u8] = b"{\"version\":2,\"width\":80,\"height\":24}\n";
/// More lines than this are not looked at: a few bytes of zstd can stand for a very long file.
const MAX_LINES: usize = 256 * 1024;
/// More output than this is not shown: a few bytes can make a terminal work long.
const MAX_SHOWN: usize = 1024;

fn events(lines: &[u8], step: usize) -> (Vec<Event>, Result<(), DecodeError>) {
    let mut decoder = Decoder::default();
    let done = lines.chunks(step.max(1)).try_for_each(|piece| decoder.feed(piece));
    decoder.finish();
    (std::iter::from_fn(|| decoder.next_event()).collect(), done)
}

/// The emulator's panics are caught where it is called, and the screen starts anew; all others are findings.
fn let_the_emulator_panic() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.location().is_some_and(|place| place.file().contains("/avt-")) {
            abort(info);
        }
    }));
}

/// Output and sizes that are shown in no time.
fn shown(events: Vec<Event>) -> Vec<Event> {
    let mut room = MAX_SHOWN;
    let small = |event: &Event| match &event.what {
        What::Bytes(_, bytes) => {
            let fits = bytes.len() <= room;
            room = room.saturating_sub(bytes.len());
            fits
        }
        What::Resize { width, height } => usize::from(*width) * usize::from(*height) < 10_000,
        _ => true,
    };
    events.into_iter().take(64).filter(small).collect()
}

// The first byte's highest bit: whether the file has a header of its own. The rest: how it is cut.
fuzz_target!(init: let_the_emulator_panic(), |input: (u8, &[u8])| {
    let (step, bytes) = input;
    assert!(verify(bytes, &Expected::default()).is_err(), "nothing signed it");
    let mut lines = if step & 0x80 == 0 { HEADER.to_vec() } else { vec![] };
    blocks::each(bytes, |some| {
        lines.extend(&some[..some.len().min(MAX_LINES)]);
        lines.len() < MAX_LINES
    });
    let (all, done) = events(&lines, lines.len());
    assert_eq!(events(&lines, usize::from(step & 0x7f)), (all.clone(), done.clone()));

    let mut screen = Screen::new(80, 24, false);
    let mut timeline = Timeline::new(serde_json::from_slice(HEADER).expect("a header"));
    for event in shown(all) {
        screen.apply(&event.what);
        timeline.push(event);
    }
    let rows = screen.rows();
    assert!(!rows.iter().any(|row| row.text().chars().any(char::is_control)));
    let total = timeline.total();
    assert!(timeline.at(total).screen.rows() == rows || screen.is_broken());
    let mut moment = timeline.at(Duration::ZERO);
    timeline.advance(&mut moment, total * u32::from(step) / 256 + Duration::from_secs(5));
    let text = transcript::lines(timeline.header(), timeline.events());
    assert!(!text.iter().any(|line| line.text.chars().any(char::is_control)));
    assert!(text.is_sorted_by_key(|line| line.at));
    if !blocks::is_sealed(bytes) && bytes.len() < MAX_SHOWN && !lines.is_empty() {
        let header = |line: &[u8]| Timeline::read(line.to_vec()).is_ok();
        assert_eq!(header(&lines), !matches!(done, Err(DecodeError::Header(_) | DecodeError::Version(_))) && lines.contains(&b'\n'));
    }
});
