//! `tsh doctor`: each thing is broken once, and exactly its check fails.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use jumpgate::pki::{Authority, AuthorityKind};

use crate::support::{
    fake_gate,
    world::{Kubectl, Run, World},
};

/// A person who is logged in and has a kubectl.
struct Patient {
    world: World,
    proxy: String,
}

impl Patient {
    fn new() -> Self {
        let world = World::with_connector();
        world.login();
        fs::create_dir(world.dir().join("bin")).expect("a folder");
        symlink(Kubectl::WebSocket.path(), world.dir().join("bin/kubectl")).expect("a link");
        let out = ["--out=id.pem", "--force"];
        world.login_as("alice", jumpgate::demo::browser::Consent::Approve, &out).0.succeeds();
        let proxy = world.proxy();
        Self { world, proxy }
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        let args = [&["doctor"][..], args].concat();
        let mut command = self.world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
        // A kubectl that is a script needs a shell.
        let path = format!("{}:/usr/bin:/bin", self.world.dir().join("bin").display());
        command.env("PATH", path).env("TELEPORT_LOGIN_BROWSER", "none").envs(env.iter().copied());
        let begun = Instant::now();
        let run = Run::of(command);
        assert!(begun.elapsed() < Duration::from_secs(5), "{args:?} took {:?}", begun.elapsed());
        run
    }

    /// The checks that fail, with what they say.
    #[track_caller]
    fn failing(&self, args: &[&str], env: &[(&str, &str)]) -> Vec<(String, String)> {
        let run = self.run(&[args, &["--format=json"]].concat(), env);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        let checks = report["checks"].as_array().expect("checks");
        let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "failed").collect();
        assert_eq!(run.code, i32::from(!failed.is_empty()), "{}", run.stdout);
        assert_eq!(report["ok"], failed.is_empty());
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        for check in &failed {
            assert!(check["mend"].is_string(), "no mend: {check}");
        }
        failed.iter().map(|check| (text(&check["check"]), text(&check["found"]))).collect()
    }

    #[track_caller]
    fn fails(&self, args: &[&str], env: &[(&str, &str)], check: &str, says: &str) {
        let failing = self.failing(args, env);
        assert_eq!(failing.len(), 1, "{failing:?}");
        assert_eq!(failing[0].0, check, "{failing:?}");
        assert!(failing[0].1.contains(says), "{failing:?}");
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.world.dir().join(name);
        // It may be a link to what must stay.
        let _ = fs::remove_file(&path);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }
}

#[test]
fn all_is_well_as_text_and_json() {
    let patient = Patient::new();
    let mut said = patient.world.transcript();
    said.hide(&Kubectl::WebSocket.path().display().to_string(), "KUBECTL");
    let version = patient.world.kubectl(Kubectl::WebSocket, &["version", "--client", "-o", "json"]).stdout;
    let version: serde_json::Value = serde_json::from_str(&version).expect("JSON");
    said.hide(version["clientVersion"]["gitVersion"].as_str().expect("a version"), "vVERSION");
    said.run(patient.run(&[], &[])).succeeds();
    said.run(patient.run(&["--format=json"], &[])).succeeds();
    said.run(patient.run(&[], &[("TELEPORT_HOME", "/nonexistent/home")]));
    said.run(patient.run(&["--proxy=gate.invalid:3080"], &[("TELEPORT_LOGIN_BROWSER", "")]));
    for words in [
        "Temporary failure in name resolution",
        "Name or service not known",
        "No address associated with hostname",
    ] {
        said.hide(words, "RESOLVER'S WORDS");
    }
    insta::assert_snapshot!("doctor", said.end());
}

#[test]
fn on_the_way_to_the_gate() {
    let mut patient = Patient::new();
    patient.fails(&["-iid.pem", "--proxy=gate.invalid:3080"], &[], "dns", "gate.invalid has no address");
    let (ca, page) = (authority(), "<html>It works!</html>");
    fs::write(patient.world.dir().join("ca.pem"), ca.certificate().to_pem()).expect("a file");
    let find = r#"{"auth":{},"proxy":{},"server_version":"4.3.0","min_client_version":"3.0.0"}"#;
    let other = server(&ca, Timestamp::now(), find);
    patient.fails(&["-iid.pem", &other], &[], "tls", "signed by nobody that this machine trusts");
    assert_eq!(patient.failing(&["-iid.pem", &other, "--ca-file=ca.pem"], &[]), []);
    let late = server(&ca, Timestamp::now() - SignedDuration::from_hours(1), find);
    patient.fails(&["-iid.pem", &late, "--ca-file=ca.pem"], &[], "clock", " min ahead of");
    let early = server(&ca, Timestamp::now() + SignedDuration::from_secs(90), find);
    patient.fails(&["-iid.pem", &early, "--ca-file=ca.pem"], &[], "clock", " s behind");
    let strange = server(&ca, Timestamp::now(), page);
    patient.fails(&["-iid.pem", &strange, "--ca-file=ca.pem"], &[], "proxy", "is not the web port of a gate");
    let picky = find.replace("3.0.0", "99.0.0");
    let picky = server(&ca, Timestamp::now(), Box::leak(picky.into_boxed_str()));
    patient.fails(
        &["-iid.pem", &picky, "--ca-file=ca.pem"],
        &[],
        "proxy",
        "wants a client that speaks version",
    );
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("--proxy=localhost:{}", silent.local_addr().expect("an address").port());
    patient.fails(&["-iid.pem", &silent], &[], "proxy", "");
    patient.world.gate.stop();
    patient.fails(&[], &[], "proxy", "cannot reach");
}

