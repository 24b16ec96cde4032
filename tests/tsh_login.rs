//! `tsh login` to `tsh logout`, on the built binary, against the little of a gate that a client sees.

use std::os::unix::fs::PermissionsExt;

use jiff::SignedDuration;

use crate::support::{
    fake_gate::{CLUSTER, FakeGate, IDP},
    run::{Ended, Person},
};

pub const HALF_DAY: SignedDuration = SignedDuration::from_hours(12);

/// Logs alice in.
pub fn log_in(person: &Person, gate: &FakeGate, args: &[&str]) -> Ended {
    log_in_for(person, gate, args, HALF_DAY)
}

pub fn log_in_for(person: &Person, gate: &FakeGate, args: &[&str], ttl: SignedDuration) -> Ended {
    let proxy = gate.proxy();
    let mut all = vec!["login", "--browser=none", &proxy];
    all.extend(args);
    let login = person.begin(&all);
    let answer = login.browse(&login.link);
    assert!(answer.contains(&format!("Location: {IDP}\r\n")), "{answer}");
    let answer = login.browse(&gate.callback(&gate.answer("alice", ttl)));
    assert!(
        answer.contains(&format!("Location: https://localhost:{}/web/msg/info/login_success", gate.port)),
        "{answer}"
    );
    login.end()
}

pub fn current_context(person: &Person) -> String {
    let config: serde_json::Value = serde_yaml::from_str(&person.read(".kube/config")).expect("a kubeconfig");
    config["current-context"].as_str().unwrap_or_default().to_owned()
}

/// What a kubectl would do with the kubeconfig: run the plugin.
pub fn plugin(person: &Person, gate: &FakeGate) -> Ended {
    let proxy = gate.proxy();
    let cluster = format!("--teleport-cluster={CLUSTER}");
    person.tsh(&["kube", "credentials", &proxy, &cluster, "--user=alice"])
}

