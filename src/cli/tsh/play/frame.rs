//! A frame: the rows of a screen and a status line, as sequences for the viewer's terminal. Made of cells alone; nothing that a
//! session printed goes through.

use unicode_width::UnicodeWidthChar;

use super::player::Player;
use crate::{
    cli::tsh::recordings::{forms, ls},
    model::text::clean_line,
    recording::{
        screen::{Colour, Row, Style},
        timeline::clock,
    },
};

/// What is on the viewer's terminal, so that only what changed is written.
#[derive(Default)]
pub(super) struct Canvas {
    rows: Vec<String>,
    size: (u16, u16),
}

impl Canvas {
    /// What draws the player's state on a terminal of this many columns and rows.
    pub(super) fn draw(&mut self, player: &Player, size: (u16, u16), colours: bool) -> String {
        let (columns, lines) = size;
        let room = lines.saturating_sub(1);
        let screen = &player.moment().screen;
        let cursor = screen.cursor();
        // Of a screen that is too high the part with the cursor is shown.
        let below = cursor.map_or(0, |(_, row)| (row + 1).saturating_sub(room));
        let mut drawn: Vec<String> = screen
            .rows()
            .iter()
            .skip(usize::from(below))
            .take(usize::from(room))
            .map(|row| row_text(row, columns, colours))
            .collect();
        drawn.resize(usize::from(room), String::new());
        drawn.push(format!("\u{1b}[7m{}", fitted(&status(player, size), usize::from(columns))));
        let mut out = String::from("\u{1b}[?25l");
        if self.size != size {
            *self = Self { rows: vec![], size };
            out.push_str("\u{1b}[0m\u{1b}[2J");
        }
        for (n, row) in drawn.iter().enumerate() {
            if self.rows.get(n) != Some(row) {
                out.push_str(&format!("\u{1b}[{};1H\u{1b}[0m\u{1b}[2K{row}\u{1b}[0m", n + 1));
            }
        }
        self.rows = drawn;
        if let Some((column, row)) = cursor
            && column < columns
            && let Some(line) = row.checked_sub(below).filter(|line| *line < room)
        {
            out.push_str(&format!("\u{1b}[{};{}H\u{1b}[?25h", line + 1, column + 1));
        }
        out
    }
}

