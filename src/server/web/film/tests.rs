use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::recording::encode::{self, Encoder};

fn header() -> Header {
    serde_json::from_str("{\"version\":2,\"width\":20,\"height\":4}").unwrap()
}

/// The lines of a recording.
fn recorded(events: &[(u64, What)]) -> Vec<u8> {
    let mut lines = encode::header(&header());
    let mut encoder = Encoder::default();
    for (at, what) in events {
        encoder.encode(&Event { at: Duration::from_millis(*at), what: what.clone() }, &mut lines);
    }
    lines
}

fn out(text: &str) -> What {
    What::Bytes(Stream::Stdout, text.into())
}

fn filmed(lines: &[u8], piece: usize) -> Vec<Line> {
    let (mut film, mut all) = (Film::default(), Vec::new());
    for piece in lines.chunks(piece.max(1)) {
        film.feed(piece, &mut |_, _| true, &mut all).unwrap();
    }
    film.finish(&mut |_, _| true, &mut all);
    all
}

/// A player: the rows' texts after all lines of a part up to a time.
struct Player {
    rows: Vec<(Value, String)>,
    cursor: Value,
}

impl Player {
    fn play<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Self {
        let mut this = Self { rows: vec![], cursor: Value::Null };
        for line in lines {
            let frame: Value = serde_json::from_str(&line.text).unwrap();
            match frame[1].as_str().unwrap() {
                "k" => {
                    let height = frame[3].as_u64().unwrap() as usize;
                    this.rows = vec![(json!(0), String::new()); height];
                    this.change(&frame[4], &frame[5]);
                }
                "d" => {
                    let by = frame[2].as_u64().unwrap() as usize;
                    let height = this.rows.len();
                    this.rows.drain(..by);
                    this.rows.resize(height, (json!(0), String::new()));
                    this.change(&frame[3], &frame[4]);
                }
                _ => {}
            }
        }
        this
    }

    fn change(&mut self, changes: &Value, cursor: &Value) {
        for row in changes.as_array().unwrap() {
            let text = row.as_array().unwrap()[2..].iter().map(|span| span[0].as_str().unwrap()).collect();
            self.rows[row[0].as_u64().unwrap() as usize] = (row[1].clone(), text);
        }
        self.cursor = cursor.clone();
    }

    fn texts(&self) -> Vec<&str> {
        self.rows.iter().map(|(_, text)| text.as_str()).collect()
    }
}

#[test]
fn a_film_tells_only_what_changed() {
    let lines = recorded(&[
        (0, What::Resize { width: 20, height: 3 }),
        (10, out("$ ")),
        (1000, out("\u{1b}[1;31mls\u{1b}[0m\r\n日本\r\n")),
        (2000, out("a\r\nb\r\n")),
        (3000, What::Resize { width: 10, height: 2 }),
        (4000, What::Exit(0)),
    ]);
    let texts: Vec<String> = filmed(&lines, 7).into_iter().map(|line| line.text).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn frames_come_at_most_thirty_times_a_second() {
    let events: Vec<_> = (0..1000).map(|n| (n, out(&format!("\r{n}")))).collect();
    let frames = filmed(&recorded(&events), 4096);
    assert!((25..=33).contains(&frames.len()), "{}", frames.len());
    assert!(Player::play(&frames).texts()[0].starts_with("999"));
}

#[test]
fn every_part_stands_alone() {
    let events: Vec<_> = (0..40).map(|n| (n * 60_000, out(&format!("minute {n}\r\n")))).collect();
    let frames = filmed(&recorded(&events), 100);
    let parts = frames.last().unwrap().part + 1;
    assert_eq!(parts, 8);
    for part in 0..parts {
        let own: Vec<&Line> = frames.iter().filter(|line| line.part == part).collect();
        assert!(own[0].text.contains("\"k\""));
        let until = own.last().unwrap().at;
        let all = Player::play(frames.iter().filter(|line| line.at <= until));
        assert_eq!(Player::play(own.iter().copied()).texts(), all.texts());
    }
    // So much that a part ends before its time.
    let noise: String = (0..20 * 4).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let events: Vec<_> = (0..20_000).map(|n| (n * 34, out(&format!("\u{1b}[H{n}{noise}")))).collect();
    let frames = filmed(&recorded(&events), 4096);
    for part in 0..=frames.last().unwrap().part {
        let size: usize = frames.iter().filter(|line| line.part == part).map(|line| line.text.len()).sum();
        assert!(size < PART_BYTES + 10_000, "{size}");
    }
}

proptest! {
    #[test]
    fn the_player_shows_what_the_screen_shows(
        pieces in proptest::collection::vec(("(\\PC|\r\n|\u{1b}\\[[0-9;]{0,5}[ABCDHJKLMPXm@ST]|\u{1b}\\[\\?1049[hl]){0,12}", 0_u64..90), 1..30),
        piece in 1_usize..50,
    ) {
        let mut at = 0;
        let mut screen = Screen::new(20, 4, false);
        let mut events = Vec::new();
        for (text, pause) in &pieces {
            at += pause;
            events.push((at, out(text)));
            screen.apply(&out(text));
        }
        let frames = filmed(&recorded(&events), piece);
        let player = Player::play(&frames);
        let rows: Vec<String> = screen.rows().iter().map(Row::text).collect();
        prop_assert_eq!(player.texts(), rows);
        prop_assert_eq!(player.cursor, cursor_value(screen.cursor()));
    }
}
