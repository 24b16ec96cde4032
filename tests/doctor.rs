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
    script::script,
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
        script(&path, text);
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

/// The real kubectl says whether it runs our plugin, and the doctor says the same.
#[test]
fn the_plugins_that_kubectl_may_run() {
    let patient = Patient::new();
    let (tsh, dir) = (env!("CARGO_BIN_EXE_tsh"), patient.world.dir().to_owned());
    let file = patient.world.home().join(".kube/kuberc");
    symlink(tsh, dir.join("bin/tsh")).expect("a link");
    symlink(tsh, dir.join("bin/other")).expect("a link");
    let kubectl = |env: &[(&str, &str)]| {
        let mut command = patient.world.command(&Kubectl::WebSocket.path(), &["get", "namespaces"]);
        command.env("PATH", format!("{}:/usr/bin:/bin", dir.join("bin").display())).envs(env.iter().copied());
        Run::of(command)
    };
    let head = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n";
    let list = |entry: &str| {
        format!("{head}credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- {entry}\n")
    };
    let policy = |more: &str| format!("{head}credentialPluginPolicy: {more}\n");
    let table = [
        (head.to_owned(), None),
        (policy("AllowAll"), None),
        (policy("''"), None),
        (policy("DenyAll"), Some("lets kubectl run no plugin (DenyAll), so not ")),
        (policy("Some"), Some("\"Some\" is no credentialPluginPolicy, so kubectl does nothing")),
        (policy("Allowlist"), Some("but nothing is listed, so kubectl does nothing")),
        (policy("Allowlist\ncredentialPluginAllowlist: []"), Some("but nothing is listed")),
        (
            policy("DenyAll\ncredentialPluginAllowlist: [{command: tsh}]"),
            Some("but the policy is \"DenyAll\""),
        ),
        (format!("{head}credentialPluginAllowlist: [{{command: tsh}}]\n"), Some("but the policy is \"\"")),
        (list(&format!("command: {tsh}")), None),
        (list(&format!("name: {tsh}")), None),
        (list("command: aws\n- command: other"), Some("does not let kubectl run ")),
        (list(&format!("command: {tsh}\n- command: nowhere")), None),
        (list("command: /opt/tsh"), Some("does not let kubectl run ")),
        (list("{}"), Some("an entry of credentialPluginAllowlist is empty")),
        (list("command: /usr//bin/tsh"), Some("is written in a roundabout way")),
        (format!("foo: bar\n---\n{}", policy("DenyAll")), Some("DenyAll")),
        (format!("{}---\n{}", policy("DenyAll"), policy("AllowAll")), Some("DenyAll")),
        (policy("DenyAll").replace("v1beta1", "v1alpha1"), None),
        (policy("DenyAll") + "unknown: key\n", Some("DenyAll")),
        ("{ no yaml".to_owned(), None),
    ];
    for (text, refused) in table {
        fs::write(&file, &text).expect("a kuberc");
        assert_eq!(kubectl(&[]).code == 0, refused.is_none(), "{text}");
        match refused {
            None => assert_eq!(patient.failing(&[], &[]), [], "{text}"),
            Some(says) => patient.fails(&[], &[], "kuberc", says),
        }
    }
    fs::write(&file, policy("DenyAll")).expect("a kuberc");
    for off in [("KUBERC", "off"), ("KUBECTL_KUBERC", "false")] {
        kubectl(&[off]).succeeds();
        assert_eq!(patient.failing(&[], &[off]), []);
    }
    let nowhere = ("KUBERC", "/nonexistent/kuberc");
    assert_ne!(kubectl(&[nowhere]).code, 0);
    patient.fails(&[], &[nowhere], "kuberc", "KUBERC names /nonexistent/kuberc, which cannot be read");
    // Bare names are looked up on PATH, in the kubeconfig and in the list; links are not followed.
    let whole = fs::read_to_string(patient.world.kubeconfig()).expect("a kubeconfig");
    fs::write(patient.world.kubeconfig(), whole.replace(tsh, "tsh")).expect("a kubeconfig");
    let in_bin = dir.join("bin/tsh").display().to_string();
    for (entry, runs) in [("tsh", true), (in_bin.as_str(), true), (tsh, false), ("other", false)] {
        fs::write(&file, list(&format!("command: {entry}"))).expect("a kuberc");
        assert_eq!(kubectl(&[]).code == 0, runs, "{entry}");
        assert_eq!(patient.failing(&[], &[]).is_empty(), runs, "{entry}");
    }
    // What the doctor says mends it.
    let run = patient.run(&[], &[]);
    let line = run.stdout.split("add below credentialPluginAllowlist in ").nth(1).expect("a mend");
    let entry = line.split_once(": ").and_then(|(_, rest)| rest.lines().next()).expect("an entry");
    fs::write(&file, format!("{}{entry}\n", list("command: other"))).expect("a kuberc");
    kubectl(&[]).succeeds();
    patient.run(&[], &[]).succeeds().says("lets kubectl run tsh");
    // A kubectl that knows no policy has none.
    fs::write(&file, policy("DenyAll")).expect("a kuberc");
    fs::remove_file(dir.join("bin/kubectl")).expect("it was there");
    symlink(Kubectl::Spdy.path(), dir.join("bin/kubectl")).expect("a link");
    assert_eq!(patient.failing(&[], &[]), []);
}

