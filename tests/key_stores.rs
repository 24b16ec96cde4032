//! Where keys are kept, on a real Secret Service (gnome-keyring on a bus of its own) and in the kernel's keyring.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    support::{
        fake_gate::FakeGate,
        run::{Ended, Login, Person},
        world::{Kubectl, Run, World, wait_for},
    },
    tsh_login::HALF_DAY,
};
use jumpgate::{
    client::keystore::{KeyName, KeyStore, Kind, SystemStore},
    demo::browser::Consent,
};

/// A session bus, with a keyring on it or without.
pub(crate) struct Bus {
    folder: tempfile::TempDir,
    daemons: Vec<Child>,
}

impl Bus {
    /// A bus on which nobody answers.
    fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // No services are started on demand: the machine's own would be found otherwise.
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\"/><allow eavesdrop=\"false\"/><allow own=\"*\"/></policy>\
             </busconfig>",
            folder.path().join("bus").display()
        );
        std::fs::write(folder.path().join("bus.conf"), config).expect("a file");
        let mut bus = Self { folder, daemons: vec![] };
        let config = format!("--config-file={}", bus.path("bus.conf").display());
        let daemon = Command::new("dbus-daemon").args([&config, "--nofork", "--nopidfile"]).spawn();
        bus.daemons.push(daemon.expect("dbus-daemon starts; tests/install-tools brings it"));
        wait_for("the bus", || bus.path("bus").exists().then_some(()));
        bus
    }

    /// A bus with gnome-keyring, unlocked or not.
    pub(crate) fn with_keyring(unlocked: bool) -> Self {
        let mut bus = Self::empty();
        bus.start_keyring(true);
        if !unlocked {
            bus.stop_keyring();
            bus.start_keyring(false);
        }
        bus
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.path("bus").display())
    }

    fn start_keyring(&mut self, unlocked: bool) {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).env_clear();
        command.env("HOME", self.folder.path()).env("XDG_RUNTIME_DIR", self.folder.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", self.address()).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if unlocked {
            command.arg("--unlock");
        }
        let mut daemon = command.spawn().expect("gnome-keyring starts; tests/install-tools brings it");
        let mut stdin = daemon.stdin.take().expect("standard input");
        std::io::Write::write_all(&mut stdin, b"secret").expect("it reads its password");
        drop(stdin);
        self.daemons.push(daemon);
        wait_for("the Secret Service on the bus", || {
            let asked = Command::new("dbus-send")
                .arg(format!("--bus={}", self.address()))
                .args(["--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"])
                .args(["org.freedesktop.DBus.Properties.Get", "string:org.freedesktop.Secret.Service"])
                .args(["string:Collections"])
                .output()
                .expect("dbus-send starts");
            let text = String::from_utf8_lossy(&asked.stdout).into_owned();
            text.contains("/collection/login").then_some(())
        });
    }

    fn stop_keyring(&mut self) {
        if self.daemons.len() > 1
            && let Some(mut daemon) = self.daemons.pop()
        {
            end(&mut daemon);
        }
    }

    /// The accounts of our items, as another program finds them.
    fn items(&self) -> Vec<String> {
        let found = Command::new("secret-tool")
            .args(["search", "--all", "service", "jumpgate"])
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .output()
            .expect("secret-tool starts; tests/install-tools brings it");
        let text = [found.stdout, found.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines()
            .filter_map(|line| line.strip_prefix("attribute.username = "))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemons.iter_mut().rev().for_each(end);
    }
}

fn end(daemon: &mut Child) {
    // It may have ended already.
    let _ = daemon.kill();
    let _ = daemon.wait();
}

/// Files below a folder in which a private key stands.
fn keys_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(keys_below(&path));
        } else if std::fs::read(&path)
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"))
        {
            found.push(path);
        }
    }
    found
}

fn tsh(person: &Person, env: &[(&str, &str)], args: &[&str]) -> Ended {
    person.command(args).envs(env.iter().copied()).output().expect("tsh starts").into()
}

fn log_in(person: &Person, gate: &FakeGate, env: &[(&str, &str)], more: &[&str]) -> Ended {
    let proxy = gate.proxy();
    let args = [&["login", "--browser=none", "--insecure", &proxy], more].concat();
    let login = person.begin_with(&args, env);
    browse(&login, gate);
    login.end()
}

fn browse(login: &Login, gate: &FakeGate) {
    login.browse(&login.link);
    login.browse(&gate.callback(&gate.answer("alice", HALF_DAY)));
}

