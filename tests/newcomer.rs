//! What people read who are not logged in: the sentence says so, and names the command that mends it.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use jumpgate::pki::AuthorityKind;

use crate::support::world::{Run, Shown, Transcript, World};

const COMMANDS: [&[&str]; 17] = [
    &["status"],
    &["clusters"],
    &["env"],
    &["kube", "ls"],
    &["kube", "login"],
    &["kube", "use"],
    &["kube", "use", "staging"],
    &["kube", "use", "-"],
    &["kube", "shell", "staging"],
    &["kube", "logout"],
    &["kube", "credentials"],
    &["keys", "ls"],
    &["keys", "move", "--to=file"],
    &["login", "--renew"],
    &["login", "--diff"],
    &["logout"],
    &["status", "--format=json"],
];

fn all(world: &World, said: &mut Transcript) {
    for args in COMMANDS {
        let run = world.tsh(args);
        if run.code != 0 && !args.contains(&"--format=json") {
            let named = ["tsh login --proxy=", "tsh kube use"].iter().any(|text| run.stderr.contains(text));
            assert!(named, "{args:?} names no command: {}", run.stderr);
        }
        said.run(run);
    }
}

#[test]
fn who_has_nothing_yet() {
    let world = World::start();
    let mut said = world.transcript();
    all(&world, &mut said);
    let mut doctor = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &["doctor"]);
    // What this machine has is no part of it.
    let run = Run::of({
        doctor.env("TELEPORT_LOGIN_BROWSER", "none");
        doctor
    });
    for line in run.stdout.lines().take(6) {
        said.line(line);
    }
    insta::assert_snapshot!("newcomer_nothing", said.end());
}

#[test]
fn who_has_logged_out() {
    let world = World::with_connector();
    world.login();
    world.tsh(&["logout"]).succeeds();
    let mut said = world.transcript();
    all(&world, &mut said);
    insta::assert_snapshot!("newcomer_logged_out", said.end());
}

#[test]
fn whose_certificate_has_expired() {
    let world = World::with_connector();
    world.login();
    let (ca, hours) = (world.gate.authority(AuthorityKind::User), SignedDuration::from_hours);
    let (from, to) = (Timestamp::now() - hours(15), Timestamp::now() - hours(3));
    Shown::of_profile(&world, "alice").valid(ca.key(), from, to).write_to_profile(&world, "alice");
    let run = world.tsh(&["status"]).fails_with(1).says("[EXPIRED]");
    let login = format!("tsh login --proxy={}", world.gate.web);
    assert_eq!(run.stderr, format!("The certificate has expired. To log in again: {login}\n"));
    assert_eq!(world.tsh(&["status", "--format=json"]).fails_with(1).stderr, "");
}