#[test]
fn the_login() {
    let patient = Patient::new();
    patient.world.tsh(&["logout"]).succeeds();
    fs::write(patient.world.dir().join("ca.pem"), patient.world.gate.host_ca()).expect("a file");
    let proxy = patient.proxy.clone();
    patient.fails(&[&proxy, "--ca-file=ca.pem"], &[], "certificate", "nobody is logged in at");
}

#[test]
fn the_kubeconfig() {
    let patient = Patient::new();
    let file = patient.world.kubeconfig();
    let whole = fs::read_to_string(&file).expect("a kubeconfig");
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
    mode(0o666);
    patient.fails(&[], &[], "kubeconfig", "others can write");
    mode(0o600);
    fs::write(&file, "clusters: [\n").expect("a file");
    patient.fails(&[], &[], "kubeconfig", "");
    let tsh = env!("CARGO_BIN_EXE_tsh");
    assert!(whole.contains(&format!("command: {tsh}\n")), "{whole}");
    let with =
        |command: &Path| fs::write(&file, whole.replace(tsh, &command.display().to_string())).expect("it");
    with(Path::new("/nonexistent/tsh"));
    patient.fails(&[], &[], "kubeconfig", "which is not there or cannot be run");
    with(&patient.script("stock", "echo 'Teleport v4.0.2 git:v4.0.2-0-gc4a2a63 go1.12.1'"));
    patient.fails(&[], &[], "kubeconfig", "which is another tsh than this one");
    with(&patient.script("failing", "exit 1"));
    patient.fails(&[], &[], "kubeconfig", "which is another tsh than this one");
    with(&patient.script("hanging", "sleep 60; echo"));
    patient.fails(&[], &[], "kubeconfig", "which did not say within 2 seconds what it is");
    with(Path::new(env!("CARGO_BIN_EXE_jumpgate")));
    patient.fails(&[], &[], "kubeconfig", "another tsh");
    fs::write(&file, &whole).expect("it");
    assert_eq!(patient.failing(&[], &[]), []);
    patient.world.tsh(&["kube", "login", "--embed-certs"]).succeeds();
    assert_eq!(patient.failing(&[], &[]), []);
    mode(0o644);
    patient.fails(&[], &[], "kubeconfig", "others can read the secrets in");
}

#[test]
fn this_machine() {
    let patient = Patient::new();
    patient.fails(&[], &[("PATH", "/nonexistent")], "kubectl", "there is no kubectl on PATH");
    patient.script("bin/kubectl", "echo hello");
    patient.fails(&[], &[], "kubectl", "answers otherwise than a kubectl does");
    patient.script("bin/kubectl", "sleep 60");
    patient.fails(&[], &[], "kubectl", "did not say its version within 3 seconds");
    patient.script("bin/kubectl", "exit 3");
    patient.fails(&[], &[], "kubectl", "cannot say its own version");
    fs::remove_file(patient.world.dir().join("bin/kubectl")).expect("it was there");
    symlink(Kubectl::Spdy.path(), patient.world.dir().join("bin/kubectl")).expect("a link");
    patient.run(&[], &[]).succeeds().says("in an old way");
    let browser = [("TELEPORT_LOGIN_BROWSER", "/nonexistent/browser")];
    patient.fails(&[], &browser, "browser", "which is not there");
    let folder = patient.world.home().join(".tsh");
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    set(&folder, 0o777);
    patient.fails(&[], &[], "home", "others can look into");
    set(&folder, 0o755);
    assert_eq!(patient.failing(&[], &[]), []);
    let keys = folder.join("keys/127.0.0.1");
    set(&keys, 0o755);
    set(&keys.join("alice"), 0o644);
    patient.fails(&[], &[], "home", "keys/127.0.0.1/alice");
}

fn authority() -> Authority {
    Authority::generate(AuthorityKind::Host, "gate.example.com", Timestamp::now()).expect("a CA")
}

/// A server that gives one answer to everything, and says that it is this late; `--proxy=…` of it.
fn server(ca: &Authority, now: Timestamp, answer: &'static str) -> String {
    let config = fake_gate::tls(ca);
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = tcp.local_addr().expect("an address").port();
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    std::thread::spawn(move || {
        for stream in tcp.incoming().filter_map(Result::ok) {
            let connection = rustls::ServerConnection::new(config.clone()).expect("TLS");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let _ = stream.read(&mut [0; 4096]);
            let length = answer.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
            );
            let _ = stream.flush();
        }
    });
    format!("--proxy=localhost:{port}")
}
