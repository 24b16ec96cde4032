//! Files that claim to be recordings, sealed or plain, cut anywhere: no panic, the same events however the bytes are cut, nothing
//! but cells on the screen, and no file verifies that no key of ours signed.

#![no_main]

use jumpgate::recording::{
    What, blocks,
    decode::Decoder,
    screen::Screen,
    verify::{Expected, verify},
};
use libfuzzer_sys::fuzz_target;

const HEADER: &[u8] = b"{\"version\":2,\"width\":80,\"height\":24}\n";

fn events(lines: &[u8], step: usize) -> (Vec<What>, bool) {
    let mut decoder = Decoder::default();
    let good = lines.chunks(step.max(1)).try_for_each(|piece| decoder.feed(piece)).is_ok();
    decoder.finish();
    (std::iter::from_fn(|| decoder.next_event()).map(|event| event.what).collect(), good)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    assert!(verify(bytes, &Expected::default()).is_err(), "nothing signed it");
    let lines = [HEADER, &blocks::lines(bytes)].concat();
    let (whole, good) = events(&lines, lines.len());
    let (parts, good_too) = events(&lines, usize::from(step));
    assert_eq!(good, good_too);
    if good {
        assert_eq!(whole, parts);
    }
    let mut screen = Screen::new(80, 24, false);
    for what in whole.iter().take(200) {
        screen.apply(what);
    }
    assert!(!screen.rows().iter().any(|row| row.text().chars().any(char::is_control)));
});
