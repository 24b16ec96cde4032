//! What lines a transcript has, of sessions as people have them.

use super::*;

/// What a terminal of 20 columns and 4 rows shows of pieces of output at times in milliseconds.
fn told(pieces: &[(u64, &str)]) -> Vec<(u64, String)> {
    let header: Header = serde_json::from_str("{\"version\":2,\"width\":20,\"height\":4}").unwrap();
    let events: Vec<Event> = pieces
        .iter()
        .map(|(at, text)| Event {
            at: Duration::from_millis(*at),
            what: match text.strip_prefix("size ").and_then(|size| size.split_once('x')) {
                Some((w, h)) => What::Resize { width: w.parse().unwrap(), height: h.parse().unwrap() },
                None => What::Bytes(Stream::Stdout, text.as_bytes().to_vec()),
            },
        })
        .collect();
    lines(&header, &events).into_iter().map(|line| (line.at.as_millis() as u64, line.text)).collect()
}

fn texts(pieces: &[(u64, &str)]) -> Vec<String> {
    told(pieces).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn lines_have_the_time_from_which_they_read_so() {
    let typed =
        [(1000, "$ "), (2000, "l"), (2300, "s"), (3000, "\r\n"), (3010, "a  b\r\n\r\n"), (3011, "$ ")];
    let all = told(&typed);
    assert_eq!(
        all,
        [(2300, "$ ls".into()), (3011, "a  b".into()), (3011, String::new()), (3011, "$".into())]
    );
}

#[test]
fn what_scrolled_off_and_what_is_left_are_in_order_and_wrapped_rows_are_one_line() {
    let long = "x".repeat(50);
    let all =
        texts(&[(0, "one\r\ntwo\r\n"), (500, &long), (900, "\r\nthree\r\nfour\r\nfive"), (2000, "\r\nsix")]);
    assert_eq!(all, ["one", "two", &*long, "three", "four", "five", "six"]);
    let burst: String = (0..40).map(|n| format!("line {n}\r\n")).collect();
    let all = texts(&[(0, "first\r\n"), (1000, &burst)]);
    assert_eq!(all.len(), 41, "{all:?}");
    assert!(all.is_sorted_by_key(|text| text.strip_prefix("line ").map(|n| n.parse::<u32>().unwrap())));
}

#[test]
fn what_was_wiped_off_was_on_the_screen() {
    let all = texts(&[(0, "secret\r\nother"), (1000, "\u{1b}[H\u{1b}[Jhello"), (3000, "\u{1b}[2J\u{1b}[Hx")]);
    assert_eq!(all, ["secret", "other", "hello", "x"]);
    let all = texts(&[(0, "10%"), (20, "\r40%"), (40, "\r80%"), (2000, "\rdone")]);
    assert_eq!(all, ["80%", "done"]);
    assert_eq!(texts(&[(0, "kept"), (500, "\u{1b}cnew")]), ["kept", "new"]);
}

#[test]
fn typing_is_one_line_and_what_was_typed_wrongly_another() {
    let typed = [
        (0, "$ gi"),
        (200, "t stauts"),
        (500, "\u{8} \u{8}"),
        (800, "\u{8} \u{8}\u{8} \u{8}tus"),
        (1200, "\r\nok"),
    ];
    assert_eq!(texts(&typed), ["$ git stauts", "$ git status", "ok"]);
}

#[test]
fn an_editor_is_there_too() {
    let all = texts(&[
        (0, "$ vi\r\n"),
        (1000, "\u{1b}[?1049h\u{1b}[Hroot:x\r\nbin:y\r\n~\r\n\u{1b}[4;1Hpasswd"),
        (3000, "\u{1b}[H\u{1b}[Mnew:z"),
        (5000, "\u{1b}[?1049l$ exit"),
    ]);
    for line in ["$ vi", "root:x", "bin:y", "new:z", "passwd", "$ exit"] {
        assert_eq!(all.iter().filter(|text| *text == line).count(), 1, "{line}: {all:?}");
    }
}

#[test]
fn a_resize_loses_nothing_and_shows_nothing_twice() {
    let long = "y".repeat(30);
    let all = texts(&[
        (0, "a\r\n"),
        (200, &long),
        (400, "\r\nb"),
        (1000, "size 10x4"),
        (2000, "size 40x6"),
        (3000, "\r\nc"),
    ]);
    assert_eq!(all, ["a", &*long, "b", "c"]);
}
