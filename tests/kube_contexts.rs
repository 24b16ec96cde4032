//! `tsh kube use`, `shell` and `logout`, and `tsh logout --keep-contexts`: which context kubectl works in.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rustix::process::Signal;

use crate::support::world::{CLUSTER, Kubectl, Live, Run, World, wait_for};

const OTHERS: &str = "apiVersion: v1\nkind: Config\n# mine\nclusters:\n- {name: o, cluster: {server: 'https://o.example.com'}}\n\
contexts:\n- {name: o, context: {cluster: o, user: plugin}}\n- {name: eu-prod, context: {cluster: o, user: plugin}}\n\
- {name: keyed, context: {cluster: o, user: keyed}}\nusers:\n- name: plugin\n  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: other-tool, interactiveMode: Never}}\n\
- {name: keyed, user: {token: abc}}\ncurrent-context: o\n";

/// A person who is logged in, with contexts of other tools beside ours.
fn world() -> World {
    let world = World::with_connector();
    fs::create_dir_all(world.home().join(".kube")).expect("a folder");
    fs::write(world.kubeconfig(), OTHERS).expect("a kubeconfig");
    world.login();
    world
}

fn current(world: &World) -> String {
    world.kubectl(Kubectl::WebSocket, &["config", "current-context"]).succeeds().stdout.trim().to_owned()
}

fn on_terminal(world: &World, args: &[&str]) -> Live {
    Live::on_terminal(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), args), 24, 80)
}

fn shells(world: &World) -> usize {
    fs::read_dir(world.home().join(".tsh/shells")).map_or(0, Iterator::count)
}

#[test]
fn contexts_are_switched_back_and_forth() {
    let world = world();
    assert_eq!(current(&world), CLUSTER);
    world.tsh(&["kube", "use", "o"]).succeeds().says(&format!("context: {CLUSTER} → o"));
    assert_eq!(current(&world), "o");
    world.tsh(&["kube", "use", "-"]).succeeds().says(&format!("context: o → {CLUSTER}"));
    world.tsh(&["kube", "use", "-"]).succeeds();
    assert_eq!(current(&world), "o");
    assert!(
        fs::read_to_string(world.kubeconfig()).expect("it").contains("# mine\n"),
        "the rest stays as it is"
    );
    // By kubectl's plain rules nothing is asked where nobody can answer.
    world.tsh(&["kube", "use", "eu-prod"]).succeeds().says("eu-prod is marked as production");
    world
        .tsh(&["kube", "use", "prod"])
        .fails_with(1)
        .says("there is no context or cluster \"prod\"")
        .says("did you mean eu-prod?");
    let list = world.tsh(&["kube", "use"]).succeeds().stdout;
    assert!(
        list.lines().any(|line| line.starts_with('*') && line.contains("eu-prod") && line.contains("yes")),
        "{list}"
    );
    let list = world.tsh(&["kube", "use", "--format=json"]).succeeds().stdout;
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(4));
    let before = fs::read(world.kubeconfig()).expect("a kubeconfig");
    world.tsh(&["kube", "use", "o", "--diff"]).succeeds().says("+current-context: o");
    assert_eq!(fs::read(world.kubeconfig()).expect("a kubeconfig"), before);
}

#[test]
fn b1_1_production_is_asked_for_once_on_a_terminal() {
    let world = world();
    let mut asked = on_terminal(&world, &["kube", "use", "eu-prod"]);
    asked.says("eu-prod is marked as production. Select it?");
    asked.send("n");
    assert_eq!(asked.end().code, 1);
    assert_eq!(current(&world), CLUSTER);
    let mut asked = on_terminal(&world, &["kube", "use", "eu-prod"]);
    asked.says("Select it?");
    asked.send("y");
    assert_eq!(asked.end().code, 0);
    assert_eq!(current(&world), "eu-prod");
    // Who is there already, or says so beforehand, is not asked.
    assert_eq!(on_terminal(&world, &["kube", "use", "eu-prod"]).end().code, 0);
    world.tsh(&["kube", "use", "o"]).succeeds();
    assert_eq!(on_terminal(&world, &["kube", "use", "eu-prod", "--yes"]).end().code, 0);
}

#[test]
fn a_list_to_choose_from_on_a_terminal() {
    let world = world();
    let mut picker = on_terminal(&world, &["kube", "use"]);
    picker.says("eu-prod  (production)");
    picker.send("keyed");
    picker.says("keyed");
    picker.send("\r");
    assert_eq!(picker.end().code, 0);
    assert_eq!(current(&world), "keyed");
    let mut picker = on_terminal(&world, &["kube", "use"]);
    picker.says("eu-prod  (production)");
    picker.send("\x1b");
    assert_eq!(picker.end().code, 1);
    assert_eq!(current(&world), "keyed");
}

