//! The gate as whoever hosts it sees it: its first start, its mistakes, its signals, its end.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const SOON: Duration = Duration::from_secs(30);

fn jumpgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jumpgate"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs a command to its end: exit code, standard output, standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn write_config(dir: &Path, more: &str) {
    let text = format!(
        "teleport:\n  data_dir: {}\n{more}auth_service: {{listen_addr: '127.0.0.1:0', cluster_name: example}}\n\
         proxy_service: {{web_listen_addr: '127.0.0.1:0'}}\n",
        dir.join("data").display()
    );
    fs::write(dir.join("gate.yaml"), text).unwrap();
}

fn start(dir: &Path) -> Command {
    let mut command = jumpgate();
    command.args(["start", "--config"]).arg(dir.join("gate.yaml"));
    command
}

/// A gate that runs. It is killed when the story fails.
struct Running {
    child: Child,
    web: String,
    diagnostics: Option<String>,
    stderr: std::thread::JoinHandle<String>,
}

impl Running {
    fn new(command: &mut Command) -> Self {
        Self::with(command, false)
    }

    fn with(command: &mut Command, wants_diagnostics: bool) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("the gate prints its addresses").unwrap();
        let web = first.strip_prefix("web").unwrap().trim().strip_prefix("https://").unwrap().to_owned();
        let second = lines.next().unwrap().unwrap();
        assert!(second.starts_with("admin        https://127.0.0.1:"), "{second}");
        // The end of standard output comes only with the end of the gate, so this reads no further than it must.
        let diagnostics = wants_diagnostics.then(|| lines.next().unwrap().unwrap());
        let diagnostics = diagnostics.map(|line| line.rsplit('/').next().unwrap().to_owned());
        Self { child, web, diagnostics, stderr }
    }

    fn figures(&self) -> String {
        let mut stream = TcpStream::connect(self.diagnostics.as_ref().unwrap()).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its exit code, None for a signal, and what it logged.
    fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + SOON;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                panic!("the gate does not end: {}", self.stderr.join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        (status.code(), self.stderr.join().unwrap())
    }
}

#[test]
fn mistakes_are_told_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), "  log: {severity: LOUD}\n");
    let (code, stdout, stderr) = run(&mut start(dir.path()));
    assert_eq!((code, stdout.as_str()), (1, ""));
    let stderr = stderr.replace(&dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(stderr, @"error: DIR/gate.yaml: line 3, column 19: key teleport.log.severity: `LOUD` is not a severity; write DEBUG, INFO, WARN or ERROR");
    write_config(dir.path(), "  storage: {type: dir, size: 3}\n");
    let stderr = run(&mut start(dir.path())).2.replace(&dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(stderr, @"error: DIR/gate.yaml: line 3, column 24: key teleport.storage.size: unknown field `size`, expected one of type, path");
    let (code, _, stderr) = run(jumpgate().args(["start", "--config", "/nowhere.yaml"]));
    assert_eq!(code, 1);
    insta::assert_snapshot!(stderr, @"
    error: cannot read the configuration /nowhere.yaml: No such file or directory
    hint: a file to begin with: jumpgate configure > jumpgate.yaml
    ");
    assert!(!dir.path().join("data").exists());
}

#[test]
fn the_printed_configuration_is_the_one_that_starts() {
    let dir = tempfile::tempdir().unwrap();
    let (code, text, stderr) = run(jumpgate().arg("configure"));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let data = dir.path().join("data").display().to_string();
    let text = text
        .replace("/var/lib/teleport", &data)
        .replace("0.0.0.0:3080", "127.0.0.1:0")
        .replace("0.0.0.0:3025", "127.0.0.1:0")
        .replace("  kubernetes:\n    enabled: yes", "  kubernetes:\n    enabled: no");
    fs::write(dir.path().join("gate.yaml"), text).unwrap();
    let running = Running::new(&mut start(dir.path()));
    running.signal(Signal::TERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn one_gate_a_data_directory_and_a_killed_one_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), "");
    let ca = || {
        let pem = fs::read_to_string(dir.path().join("data/admin.pem")).unwrap();
        pem[pem.rfind("-----BEGIN").unwrap()..].to_owned()
    };
    let running = Running::new(&mut start(dir.path()));
    let (code, _, stderr) = run(&mut start(dir.path()));
    assert_eq!(code, 1);
    let expected = format!("error: another jumpgate (process {}) already uses", running.child.id());
    assert!(stderr.contains(&expected), "{stderr}");
    let first = ca();
    running.signal(Signal::KILL);
    assert_eq!(running.end().0, None);
    let running = Running::new(&mut start(dir.path()));
    assert_eq!(ca(), first, "the CA outlives the process");
    running.signal(Signal::HUP);
    running.signal(Signal::INT);
    let (code, log) = running.end();
    assert_eq!(code, Some(0));
    assert!(log.contains("the gate ended"), "{log}");
    assert!(!log.contains("PRIVATE"), "{log}");
    assert!(!dir.path().join("data/gate.json").exists());
}

#[test]
fn a_second_signal_does_not_wait_for_open_connections() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), "  shutdown_timeout: 10m\n  diag_addr: 127.0.0.1:0\n");
    let running = Running::with(&mut start(dir.path()), true);
    // In the middle of its handshake, which may take ten seconds.
    let _open = TcpStream::connect(&running.web).unwrap();
    let begin = Instant::now();
    while !running.figures().contains("jumpgate_connections{listener=\"web\"} 1") {
        assert!(begin.elapsed() < SOON, "the connection is accepted");
        std::thread::sleep(Duration::from_millis(5));
    }
    let begin = Instant::now();
    running.signal(Signal::TERM);
    // Until the port is closed the first signal may not have been seen, and two would be one.
    while TcpStream::connect(&running.web).is_ok() {
        assert!(begin.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal(Signal::TERM);
    let (code, log) = running.end();
    assert!(begin.elapsed() < Duration::from_secs(8), "{log}");
    assert!(log.contains("at a second signal"), "{code:?}: {log}");
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), "  log: {format: json}\n");
    let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let running = Running::new(start(dir.path()).env("NOTIFY_SOCKET", dir.path().join("notify")));
    let mut told = [0; 64];
    let n = socket.recv(&mut told).unwrap();
    assert_eq!(&told[..n], b"READY=1");
    running.signal(Signal::TERM);
    let n = socket.recv(&mut told).unwrap();
    assert_eq!(&told[..n], b"STOPPING=1");
    let (_, log) = running.end();
    let lines = json_lines(&log);
    assert!(
        lines.iter().any(|l| l["level"] == "WARN" && l["message"].as_str().unwrap().contains("own CA")),
        "{log}"
    );
}

