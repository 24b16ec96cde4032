//! Logins for machines: `tsh login --out` in its four forms, and `-i FILE` instead of a profile.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use jiff::{SignedDuration, Timestamp};
use jumpgate::{demo::browser::Consent, pki::AuthorityKind};

use crate::support::world::{CLUSTER, Kubectl, Run, Shown, World, wait_for};

/// A login of alice that goes to a file.
fn out(world: &World, more: &[&str]) -> Run {
    world.login_as("alice", Consent::Approve, more).0
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

fn external(world: &World, program: &str, args: &[&str]) -> Run {
    Run::of(world.command(Path::new(program), args))
}

#[test]
fn each_form_is_what_its_users_read() {
    let world = World::with_connector();
    let file = |name: &str| world.dir().join(name);

    out(&world, &["--out=bot.pem"]).succeeds().says("has been written to bot.pem");
    assert_eq!(mode(&file("bot.pem")), 0o600);
    let admin = format!("--auth-server={}", world.gate.admin);
    let tctl = env!("CARGO_BIN_EXE_tctl");
    external(&world, tctl, &["--identity=bot.pem", &admin, "status"]).succeeds().says(CLUSTER);

    out(&world, &["--out=id", "--format=openssh"]).succeeds().says("id-cert.pub");
    assert_eq!((mode(&file("id")), mode(&file("id-cert.pub"))), (0o600, 0o600));
    external(&world, "ssh-keygen", &["-L", "-f", "id-cert.pub"]).succeeds().says("Key ID: \"alice\"");
    // ssh-keygen reads the private key, and it is the certificate's.
    let public = external(&world, "ssh-keygen", &["-y", "-f", "id"]).succeeds().stdout;
    let fingerprint = |path: &str| external(&world, "ssh-keygen", &["-l", "-f", path]).succeeds().stdout;
    fs::write(file("id.pub"), public).expect("id.pub");
    let key = |line: String| line.split_whitespace().nth(1).map(str::to_owned).expect("a fingerprint");
    assert_eq!(key(fingerprint("id.pub")), key(fingerprint("id-cert.pub")));

    out(&world, &["--out=web", "--format=tls"]).succeeds().says("web.key");
    assert_eq!(mode(&file("web.key")), 0o600);
    let url = format!("https://{}/api/v1/namespaces/default/pods", world.gate.kube);
    external(&world, "curl", &["-sS", "--cacert", "web.cas", "--cert", "web.crt", "--key", "web.key", &url])
        .succeeds()
        .says("PodList");

    out(&world, &["--out=kc", "--format=kubernetes"]).succeeds().says("kubectl --kubeconfig=kc version");
    assert_eq!(mode(&file("kc")), 0o600);
    for kubectl in [Kubectl::Spdy, Kubectl::WebSocket] {
        world.kubectl(kubectl, &["--kubeconfig=kc", "get", "pods"]).succeeds().says("shell");
    }
    // Nothing of all this went into the profile or the person's own kubeconfig.
    assert!(!world.home().join(".tsh/keys/127.0.0.1/alice").exists());
    assert!(!world.kubeconfig().exists());
}

#[test]
fn a_file_that_is_no_earlier_login_is_left_alone() {
    let world = World::with_connector();
    let notes = world.dir().join("notes");
    let proxy = world.proxy();
    let refused = |args: &[&str]| {
        world.tsh(&[&["login", "--insecure", &proxy, "--browser=none"], args].concat()).fails_with(1)
    };
    for form in ["file", "openssh"] {
        fs::write(&notes, "shopping list\n").expect("notes");
        let args = ["--out=notes", &format!("--format={form}")];
        refused(&args).says("notes is there already and is no earlier login").says("--overwrite");
        assert_eq!(fs::read_to_string(&notes).expect("notes"), "shopping list\n");
        assert!(!world.dir().join("notes-cert.pub").exists());
        out(&world, &[args[0], args[1], "--overwrite"]).succeeds();
        // Now it is one.
        out(&world, &args).succeeds();
    }
    fs::write(&notes, "a: [").expect("notes");
    refused(&["--out=notes", "--format=kubernetes"]);
    assert_eq!(fs::read_to_string(&notes).expect("notes"), "a: [");
    let both = fs::read_dir(world.dir()).expect("the folder");
    let left =
        both.filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().starts_with(".new-")));
    assert_eq!(left.count(), 0, "no temporary file is left");
    world.tsh(&["login", "--format=tls"]).fails_with(2);
}

