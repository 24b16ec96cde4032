//! The only place that prints. Standard output belongs to the command's result, standard error to its status.

use std::{
    io::{self, IsTerminal, Write},
    sync::LazyLock,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{
    Env,
    colour::{self, Paint},
};
use crate::model::text;

pub use super::table::Table;
pub(crate) use super::table::{Layout, terminal_width};

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

/// Standard error: status lines, warnings, a spinner. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    paint: Paint,
    terminal: bool,
    /// A line can be drawn again in its place.
    animated: bool,
}

impl Console {
    /// Looks whether standard error is a terminal and whether colour is wanted there.
    pub fn new(env: &Env) -> Self {
        let terminal = io::stderr().is_terminal();
        Self { paint: Paint::of_stderr(env), terminal, animated: terminal && !colour::is_dumb(env) }
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
        let label = self.paint.yellow("warning:");
        write_stderr(&format!("{label} {}\n", text::clean(line)));
    }

    /// The error that ends a command, with a hint below it.
    pub(crate) fn error(self, line: &str, hint: Option<&str>) {
        let label = self.paint.red("error:");
        let mut out = format!("{label} {}\n", text::clean(line));
        if let Some(hint) = hint {
            let label = self.paint.cyan("hint:");
            out.push_str(&format!("{label} {}\n", text::clean(hint)));
        }
        write_stderr(&out);
    }

    /// A spinner on a terminal, a plain line elsewhere. It goes away when dropped.
    pub fn spinner(self, line: &str) -> Spinner {
        let line = text::clean_line(line).into_owned();
        if !self.animated {
            write_stderr(&format!("{line}\n"));
            return Spinner(None);
        }
        let bar = SPINNERS.add(ProgressBar::no_length());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(line);
        bar.enable_steady_tick(Duration::from_millis(120));
        Spinner(Some(bar))
    }
}

/// All that turn at this moment. Whatever else goes to standard error is written above them.
static SPINNERS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// A running spinner. See [`Console::spinner`].
pub struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// A line above the spinner.
    pub fn line(&self, line: &str) {
        write_stderr(&format!("{}\n", text::clean(line)));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
            SPINNERS.remove(bar);
        }
    }
}

/// Standard error for the log, whose lines go above a spinner as well.
pub(super) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SPINNERS.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
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

/// Writes more of a result that comes bit by bit. False if the reader went away.
pub(crate) fn write_more(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

/// Writes to standard output what is too much to hold. A reader who went away ends it, and is no error.
pub(crate) fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            // Nobody reads the rest.
            drop(out.into_parts());
            Ok(())
        }
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
    let _ = SPINNERS.suspend(|| io::stderr().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_three_forms() {
        let value = serde_json::json!({"name": "a", "list": [1]});
        let text = |format| Output::listed(format, &value, || "A".into()).unwrap().stdout;
        assert_eq!(text(Format::Text), "A\n");
        assert_eq!(text(Format::Json), "{\n    \"name\": \"a\",\n    \"list\": [\n        1\n    ]\n}\n");
        assert!(text(Format::Yaml).starts_with("name: a\n"), "{}", text(Format::Yaml));
    }
}
