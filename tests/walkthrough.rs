//! The walk-through, sections 1 to 4, word for word, with a kubectl that speaks SPDY and one that speaks WebSocket.

use std::fs;

use crate::support::world::{CLUSTER, Kubectl, World};

const RBAC: &str = include_str!("data/rbac.yaml");

#[test]
fn with_kubectl_that_speaks_spdy() {
    walk(Kubectl::Spdy);
}

#[test]
fn with_kubectl_that_speaks_websocket() {
    walk(Kubectl::WebSocket);
}

fn walk(version: Kubectl) {
    let world = World::start();
    other_context(&world);
    let before = fs::read(world.kubeconfig()).expect("a kubeconfig");

    // 1. A connector
    world.connector("admins", "system:masters");
    let created = world.tctl(&["create", "github.yaml"]).succeeds();
    assert_eq!(created.stdout, "authentication connector \"github\" has been created\n");

    // 2. Login
    let login = world.login();
    assert!(login.stderr.contains(&format!("context: elsewhere → {CLUSTER}")), "{}", login.stderr);
    let status = world.tsh(&["status"]).succeeds().stdout;
    let lines: Vec<&str> = status.lines().collect();
    assert_eq!(lines[0], format!("> Profile URL:  https://127.0.0.1:{}", world.gate.web.port()));
    assert_eq!(lines[1], "  Logged in as: alice");
    assert_eq!(lines[2], format!("  Cluster:      {CLUSTER}"));
    assert_eq!(lines[3], "  Roles:        access");
    assert_eq!(lines[4], "  Logins:       root");
    let valid = lines[5].strip_prefix("  Valid until:  ").expect("Valid until");
    assert!(
        valid.ends_with(" +0000 UTC [valid for 12h0m0s]")
            || valid.ends_with(" +0000 UTC [valid for 11h59m0s]"),
        "{valid}"
    );
    assert_eq!(lines[6], "  Extensions:   permit-agent-forwarding, permit-port-forwarding, permit-pty");

    // 3. Kubernetes
    let kubectl = |args: &[&str]| world.kubectl(version, args);
    assert_eq!(kubectl(&["config", "current-context"]).succeeds().stdout, format!("{CLUSTER}\n"));
    kubectl(&["config", "use-context", CLUSTER]).succeeds();
    kubectl(&["get", "pods", "-A"]).succeeds().says("shell");
    let skip = ["get", "pods", "-A", "--insecure-skip-tls-verify"];
    kubectl(&skip).succeeds().says("shell");
    kubectl(&["exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 3"])
        .fails_with(3)
        .says("out\n")
        .says("err\n");
    kubectl(&["config", "view", "--raw"])
        .succeeds()
        .says(&format!("https://127.0.0.1:{}", world.gate.kube.port()));

    // 4. Less access
    fs::write(world.dir().join("rbac.yaml"), RBAC).expect("rbac.yaml");
    kubectl(&["apply", "-f", "rbac.yaml"]).succeeds().says("guest-role created");
    let removed = world.tctl(&["rm", "github/github"]).succeeds();
    assert_eq!(removed.stdout, "github connector \"github\" has been deleted\n");
    world.connector("admins", "guest");
    world.tctl(&["create", "github.yaml"]).succeeds();
    world.tsh(&["logout"]).succeeds().says(&format!("context: {CLUSTER} → elsewhere"));
    assert_eq!(
        fs::read(world.kubeconfig()).expect("a kubeconfig"),
        before,
        "logout leaves the file as it was"
    );
    world.login();
    kubectl(&["get", "pods"]).succeeds().says("shell");
    kubectl(&["get", "services"]).succeeds();
    let refused = kubectl(&["get", "configmaps"]).fails_with(1);
    assert_eq!(
        refused.stderr,
        "Error from server (Forbidden): configmaps is forbidden: User \"alice\" cannot list resource \"configmaps\" in API group \"\" \
         in the namespace \"default\"\n"
    );

    let audit = world.gate.audit();
    for wanted in ["\"T1001I\"", "\"T8000I\"", "\"T8001I\"", "\"T3002I\"", "\"kube.request\""] {
        assert!(audit.contains(wanted), "{wanted} is not in the audit log: {audit}");
    }
}

/// A kubeconfig with a comment and a context of somebody else.
fn other_context(world: &World) {
    let file = world.kubeconfig();
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let text = "# mine\napiVersion: v1\nkind: Config\ncurrent-context: elsewhere\nclusters:\n- name: elsewhere\n  cluster: {server: https://127.0.0.1:1}\n\
                contexts:\n- name: elsewhere # keep\n  context: {cluster: elsewhere, user: nobody}\nusers:\n- name: nobody\n  user: {}\n";
    fs::write(file, text).expect("a kubeconfig");
}
