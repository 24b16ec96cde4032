//! `jumpgate configure --rbac`: what it prints is enough for the gate's account, and no more than that.

use std::{fs, path::Path};

use jumpgate::demo::browser::Consent;

use crate::support::world::{Kubectl, Run, World};

/// What `jumpgate configure --rbac` prints for this gate, in the file `rbac.yaml`.
fn print(world: &World, more: &[&str]) -> Run {
    let args = ["configure", "--rbac", "--config", "jumpgate.yaml", "--service-account", "gate"];
    let run = Run::of(world.command(Path::new(env!("CARGO_BIN_EXE_jumpgate")), &[&args[..], more].concat()));
    fs::write(world.dir().join("rbac.yaml"), &run.clone().succeeds().stdout).unwrap();
    run
}

/// As the cluster's administrator, past the gate: what gives the gate's account its rights comes from somebody else.
fn apply(world: &World) {
    world.kubectl(Kubectl::WebSocket, &["apply", "-f", "rbac.yaml"]).succeeds().says("clusterrole");
}

#[test]
fn what_it_prints_is_enough_and_nothing_more() {
    let world = World::start();
    world.connector_with(
        "  teams_to_logins:\n  - organization: octocats\n    team: admins\n    logins: [root]\n    kubernetes_groups: [\"system:masters\"]\n  \
         - organization: octocats\n    team: devs\n    logins: [guest]\n    kubernetes_groups: [guest]\n",
    );
    world.tctl(&["create", "github.yaml"]).succeeds();
    world.login();
    print(&world, &["--user", "alice"]);
    apply(&world);
    let get = ["get", "pods"];
    // Without the rights that came with the demo the printed ones are all there is.
    world
        .kubectl(Kubectl::WebSocket, &["delete", "clusterrolebinding", "jumpgate-impersonator"])
        .succeeds()
        .says("deleted");
    world.kubectl(Kubectl::WebSocket, &get).succeeds().says("shell");
    world.kubectl(Kubectl::Spdy, &["exec", "shell", "--", "echo", "here"]).succeeds().says("here");
    // The account itself may do nothing.
    let own = ["--kubeconfig", "gate-kubeconfig", "get", "pods"];
    world
        .kubectl(Kubectl::WebSocket, &own)
        .fails_with(1)
        .says("jumpgate:gate\" cannot list resource \"pods\"");
    let as_other = ["--kubeconfig", "gate-kubeconfig", "--as", "alice", "--as-group", "other", "get", "pods"];
    world.kubectl(Kubectl::WebSocket, &as_other).fails_with(1).says("cannot impersonate resource \"groups\"");

    // Somebody who is not listed cannot act, and reads why; listed, he can.
    let (run, _) = world.login_as("bob", Consent::Approve, &["--force"]);
    run.succeeds();
    let refused = world.kubectl(Kubectl::WebSocket, &get).fails_with(1);
    refused.says("cannot impersonate resource \"users\"");
    world.login_as("alice", Consent::Approve, &["--force"]).0.succeeds();
    print(&world, &["--user", "alice", "--user", "bob"]);
    apply(&world);
    world.login_as("bob", Consent::Approve, &["--force"]).0.succeeds();
    let run = world.kubectl(Kubectl::WebSocket, &get);
    assert!(!run.stderr.contains("impersonate"), "{run:?}");

    // A group of a role that came later stands in what is printed then.
    let role =
        "kind: role\nversion: v3\nmetadata:\n  name: late\nspec:\n  allow:\n    kubernetes_groups: [late]\n";
    fs::write(world.dir().join("role.yaml"), role).unwrap();
    world.tctl(&["create", "role.yaml"]).succeeds();
    let printed = print(&world, &[]);
    assert!(
        printed.stdout.contains("- \"late\"") && printed.stdout.contains("any user may be"),
        "{printed:?}"
    );
}
