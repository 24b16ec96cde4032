//! The terminal that shows a recording. What a session printed goes through an emulator, and only cells come out: no clipboard,
//! title or query sequence reaches whoever looks (abuse case E.2: 33).

use std::panic::{AssertUnwindSafe, catch_unwind};

use avt::{Color, Line, Observer, Pen, Terminal};

use super::event::{Stream, What};

/// The widest screen that is shown, in columns; wider ones are clamped.
pub const MAX_WIDTH: u16 = 1000;
/// The highest screen that is shown, in rows.
pub const MAX_HEIGHT: u16 = 500;

/// The size that programs take for that of a terminal whose size is not known: 0 columns or 0 rows.
const USUAL: (u16, u16) = (80, 24);

const DEL: char = '\u{7f}';

/// A terminal's screen.
pub struct Screen {
    /// None if the emulator refused even the clamped size: nothing is shown then.
    terminal: Option<Terminal>,
    /// Without a terminal a line feed alone ends a line.
    raw: bool,
    broken: bool,
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// The text's colour; none is the viewer's own.
    pub foreground: Option<Colour>,
    /// The colour behind it.
    pub background: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub faint: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Struck through.
    pub strike: bool,
    /// Blinking.
    pub blink: bool,
    /// Foreground and background exchanged.
    pub inverse: bool,
}

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// One of the 256 of xterm's palette; the first 16 are the viewer's own.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// A piece of a row that looks the same, of characters that all take one column or all take two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text, without control characters.
    pub text: String,
    /// How many columns it takes.
    pub columns: u16,
    /// How it looks.
    pub style: Style,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its pieces from the left; what is missing on the right is blank.
    pub spans: Vec<Span>,
    /// The next row continues this one: no line end stands between them.
    pub wrapped: bool,
}

impl Row {
    /// The text without its looks.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| &*span.text).collect()
    }
}

impl Screen {
    /// A screen of a size, clamped to what can be shown. `raw`: there is no terminal that turns a line feed into a new line.
    pub fn new(width: u16, height: u16, raw: bool) -> Self {
        let (columns, rows) = cells(width, height);
        let terminal = Terminal::new(columns, rows).ok();
        Self { broken: terminal.is_none(), terminal, raw }
    }

    /// Shows what an event shows: output and sizes. The rest changes nothing.
    pub fn apply(&mut self, what: &What) {
        self.apply_with(what, &mut ());
    }

    /// As [`Self::apply`], while an observer looks on.
    pub(super) fn apply_with(&mut self, what: &What, observer: &mut impl Observer) {
        match what {
            What::Bytes(Stream::Stdout | Stream::Stderr, bytes) => {
                self.feed_with(&String::from_utf8_lossy(bytes), observer);
            }
            What::Resize { width, height } => {
                let (columns, rows) = cells(*width, *height);
                self.guarded(|terminal| drop(terminal.resize_with(columns, rows, observer)));
            }
            _ => {}
        }
    }

    /// Shows text with its control sequences.
    pub fn feed(&mut self, text: &str) {
        self.feed_with(text, &mut ());
    }

    fn feed_with(&mut self, text: &str, observer: &mut impl Observer) {
        // A terminal ignores DEL wherever it stands; the emulator makes a cell of it.
        if text.contains(DEL) {
            return self.feed_with(&text.replace(DEL, ""), observer);
        }
        if self.raw && text.contains('\n') {
            let text = text.replace('\n', "\r\n");
            self.guarded(|terminal| drop(terminal.feed_with(text.as_str(), observer)));
        } else {
            self.guarded(|terminal| drop(terminal.feed_with(text, observer)));
        }
    }

    /// Changes the size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.apply(&What::Resize { width, height });
    }

    /// What brings a new screen of the same size to where this one is.
    pub(super) fn dump(&self) -> String {
        self.terminal.as_ref().map(Terminal::dump).unwrap_or_default()
    }

    /// A screen that another one dumped.
    pub(super) fn restored((width, height): (u16, u16), raw: bool, dump: &str) -> Self {
        let mut screen = Self::new(width, height, raw);
        screen.guarded(|terminal| terminal.feed(dump));
        screen
    }

    /// The emulator, if there is one.
    pub(super) fn terminal(&self) -> Option<&Terminal> {
        self.terminal.as_ref()
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        let (columns, rows) = self.terminal.as_ref().map_or((1, 1), Terminal::size);
        (columns as u16, rows as u16)
    }

    /// Column and row of the cursor from 0, if it is to be seen.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        let position = self.terminal.as_ref()?.cursor().position();
        position.map(|(column, row)| (column as u16, row as u16))
    }

    /// The rows that are to be seen, from the top.
    pub fn rows(&self) -> Vec<Row> {
        let Some(terminal) = &self.terminal else { return vec![Row::default()] };
        terminal.screen().visible_lines().map(row).collect()
    }

    /// Whether the emulator failed at something that the session printed; the screen then starts anew.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn guarded(&mut self, work: impl FnOnce(&mut Terminal)) {
        let Some(terminal) = &mut self.terminal else { return };
        let (columns, rows) = terminal.size();
        if catch_unwind(AssertUnwindSafe(|| work(terminal))).is_err() {
            self.broken = true;
            self.terminal = Terminal::new(columns, rows).ok();
        }
    }
}