#[test]
fn from_login_to_logout() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let before = "apiVersion: v1\nkind: Config\n# mine\ncontexts:\n- name: other\n  context: {cluster: o, user: o}\nclusters:\n- {name: o, cluster: {server: 'https://o'}}\nusers: []\ncurrent-context: other\n";
    person.write(".kube/config", before);

    let ended = log_in(&person, &gate, &["--insecure", "--auth=github"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.stdout.starts_with(&format!(
            "> Profile URL:  https://localhost:{}\n  Logged in as: alice\n",
            gate.port
        )),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("[valid for 12h0m0s]"), "{ended:?}");
    assert!(ended.stderr.contains("is not verified (--insecure). Its fingerprint is sha256:"), "{ended:?}");
    assert!(ended.stderr.contains(&format!("context: other → {CLUSTER}\n")), "{ended:?}");
    assert!(!ended.stderr.contains("secret_key"), "{ended:?}");

    let config = person.read(".kube/config");
    assert!(config.contains("# mine\n") && config.contains("server: https://localhost:3026"), "{config}");
    assert!(config.contains(env!("CARGO_BIN_EXE_tsh")), "{config}");
    assert!(!config.contains("PRIVATE KEY") && !config.contains("client-key-data"), "{config}");
    for (file, mode) in
        [(".tsh", 0o700), (".tsh/keys/localhost", 0o700), (".tsh/keys/localhost/alice", 0o600)]
    {
        let found = std::fs::metadata(person.path(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }

    let ended = plugin(&person, &gate);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert!(answer["status"]["clientKeyData"].as_str().unwrap().contains("PRIVATE KEY"));

    let ended = person.tsh(&["status"]);
    assert_eq!(ended.code, 0);
    let ended = person.tsh(&["kube", "ls"]);
    // A gate that keeps no list of clusters, as a stock one: the one that the profile knows.
    let one = |line: &str| line.split_whitespace().eq([CLUSTER, "*"]);
    assert!(ended.stdout.lines().any(one), "{ended:?}");
    let ended = person.tsh(&["env"]);
    assert_eq!(
        ended.stdout,
        format!("export TELEPORT_PROXY=localhost:{}\nexport TELEPORT_CLUSTER={CLUSTER}\n", gate.port)
    );
    let ended = person.tsh(&["clusters"]);
    assert!(ended.stdout.contains(&format!("{CLUSTER} online")), "{ended:?}");

    let ended = person.tsh(&["logout"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "Logged out all users from all proxies.\n"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains(&format!("context: {CLUSTER} → other\n")), "{ended:?}");
    assert_eq!(person.read(".kube/config"), before);
    assert!(!person.path(".tsh/keys/localhost/alice").exists());
    let ended = plugin(&person, &gate);
    assert_eq!(ended.code, 3);
    assert_eq!(
        ended.stderr,
        format!(
            "error: nobody is logged in at localhost:{0}, and no browser can be opened here (there is no display); run: tsh login --proxy=localhost:{0} --user=alice\n",
            gate.port
        )
    );
}

#[test]
fn a_second_login_needs_no_browser_and_selects_the_context_again() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure", "--keep-context"]).code, 0);
    assert_ne!(current_context(&person), CLUSTER);
    let ended = person.tsh(&["login", &gate.proxy()]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("alice is logged in at localhost"), "{ended:?}");
    assert_eq!(current_context(&person), CLUSTER, "{ended:?}");
    // A new login on request, now on the pinned key and the learnt CA, without --insecure.
    let ended = log_in(&person, &gate, &["--force"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("not verified"), "{ended:?}");
}

#[test]
fn a_certificate_that_has_expired_is_named_with_the_command_that_mends_it() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in_for(&person, &gate, &["--insecure"], SignedDuration::from_secs(2)).code, 0);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let ended = loop {
        let ended = plugin(&person, &gate);
        assert_eq!(ended.code, 3, "{ended:?}");
        if ended.stderr.contains(" expired ") || std::time::Instant::now() > deadline {
            break ended;
        }
    };
    let address = format!("localhost:{}", gate.port);
    assert!(ended.stderr.starts_with(&format!("error: the certificate for {address} expired ")), "{ended:?}");
    assert!(ended.stderr.ends_with(&format!(" s ago, and no browser can be opened here (there is no display); run: tsh login --proxy={address} --user=alice\n")), "{ended:?}");
    assert_eq!(person.tsh(&["status"]).code, 1);
}

#[test]
fn trust_at_a_first_login() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let (proxy, address) = (gate.proxy(), format!("localhost:{}", gate.port));
    let ended = person.tsh(&["login", &proxy]);
    assert_eq!(ended.code, 6);
    assert!(
        ended
            .stderr
            .starts_with("error: the certificate of localhost is signed by nobody that this machine trusts"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains(&format!("hint: name its CA with --ca-file, or the pin that `tctl status` prints on the gate: tsh login --proxy={address} --ca-pin=sha256:HEX\n")), "{ended:?}");

    let wrong = format!("--ca-pin=sha256:{}", "0".repeat(64));
    let ended = person.tsh(&["login", &proxy, &wrong]);
    assert_eq!(ended.code, 6);
    assert!(ended.stderr.contains("is not the one of --ca-pin: expected sha256:0000"), "{ended:?}");

    let right = format!("--ca-pin={}", gate.host_ca.certificate().pin());
    let ended = log_in(&person, &gate, &[&right]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("warning"), "{ended:?}");
    assert!(!person.read(".tsh/localhost.yaml").contains("web_pin"));

    let other = Person::new();
    other.write("ca.pem", &gate.host_ca.certificate().to_pem());
    let file = format!("--ca-file={}", other.path("ca.pem").display());
    assert_eq!(log_in(&other, &gate, &[&file]).code, 0);
}

#[test]
fn a_changed_key_is_refused_with_both() {
    let person = Person::new();
    let first = FakeGate::start();
    assert_eq!(log_in(&person, &first, &["--insecure"]).code, 0);
    let second = FakeGate::start();
    let yaml = person.read(".tsh/localhost.yaml").replace(&first.port.to_string(), &second.port.to_string());
    person.write(".tsh/localhost.yaml", &yaml);
    let ended = person.tsh(&["login", "--force", &second.proxy()]);
    assert_eq!(ended.code, 6);
    assert!(
        ended.stderr.contains("the web port of localhost has changed its key: expected sha256:"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains(", seen sha256:"), "{ended:?}");
}

#[test]
fn errors_name_the_address_and_the_mend() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let ended = person.tsh(&["login"]);
    assert_eq!(
        ended.stderr,
        "error: no gate is known yet; name yours with --proxy\nhint: tsh login --proxy=gate.example.com:3080, with the address of your gate's web port\n"
    );
    let ended = person.tsh(&["login", "--insecure", &gate.proxy(), "--auth=nope"]);
    let address = format!("localhost:{}", gate.port);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.ends_with(&format!("error: {address} has no connector \"nope\"\nhint: leave --auth out to sign in with the gate's own connector\n")),
        "{ended:?}"
    );
    let ended = person.tsh(&["login", "--proxy=a b"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (2, "error: --proxy: \"a b\" is not an address; write for example gate.example.com:3080\n")
    );
    let ended = person.tsh(&["login", "--ttl=0"]);
    assert_eq!(ended.code, 2);
}

#[test]
fn ctrl_c_ends_cleanly_and_writes_nothing() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let login = person.begin(&["login", "--insecure", "--browser=none", &gate.proxy()]);
    login.browse(&login.link);
    login.interrupt();
    let ended = login.end();
    assert_eq!(ended.code, 7, "{ended:?}");
    let told = "error: login cancelled; nothing was changed. To begin again run: tsh login";
    assert!(
        ended.stderr.ends_with(&format!("{told} {} --insecure --browser=none\n", gate.proxy())),
        "{ended:?}"
    );
    assert!(!person.path(".tsh/keys/localhost/alice").exists() && !person.path(".kube/config").exists());
}