#[test]
fn with_a_keyring_no_private_key_is_on_disk() {
    let (bus, world) = (Bus::with_keyring(true), World::with_connector());
    let address = bus.address();
    let with_bus = |mut command: Command| {
        command.env("DBUS_SESSION_BUS_ADDRESS", &address);
        command
    };
    let proxy = world.proxy();
    let login = ["login", "--insecure", &proxy, "--browser=none", "--key-store=keyring"];
    let command = with_bus(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &login));
    let browser = world.browser();
    let (run, _) = Run::with_browser(command, |at| {
        crate::support::world::runtime()
            .block_on(browser.sign_in(at, "alice", Consent::Approve))
            .expect("the browser comes to a page")
    });
    run.succeeds();
    assert_eq!(keys_below(&world.home()), Vec::<PathBuf>::new());
    let items = bus.items();
    assert_eq!(items.len(), 1, "{items:?}");
    assert!(items[0].contains("/alice/"), "{items:?}");
    let tsh = |args: &[&str]| Run::of(with_bus(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), args)));

    let kubectl = world.command(&Kubectl::WebSocket.path(), &["get", "namespaces"]);
    Run::of(with_bus(kubectl)).succeeds().says("kube-system");
    tsh(&["keys", "ls"]).succeeds().says("keyring").says("there");
    // A renewed key stays in its store, whatever is set for new logins.
    let renew = |env: &str| {
        let mut command = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &["login", "--renew"]);
        command.env("JUMPGATE_KEY_STORE", env);
        Run::of(with_bus(command)).succeeds();
        assert_eq!(keys_below(&world.home()), Vec::<PathBuf>::new());
        bus.items()
    };
    let renewed = renew("file");
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert_ne!(renewed, items);
    // Whoever only wants to know who is logged in does not ask the keyring.
    world.tsh(&["status"]).succeeds().says("Logged in as: alice");
    tsh(&["kube", "login", "--embed-certs"]).fails_with(2).says("keys move --to=file");

    tsh(&["logout"]).succeeds();
    assert_eq!(bus.items(), Vec::<String>::new());
}

