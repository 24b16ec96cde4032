//! `tctl create` beside what it refuses: what it warns of, what it says of a role that was there, who may not do what, and
//! two writers at once.

use std::{fs, io::Write, process::Stdio};

use jumpgate::demo::browser::Consent;

use crate::support::world::World;

const ROLE: &str =
    "kind: role\nversion: v3\nmetadata:\n  name: dev\nspec:\n  allow:\n    kubernetes_groups: [dev]\n";

fn write(world: &World, name: &str, text: &str) {
    fs::write(world.dir().join(name), text).expect("a file");
}

#[test]
fn what_nobody_could_sign_in_with_is_warned_of_and_written() {
    let world = World::start();
    world.connector_with(
        "  teams_to_roles:\n  - organization: <your-organization>\n    team: admins\n    roles: [editor, captain, dev]\n",
    );
    let text = fs::read_to_string(world.dir().join("github.yaml")).expect("github.yaml");
    let gate = format!("https://{}/", world.gate.web);
    write(
        &world,
        "elsewhere.yaml",
        &text.replace(&gate, "https://gate.example.org/").replace("name: github", "name: other"),
    );
    let mut said = world.transcript();
    said.run(world.tctl(&["create", "github.yaml"]).succeeds());
    said.line("# a role of the same call is there");
    write(&world, "role.yaml", ROLE);
    said.run(world.tctl(&["create", "elsewhere.yaml", "role.yaml"]).succeeds());
    said.line("# over what is there");
    said.run(world.tctl(&["create", "-f", "role.yaml"]).succeeds());
    write(&world, "new.yaml", &ROLE.replace("name: dev", "name: new"));
    said.run(world.tctl(&["create", "-f", "new.yaml"]).succeeds());
    insta::assert_snapshot!("warnings", said.end());
}

#[test]
fn who_may_not_do_what_is_told() {
    let world = World::with_connector();
    world.login();
    write(&world, "role.yaml", ROLE);
    let mut said = world.transcript();
    for args in [
        &["create", "-f", "github.yaml"][..],
        &["create", "role.yaml"],
        &["get", "users"],
        &["get", "github"],
        &["rm", "github/github"],
    ] {
        said.run(world.tctl_as_person(args).fails_with(1));
    }
    insta::assert_snapshot!("denied", said.end());
}

#[test]
fn a_name_is_that_by_which_the_program_was_started() {
    let world = World::with_connector();
    let mut said = world.transcript();
    let jumpgate = std::path::Path::new(env!("CARGO_BIN_EXE_jumpgate"));
    for args in [&["tctl", "get", "github/gitlab"][..], &["tctl", "rm", "role/dev"]] {
        let mut command = world.command(jumpgate, args);
        command.env("TELEPORT_CONFIG_FILE", world.dir().join("jumpgate.yaml"));
        said.run(crate::support::world::Run::of(command).fails_with(1));
    }
    said.line("# a document of standard input");
    let mut command = world.command(std::path::Path::new(env!("CARGO_BIN_EXE_tctl")), &["create", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("tctl starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"kind: role\nversion: v3\nmetdata: {}\n")
        .expect("it reads");
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(1));
    said.line(&String::from_utf8_lossy(&ended.stderr));
    insta::assert_snapshot!("names", said.end());
}

#[test]
fn of_two_writers_one_gets_the_conflict() {
    let world = World::with_connector();
    write(&world, "role.yaml", ROLE);
    world.tctl(&["create", "role.yaml"]).succeeds();
    let read = world.tctl(&["get", "role/dev"]).succeeds().stdout;
    let connector = world.tctl(&["get", "github/github", "--with-secrets"]).succeeds().stdout;
    for (name, group) in [("one.yaml", "one"), ("two.yaml", "two")] {
        // Two documents, so that the check before the writes is what refuses; the connector is not written then either.
        let role = read.replace("    - dev\n", &format!("    - {group}\n"));
        assert_ne!(role, read);
        write(
            &world,
            name,
            &format!("{}---\n{role}", connector.replace("display: Github", &format!("display: {group}"))),
        );
    }
    // The connector's revision would be stale as well: it is written once, then taken out of the second file.
    let runs: Vec<_> = std::thread::scope(|scope| {
        let started =
            ["one.yaml", "two.yaml"].map(|file| scope.spawn(|| world.tctl(&["create", "-f", file])));
        started.into_iter().map(|run| run.join().expect("it ran")).collect()
    });
    let won: Vec<_> = runs.iter().filter(|run| run.code == 0).collect();
    assert_eq!(won.len(), 1, "{runs:?}");
    let lost = runs.iter().find(|run| run.code != 0).expect("one lost");
    assert_eq!(lost.code, 1);
    assert!(
        lost.stderr.contains("was changed by somebody else since this file was read from the gate"),
        "{lost:?}"
    );
    // Both documents of the same writer stand.
    let group = if won[0].command.contains("one.yaml") { "one" } else { "two" };
    assert!(world.tctl(&["get", "role/dev"]).succeeds().stdout.contains(&format!("- {group}\n")));
    assert!(world.tctl(&["get", "github"]).succeeds().stdout.contains(&format!("display: {group}\n")));
}

#[test]
fn rights_are_checked_before_the_first_of_several_is_written() {
    let world = World::start();
    // May write connectors and not read roles.
    let role = "kind: role\nversion: v3\nmetadata: {name: clerk}\nspec:\n  allow:\n    rules:\n    - resources: [github]\n      verbs: [list, read, create, update]\n";
    write(&world, "clerk.yaml", role);
    world.connector_with(
        "  teams_to_roles:\n  - organization: octocats\n    team: admins\n    roles: [clerk]\n",
    );
    world.tctl(&["create", "clerk.yaml", "github.yaml"]).succeeds();
    let (run, page) = world.login_as("alice", Consent::Approve, &["--no-kubeconfig"]);
    run.succeeds();
    assert_eq!(page.status, 200);
    let text = fs::read_to_string(world.dir().join("github.yaml")).expect("github.yaml");
    write(&world, "both.yaml", &format!("{}---\n{ROLE}", text.replace("display: Github", "display: mine")));
    world
        .tctl_as_person(&["create", "-f", "both.yaml"])
        .fails_with(1)
        .says(&format!("role \"dev\": alice may not read roles at {}", world.gate.web));
    let after = world.tctl(&["get", "github"]).succeeds().stdout;
    assert!(after.contains("display: Github"), "{after}");
    // The connector alone is theirs to write.
    write(&world, "mine.yaml", &text.replace("display: Github", "display: mine"));
    world.tctl_as_person(&["create", "-f", "mine.yaml"]).succeeds();
}