/// Entries of an older tsh, of a later one, of a gate that is gone, and of somebody else.
#[test]
fn entries_that_are_not_ours_or_not_of_today() {
    let patient = Patient::new();
    let file = patient.world.kubeconfig();
    let whole = fs::read_to_string(&file).expect("a kubeconfig");
    let warns = |says: &str, mend: &str| {
        let run = patient.run(&["--format=json"], &[]).succeeds();
        let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        let checks = report["checks"].as_array().expect("checks").iter();
        let found: Vec<_> = checks.filter(|check| check["check"] == "kubeconfig").collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["status"], "warning", "{found:?}");
        assert!(found[0]["found"].as_str().is_some_and(|text| text.contains(says)), "{found:?}");
        assert!(found[0]["mend"].as_str().is_some_and(|text| text.contains(mend)), "{found:?}");
    };
    let mark = |from: &str, to: &str| {
        assert!(whole.contains(from), "{whole}");
        fs::write(&file, whole.replace(from, to)).expect("a kubeconfig");
    };
    mark("version: 1\n", "version: 0\n");
    warns(
        "the entry teleport.example.com was written by an older tsh",
        "to write it anew: tsh kube login --proxy=",
    );
    patient.world.tsh(&["kube", "login", &patient.proxy]).succeeds();
    assert_eq!(patient.failing(&[], &[]), []);
    patient.run(&[], &[]).succeeds().says("the entry teleport.example.com is whole");

    mark("version: 1\n", "version: 2\n");
    warns("was written by a later version of tsh", "install the later version");
    mark("profile: \"127.0.0.1\"\n", "profile: gone.example.com\n");
    warns(
        "is for the gate gone.example.com, of which there is no profile",
        "tsh kube logout teleport.example.com",
    );
    patient.world.tsh(&["kube", "logout", "teleport.example.com"]).succeeds();
    patient.run(&[], &[]).succeeds().says("holds no entry of tsh yet");

    // A stock tsh's, with what it wrote in its time.
    let stock = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/teleport-4.0.2/home/dot-kube/config"),
    );
    let stock = stock.expect("a kubeconfig").replace("localhost", "teleport.example.com");
    let plugin = stock.split_once("    client-certificate-data").expect("a user").0;
    fs::write(&file, format!("{plugin}    exec: {{command: /opt/stock/tsh, apiVersion: x}}\n")).expect("it");
    warns("was written by an older tsh", "to write it anew: tsh kube login");
    patient.world.tsh(&["kube", "login"]).succeeds();
    patient.run(&[], &[]).succeeds().says("the entry teleport.example.com is whole");

    // Somebody else's plugin is nobody's business here: it is not run, whatever it is called.
    let ran = patient.world.dir().join("ran");
    let theirs = patient.script("their-plugin", &format!("touch {}", ran.display()));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{server: 'https://a.example.com'}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         users: [{{name: a, user: {{exec: {{command: {}, apiVersion: client.authentication.k8s.io/v1}}}}}}]\n",
        theirs.display()
    );
    fs::write(&file, text).expect("a kubeconfig");
    patient.run(&[], &[]).succeeds().says("holds no entry of tsh yet");
    assert!(!ran.exists());
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
