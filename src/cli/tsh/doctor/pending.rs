//! Work on a thread of its own that is given up after a while. What hangs (a resolver, a keyring, a network disk) ends with
//! the process.

use std::{
    io::Read,
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// The most that a program may print, in bytes.
const MAX_OUTPUT: u64 = 256 * 1024;

/// Work that has begun.
pub(super) struct Pending<T> {
    receiver: Receiver<T>,
    deadline: Instant,
}

impl<T: Send + 'static> Pending<T> {
    pub(super) fn start(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            // Nobody waits any more when this fails.
            let _ = sender.send(work());
        });
        Self { receiver, deadline: Instant::now() + limit }
    }

    /// The result; none if it is not there in time.
    pub(super) fn get(self) -> Option<T> {
        self.receiver.recv_timeout(self.deadline.saturating_duration_since(Instant::now())).ok()
    }
}

/// Why a program said nothing that helps.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It does not start.
    NoStart(String),
    /// It ended with a failure.
    Failed,
    /// It was still running when its time was over; it is killed then.
    Slow,
}

/// What a program writes to standard output, without standard input, within a time.
pub(super) fn ask(mut command: Command, limit: Duration) -> Result<String, NoAnswer> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // What it starts in turn is killed with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| NoAnswer::NoStart(e.to_string()))?;
    let deadline = Instant::now() + limit;
    let stdout = child.stdout.take();
    let output = Pending::start(limit, move || {
        let mut bytes = Vec::new();
        let read = stdout.map(|stdout| stdout.take(MAX_OUTPUT).read_to_end(&mut bytes));
        read.and_then(Result::ok).map(|_| String::from_utf8_lossy(&bytes).into_owned())
    });
    let text = output.get();
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            _ => break None,
        }
    };
    let Some(status) = ended else {
        #[cfg(unix)]
        if let Some(group) = rustix::process::Pid::from_child(&child).into() {
            // It may have ended this very moment.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = child.kill();
        let _ = child.wait();
        return Err(NoAnswer::Slow);
    };
    if status.success() { text.flatten().ok_or(NoAnswer::Slow) } else { Err(NoAnswer::Failed) }
}
