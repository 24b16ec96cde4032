//! The only place that prints. Standard output belongs to the command's result, standard error to its status.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

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

    /// The text of the table.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|r| r.get(column)).map(|c| c.width()).max().unwrap_or(0)
            })
            .collect();
        let dashes: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
        let (head, body) = self.rows.split_at(1);
        let mut out = String::new();
        for row in head.iter().chain([&dashes]).chain(body) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width() + 1));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
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
    fn a_value_has_three_forms() {
        let value = serde_json::json!({"name": "a", "list": [1]});
        let text = |format| Output::listed(format, &value, || "A".into()).unwrap().stdout;
        assert_eq!(text(Format::Text), "A\n");
        assert_eq!(text(Format::Json), "{\n    \"name\": \"a\",\n    \"list\": [\n        1\n    ]\n}\n");
        assert!(text(Format::Yaml).starts_with("name: a\n"), "{}", text(Format::Yaml));
    }
}
