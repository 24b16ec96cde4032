//! The only place that prints. Standard output belongs to the command's result, standard error to its status.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::text;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// JSON, indented by four spaces.
    Json,
    /// YAML.
    Yaml,
}

/// What a command returns: the text for standard output, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// All of standard output.
    pub stdout: String,
    /// The exit code.
    pub code: u8,
}

impl Output {
    /// Nothing to say.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A text; a line end is added if it has none.
    pub fn text(text: impl Into<String>) -> Self {
        let mut stdout = text.into();
        if !stdout.is_empty() && !stdout.ends_with('\n') {
            stdout.push('\n');
        }
        Self { stdout, code: 0 }
    }

    /// A value in the asked form; `text` makes the form for people.
    pub fn listed(
        format: Format,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<Self> {
        Ok(Self::text(match format {
            Format::Text => text(),
            Format::Json => json(value)?,
            Format::Yaml => serde_yaml::to_string(value)?,
        }))
    }

    /// The same with another exit code.
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }
}

/// JSON as Teleport's tools write it: indented by four spaces.
pub fn json(value: &impl Serialize) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    Ok(String::from_utf8(bytes)?)
}

/// A table in Teleport's form: headers, a line of dashes, rows. Cells are cleaned of control characters.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headers.
    pub fn new<const N: usize>(headers: [&str; N]) -> Self {
        Self { rows: vec![headers.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.map(|cell| text::clean_line(cell).into_owned()).to_vec());
    }

    /// The text of the table, whole.
    pub fn render(&self) -> String {
        self.fitted(None)
    }

    /// The text of the table for a terminal with so many columns: what is too wide ends in `…`. The first column names
    /// things, so it is cut last; headers stay whole.
    pub fn fitted(&self, terminal: Option<usize>) -> String {
        let natural = self.widths();
        let widths = terminal.map_or(natural.clone(), |room| self.narrowed(natural, room));
        let dashes: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
        let (head, body) = self.rows.split_at(1);
        let mut out = String::new();
        for row in head.iter().chain([&dashes]).chain(body) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let cell = cut(cell, *width);
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 1));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let of = |column| {
            self.rows.iter().filter_map(move |row| row.get(column)).map(|cell: &String| cell.width())
        };
        (0..columns).map(|column| of(column).max().unwrap_or(0)).collect()
    }

    /// Widths that fit into `room`: the widest column gives first.
    fn narrowed(&self, mut widths: Vec<usize>, room: usize) -> Vec<usize> {
        let least: Vec<usize> = self.rows[0].iter().map(|header| header.width()).collect();
        let used = |widths: &[usize]| widths.iter().sum::<usize>() + widths.len().saturating_sub(1);
        for first in [1, 0] {
            while used(&widths) > room {
                let can_give = (first..widths.len()).filter(|i| widths[*i] > least[*i]);
                let Some(widest) = can_give.max_by_key(|i| widths[*i]) else { break };
                widths[widest] -= 1;
            }
        }
        widths
    }
}

/// A cell in so many columns.
fn cut(cell: &str, width: usize) -> Cow<'_, str> {
    if cell.width() <= width {
        return cell.into();
    }
    let mut out = String::new();
    for c in cell.chars() {
        if out.width() + c.width().unwrap_or(0) >= width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out.into()
}

/// The columns of the terminal that standard output goes to; none if it goes elsewhere.
pub(crate) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&out).ok()?;
    // A terminal that does not know its size says 0.
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// Standard error: status lines, warnings, a spinner. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    colour: bool,
    terminal: bool,
}

impl Console {
    /// Looks whether standard error is a terminal and whether colour is wanted there (<https://no-color.org>).
    pub fn new(no_colour: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        Self { colour: terminal && !no_colour, terminal }
    }

    /// Whether a person sees standard error on a terminal.
    pub fn is_terminal(self) -> bool {
        self.terminal
    }

    /// A line of status on standard error. Cleaned of control characters.
    pub fn status(self, line: &str) {
        write_stderr(&format!("{}\n", text::clean(line)));
    }

