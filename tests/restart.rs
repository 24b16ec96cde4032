//! A crash of the gate loses nothing that was acknowledged: connectors, CAs and logins stay valid.

use jumpgate::demo::browser::Consent;

use crate::support::world::{Kubectl, World, wait_for};

#[test]
fn a_crash_keeps_connectors_cas_and_logins() {
    let mut world = World::with_connector();
    world.login();
    let ca = world.gate.host_ca();
    let status = world.tctl_as_person(&["status"]).succeeds().stdout;
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");

    world.gate.crash_and_restart();

    assert_eq!(world.gate.host_ca(), ca);
    world.kubectl(Kubectl::WebSocket, &["get", "pods"]).succeeds().says("shell");
    world.tctl(&["get", "github/github"]).succeeds().says("octocats");
    assert_eq!(world.tctl_as_person(&["status"]).succeeds().stdout, status);
    let (run, _) = world.login_as("alice", Consent::Approve, &["--force"]);
    run.succeeds();
    assert_eq!(world.github.authorizations(), 2);
    wait_for("both logins in the audit log", || {
        (world.gate.audit().matches("\"T1001I\"").count() == 2).then_some(())
    });
}
