//! A built `tsh` in a home of its own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A clean home directory.
pub(crate) struct Person {
    folder: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Person {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A person whose `~/.tsh` is the one that a stock `tsh` left.
    pub(crate) fn with_stock_profile() -> Self {
        let person = Self::new();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/teleport-4.0.2/home/dot-tsh");
        copy(&from, &person.path(".tsh"));
        #[cfg(unix)]
        std::os::unix::fs::symlink("localhost.yaml", person.path(".tsh/profile")).expect("a link");
        person
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// `tsh` with these arguments, in this home and with nothing else in its environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tsh"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("TZ", "UTC")
            .env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn tsh(&self, args: &[&str]) -> Ended {
        self.command(args).output().expect("tsh starts").into()
    }

    /// As [`Person::command`], of another program.
    pub(crate) fn program(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// As [`Person::begin`], with variables in the environment.
    pub(crate) fn begin_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Login {
        Login::of(self.command(args).envs(variables.iter().copied()).spawn().expect("tsh starts"))
    }

    /// Starts a login and reads on until it prints the address for the browser.
    pub(crate) fn begin(&self, args: &[&str]) -> Login {
        Login::of(self.command(args).spawn().expect("tsh starts"))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A `tsh login` that waits for the browser.
pub(crate) struct Login {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    seen: String,
    /// The address that it printed.
    pub(crate) link: String,
}

impl Login {
    pub(crate) fn of(mut child: Child) -> Self {
        let mut stderr = BufReader::new(child.stderr.take().expect("standard error"));
        let mut seen = String::new();
        let link = loop {
            let mut line = String::new();
            if stderr.read_line(&mut line).expect("standard error") == 0 {
                panic!("tsh ended without an address: {seen}");
            }
            seen.push_str(&line);
            if let Some(link) = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")) {
                break link.to_owned();
            }
        };
        Self { child, stderr, seen, link }
    }

    /// The browser goes to an address on the listener; the answer.
    pub(crate) fn browse(&self, address: &str) -> String {
        browse(address)
    }

    /// What it says from now on, and how it ends.
    pub(crate) fn end(mut self) -> Ended {
        self.stderr.read_to_string(&mut self.seen).expect("standard error");
        let mut ended: Ended = self.child.wait_with_output().expect("an end").into();
        ended.stderr = self.seen;
        ended
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("an end");
    }

    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().expect("kill");
    }
}

/// A browser goes to an address on a listener; the answer.
pub(crate) fn browse(address: &str) -> String {
    let rest = address.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("tsh listens");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { std::fs::copy(&from, &to).map(drop).expect("a copy") }
    }
}
