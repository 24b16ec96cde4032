//! What the tour shows while it goes on: headings, commands as a person types them, their output, and what was checked.

use std::io::{self, IsTerminal};

use crate::cli::output::write_stdout;

/// Standard output, in colour on a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Show {
    colour: bool,
}

const BOLD: &str = "\u{1b}[1m";
const CYAN: &str = "\u{1b}[36m";
const GREEN: &str = "\u{1b}[32m";
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

impl Show {
    pub(super) fn new(no_colour: bool) -> Self {
        Self { colour: io::stdout().is_terminal() && !no_colour }
    }

    pub(super) fn heading(self, text: &str) -> io::Result<()> {
        self.line(BOLD, &format!("\n== {text}"))
    }

    pub(super) fn note(self, text: &str) -> io::Result<()> {
        self.line(DIM, &format!("   {text}"))
    }

    pub(super) fn command(self, text: &str) -> io::Result<()> {
        self.line(CYAN, &format!("\n$ {text}"))
    }

    pub(super) fn output(self, text: &str) -> io::Result<()> {
        let text = text.trim_end();
        if text.is_empty() { Ok(()) } else { write_stdout(&format!("{text}\n")) }
    }

    pub(super) fn passed(self, text: &str) -> io::Result<()> {
        self.line(GREEN, &format!("   ok: {text}"))
    }

    fn line(self, style: &str, text: &str) -> io::Result<()> {
        if self.colour {
            write_stdout(&format!("{style}{text}{RESET}\n"))
        } else {
            write_stdout(&format!("{text}\n"))
        }
    }
}
