//! Commands and how they ended.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Run {
    /// The command, for messages.
    pub command: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code.
    pub code: i32,
}

impl Run {
    /// Runs a command to its end, without standard input.
    pub fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        let shown = shown(&command);
        let output = command.output().unwrap_or_else(|e| panic!("{shown} does not start: {e}"));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Self { command: shown, stdout: text(output.stdout), stderr: text(output.stderr), code }
    }

    /// Runs a login: at the first address on loopback that it prints, `browser` is called.
    pub fn with_browser<T>(mut command: Command, browser: impl FnOnce(&str) -> T) -> (Self, T) {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let shown = shown(&command);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{shown} does not start: {e}"));
        let mut stdout = child.stdout.take().expect("standard output");
        let out = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).map(|_| text)
        });
        let mut lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let mut stderr = String::new();
        let mut seen = None;
        for line in lines.by_ref() {
            let line = line.expect("standard error is text");
            stderr.push_str(&line);
            stderr.push('\n');
            let mut words = line.split_whitespace();
            if let Some(address) = words.find(|word| word.starts_with("http://127.0.0.1:")) {
                seen = Some(address.to_owned());
                break;
            }
        }
        let Some(address) = seen else {
            let status = child.wait().expect("it ends");
            panic!("{shown} printed no address and ended with {status}: {stderr}");
        };
        let page = browser(&address);
        for line in lines {
            stderr.push_str(&line.expect("standard error is text"));
            stderr.push('\n');
        }
        let code = child.wait().expect("it ends").code().unwrap_or(-1);
        let stdout = out.join().expect("the reader ends").expect("standard output is text");
        (Self { command: shown, stdout, stderr, code }, page)
    }

    /// Must have ended with 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self
    }

    /// Must have ended with this exit code.
    #[track_caller]
    pub fn fails_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self
    }

    /// Must have said this on one of its outputs.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(
            said,
            "{} did not say {text:?}\nstdout: {}\nstderr: {}",
            self.command, self.stdout, self.stderr
        );
        self
    }
}

pub(super) fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    [program].into_iter().chain(args).collect::<Vec<_>>().join(" ")
}

/// Waits until `ready` gives something, 30 s at most.
#[track_caller]
pub fn wait_for<T>(what: &str, ready: impl FnMut() -> Option<T>) -> T {
    wait_for_within(what, Duration::from_secs(30), ready)
}

/// The same with another time.
#[track_caller]
pub fn wait_for_within<T>(what: &str, time: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + time;
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {time:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