/// A row, at most so many columns of it.
fn row_text(row: &Row, columns: u16, colours: bool) -> String {
    let mut out = String::new();
    let mut at: u16 = 0;
    for span in &row.spans {
        if at >= columns {
            break;
        }
        out.push_str(&look(&span.style, colours));
        for c in span.text.chars() {
            let shown = c.width().unwrap_or(0);
            let cells: u16 = if shown == 2 { 2 } else { 1 };
            if at + cells > columns {
                at = columns;
                break;
            }
            at += cells;
            out.push(if clean_line(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8() {
                c
            } else {
                '\u{fffd}'
            });
            // Terminals differ in how wide they take these; the next cell has its place whatever they do.
            if !c.is_ascii() && at < columns {
                out.push_str(&format!("\u{1b}[{}G", at + 1));
            }
        }
    }
    out
}

/// The sequence for a style.
fn look(style: &Style, colours: bool) -> String {
    let mut out = String::from("\u{1b}[0");
    let flags = [
        (style.bold, "1"),
        (style.faint, "2"),
        (style.italic, "3"),
        (style.underline, "4"),
        (style.blink, "5"),
        (style.inverse, "7"),
        (style.strike, "9"),
    ];
    for (_, code) in flags.into_iter().filter(|(set, _)| *set) {
        out.push(';');
        out.push_str(code);
    }
    let planes = [(style.foreground, 30, 90, 38), (style.background, 40, 100, 48)];
    for (colour, dark, bright, other) in planes.into_iter().filter(|_| colours) {
        match colour {
            None => {}
            Some(Colour::Indexed(n @ 0..8)) => out.push_str(&format!(";{}", dark + u16::from(n))),
            Some(Colour::Indexed(n @ 8..16)) => out.push_str(&format!(";{}", bright + u16::from(n) - 8)),
            Some(Colour::Indexed(n)) => out.push_str(&format!(";{other};5;{n}")),
            Some(Colour::Rgb(r, g, b)) => out.push_str(&format!(";{other};2;{r};{g};{b}")),
        }
    }
    out.push('m');
    out
}

/// The status line: of what we say ourselves only what fits as a whole, then what the recording is, as far as there is room.
fn status(player: &Player, (columns, lines): (u16, u16)) -> String {
    let timeline = player.timeline();
    let state = match (player.is_playing(), player.is_at_end(), player.live) {
        (true, true, true) => "live",
        (true, _, _) => "playing",
        (false, true, false) => "at the end",
        (false, _, _) => "paused",
    };
    let mut line = format!(" {state} {} / {}", clock(player.moment().at), clock(timeline.total()));
    let mut add = |wordings: &[&str]| {
        let fits = |text: &&&str| width(&line) + 2 + width(text) <= usize::from(columns);
        if let Some(text) = wordings.iter().find(fits) {
            line.push_str("  ");
            line.push_str(text);
        }
    };
    add(&[&format!("{}×", player.speed())]);
    add(&[if player.is_playing() { "space: pause, q: quit" } else { "space: play, q: quit" }]);
    let (width, height) = player.moment().screen.size();
    let larger = match (width > columns, height > lines.saturating_sub(1)) {
        (true, true) => Some("larger"),
        (true, false) => Some("wider"),
        (false, true) => Some("higher"),
        (false, false) => None,
    };
    if let Some(larger) = larger {
        // With the line for this text.
        let needs = format!("needs {width}×{}", height.saturating_add(1));
        add(&[&format!("{larger} than this window, {needs}"), &needs]);
    }
    let mut parts = Vec::new();
    if player.is_at_end() {
        parts.extend(timeline.ending().and_then(forms::ending));
    }
    match &timeline.header().session {
        Some(session) => {
            parts.push(format!("{} in {} {}", session.user, session.cluster, ls::pod(session)));
            parts.push(ls::command(session));
        }
        None => parts.extend(timeline.header().title.clone().or(timeline.header().command.clone())),
    }
    for part in parts {
        line.push_str("  ");
        line.push_str(&part);
    }
    line
}

fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// A text in exactly so many columns.
fn fitted(text: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut at = 0;
    for c in clean_line(text).chars() {
        let width = c.width().unwrap_or(0);
        if at + width > columns {
            break;
        }
        out.push(c);
        at += width;
    }
    out.extend(std::iter::repeat_n(' ', columns - at));
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::player::Settings, *};
    use crate::recording::{Event, What, event::Stream, screen::Screen, timeline::Timeline};

    fn player(text: &str, width: u16, height: u16) -> Player {
        let header = format!(
            "{{\"version\":2,\"width\":{width},\"height\":{height},\"title\":\"a film\\u001b]0;x\\u0007\"}}"
        );
        let mut timeline = Timeline::new(serde_json::from_str(&header).unwrap());
        timeline.push(Event { at: Duration::from_secs(1), what: What::Bytes(Stream::Stdout, text.into()) });
        let from = Some(Duration::from_secs(1));
        Player::new(timeline, Settings { speed: 2.0, skip: None, from })
    }

    /// What a terminal shows of what is drawn.
    fn seen(player: &Player, (columns, lines): (u16, u16)) -> Vec<String> {
        let mut screen = Screen::new(columns, lines, false);
        screen.feed(&Canvas::default().draw(player, (columns, lines), true));
        screen.rows().iter().map(Row::text).collect()
    }

    #[test]
    fn a_frame_shows_the_screen_and_where_it_stands() {
        let film = player("\u{1b}[1;31mred\u{1b}[0m 日本\r\nsecond", 20, 3);
        let rows = seen(&film, (60, 5));
        assert_eq!(rows[..4], ["red 日本", "second", "", ""]);
        assert_eq!(rows[4].trim_end(), " at the end 0:01 / 0:01  2×  space: play, q: quit  a film\\u{");
        let drawn = Canvas::default().draw(&film, (60, 5), true);
        assert!(
            drawn.contains("\u{1b}[0;1;31mred") && drawn.ends_with("\u{1b}[2;7H\u{1b}[?25h"),
            "{drawn:?}"
        );
        assert!(!Canvas::default().draw(&film, (60, 5), false).contains(";31m"));
    }

    #[test]
    fn a_small_window_clips_and_says_so() {
        let film = player("0\r\n1\r\n2\r\n3\r\n4 a long line", 40, 10);
        let rows = seen(&film, (40, 4));
        assert_eq!(rows[..3], ["2", "3", "4 a long line"]);
        // What fits as a whole; the window that would do has a line for this, too.
        assert_eq!(rows[3].trim_end(), " at the end 0:01 / 0:01  2×  needs 40×11");
        let said = |columns| seen(&film, (columns, 4))[3].trim_end().to_owned();
        assert_eq!(said(30), " at the end 0:01 / 0:01  2×  a");
        assert_eq!(said(62), " at the end 0:01 / 0:01  2×  space: play, q: quit  needs 40×11");
        let all =
            " at the end 0:01 / 0:01  2×  space: play, q: quit  higher than this window, needs 40×11  a";
        assert_eq!(said(90), all);
        assert_eq!(seen(&film, (4, 4))[2], "4 a");
        for size in [(0, 0), (1, 1), (40, 1), (1, 0), (3, 2)] {
            Canvas::default().draw(&film, size, true);
        }
        // No row is left for the film, and so none for its cursor.
        assert!(!Canvas::default().draw(&film, (60, 1), true).contains("\u{1b}[?25h"));
    }

    #[test]
    fn only_what_changed_is_drawn_again() {
        let mut canvas = Canvas::default();
        let film = player("one\r\ntwo", 20, 3);
        assert!(canvas.draw(&film, (40, 5), true).contains("one"));
        assert!(!canvas.draw(&film, (40, 5), true).contains("one"));
        assert!(canvas.draw(&film, (41, 5), true).contains("one"));
    }

    #[test]
    fn e2_33_no_sequence_of_the_session_reaches_the_viewer() {
        let film = player("a\u{1b}]52;c;ZXZpbA==\u{7}b\u{1b}]0;title\u{1b}\\c\u{1b}[6n\u{202e}d", 20, 2);
        let drawn = Canvas::default().draw(&film, (60, 5), true);
        for bad in ["]52", "\u{1b}]", "[6n", "\u{202e}", "\u{7}"] {
            assert!(!drawn.contains(bad), "{bad:?} in {drawn:?}");
        }
    }
}
