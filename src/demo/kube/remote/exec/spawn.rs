//! Starting the process of an exec.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use pty_process::{OwnedReadPty, OwnedWritePty};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::super::session::Streams;
use super::Place;

/// Where programs are looked for when the caller doesn't say.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The exit code for a program that isn't there.
const NOT_FOUND: i32 = 127;
/// The exit code for a file that can't be run.
const NOT_RUNNABLE: i32 = 126;

/// A process that runs.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) io: Io,
}

/// What a process reads and writes.
pub(super) enum Io {
    Pipes { stdin: Option<ChildStdin>, stdout: Option<ChildStdout>, stderr: Option<ChildStderr> },
    Terminal { from: OwnedReadPty, to: OwnedWritePty },
}

/// Why there is no process.
pub(super) enum Fault {
    /// The command can't be run; a shell would exit so.
    Command { code: i32, message: String },
    /// This machine is at fault.
    Machine(String),
}

/// Starts a command, in a process group of its own.
pub(super) fn spawn(command: &[String], place: &Place, streams: Streams) -> Result<Running, Fault> {
    if !place.folder.is_dir() {
        return Err(Fault::Machine(format!("the pod's folder {} is not there", place.folder.display())));
    }
    let program = command.first().map(String::as_str).unwrap_or_default();
    let mut process = Command::new(program);
    process
        .args(arguments(command, &place.folder))
        .current_dir(&place.folder)
        .env_clear()
        .env("PATH", DEFAULT_PATH)
        .envs(place.env.iter().map(|(name, value)| (name, value)))
        .kill_on_drop(true);
    if streams.tty {
        if !place.env.iter().any(|(name, _)| name == "TERM") {
            process.env("TERM", "xterm");
        }
        return on_terminal(process).map_err(|error| fault(program, error));
    }
    let pipe = |wanted: bool| if wanted { Stdio::piped() } else { Stdio::null() };
    process
        .stdin(pipe(streams.stdin))
        .stdout(pipe(streams.stdout))
        .stderr(pipe(streams.stderr))
        .process_group(0);
    let mut child = process.spawn().map_err(|error| fault(program, error))?;
    let io =
        Io::Pipes { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() };
    Ok(Running { child, io })
}

fn on_terminal(process: Command) -> std::io::Result<Running> {
    let plain = |error| match error {
        pty_process::Error::Io(error) => error,
        other => std::io::Error::other(other),
    };
    let (pty, pts) = pty_process::open().map_err(plain)?;
    pty.resize(pty_process::Size::new(24, 80)).map_err(plain)?;
    let child = pty_process::Command::from(process).spawn(pts).map_err(plain)?;
    let (from, to) = pty.into_split();
    Ok(Running { child, io: Io::Terminal { from, to } })
}

fn fault(program: &str, error: std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound => Fault::Command {
            code: NOT_FOUND,
            message: format!("exec: {program:?}: executable file not found in $PATH"),
        },
        ErrorKind::PermissionDenied | ErrorKind::IsADirectory => {
            Fault::Command { code: NOT_RUNNABLE, message: format!("exec: {program:?}: permission denied") }
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            Fault::Command { code: NOT_RUNNABLE, message: format!("exec: {program:?}: exec format error") }
        }
        _ => Fault::Machine(format!("{program:?} can't be started: {error}")),
    }
}

/// The arguments, with absolute paths taken inside the pod's folder as [`Place`] says.
fn arguments(command: &[String], folder: &Path) -> Vec<String> {
    let program = command.first().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    let copies = matches!(program, Some("tar" | "test"));
    let inside = |argument: &String| {
        let Some(path) = argument.strip_prefix('/') else { return argument.clone() };
        let path = path.trim_start_matches('/');
        if copies {
            // Relative, for tar names what it packs by what it was given.
            return if path.is_empty() { ".".to_owned() } else { path.to_owned() };
        }
        let there = folder.join(path);
        match there.to_str() {
            Some(there) if !path.is_empty() && Path::new(there).symlink_metadata().is_ok() => {
                there.to_owned()
            }
            _ => argument.clone(),
        }
    };
    command.iter().skip(1).map(inside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_lead_into_the_pods_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let here = |path: &str| folder.path().join(path).to_str().unwrap().to_owned();
        let run = |words: &[&str]| {
            arguments(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), folder.path())
        };
        assert_eq!(run(&["tar", "cf", "-", "/tmp/x"]), ["cf", "-", "tmp/x"]);
        assert_eq!(run(&["/bin/tar", "-xmf", "-", "-C", "/"]), ["-xmf", "-", "-C", "."]);
        assert_eq!(run(&["test", "-d", "/srv"]), ["-d", "srv"]);
        assert_eq!(run(&["ls", "/tmp", "/usr", "/", "x"]), [&here("tmp"), "/usr", "/", "x"]);
        assert_eq!(run(&["/tmp"]), [""; 0]);
    }
}
