//! What a person types or pastes while a command waits: from the terminal unseen and without a limit on the line, or line
//! by line from a pipe.
//!
//! The terminal's own line editing would cut a pasted address at 4095 bytes, so it is switched off and done here, and the
//! terminal is as before when [`Input`] is dropped. Ctrl-C is a key here, so that it is as before then too.

use std::{
    io::{self, BufRead, IsTerminal},
    sync::atomic::{AtomicBool, Ordering},
};

use zeroize::{Zeroize, Zeroizing};

/// The longest line that is taken, in bytes.
const MAX_LINE: usize = 256 * 1024;

/// What came.
#[derive(Debug)]
pub(crate) enum Typed {
    /// A line, without its end.
    Line(Zeroizing<String>),
    /// Ctrl-C.
    Cancelled,
    /// There is no more.
    Ended,
    /// Nobody waits for it any more.
    Stopped,
}

/// Where it comes from.
pub(crate) enum Input {
    /// The terminal of this process.
    #[cfg(unix)]
    Terminal(unix::Terminal),
    /// Standard input.
    Pipe,
}

impl Input {
    /// The terminal if standard input is one, else standard input. With `leave_stdin` only the terminal.
    pub(crate) fn open(leave_stdin: bool) -> Option<Self> {
        #[cfg(unix)]
        if (leave_stdin || io::stdin().is_terminal())
            && let Some(terminal) = unix::Terminal::open()
        {
            return Some(Self::Terminal(terminal));
        }
        (!leave_stdin).then_some(Self::Pipe)
    }

    /// Whether this process has a terminal that a person can type on.
    pub(crate) fn has_terminal() -> bool {
        #[cfg(unix)]
        return unix::Terminal::is_there();
        #[cfg(not(unix))]
        return io::stdin().is_terminal();
    }

    /// Whether standard input is no terminal.
    pub(crate) fn is_piped() -> bool {
        !io::stdin().is_terminal()
    }

    /// Whether it is a terminal, which has to be given back.
    pub(crate) fn is_terminal(&self) -> bool {
        !matches!(self, Self::Pipe) || !Self::is_piped()
    }

    /// The next line. On a terminal it looks at `stop` now and then.
    pub(crate) fn line(&mut self, stop: &AtomicBool) -> io::Result<Typed> {
        match self {
            #[cfg(unix)]
            Self::Terminal(terminal) => terminal.line(stop),
            Self::Pipe if stop.load(Ordering::Relaxed) => Ok(Typed::Stopped),
            Self::Pipe => {
                let mut line = Zeroizing::new(String::new());
                let read = io::Read::take(io::stdin().lock(), MAX_LINE as u64).read_line(&mut line)?;
                if read == 0 {
                    return Ok(Typed::Ended);
                }
                let length = line.trim_end_matches(['\r', '\n']).len();
                line.truncate(length);
                Ok(Typed::Line(line))
            }
        }
    }
}

/// A line while it is typed.
#[derive(Default)]
struct Editor(Vec<u8>);

impl Editor {
    /// Takes one byte; says when the line is over.
    fn take(&mut self, byte: u8) -> Option<Typed> {
        match byte {
            b'\n' | b'\r' => {
                let bytes = Zeroizing::new(std::mem::take(&mut self.0));
                return Some(Typed::Line(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())));
            }
            3 => return Some(Typed::Cancelled),
            4 if self.0.is_empty() => return Some(Typed::Ended),
            // Backspace takes a character, which may be several bytes.
            8 | 127 => while self.0.pop().is_some_and(|b| (b & 0xc0) == 0x80) {},
            // Ctrl-U.
            21 => self.0.zeroize(),
            byte if self.0.len() < MAX_LINE => self.0.push(byte),
            _ => {}
        }
        None
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io::{self, Read},
        sync::atomic::{AtomicBool, Ordering},
    };

    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    };

    use super::{Editor, Typed};

    /// The terminal of this process, in a mode of ours.
    pub(crate) struct Terminal {
        file: File,
        before: Termios,
    }

    impl Terminal {
        /// Whether there is one, and it is ours to use.
        pub(super) fn is_there() -> bool {
            Self::file().is_some()
        }

        /// A process in the background must not touch the terminal; it would be stopped.
        fn file() -> Option<File> {
            let file = File::open("/dev/tty").ok()?;
            (tcgetpgrp(&file).ok()? == rustix::process::getpgrp()).then_some(file)
        }

        pub(super) fn open() -> Option<Self> {
            let file = Self::file()?;
            let before = tcgetattr(&file).ok()?;
            let mut ours = before.clone();
            ours.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
            // A read comes back after a fifth of a second, with what there is.
            ours.special_codes[SpecialCodeIndex::VMIN] = 0;
            ours.special_codes[SpecialCodeIndex::VTIME] = 2;
            tcsetattr(&file, OptionalActions::Now, &ours).ok()?;
            Some(Self { file, before })
        }

        pub(super) fn line(&mut self, stop: &AtomicBool) -> io::Result<Typed> {
            let mut editor = Editor::default();
            let mut byte = [0];
            loop {
                match self.file.read(&mut byte) {
                    Ok(0) if stop.load(Ordering::Relaxed) => return Ok(Typed::Stopped),
                    Ok(0) => {}
                    Ok(_) => {
                        if let Some(typed) = editor.take(byte[0]) {
                            return Ok(typed);
                        }
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            // Nobody to tell when this fails.
            let _ = tcsetattr(&self.file, OptionalActions::Now, &self.before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> String {
        let mut editor = Editor::default();
        match bytes.iter().find_map(|byte| editor.take(*byte)) {
            Some(Typed::Line(line)) => line.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_edited_as_people_expect() {
        assert_eq!(typed(b"secret\n"), "secret");
        assert_eq!(typed("pä\u{7f}\u{7f}x\r".as_bytes()), "x");
        assert_eq!(typed(b"wrong\x15right\n"), "right");
        assert_eq!(typed(b"half\x03"), "Some(Cancelled)");
        assert_eq!(typed(b"\x04"), "Some(Ended)");
        let long = "x".repeat(20_000);
        assert_eq!(typed(format!("{long}\n").as_bytes()), long);
    }
}
