//! exec: a real process of this machine in a pod's folder, on pipes or on a terminal.

mod pump;
mod spawn;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Pid, Signal as KillSignal, kill_process_group};
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::mux::{Output, Signal};
use super::session::{Ending, Session, Streams};
use crate::streams::channels::status::Outcome;
use spawn::{Fault, Running};

/// How long the processes of a terminal that was hung up have to end by themselves.
const HANG_UP: Duration = Duration::from_secs(1);
/// The exit code of a process that was killed, and of a container that did not start.
const KILLED: i32 = 137;
const NOT_STARTED: i32 = 128;

/// Where a process runs. There is no container: the process sees the whole machine, with the pod's folder as its
/// working folder.
///
/// So that `kubectl cp` and plain commands find a pod's files under absolute paths, an argument (never the program)
/// that begins with `/` is taken inside the folder when the program is `tar` or `test`, which is what `kubectl cp`
/// runs, or when such a file exists there. What a shell does with paths in its own script is not touched.
pub(crate) struct Place {
    /// The pod's folder; it must exist.
    pub(crate) folder: PathBuf,
    /// The whole environment. `PATH` is added when it is missing, and `TERM` on a terminal.
    pub(crate) env: Vec<(String, String)>,
}

/// Runs a command for a session, to its end or the client's.
pub(super) async fn run(session: Session, streams: Streams, command: Vec<String>, place: Place) {
    if let Some((ending, outcome)) = perform(session, streams, &command, &place).await {
        ending.finish(&outcome).await;
    }
}

/// Runs a container's main process for the session that attaches to it. As with a kubelet, the stream's end does not tell the exit
/// code; the pod's status does, by way of `ended`.
pub(super) async fn run_main(
    session: Session,
    streams: Streams,
    command: Vec<String>,
    place: Place,
    ended: impl FnOnce(i32),
) {
    let Some((ending, outcome)) = perform(session, streams, &command, &place).await else {
        return ended(KILLED);
    };
    let outcome = match outcome {
        Outcome::Exit { code, .. } => {
            ended(code);
            Outcome::Success
        }
        Outcome::Success => {
            ended(0);
            outcome
        }
        Outcome::Failure { .. } => {
            ended(NOT_STARTED);
            outcome
        }
    };
    ending.finish(&outcome).await;
}

/// Runs a command to its end; None if the client left before.
async fn perform(
    session: Session,
    streams: Streams,
    command: &[String],
    place: &Place,
) -> Option<(Ending, Outcome)> {
    let Session { stdin, stdout, stderr, resize, closed, ending } = session;
    let spawned = spawn::spawn(command, place, streams);
    let outcome = match spawned {
        Ok(running) => {
            let channels = Channels { stdin, stdout, stderr, resize };
            // Without an answer nobody is left to be told.
            match watch(running, channels, closed).await? {
                Ok(code) => Outcome::from_code(command, code),
                Err(error) => failure(&error.to_string()),
            }
        }
        Err(Fault::Command { code, message }) => {
            // As a container runtime does: the sentence goes where the command's own complaints would.
            if let Some(output) = stderr.as_ref().or(stdout.as_ref()) {
                let _ = output.send(Bytes::from(message + "\n")).await;
            }
            end(stdout).await;
            end(stderr).await;
            Outcome::from_code(command, code)
        }
        Err(Fault::Machine(message)) => {
            end(stdout).await;
            end(stderr).await;
            failure(&message)
        }
    };
    Some((ending, outcome))
}

async fn end(output: Option<Output>) {
    if let Some(output) = output {
        output.end().await;
    }
}

fn failure(message: &str) -> Outcome {
    Outcome::Failure { message: format!("error executing command in container: {message}") }
}

/// The streams of a session that belong to the process.
struct Channels {
    stdin: Option<super::mux::Input>,
    stdout: Option<Output>,
    stderr: Option<Output>,
    resize: Option<super::mux::Input>,
}

/// Joins a process to its streams until it ends (its exit code) or the client does (`None`; then it is killed).
async fn watch(running: Running, channels: Channels, mut closed: Signal) -> Option<std::io::Result<i32>> {
    let Running { mut child, io } = running;
    let (exit, exited) = Signal::new();
    let mut inputs = JoinSet::new();
    let mut outputs = JoinSet::new();
    let on_terminal = matches!(io, spawn::Io::Terminal { .. });
    match io {
        spawn::Io::Pipes { stdin, stdout, stderr } => {
            if let (Some(from), Some(to)) = (channels.stdin, stdin) {
                inputs.spawn(pump::input(from, to));
            }
            if let (Some(from), Some(to)) = (stdout, channels.stdout) {
                outputs.spawn(pump::output(from, Some(to), exited.clone()));
            }
            if let (Some(from), Some(to)) = (stderr, channels.stderr) {
                outputs.spawn(pump::output(from, Some(to), exited.clone()));
            }
        }
        spawn::Io::Terminal { from, to } => {
            inputs.spawn(pump::terminal(channels.stdin, channels.resize, to));
            outputs.spawn(pump::output(from, channels.stdout, exited));
        }
    }
    let code = tokio::select! {
        status = child.wait() => status.map(exit_code),
        () = closed.wait() => {
            // Dropping the pumps closes the pipes and hangs the terminal up.
            drop((inputs, outputs));
            kill(&mut child, on_terminal).await;
            return None;
        }
    };
    let _ = exit.send(true);
    tokio::select! {
        () = async { while outputs.join_next().await.is_some() {} } => Some(code),
        () = closed.wait() => None,
    }
}

/// What a shell would call the exit code: a signal n is 128+n.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255)
}

/// Ends a process whose client is gone, with all of its process group.
async fn kill(child: &mut Child, on_terminal: bool) {
    let group = child.id().and_then(|id| Pid::from_raw(id as i32));
    let Some(group) = group else { return };
    if on_terminal {
        // An interactive shell passes this on to its jobs, which have groups of their own.
        let _ = kill_process_group(group, KillSignal::HUP);
        if timeout(HANG_UP, child.wait()).await.is_ok() {
            return;
        }
    }
    let _ = kill_process_group(group, KillSignal::KILL);
    let _ = child.wait().await;
}