#[test]
fn a_new_login_leaves_one_key_and_a_move_leaves_it_in_one_place() {
    let (bus, person, gate) = (Bus::with_keyring(true), Person::new(), FakeGate::start());
    let address = bus.address();
    let env = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
    assert_eq!(log_in(&person, &gate, &env, &["--key-store=keyring"]).code, 0);
    let first = bus.items();
    // The profile knows the store: nobody names it again.
    assert_eq!(log_in(&person, &gate, &env, &["--force"]).code, 0);
    let second = bus.items();
    assert_eq!((first.len(), second.len()), (1, 1), "{first:?} {second:?}");
    assert_ne!(first, second);
    assert_eq!(keys_below(&person.path(".tsh")), Vec::<PathBuf>::new());
    let proxy = gate.proxy();
    let key = |env: &[(&str, &str)]| {
        let ended = tsh(&person, env, &["kube", "credentials", &proxy, "--user=alice"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.stdout
    };
    let answer = key(&env);

    let ended = tsh(&person, &env, &["keys", "move", "--to=file"]);
    assert_eq!(ended.stdout, "Moved the key of alice at localhost from keyring to file.\n", "{ended:?}");
    assert_eq!(bus.items(), Vec::<String>::new());
    assert_eq!(keys_below(&person.path(".tsh")), [person.path(".tsh/keys/localhost/alice")]);
    assert_eq!(key(&[]), answer, "the same key, without the keyring");

    let ended = tsh(&person, &env, &["keys", "move", "--to=keyring", "--format=json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let moved = serde_json::json!({"profile": "localhost", "user": "alice", "from": "file", "to": "keyring"});
    let done: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(done, serde_json::json!({"key_store": "keyring", "moved": [moved], "files": []}));
    assert_eq!((bus.items(), key(&env)), (second, answer));
    assert_eq!(keys_below(&person.path(".tsh")), Vec::<PathBuf>::new());
    let ended = tsh(&person, &env, &["keys", "move", "--to=none"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let ended = tsh(&person, &env, &["keys", "move", "--to=keyring"]);
    assert!(ended.stdout.starts_with("There is no key to move"), "{ended:?}");
}

/// Kills `tsh keys move` at each of its renames: the key can be fetched before and after.
#[test]
fn a_move_that_is_killed_loses_nothing() {
    let (bus, person, gate) = (Bus::with_keyring(true), Person::new(), FakeGate::start());
    let address = bus.address();
    let env = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
    assert_eq!(log_in(&person, &gate, &env, &[]).code, 0);
    let proxy = gate.proxy();
    let key = || tsh(&person, &env, &["kube", "credentials", &proxy, "--user=alice"]);
    let before = key();
    assert_eq!(before.code, 0, "{before:?}");
    let mut killed = 0;
    let ways = [("file", "keyring"), ("keyring", "file")];
    for (from, to, at) in ways.into_iter().flat_map(|(from, to)| (1..=8).map(move |at| (from, to, at))) {
        assert_eq!(tsh(&person, &env, &["keys", "move", &format!("--to={from}")]).code, 0);
        assert_eq!(bus.items().len(), usize::from(from == "keyring"), "nothing is left behind");
        let inject = format!("--inject=rename,renameat,renameat2:signal=KILL:when={at}");
        let to = format!("--to={to}");
        let tsh_path = env!("CARGO_BIN_EXE_tsh");
        let args = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", &inject];
        let mut command = person.program(Path::new("strace"), &args);
        let ended: Ended =
            command.args([tsh_path, "keys", "move", &to]).envs(env).output().expect("strace starts").into();
        killed += usize::from(ended.code != 0);
        let after = key();
        assert_eq!((after.code, &after.stdout), (0, &before.stdout), "{to} {at}: {after:?}");
        // The same once more ends what was begun: no key stays where it was.
        let again = tsh(&person, &env, &["keys", "move", &to]);
        assert_eq!(again.code, 0, "{to} {at}: {again:?}");
        let in_file = (from == "keyring").then(|| person.path(".tsh/keys/localhost/alice"));
        assert_eq!(keys_below(&person.path(".tsh")), Vec::from_iter(in_file), "{to} {at}");
        assert_eq!(bus.items().len(), usize::from(from == "file"), "{to} {at}");
    }
    assert!(killed >= 12, "{killed} moves were killed");
    assert_eq!(tsh(&person, &env, &["logout"]).code, 0);
    assert_eq!(bus.items(), Vec::<String>::new());
}

#[test]
fn a_keyring_that_does_not_work_is_named_in_time() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let (empty, locked) = (Bus::empty(), Bus::with_keyring(false));
    let nowhere = "unix:path=/nowhere/bus".to_owned();
    let proxy = gate.proxy();
    let mut said = Vec::new();
    for address in [empty.address(), nowhere, locked.address()] {
        let begin = Instant::now();
        let args = ["login", "--browser=none", "--insecure", &proxy, "--key-store=keyring"];
        let ended = tsh(&person, &[("DBUS_SESSION_BUS_ADDRESS", address.as_str())], &args);
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}: {ended:?}", begin.elapsed());
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(!ended.stderr.contains("http://127.0.0.1"), "nobody signs in for nothing: {ended:?}");
        said.push(ended.stderr);
    }
    let missing = "error: the keyring of the desktop (Secret Service) is not there (";
    assert!(said[0].starts_with(missing) && said[1].starts_with(missing), "{said:?}");
    let hint = "hint: to keep the key in a file of yours: --key-store=file, or in the kernel's memory until the machine restarts with --key-store=keyutils\n";
    assert_eq!(
        said[2],
        format!(
            "error: the keyring of the desktop (Secret Service) is locked; unlock it, then run this again\n{hint}"
        )
    );
    assert!(said.iter().all(|said| said.ends_with(hint)), "{said:?}");
    assert!(!person.path(".tsh/keys").exists() || keys_below(&person.path(".tsh")).is_empty());
}

#[test]
fn a_logout_that_cannot_reach_the_key_says_so_and_is_made_good_later() {
    let (mut bus, person, gate) = (Bus::with_keyring(true), Person::new(), FakeGate::start());
    let address = bus.address();
    let env = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
    assert_eq!(log_in(&person, &gate, &env, &["--key-store=keyring"]).code, 0);
    bus.stop_keyring();
    let proxy = gate.proxy();
    let ended = tsh(&person, &env, &["kube", "credentials", &proxy, "--user=alice"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stderr.contains("is not there (") && ended.stderr.contains("--key-store=file"),
        "{ended:?}"
    );
    let ended = tsh(&person, &env, &["keys", "ls"]);
    assert!(ended.stdout.contains("unknown: the keyring of the desktop"), "{ended:?}");
    let ended = tsh(&person, &env, &["logout"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stderr.contains("the certificates of alice are removed, but the key is not: the keyring"),
        "{ended:?}"
    );
    assert!(!person.path(".tsh/keys/localhost/alice-x509.pem").exists());
    bus.start_keyring(true);
    assert_eq!(bus.items().len(), 1);
    assert_eq!(tsh(&person, &env, &["logout"]).code, 0);
    assert_eq!(bus.items(), Vec::<String>::new());
}

#[test]
fn without_a_session_bus_the_kernel_keeps_the_key() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let ended = log_in(&person, &gate, &[], &["--key-store=keyring"]);
    assert_eq!(
        ended.code, 0,
        "this machine does not let tests use the kernel's keyring, or the login failed: {ended:?}"
    );
    assert!(ended.stderr.contains("the key is kept in the Linux kernel's"), "{ended:?}");
    assert_eq!(keys_below(&person.path("")), Vec::<PathBuf>::new());
    let ours = || {
        let keys = std::fs::read_to_string("/proc/keys").expect("the kernel has keyrings");
        keys.matches(&format!("keyring:localhost_{}/alice/", gate.port)).count()
            + keys.matches("keyring:localhost/alice/").count()
    };
    assert!(ours() >= 1);
    let proxy = gate.proxy();
    let credentials = ["kube", "credentials", &proxy, "--user=alice"];
    assert_eq!(person.tsh(&credentials).code, 0);
    let ended = person.tsh(&["keys", "ls", "--format=json"]);
    let rows: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&rows[0]["key_store"], &rows[0]["state"]), (&"keyutils".into(), &"there".into()), "{rows}");
    let text = |key: &str| rows[0][key].as_str().expect("a text").to_owned();
    let name = KeyName { profile: text("profile"), user: text("user"), public: text("public_key") };
    let account = name.account();

    // A restart empties the kernel's keyring; a new login mends that.
    assert!(SystemStore::new(Kind::Keyutils).delete(&name).expect("the kernel's keyring"));
    let ended = person.tsh(&credentials);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("is no longer in the Linux kernel's keyring"), "{ended:?}");
    assert_eq!(log_in(&person, &gate, &[], &[]).code, 0);
    assert_eq!(person.tsh(&credentials).code, 0);
    assert_eq!(person.tsh(&["logout"]).code, 0);
    let keys = std::fs::read_to_string("/proc/keys").expect("the kernel has keyrings");
    assert!(!keys.contains(&account), "{keys}");
}

#[test]
fn a_store_that_is_named_while_the_key_is_in_another_is_not_passed_over() {
    let (person, gate) = (Person::new(), FakeGate::start());
    assert_eq!(log_in(&person, &gate, &[], &[]).code, 0);
    let proxy = gate.proxy();
    let key = person.path(".tsh/keys/localhost/alice");
    let before = person.read(".tsh/keys/localhost/alice");
    let says = |args: &[&str], code, text: &str| {
        let ended = person.tsh(&[&["login", "--insecure", &proxy], args].concat());
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stderr.contains(text), "{ended:?}");
    };
    for more in [&[][..], &["--renew"]] {
        let args = [more, &["--key-store=keyutils"]].concat();
        says(&args, 2, "the key of alice is in the key store file, not in keyutils");
        says(&args, 2, &format!("to move it: tsh keys move --to=keyutils {proxy}"));
        let args = [more, &["--key-store=none"]].concat();
        says(&args, 2, "keeps no key");
    }
    says(&["--key-store=file"], 0, "logged in at");
    assert_eq!(person.read(".tsh/keys/localhost/alice"), before);
    // What is only a default is for new logins.
    let ended = tsh(&person, &[("JUMPGATE_KEY_STORE", "keyutils")], &["login", "--insecure", &proxy]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(log_in(&person, &gate, &[], &["--force", "--key-store=keyutils"]).code, 0);
    assert_eq!(keys_below(&person.path(".tsh")), Vec::<PathBuf>::new(), "{key:?} is gone");
    says(&["--key-store=file"], 2, "the key of alice is in the key store keyutils, not in file");
    says(&["--key-store=keyutils"], 0, "logged in at");
    assert_eq!(person.tsh(&["logout"]).code, 0);
}

#[test]
fn none_keeps_nothing() {
    let (person, gate) = (Person::new(), FakeGate::start());
    let proxy = gate.proxy();
    let ended = person.tsh(&["login", "--browser=none", "--insecure", &proxy, "--key-store=none"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("keeps no key") && ended.stderr.contains("--out=FILE"), "{ended:?}");
    let out = person.path("alice.pem");
    let ended =
        log_in(&person, &gate, &[], &["--key-store=none", &format!("--out={}", out.to_str().expect("text"))]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(keys_below(&person.path("")), [out]);
}
