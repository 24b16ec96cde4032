//! Commands that go on while a story does something else: over pipes, or on a terminal of their own.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pty_process::{Size, blocking::Pty};
use rustix::process::{Pid, Signal, kill_process};

use super::{Run, command::shown, wait_for};

/// A command that runs. It is killed when dropped.
pub struct Live {
    shown: String,
    child: Child,
    stdin: Option<Box<dyn Write + Send>>,
    stdout: Seen,
    stderr: Seen,
    terminal: Option<Arc<Pty>>,
}

impl Live {
    /// With its three streams on pipes.
    pub fn piped(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let shown = shown(&command);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{shown} does not start: {e}"));
        let stdin = child.stdin.take().expect("standard input");
        let stdout = Seen::of(child.stdout.take().expect("standard output"));
        let stderr = Seen::of(child.stderr.take().expect("standard error"));
        Self { shown, child, stdin: Some(Box::new(stdin)), stdout, stderr, terminal: None }
    }

    /// On a terminal of this many rows and columns; all that it says counts as standard output.
    pub fn on_terminal(mut command: Command, rows: u16, columns: u16) -> Self {
        command.env("TERM", "xterm");
        let shown = shown(&command);
        let (pty, pts) = pty_process::blocking::open().expect("a terminal");
        pty.resize(Size::new(rows, columns)).expect("a size");
        let child = pty_process::blocking::Command::from(command).spawn(pts);
        let child = child.unwrap_or_else(|e| panic!("{shown} does not start: {e}"));
        let pty = Arc::new(pty);
        let stdout = Seen::of(Shared(pty.clone()));
        let stdin: Box<dyn Write + Send> = Box::new(Shared(pty.clone()));
        Self { shown, child, stdin: Some(stdin), stdout, stderr: Seen::of(&[][..]), terminal: Some(pty) }
    }

    /// Types.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin.write_all(bytes.as_ref()).and_then(|()| stdin.flush()).expect("it reads");
    }

    /// Types bytes; false if it reads no more.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin.write_all(bytes.as_ref()).and_then(|()| stdin.flush()).is_ok()
    }

    /// Ends its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Changes the size of its terminal.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.terminal.as_ref().expect("a terminal").resize(Size::new(rows, columns)).expect("a size");
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits until it has said this on one of its outputs.
    #[track_caller]
    pub fn says(&self, text: &str) {
        let said = || self.stdout.text().contains(text) || self.stderr.text().contains(text);
        self.until(&format!("{text:?}"), || said().then_some(()));
    }

    /// All that it has said until now.
    pub fn said(&self) -> String {
        self.stdout.text() + &self.stderr.text()
    }

    /// Waits until what it said on standard output gives something.
    #[track_caller]
    pub fn finds<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.until(what, || find(&self.stdout.text()))
    }

    /// Waits, and tells what was said if it was in vain.
    #[track_caller]
    fn until<T>(&self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        let told = Instant::now() + Duration::from_secs(29);
        wait_for(&format!("{what} from {}", self.shown), || {
            let found = ready();
            if found.is_none() && Instant::now() > told {
                panic!(
                    "{} does not say {what}\nstdout: {}\nstderr: {}",
                    self.shown,
                    self.stdout.text(),
                    self.stderr.text()
                );
            }
            found
        })
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn end(self) -> Run {
        self.end_within(Duration::from_secs(30))
    }

    /// Waits so long until it ends by itself.
    #[track_caller]
    pub fn end_within(mut self, time: Duration) -> Run {
        let deadline = Instant::now() + time;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "{} does not end in {time:?}\nstdout: {}\nstderr: {}",
                self.shown,
                self.stdout.text(),
                self.stderr.text()
            );
            thread::sleep(Duration::from_millis(20));
        };
        self.stdin = None;
        let [stdout, stderr] = [&mut self.stdout, &mut self.stderr].map(Seen::whole);
        Run { command: self.shown.clone(), stdout, stderr, code: status.code().unwrap_or(-1) }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a reader has read so far.
struct Seen {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Seen {
    fn of(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = bytes.clone();
        let reader = thread::spawn(move || {
            let mut chunk = [0; 16 * 1024];
            // A terminal whose program ended gives an error in place of an end.
            while let Ok(read @ 1..) = from.read(&mut chunk) {
                into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..read]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
        self.text()
    }
}

struct Shared(Arc<Pty>);

impl Read for Shared {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        (&*self.0).read(into)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