#[test]
fn a_machine_works_with_the_file_alone() {
    let world = World::with_connector();
    out(&world, &["--out=bot.pem"]).succeeds();
    let proxy = world.proxy();
    let tsh = |args: &[&str]| {
        let all = [&["-i", "bot.pem", &proxy], args].concat();
        let run = world.tsh(&all);
        assert!(!world.home().join(".tsh").exists(), "no profile is made");
        run
    };
    tsh(&["status"]).succeeds().says("Logged in as: alice").says(CLUSTER);
    tsh(&["kube", "ls"]).succeeds().says(CLUSTER);
    tsh(&["clusters"]).succeeds().says("online");
    tsh(&["kube", "credentials"]).succeeds().says("clientCertificateData");
    tsh(&["kube", "login"]).succeeds();
    let text = fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    assert!(text.contains(&format!("--identity={}", world.dir().join("bot.pem").display())), "{text}");
    assert!(!text.contains("PRIVATE KEY") && !text.contains("client-key-data"), "{text}");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    // Without --proxy the gate is looked for where the cluster's name leads.
    let args = ["-i", "bot.pem", "kube", "ls"];
    let mut elsewhere = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &args);
    elsewhere.env("HTTPS_PROXY", "http://127.0.0.1:1");
    Run::of(elsewhere).fails_with(6).says(CLUSTER).says("name the gate with --proxy=HOST:PORT");
    tsh(&["login"]).fails_with(2).says("--identity is for commands that use a login");
    tsh(&["logout"]).fails_with(2);
}

#[test]
fn an_expired_or_broken_file_says_what_to_do() {
    let world = World::with_connector();
    out(&world, &["--out=bot.pem"]).succeeds();
    let file = world.dir().join("bot.pem");
    let text = fs::read_to_string(&file).expect("bot.pem");
    let blocks = pem::parse_many(&text).expect("PEM");
    let whole = |end: &str| blocks.iter().find(|b| b.tag().ends_with(end)).expect("a block").to_string();
    let ca = world.gate.authority(AuthorityKind::User);
    let now = Timestamp::now();
    let valid = Shown { cert: whole("CERTIFICATE").replace("\r\n", "\n"), key: whole("PRIVATE KEY") };
    let hour = SignedDuration::from_hours(1);
    let old = valid.valid(ca.key(), now - hour * 2, now - hour);
    fs::write(&file, text.replace(valid.cert.trim(), old.cert.trim())).expect("bot.pem");
    let proxy = world.proxy();
    for args in [["kube", "credentials"], ["kube", "login"]] {
        let all = [&["-i", "bot.pem", &proxy], &args[..]].concat();
        world.tsh(&all).fails_with(3).says("bot.pem expired at ").says(&format!("tsh login {proxy} --out="));
    }
    fs::write(&file, "nothing").expect("bot.pem");
    world
        .tsh(&["-i", "bot.pem", "status"])
        .fails_with(1)
        .says("bot.pem is no identity file: it holds no private key");
    world
        .tsh(&["-i", "nowhere.pem", "status"])
        .fails_with(1)
        .says("cannot read the identity file nowhere.pem");
}