#[test]
fn b1_11_a_shell_has_one_context_and_no_key() {
    let world = world();
    world.tsh(&["kube", "login", "--embed-certs"]).succeeds();
    world.tsh(&["kube", "use", "o"]).succeeds();
    let before = fs::read(world.kubeconfig()).expect("a kubeconfig");
    let kubectl = Kubectl::WebSocket.path();
    let kubectl = kubectl.to_str().expect("a path");
    let shell = |script: &str| {
        world.tsh(&[
            "kube",
            "shell",
            CLUSTER,
            "--namespace=default",
            "--",
            "sh",
            "-c",
            &script.replace("kubectl", kubectl),
        ])
    };
    let run = shell(
        "kubectl config get-contexts -o name; kubectl get pods -o name; cat $KUBECONFIG; echo in $TSH_KUBE_CONTEXT; stat -c %a $KUBECONFIG $(dirname $KUBECONFIG)",
    );
    let run = run.succeeds();
    assert!(run.stdout.starts_with(&format!("{CLUSTER}\npod/")), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("in {CLUSTER}\n600\n700\n")), "{}", run.stdout);
    assert!(!run.stdout.contains("client-key-data") && run.stdout.contains("exec:"), "{}", run.stdout);
    // What is changed inside stays inside, and the exit code comes out.
    shell("kubectl config set-context --current --namespace=other; exit 42").fails_with(42);
    shell("kill -9 $$").fails_with(137);
    assert_eq!(fs::read(world.kubeconfig()).expect("a kubeconfig"), before);
    assert_eq!(shells(&world), 0);
    // Another tool's context: its program is kept, its key is not copied.
    world.tsh(&["kube", "shell", "o", "--", "sh", "-c", "cat $KUBECONFIG"]).succeeds().says("other-tool");
    world.tsh(&["kube", "shell", "keyed", "--", "true"]).fails_with(1).says("keyed");
    world
        .tsh(&["kube", "shell", "o", "--", "no-such-program"])
        .fails_with(1)
        .says("cannot start no-such-program");
    assert_eq!(shells(&world), 0);
}

#[test]
fn a_shell_inside_a_shell_looks_outside() {
    let world = world();
    let tsh = env!("CARGO_BIN_EXE_tsh");
    let inner = format!("{tsh} kube shell eu-prod -- sh -c 'echo $TSH_KUBE_CONTEXT'");
    let run = world.tsh(&["kube", "shell", CLUSTER, "--", "sh", "-c", &inner]).succeeds();
    run.says(&format!("This is a shell for {CLUSTER} already")).says("eu-prod");
}

#[test]
fn a_killed_shell_is_swept_and_a_living_one_is_not() {
    let world = world();
    let start = || {
        let live =
            on_terminal(&world, &["kube", "shell", CLUSTER, "--", "sh", "-c", "echo ready; sleep 1000"]);
        live.says("ready");
        live
    };
    let (killed, living) = (start(), start());
    assert_eq!(shells(&world), 2);
    killed.signal(Signal::KILL);
    drop(killed.end());
    world.tsh(&["kube", "use", CLUSTER]).succeeds();
    assert_eq!(shells(&world), 1);
    living.signal(Signal::TERM);
    assert_eq!(living.end().code, 128 + 15, "a request to end is passed on");
    assert_eq!(shells(&world), 0);
}

#[test]
fn ctrl_c_is_the_programs() {
    let world = world();
    let script = "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.1; done";
    let mut live = on_terminal(&world, &["kube", "shell", CLUSTER, "--", "sh", "-c", script]);
    live.says("ready");
    live.send("\x03");
    let run: Run = live.end();
    assert!(run.stdout.contains("caught"), "{}", run.stdout);
    assert_eq!(run.code, 7);
    wait_for("the folder to go", || (shells(&world) == 0).then_some(()));
}

#[test]
fn b1_8_contexts_and_session_end_apart() {
    let world = world();
    world
        .tsh(&["kube", "logout", "o"])
        .fails_with(1)
        .says("was not made by tsh")
        .says("kubectl config delete-context o");
    world.tsh(&["kube", "logout", "--diff"]).succeeds().says(&format!("-  name: {CLUSTER}"));
    world
        .tsh(&["kube", "logout"])
        .succeeds()
        .says(&format!("context {CLUSTER} removed"))
        .says(&format!("context: {CLUSTER} → o"));
    assert_eq!(fs::read_to_string(world.kubeconfig()).expect("a kubeconfig"), OTHERS);
    world.tsh(&["status"]).succeeds();
    world.tsh(&["kube", "logout"]).succeeds().says("There is no context of this gate");
    world.tsh(&["kube", "login"]).succeeds();
    world.kubectl(Kubectl::Spdy, &["get", "pods"]).succeeds();
    world.tsh(&["kube", "logout", CLUSTER]).succeeds().says("removed");

    world.tsh(&["kube", "login"]).succeeds();
    let before = fs::read(world.kubeconfig()).expect("a kubeconfig");
    world.tsh(&["logout", "--keep-contexts"]).succeeds();
    assert_eq!(fs::read(world.kubeconfig()).expect("a kubeconfig"), before);
    world.tsh(&["status"]).fails_with(1);
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).fails_with(1).says("nobody is logged in at");
    let mode = fs::metadata(world.kubeconfig()).expect("it").permissions().mode() & 0o777;
    assert_eq!(mode & 0o077 & !0o044, 0);
}

#[test]
fn the_readme_is_right_about_kubectls_list_of_allowed_plugins() {
    let world = world();
    let allow = |command: &str| {
        let text = format!(
            "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: {command}\n"
        );
        fs::write(world.home().join(".kube/kuberc"), text).expect("kuberc");
        world.kubectl(Kubectl::WebSocket, &["get", "pods"])
    };
    allow(env!("CARGO_BIN_EXE_tsh")).succeeds();
    allow("other-tool").fails_with(1).says("not permitted by the credential plugin allowlist");
}
