//! How a command fails: one sentence, perhaps a hint below it, an exit code.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage.

use std::fmt;

use super::output::Console;

/// Exit code of a failure.
pub const FAILED: u8 = 1;
/// Exit code of wrong usage.
pub const USAGE: u8 = 2;

/// A failure with a hint or an exit code of its own. Put it into an `anyhow::Error` like any other error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    text: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// Something failed.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, code: FAILED }
    }

    /// The command was used wrongly.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, code: USAGE }
    }

    /// Adds a line that says what mends it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// What an error says in one line: its causes joined with colons, a cause that only repeats left out.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut out = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if out.is_empty() {
            out = text;
        } else if !out.ends_with(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
    }
    out
}

/// Prints an error and returns its exit code.
pub fn report(error: &anyhow::Error, console: Console) -> u8 {
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    console.error(&sentence(error), failure.and_then(|f| f.hint.as_deref()));
    failure.map_or(FAILED, |f| f.code)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn causes_are_joined_once() {
        let inner = Err::<(), _>(Failure::usage("no such thing").hint("look again"));
        let error = inner.context("reading a.yaml").unwrap_err();
        assert_eq!(sentence(&error), "reading a.yaml: no such thing");
        assert_eq!(report(&error, Console::new(true)), USAGE);
        let twice = anyhow::Error::new(Failure::new("x")).context("a: x");
        assert_eq!(sentence(&twice), "a: x");
    }
}
