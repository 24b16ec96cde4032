//! When text has colour, by the rules that other tools follow (<https://no-color.org>, <https://bixense.com/clicolors>) and
//! that clap follows for help.

use std::io::{self, IsTerminal};

use super::Env;

/// Colours a word, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// For standard output.
    pub fn of_stdout(env: &Env) -> Self {
        Self(wanted(env, io::stdout().is_terminal()))
    }

    /// For standard error.
    pub fn of_stderr(env: &Env) -> Self {
        Self(wanted(env, io::stderr().is_terminal()))
    }

    /// For what went well.
    pub fn green(self, word: &str) -> String {
        self.paint(word, "32")
    }

    /// For a warning.
    pub fn yellow(self, word: &str) -> String {
        self.paint(word, "1;33")
    }

    /// For a failure.
    pub fn red(self, word: &str) -> String {
        self.paint(word, "1;31")
    }

    /// For a hint.
    pub fn cyan(self, word: &str) -> String {
        self.paint(word, "1;36")
    }

    fn paint(self, word: &str, code: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
    }
}

/// Whether the terminal can move its cursor and show colour, going by its name.
pub(super) fn is_dumb(env: &Env) -> bool {
    env.text("TERM").is_some_and(|term| term == "dumb")
}

fn wanted(env: &Env, terminal: bool) -> bool {
    if env.os("NO_COLOR").is_some() {
        return false;
    }
    if env.text("CLICOLOR_FORCE").is_some_and(|force| force != "0") {
        return true;
    }
    terminal && !is_dumb(env) && env.text("CLICOLOR").is_none_or(|wish| wish != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_rules_of_others() {
        for (variables, on_terminal, piped) in [
            (&[][..], true, false),
            (&[("TERM", "xterm")], true, false),
            (&[("NO_COLOR", "")], true, false),
            (&[("NO_COLOR", "1")], false, false),
            (&[("TERM", "dumb")], false, false),
            (&[("CLICOLOR", "0")], false, false),
            (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
            (&[("CLICOLOR_FORCE", "0")], true, false),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false, false),
        ] {
            let env = Env::of(variables);
            assert_eq!((wanted(&env, true), wanted(&env, false)), (on_terminal, piped), "{variables:?}");
        }
    }
}