/// Each line must be one of a log.
fn json_lines(log: &str) -> Vec<serde_json::Value> {
    let lines = log.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(
            line["message"].is_string() && line["level"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
        line
    });
    lines.collect()
}

#[test]
fn a_log_in_json_on_standard_output_has_the_addresses_as_json_too() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), "  log: {format: json, output: stdout, severity: ERROR}\n");
    let mut child = start(dir.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut log = String::new();
    stdout.read_line(&mut log).unwrap();
    stdout.read_line(&mut log).unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    stdout.read_to_string(&mut log).unwrap();
    let lines = json_lines(&log);
    let web = lines.iter().find(|line| line["listener"] == "web").unwrap();
    let web = web["address"].as_str().unwrap();
    assert!(web.starts_with("https://127.0.0.1:") && !web.ends_with(":0"), "{web}");
    assert!(lines.iter().any(|line| line["listener"] == "admin"), "{log}");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
}

#[test]
fn a_verbose_gate_logs_what_the_configuration_leaves_out() {
    for (verbose, lines) in [(&[][..], 0), (&["-v"], 1)] {
        let dir = tempfile::tempdir().unwrap();
        write_config(dir.path(), "  log: {severity: ERROR}\n");
        let gate = Running::new(start(dir.path()).args(verbose));
        // Nobody's idea of TLS.
        let mut stranger = TcpStream::connect(&gate.web).unwrap();
        stranger.write_all(b"hello, hello, hello\r\n\r\n").unwrap();
        // An alert, then the end: the gate is done with it, and has logged it or not.
        let _ = stranger.read_to_end(&mut Vec::new());
        gate.signal(Signal::TERM);
        let (code, log) = gate.end();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(log.matches("a handshake failed").count(), lines, "{log}");
    }
}

#[test]
fn a_verbose_word_before_the_tool_is_the_tools() {
    let home = tempfile::tempdir().unwrap();
    let clusters = |words: &[&str]| {
        let login = ["login", "--way=paste", "--proxy=127.0.0.1:1"];
        let (code, _, stderr) = run(jumpgate().args(words).args(login).env("HOME", home.path()));
        assert_eq!(code, 6, "{stderr}");
        stderr.contains("DEBUG")
    };
    assert!(!clusters(&["tsh"]));
    assert!(clusters(&["-v", "tsh"]) && clusters(&["tsh", "-v"]) && clusters(&["--verbose", "tsh"]));
    let (code, starter, stderr) = run(jumpgate().args(["configure", "-v"]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(starter.starts_with('#'), "{starter}");
}

#[test]
fn the_rights_in_kubernetes_are_printed_without_a_gate() {
    let (code, stdout, stderr) = run(jumpgate().args(["configure", "--rbac", "--group", "guest"]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("- \"guest\"") && stdout.contains("verbs: [impersonate]"), "{stdout}");
    let (code, _, stderr) = run(jumpgate().args(["configure", "--rbac"]));
    assert_eq!(code, 0);
    assert!(stderr.contains("warning: no group is allowed"), "{stderr}");
    assert_eq!(run(jumpgate().args(["configure", "--group", "guest"])).0, 2);
    let args = ["configure", "--rbac", "--group", "system:masters", "--user", "alice"];
    let (_, stdout, _) = run(jumpgate().args(args));
    assert!(stdout.contains("- \"alice\"") && stdout.contains("cluster-admin"), "{stdout}");
}