#[test]
fn a_refusal_of_the_gate_is_shown() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let login = person.begin(&["login", "--insecure", "--browser=none", &gate.proxy()]);
    login.browse(&login.link);
    let redirect = gate.asked().redirect_url;
    let base = redirect.split('?').next().unwrap();
    login.browse(&format!("{base}?err=alice+is+in+no+team+of+octocats%0d%0a"));
    let ended = login.end();
    assert_eq!(ended.code, 5);
    assert!(
        ended
            .stderr
            .ends_with("error: the gate refused the login: alice is in no team of octocats\\u{d}\\u{a}\n"),
        "{ended:?}"
    );
}

#[test]
fn an_identity_file_leaves_the_profile_alone() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let out = person.path("identity.pem").display().to_string();
    let ended = log_in(&person, &gate, &["--insecure", "--out", &out]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, format!("The certificate has been written to {out}\n").as_str()),
        "{ended:?}"
    );
    let text = person.read("identity.pem");
    assert!(jumpgate::client::identity_file::IdentityFile::parse(&text).is_ok());
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!person.path(".tsh").exists() && !person.path(".kube").exists());
}

#[test]
fn embedded_certificates_and_no_kubeconfig() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure", "--no-kubeconfig"]).code, 0);
    assert!(!person.path(".kube").exists());
    assert_eq!(person.tsh(&["kube", "login", "--embed-certs"]).code, 0);
    assert!(person.read(".kube/config").contains("client-key-data"));
    let ended = person.tsh(&["kube", "login", "other"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .contains("guards no Kubernetes cluster \"other\"\nhint: to see which it guards: tsh kube ls\n"),
        "{ended:?}"
    );
}

#[test]
fn the_profile_of_a_stock_tsh_is_shown() {
    let ended = Person::with_stock_profile().tsh(&["status"]);
    // How long it is until then depends on the day.
    let known = ended.stdout.split(" [").next().unwrap_or_default();
    insta::assert_snapshot!(known, @r"
    > Profile URL:  https://localhost:3080
      Logged in as: alice
      Cluster:      teleport.example.com
      Roles:        admin
      Logins:       root, alice
      Valid until:  2026-11-24 22:42:27 +0000 UTC
    ");
    assert_eq!(ended.code, i32::from(ended.stdout.contains("[EXPIRED]")));
    let ended = Person::new().tsh(&["status"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (
            1,
            "Not logged in.\n",
            "To log in: tsh login --proxy=gate.example.com:3080, with the address of your gate's web port\n",
        )
    );
}

#[test]
fn half_a_login_is_mended_by_a_new_one() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    let stock = Person::with_stock_profile().read(".tsh/keys/localhost/alice");
    person.write(".tsh/keys/localhost/alice", &stock);
    let ended = person.tsh(&["status"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("do not belong together; log in again"), "{ended:?}");
    assert_eq!(log_in(&person, &gate, &[]).code, 0);
    assert_eq!(person.tsh(&["status"]).code, 0);
}

#[test]
fn a_kubeconfig_that_does_not_parse_stays_as_it_is() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let broken = "clusters: [\n";
    person.write(".kube/config", broken);
    let ended = log_in(&person, &gate, &["--insecure"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("error: logged in, but the kubeconfig was not written: "), "{ended:?}");
    assert!(ended.stderr.ends_with("hint: when it is mended: tsh kube login\n"), "{ended:?}");
    assert_eq!(person.read(".kube/config"), broken);
}

#[test]
fn a_profile_that_cannot_be_written_is_told_before_anybody_signs_in() {
    let (person, gate) = (Person::new(), FakeGate::start());
    person.write("file", "");
    let mut command = person.command(&["login", "--insecure", "--browser=none", &gate.proxy()]);
    let home = person.path("file/tsh");
    let ended: Ended = command.env("TELEPORT_HOME", &home).output().expect("tsh starts").into();
    assert_eq!(ended.code, 1);
    assert!(!ended.stderr.contains("http://127.0.0.1") && ended.stderr.contains("file/tsh"), "{ended:?}");
}
