//! What a command did, for programs: one object on standard output, whatever notes for people stand on standard error.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    run::Person,
    world::{CLUSTER, Run, World},
};

/// A kubeconfig with a context of another tool.
const OTHERS: &str = "apiVersion: v1\nkind: Config\ncontexts: [{name: o, context: {cluster: o, user: o}}]\ncurrent-context: o\n";

/// What a command that succeeds has on standard output.
#[track_caller]
fn done(run: Run) -> Value {
    let run = run.succeeds();
    serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{}: {e}: {}", run.command, run.stdout))
}

#[test]
fn contexts_that_come_go_and_are_selected() {
    let world = World::with_connector();
    fs::create_dir_all(world.home().join(".kube")).expect("a folder");
    fs::write(world.kubeconfig(), OTHERS).expect("a kubeconfig");
    world.login();
    let file = world.kubeconfig();

    let used = world.tsh(&["kube", "use", "o", "--format=json"]).says(&format!("context: {CLUSTER} → o"));
    let expected =
        json!({"files": [file], "contexts_removed": [], "context_before": CLUSTER, "context": "o"});
    assert_eq!(done(used), expected);

    let login = world.tsh(&["kube", "login", "--format=json"]);
    assert!(!login.stdout.contains("PRIVATE"), "{}", login.stdout);
    let host = world.proxy().trim_start_matches("--proxy=").split(':').next().map(str::to_owned);
    assert_eq!(
        done(login),
        json!({
            "profile": host, "user": "alice", "contexts": [{"name": CLUSTER, "kube_cluster_name": CLUSTER}],
            "files": [file], "contexts_removed": [], "context_before": "o", "context": CLUSTER,
        })
    );
    let again = done(world.tsh(&["kube", "login", "--format=json", "--keep-context"]));
    assert_eq!((&again["files"], &again["context_before"]), (&json!([]), &json!(CLUSTER)), "{again}");

    let logout = world.tsh(&["kube", "logout", "--format=json"]).says(&format!("context {CLUSTER} removed"));
    let expected =
        json!({"files": [file], "contexts_removed": [CLUSTER], "context_before": CLUSTER, "context": "o"});
    assert_eq!(done(logout), expected);
    let none = done(world.tsh(&["kube", "logout", "--format=json"]).says("There is no context of this gate"));
    assert_eq!((&none["files"], &none["contexts_removed"]), (&json!([]), &json!([])), "{none}");

    for args in [&["kube", "login"][..], &["kube", "logout"], &["kube", "use", "o"], &["logout"]] {
        world.tsh(&[args, &["--format=json", "--diff"]].concat()).fails_with(2);
    }
}

#[test]
fn logins_that_end() {
    let world = World::with_connector();
    world.login();
    let file = world.kubeconfig();
    let host = world.proxy().trim_start_matches("--proxy=").split(':').next().map(str::to_owned);
    let person = json!([{"profile": host, "user": "alice"}]);
    // Contexts that stay are no part of it.
    let kept = world.tsh(&["logout", "--keep-contexts", "--format=json"]);
    assert_eq!(done(kept), json!({"logged_out": person}));
    world.login();
    let one = world.tsh(&["logout", &world.proxy(), "--format=json"]);
    let contexts =
        json!({"files": [file], "contexts_removed": [CLUSTER], "context_before": CLUSTER, "context": null});
    let mut expected = contexts.clone();
    expected["logged_out"] = person.clone();
    assert_eq!(done(one), expected);
    world.login();
    let yaml = world.tsh(&["logout", "--format=yaml"]).succeeds().stdout;
    assert_eq!(serde_yaml::from_str::<Value>(&yaml).expect("YAML"), expected);
    assert_eq!(done(world.tsh(&["logout", "--format=json"]))["logged_out"], json!([]));
    // A failure has no result: who was logged out stands on standard error.
    let failed = world.tsh(&["logout", &world.proxy(), "--format=json"]).fails_with(1);
    assert_eq!(failed.stdout, "");
}

#[test]
fn resources_that_are_written_and_removed() {
    let world = World::with_connector();
    let role = "kind: role\nversion: v3\nmetadata: {name: dev}\nspec: {allow: {kubernetes_groups: [dev]}}\n";
    fs::write(world.dir().join("role.yaml"), role).expect("a file");
    let of = |github: &str, role: &str| {
        json!({"resources": [
            {"kind": "github", "name": "github", "result": github}, {"kind": "role", "name": "dev", "result": role},
        ]})
    };
    let both = |more: &[&str]| world.tctl(&[&["create", "github.yaml", "role.yaml"], more].concat());
    assert_eq!(done(both(&["-f", "--format=json"])), of("updated", "created"));
    // People read of a connector what stock tctl says; programs read what happened.
    both(&["-f"]).succeeds().says("authentication connector \"github\" has been created");
    let rm = world.tctl(&["rm", "github/github", "--format=json"]);
    assert_eq!(done(rm), json!({"kind": "github", "name": "github", "result": "deleted"}));
    assert_eq!(done(both(&["-f", "--format=json"])), of("created", "updated"));
    assert_eq!(both(&["--format=json"]).fails_with(1).stdout, "");
}

#[test]
fn keys_that_move() {
    let world = World::with_connector();
    world.login();
    let moved = world.tsh(&["keys", "move", "--to=file", "--format=json"]);
    assert_eq!(done(moved), json!({"key_store": "file", "moved": [], "files": []}));
}

#[test]
fn settings_that_change() {
    let person = Person::new();
    let file = person.path(".tsh/config/config.yaml");
    let tsh = |args: &[&str]| {
        let ended = person.tsh(&[args, &["--format=json"]].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
        serde_json::from_str::<Value>(&ended.stdout).expect("JSON")
    };
    let set = tsh(&["config", "set", "aliases.k", "kube ls"]);
    assert_eq!(set, json!({"key": "aliases.k", "value": "kube ls", "file": file}));
    assert_eq!(tsh(&["config", "unset", "aliases.k"]), json!({"key": "aliases.k", "file": file}));
}
