//! Field notes B.1: what hurts people in their kubeconfig and their contexts does not hurt here. `tests/field-notes.md` has
//! the whole table; other stories show the rest of it.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use jumpgate::demo::browser::Consent;

use crate::{
    exit_codes::expire,
    support::{
        fake_gate::FakeGate,
        run::Person,
        world::{CLUSTER, Kubectl, Live, Run, World, runtime},
    },
    tsh_login::log_in,
};

const TSH: &str = env!("CARGO_BIN_EXE_tsh");
const OTHERS: &str = "apiVersion: v1\nkind: Config\n# mine\nclusters:\n- {name: o, cluster: {server: 'https://o.example.com'}}\n\
contexts:\n- {name: o, context: {cluster: o, user: o}}\n- {name: p, context: {cluster: o, user: o}}\nusers: []\ncurrent-context: o\n";

/// A gate, and a person with a context of another tool.
fn world() -> World {
    let world = World::with_connector();
    fs::create_dir_all(world.home().join(".kube")).expect("a folder");
    fs::write(world.kubeconfig(), OTHERS).expect("a kubeconfig");
    world
}

fn current(world: &World) -> String {
    world.kubectl(Kubectl::WebSocket, &["config", "current-context"]).succeeds().stdout.trim().to_owned()
}

fn text(world: &World) -> String {
    fs::read_to_string(world.kubeconfig()).expect("a kubeconfig")
}

/// The command in the entry of the gate's cluster.
fn command_of(world: &World) -> String {
    let config: serde_json::Value = serde_yaml::from_str(&text(world)).expect("a kubeconfig");
    let users = config["users"].as_array().expect("users");
    let ours = users.iter().find(|user| user["name"] == CLUSTER).expect("our entry");
    ours["user"]["exec"]["command"].as_str().expect("a command").to_owned()
}

/// Lets a person sign in at the browser that a command waits for.
fn sign_in(world: &World, command: Command) -> Run {
    let browser = world.browser();
    let (run, _) = Run::with_browser(command, |address| {
        runtime().block_on(browser.sign_in(address, "alice", Consent::Approve)).expect("a page")
    });
    run
}

#[test]
fn b1_1_only_a_command_that_a_person_typed_moves_the_context() {
    let world = world();
    world.login().says(&format!("context: o → {CLUSTER}"));
    world.tsh(&["kube", "use", "o"]).succeeds();
    let before = text(&world);
    let quiet = |run: Run| {
        let run = run.succeeds();
        assert!(!run.stderr.contains("context:"), "{}", run.stderr);
        assert_eq!(text(&world), before, "{}", run.command);
    };
    quiet(world.login_as("alice", Consent::Approve, &["--force", "--keep-context"]).0);
    quiet(world.tsh(&["login", "--keep-context"]));
    quiet(world.tsh(&["kube", "login", "--keep-context"]));
    let mut kept = world.command(Path::new(TSH), &["kube", "login"]);
    kept.env("JUMPGATE_KEEP_CONTEXT", "1");
    quiet(Run::of(kept));
    world.tsh(&["config", "set", "kube.keep_context", "true"]).succeeds();
    quiet(world.tsh(&["login"]));

    // A login that kubectl's plugin makes leaves the file as it is, whatever the settings say.
    world.tsh(&["config", "unset", "kube.keep_context"]).succeeds();
    for kubectl in Kubectl::ALL {
        expire(&world);
        let mut command = world.command(&kubectl.path(), &["--context", CLUSTER, "get", "pods"]);
        command.env("TELEPORT_LOGIN_BROWSER", "true");
        quiet(sign_in(&world, command));
    }
    assert_eq!(current(&world), "o");
}

#[test]
fn b1_2_a_login_without_kubernetes_writes_no_kubeconfig() {
    let (person, gate) = (Person::new(), FakeGate::without_kubernetes());
    assert_eq!(log_in(&person, &gate, &["--insecure"]).code, 0);
    assert!(!person.path(".kube").exists(), "no folder is made");
    person.write(".kube/config", OTHERS);
    assert_eq!(log_in(&person, &gate, &["--force"]).code, 0);
    assert_eq!(person.read(".kube/config"), OTHERS);
    let ended = person.tsh(&["kube", "login"]);
    assert!(ended.code == 1 && ended.stderr.contains("guards no Kubernetes cluster"), "{ended:?}");
    assert_eq!(person.tsh(&["logout"]).code, 0);
    assert_eq!(person.read(".kube/config"), OTHERS);
}