#[test]
fn a_key_of_the_persons_own_is_never_replaced_and_nobody_signs_in_for_nothing() {
    let world = World::with_connector();
    external(&world, "ssh-keygen", &["-q", "-t", "ecdsa", "-N", "", "-m", "PEM", "-f", "id"]).succeeds();
    let key = fs::read(world.dir().join("id")).expect("the key");
    fs::copy(world.dir().join("id"), world.dir().join("server.key")).expect("a copy");
    let refused = |args: &[&str], code| {
        // No browser comes: it is refused before one is asked for.
        let proxy = world.proxy();
        let all = [&["login", "--insecure", &proxy, "--browser=none"], args].concat();
        world.tsh(&all).fails_with(code)
    };
    refused(&["--out=id", "--format=openssh"], 1).says("is no earlier login; nothing was written");
    refused(&["--out=server", "--format=tls"], 1).says("server.key is there already");
    refused(&["--out=."], 1).says("it is a folder");
    refused(&["--out=none/bot.pem"], 1).says("there is no folder none");
    refused(&["--out=kc", "--format=kubernetes", "--overwrite"], 2);
    assert_eq!(fs::read(world.dir().join("id")).expect("the key"), key);
    // With a certificate of another key beside it, it is still the person's own.
    out(&world, &["--out=bot", "--format=openssh"]).succeeds();
    fs::copy(world.dir().join("bot-cert.pub"), world.dir().join("id-cert.pub")).expect("a copy");
    refused(&["--out=id", "--format=openssh"], 1);
    out(&world, &["--out=bot", "--format=openssh"]).succeeds();
    out(&world, &["--out=web", "--format=tls"]).succeeds();
    out(&world, &["--out=web", "--format=tls"]).succeeds();
}

/// A real `ssh-agent`, which ends with this value.
struct Agent {
    process: std::process::Child,
    socket: std::path::PathBuf,
}

impl Agent {
    fn start(world: &World, name: &str) -> Self {
        let socket = world.dir().join(name);
        let mut command =
            world.command(Path::new("ssh-agent"), &["-D", "-a", socket.to_str().expect("a path")]);
        let process = command.stdout(std::process::Stdio::null()).spawn().expect("ssh-agent starts");
        wait_for("the agent", || socket.exists().then_some(()));
        Self { process, socket }
    }

    fn run(&self, world: &World, program: &str, args: &[&str]) -> Run {
        let mut command = world.command(Path::new(program), args);
        Run::of({
            command.env("SSH_AUTH_SOCK", &self.socket);
            command
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_ssh_agent_gets_the_certificate_and_loses_it_at_logout() {
    let world = World::with_connector();
    world.login();
    let agent = Agent::start(&world, "first");
    let tsh = env!("CARGO_BIN_EXE_tsh");
    let proxy = world.proxy();
    agent.run(&world, tsh, &["login", &proxy]).succeeds();
    agent.run(&world, "ssh-add", &["-l"]).fails_with(1).says("no identities");
    let login = ["login", &proxy, "--add-keys-to-agent"];
    agent.run(&world, tsh, &login).succeeds().says("The SSH agent holds the certificate of alice");
    agent.run(&world, "ssh-add", &["-l"]).succeeds().says("tsh:alice (ECDSA-CERT)");
    // The agent can sign with it: the key is the certificate's.
    let file = world.dir().join("signed");
    fs::write(&file, "text").expect("a file");
    fs::copy(world.home().join(".tsh/keys/127.0.0.1/alice-cert.pub"), world.dir().join("alice-cert.pub"))
        .expect("a copy");
    agent
        .run(&world, "ssh-keygen", &["-Y", "sign", "-n", "test", "-f", "alice-cert.pub", "signed"])
        .succeeds();
    // A locked agent, or none: the login is done all the same.
    let mut lock = world
        .command(Path::new("sh"), &["-c", "printf 'x\nx\n' | SSH_ASKPASS_REQUIRE=never setsid ssh-add -x"]);
    lock.env("SSH_AUTH_SOCK", &agent.socket);
    if Run::of(lock).code == 0 {
        agent.run(&world, tsh, &login).succeeds().says("refuses the key; is it locked?");
    }
    world.tsh(&login).succeeds().says("none is running (SSH_AUTH_SOCK is not set)");
    drop(agent);

    let agent = Agent::start(&world, "second");
    agent.run(&world, tsh, &login).succeeds().says("The SSH agent holds");
    agent.run(&world, tsh, &["logout", &proxy]).succeeds();
    agent.run(&world, "ssh-add", &["-l"]).fails_with(1).says("no identities");
}