    /// A question on standard error, whose answer is typed behind it.
    pub(crate) fn prompt(self, question: &str) {
        write_stderr(&text::clean_line(question));
    }

    /// A warning on standard error.
    pub fn warn(self, line: &str) {
        let label = self.paint("warning:", "\u{1b}[1;33m");
        write_stderr(&format!("{label} {}\n", text::clean(line)));
    }

    /// The error that ends a command, with a hint below it.
    pub(crate) fn error(self, line: &str, hint: Option<&str>) {
        let label = self.paint("error:", "\u{1b}[1;31m");
        let mut out = format!("{label} {}\n", text::clean(line));
        if let Some(hint) = hint {
            let label = self.paint("hint:", "\u{1b}[1;36m");
            out.push_str(&format!("{label} {}\n", text::clean(hint)));
        }
        write_stderr(&out);
    }

    /// A spinner on a terminal, a plain line elsewhere. It goes away when dropped.
    pub fn spinner(self, line: &str) -> Spinner {
        let line = text::clean_line(line).into_owned();
        if !self.terminal {
            write_stderr(&format!("{line}\n"));
            return Spinner(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(line);
        bar.enable_steady_tick(Duration::from_millis(120));
        Spinner(Some(bar))
    }

    fn paint(self, label: &str, colour: &str) -> String {
        if self.colour { format!("{colour}{label}\u{1b}[0m") } else { label.to_owned() }
    }
}

/// A running spinner. See [`Console::spinner`].
pub struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// A line above the spinner.
    pub fn line(&self, line: &str) {
        let line = text::clean(line);
        match &self.0 {
            Some(bar) => bar.suspend(|| write_stderr(&format!("{line}\n"))),
            None => write_stderr(&format!("{line}\n")),
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Writes a command's result. Whether it arrived is the result; a reader that went away (`tsh … | head`) is no failure.
pub(crate) fn write_stdout(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Help, the version, or a complaint about usage, as clap writes it.
pub(crate) fn print_clap(error: &clap::Error) {
    // Nobody to tell when this fails.
    let _ = error.print();
}

fn write_stderr(text: &str) {
    // Nobody to tell when this fails.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_are_cleaned() {
        let mut table = Table::new(["Cluster Name", "Status"]);
        table.row(["teleport.example.com", "online"]);
        table.row(["日本\u{1b}[31m", "x"]);
        insta::assert_snapshot!(table.render(), @r"
        Cluster Name         Status
        -------------------- ------
        teleport.example.com online
        日本\u{1b}[31m       x
        ");
    }

    #[test]
    fn a_table_fits_its_terminal() {
        let mut table = Table::new(["Role", "Groups", "Rules"]);
        table.row(["administrators", "a-group, another-group, 日本語の長い名前", "role, user:list, create"]);
        table.row(["x", "y", "z"]);
        insta::assert_snapshot!(table.fitted(Some(40)), @r"
        Role           Groups       Rules
        -------------- ------------ ------------
        administrators a-group, an… role, user:…
        x              y            z
        ");
        let wide = |room| table.fitted(Some(room)).lines().map(|l| l.width()).max().unwrap();
        for room in 24..100 {
            assert!(wide(room) <= room, "{room}: {}", table.fitted(Some(room)));
        }
        assert_eq!(table.fitted(Some(200)), table.render());
        // Too narrow for the headers: they stay, and nothing breaks.
        assert!(table.fitted(Some(3)).starts_with("Role Groups Rules\n"));
    }

    #[test]
    fn a_value_has_three_forms() {
        let value = serde_json::json!({"name": "a", "list": [1]});
        let text = |format| Output::listed(format, &value, || "A".into()).unwrap().stdout;
        assert_eq!(text(Format::Text), "A\n");
        assert_eq!(text(Format::Json), "{\n    \"name\": \"a\",\n    \"list\": [\n        1\n    ]\n}\n");
        assert!(text(Format::Yaml).starts_with("name: a\n"), "{}", text(Format::Yaml));
    }
}