/// An update moves the program behind its link; a package puts it on PATH.
#[test]
fn b1_5_and_6_the_command_is_absolute_and_outlives_an_update() {
    let world = world();
    world.login();
    let bin = world.dir().join("bin");
    for folder in ["v1", "v2", "bin", "elsewhere"] {
        fs::create_dir(world.dir().join(folder)).expect("a folder");
    }
    fs::copy(TSH, world.dir().join("v1/tsh")).expect("a copy");
    symlink("../v1/tsh", bin.join("tsh")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let within = |script: &str| {
        let mut command = world.command(Path::new("sh"), &["-c", script]);
        command.env("PATH", &path);
        Run::of(command).succeeds()
    };
    let get_pods = || {
        let mut command = world.command(&Kubectl::Spdy.path(), &["get", "pods"]);
        command.current_dir(world.dir().join("elsewhere"));
        Run::of(command).succeeds().says("shell");
    };
    for script in ["tsh kube login", "cd bin && ./tsh kube login", "cd v2 && ../bin/tsh kube login"] {
        within(script);
        let command = PathBuf::from(command_of(&world));
        assert!(command.is_absolute(), "{script} wrote {}", command.display());
        assert!(command.ends_with("bin/tsh"), "the link, not what it leads to: {}", command.display());
        get_pods();
    }
    fs::rename(world.dir().join("v1/tsh"), world.dir().join("v2/tsh")).expect("an update");
    fs::remove_file(bin.join("tsh")).expect("the link");
    symlink("../v2/tsh", bin.join("tsh")).expect("a link");
    get_pods();
}

#[test]
fn b1_7_what_changes_who_somebody_is_stands_in_the_entry() {
    let world = world();
    // A folder of profiles that only the variable names, by a relative path.
    let proxy = world.proxy();
    let args = ["login", "--insecure", &proxy, "--browser=none"];
    let mut command = world.command(Path::new(TSH), &args);
    command.env("TELEPORT_HOME", "profiles");
    sign_in(&world, command).succeeds();
    assert!(!world.home().join(".tsh").exists(), "all of it is in the other folder");
    fs::create_dir(world.dir().join("elsewhere")).expect("a folder");
    let elsewhere = |kubectl: Kubectl| {
        let mut command = world.command(&kubectl.path(), &["get", "pods"]);
        command.current_dir(world.dir().join("elsewhere"));
        Run::of(command).succeeds().says("shell");
    };
    Kubectl::ALL.into_iter().for_each(elsewhere);

    // An identity file, by a relative path, and no profile at all.
    let out = ["login", "--insecure", &proxy, "--browser=none", "--out=id.pem"];
    sign_in(&world, world.command(Path::new(TSH), &out)).succeeds();
    fs::remove_dir_all(world.dir().join("profiles")).expect("the profiles");
    fs::write(world.kubeconfig(), OTHERS).expect("a kubeconfig");
    fs::write(world.dir().join("ca.pem"), world.gate.host_ca()).expect("a file");
    world.tsh(&["-i", "id.pem", &proxy, "--ca-file=ca.pem", "kube", "login"]).succeeds();
    Kubectl::ALL.into_iter().for_each(elsewhere);
}

/// Somebody with two folders of profiles and one kubeconfig.
#[test]
fn b1_8_a_logout_leaves_the_entries_of_another_home() {
    let world = world();
    let proxy = world.proxy();
    let other = |args: &[&str]| {
        let mut command = world.command(Path::new(TSH), args);
        command.env("TELEPORT_HOME", world.dir().join("profiles"));
        command
    };
    world.login();
    let before = text(&world);
    fs::create_dir(world.dir().join("profiles")).expect("a folder");
    Run::of(other(&["logout"])).succeeds();
    Run::of(other(&["logout", &proxy])).fails_with(1);
    Run::of(other(&["kube", "logout", &proxy])).succeeds().says("There is no context of this gate");
    assert_eq!(text(&world), before, "it is the login of ~/.tsh");

    sign_in(&world, other(&["login", "--insecure", &proxy, "--browser=none"])).succeeds();
    let before = text(&world);
    world.tsh(&["logout", "--diff"]).succeeds().says("Nothing would change");
    world.tsh(&["logout"]).succeeds();
    assert_eq!(text(&world), before, "it is the login of the other folder");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    Run::of(other(&["logout"])).succeeds();
    assert_eq!(text(&world), OTHERS);
}

#[test]
fn b1_9_a_logout_says_which_context_comes_back_and_leaves_another_alone() {
    let world = world();
    world.login();
    world.tsh(&["logout"]).succeeds().says(&format!("context: {CLUSTER} → o"));
    assert_eq!(text(&world), OTHERS);
    world.login();
    world.tsh(&["kube", "use", "p"]).succeeds();
    let run = world.tsh(&["logout"]).succeeds();
    assert!(!run.stderr.contains("context: "), "{}", run.stderr);
    assert_eq!(current(&world), "p");
}

#[test]
fn b1_10_a_logout_goes_on_after_an_error_and_names_each() {
    let world = world();
    world.github.set_account("bob", jumpgate::demo::github::Account::new(1002, &["octocats/admins"]));
    world.login();
    world.login_as("bob", Consent::Approve, &["--force"]).0.succeeds();
    let keys = world.home().join(".tsh/keys/127.0.0.1");
    assert!(keys.join("alice").exists() && keys.join("bob").exists());
    fs::write(world.kubeconfig(), "clusters: [\n").expect("a kubeconfig");
    // The first thing that is to be removed cannot be.
    let args =
        ["-f", "-qqq", "-o", "/dev/null", "-e", "inject=unlink,unlinkat:error=EACCES:when=1", TSH, "logout"];
    let run = Run::of(world.command(Path::new("strace"), &args)).fails_with(1);
    assert!(run.stderr.contains("no permission for") && run.stderr.contains("/alice;"), "{}", run.stderr);
    assert!(run.stderr.contains(".kube/config"), "{}", run.stderr);
    assert!(run.stderr.contains("Logged out bob from 127.0.0.1"), "{}", run.stderr);
    assert!(!run.stderr.contains("all users"), "alice is not: {}", run.stderr);
    assert!(!keys.join("bob").exists(), "bob is logged out all the same: {}", run.stderr);
    assert_eq!(text(&world), "clusters: [\n");
    fs::write(world.kubeconfig(), OTHERS).expect("a kubeconfig");
    world.tsh(&["logout"]).succeeds();
    assert!(!keys.join("alice").exists());
}

#[test]
fn b1_13_a_shell_outlives_the_certificate_that_it_began_with() {
    let world = world();
    world.login();
    let kubectl = Kubectl::WebSocket.path();
    let script = format!("echo ready; read go; {} get pods -o name", kubectl.display());
    let shell = world.command(Path::new(TSH), &["kube", "shell", CLUSTER, "--", "sh", "-c", &script]);
    let mut shell = Live::piped(shell);
    shell.says("ready");
    expire(&world);
    world.login_as("alice", Consent::Approve, &["--force", "--keep-context"]).0.succeeds();
    shell.send("\n");
    shell.end().succeeds().says("pod/shell");
}

#[test]
fn b1_14_nothing_of_a_crowded_kubeconfig_reaches_into_a_shell() {
    let world = world();
    world.login();
    let called = world.dir().join("called");
    let dirty = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- {{name: d, cluster: {{server: 'https://{}', insecure-skip-tls-verify: true}}}}\n\
         contexts:\n- {{name: d, context: {{cluster: d, user: d}}}}\ncurrent-context: d\nusers:\n- name: d\n  user:\n    exec:\n      \
         apiVersion: client.authentication.k8s.io/v1beta1\n      command: touch\n      args: [{}]\n      interactiveMode: Never\n",
        world.gate.kube,
        called.display()
    );
    fs::write(world.dir().join("dirty"), dirty).expect("a kubeconfig");
    let list = format!("{}:{}", world.dir().join("dirty").display(), world.kubeconfig().display());
    let with_list = |program: &Path, args: &[&str]| {
        let mut command = world.command(program, args);
        command.env("KUBECONFIG", &list);
        Run::of(command)
    };
    let kubectl = Kubectl::WebSocket.path();
    with_list(&kubectl, &["get", "pods"]).fails_with(1);
    assert!(called.exists(), "outside, the first file's context is the one that counts");
    fs::remove_file(&called).expect("it is there");
    let kubectl = kubectl.display();
    let script = format!(
        "{kubectl} config get-contexts -o name; {kubectl} get pods -o name; {kubectl} --context=d get pods"
    );
    let run = with_list(Path::new(TSH), &["kube", "shell", CLUSTER, "--", "sh", "-c", &script]).fails_with(1);
    assert!(run.stdout.starts_with(&format!("{CLUSTER}\npod/")), "{}", run.stdout);
    run.says("context was not found for specified context: d");
    assert!(!called.exists(), "the other entry's program is not started");
}

#[test]
fn b1_16_the_next_login_follows_a_gate_that_has_moved() {
    let mut world = world();
    world.login();
    let old = world.gate.kube.to_string();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let file = world.dir().join("jumpgate.yaml");
    let moved = fs::read_to_string(&file).expect("it").replace(&old, &free.to_string());
    fs::write(&file, moved).expect("the configuration");
    world.gate.crash_and_restart();
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).fails_with(1);
    world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
    let text = text(&world);
    assert!(text.contains(&format!("server: https://{free}\n")) && !text.contains(&old), "{text}");
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
}