/// A terminal's size as it is shown: clamped, and the usual one where it was not known, so that nobody is out of sight in none.
pub fn shown_size(width: u16, height: u16) -> (u16, u16) {
    let known = |size, usual| if size == 0 { usual } else { size };
    (known(width, USUAL.0).min(MAX_WIDTH), known(height, USUAL.1).min(MAX_HEIGHT))
}

fn cells(width: u16, height: u16) -> (usize, usize) {
    let (width, height) = shown_size(width, height);
    (usize::from(width), usize::from(height))
}

/// The cells of a line, those that look the same and are of one width together, without the blank ones at its end.
pub(super) fn row(line: &Line) -> Row {
    let mut spans: Vec<Span> = Vec::new();
    let mut width = 0;
    for cell in line.cells().iter().filter(|cell| cell.width() > 0) {
        let (style, columns) = (style(cell.pen()), u16::from(cell.width()));
        // Whatever the emulator let through: no control character is a cell.
        let char = if cell.char().is_control() { ' ' } else { cell.char() };
        match spans.last_mut() {
            Some(last) if last.style == style && width == columns => {
                last.text.push(char);
                last.columns += columns;
            }
            _ => spans.push(Span { text: char.into(), columns, style }),
        }
        width = columns;
    }
    if !line.is_wrapped()
        && let Some(last) = spans.last_mut()
        && last.style == Style::default()
    {
        let kept = last.text.trim_end_matches(' ').len();
        last.columns -= (last.text.len() - kept) as u16;
        last.text.truncate(kept);
        if kept == 0 {
            spans.pop();
        }
    }
    Row { spans, wrapped: line.is_wrapped() }
}

fn style(pen: &Pen) -> Style {
    Style {
        foreground: pen.foreground().map(colour),
        background: pen.background().map(colour),
        bold: pen.is_bold(),
        faint: pen.is_faint(),
        italic: pen.is_italic(),
        underline: pen.is_underline(),
        strike: pen.is_strikethrough(),
        blink: pen.is_blink(),
        inverse: pen.is_inverse(),
    }
}

fn colour(colour: Color) -> Colour {
    match colour {
        Color::Indexed(index) => Colour::Indexed(index),
        Color::RGB(rgb) => Colour::Rgb(rgb.r, rgb.g, rgb.b),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(screen: &Screen) -> Vec<String> {
        screen.rows().iter().map(Row::text).collect()
    }

    #[test]
    fn wide_characters_and_colours_are_shown() {
        let mut screen = Screen::new(20, 2, false);
        screen.feed("\u{1b}[1;31m日本\u{1b}[38;2;1;2;3mx\u{1b}[0m y");
        let rows = screen.rows();
        assert_eq!(rows[0].text(), "日本x y");
        assert_eq!(rows[0].spans[0].columns, 4);
        assert_eq!(rows[0].spans[0].style.foreground, Some(Colour::Indexed(1)));
        assert_eq!(rows[0].spans[1].style.foreground, Some(Colour::Rgb(1, 2, 3)));
        assert_eq!(screen.cursor(), Some((7, 0)));
    }

    #[test]
    fn e2_33_no_sequence_comes_out() {
        let mut screen = Screen::new(40, 3, false);
        screen.feed(
            "a\u{1b}]52;c;ZXZpbA==\u{7}b\u{1b}]0;title\u{1b}\\c\u{1b}[6n\u{1b}[cd\u{1b}P+q544e\u{1b}\\e",
        );
        assert_eq!(texts(&screen)[0], "abcde");
    }

    #[test]
    fn e2_33_no_del_comes_out() {
        let mut screen = Screen::new(40, 2, false);
        screen.feed("a\u{7f}b\u{1b}[3\u{7f}1mc\u{7f}");
        assert_eq!(texts(&screen)[0], "abc");
        assert_eq!(screen.rows()[0].spans[1].style.foreground, Some(Colour::Indexed(1)));
    }

    #[test]
    fn a_terminal_whose_size_is_not_known_is_seen_all_the_same() {
        let mut screen = Screen::new(0, 0, false);
        screen.feed("what was done in it");
        assert_eq!((screen.size(), &*texts(&screen)[0]), ((80, 24), "what was done in it"));
        screen.resize(100, 30);
        screen.resize(0, 0);
        assert_eq!(screen.size(), (80, 24));
    }

    #[test]
    fn without_a_terminal_a_line_feed_ends_a_line() {
        let mut screen = Screen::new(10, 3, true);
        screen.feed("ab\ncd\n");
        assert_eq!(texts(&screen), ["ab", "cd", ""]);
    }

    proptest! {
        #[test]
        fn e2_33_hostile_bytes_and_sizes_do_no_harm(
            pieces in proptest::collection::vec((any::<u16>(), any::<u16>(), "(\\PC|[\u{0}-\u{9f}]|\u{1b}\\[[0-9;]{0,9}[A-Za-z]|\u{1b}[^\\[]){0,30}"), 1..8),
        ) {
            let mut screen = Screen::new(pieces[0].0, pieces[0].1, false);
            for (width, height, text) in &pieces {
                screen.resize(*width % 300, *height % 100);
                screen.feed(text);
                let (columns, rows) = screen.size();
                let all = screen.rows();
                prop_assert_eq!(all.len(), usize::from(rows));
                for row in all {
                    prop_assert!(row.spans.iter().map(|s| u32::from(s.columns)).sum::<u32>() <= u32::from(columns));
                    prop_assert!(!row.text().chars().any(char::is_control));
                }
            }
        }
    }
}
