//! What `tctl` says when a file or a name is wrong. Nothing is written then.

use std::fs;

use crate::support::world::World;

/// All resources of the gate, with their secrets and revisions.
fn everything(world: &World) -> String {
    world.tctl(&["get", "github,role,user", "--with-secrets"]).succeeds().stdout
}

const ROLE: &str =
    "kind: role\nversion: v3\nmetadata:\n  name: dev\nspec:\n  allow:\n    kubernetes_groups: [dev]\n";

#[test]
fn a_wrong_file_writes_nothing() {
    let world = World::start();
    world.connector("admins", "guest");
    let good = fs::read_to_string(world.dir().join("github.yaml")).unwrap();
    let files = [
        ("broken.yaml", "kind: github\nmetadata: {name: github\nspec: [\n".to_owned()),
        ("misspelt.yaml", good.replace("display:", "dispaly:")),
        ("misspelt-deep.yaml", good.replace("kubernetes_groups:", "kubernetes_group:")),
        ("twice.yaml", good.replace("  display: Github\n", "  display: a\n  display: b\n")),
        ("type.yaml", good.replace("logins: [root]", "logins: root")),
        ("kind.yaml", good.replace("kind: github", "kind: gizmo")),
        ("no-kind.yaml", good.replace("kind: github\n", "")),
        (
            "no-secret.yaml",
            good.lines().filter(|l| !l.contains("client_secret")).collect::<Vec<_>>().join("\n"),
        ),
        ("nobody.yaml", good[..good.find("  teams_to_logins").unwrap()].to_owned()),
        ("one-of-two.yaml", format!("{ROLE}---\n{}", good.replace("display:", "dispaly:"))),
        ("one-of-three.yaml", format!("{good}---\n{ROLE}---\n{}", ROLE.replace("kind: role", "kind: gizmo"))),
        ("empty.yaml", "# nothing\n".to_owned()),
    ];
    let before = everything(&world);
    let mut said = world.transcript();
    for (name, text) in &files {
        fs::write(world.dir().join(name), text).unwrap();
        said.run(world.tctl(&["create", name]).fails_with(1));
        assert_eq!(everything(&world), before, "{name} has changed something");
    }
    said.run(world.tctl(&["create", "missing.yaml"]).fails_with(1));
    // A good file beside a bad one is not written either.
    fs::write(world.dir().join("role.yaml"), ROLE).unwrap();
    said.run(world.tctl(&["create", "role.yaml", "misspelt.yaml"]).fails_with(1));
    assert_eq!(everything(&world), before);
    insta::assert_snapshot!("wrong_files", said.end());
    assert!(!said.end().contains(world.github.client_secret()));
}

#[test]
fn what_is_there_already_and_what_is_not() {
    let world = World::with_connector();
    let before = everything(&world);
    let mut said = world.transcript();
    said.run(world.tctl(&["create", "github.yaml"]).fails_with(1));
    // Of several none is written when one is there.
    let good = fs::read_to_string(world.dir().join("github.yaml")).unwrap();
    fs::write(world.dir().join("both.yaml"), format!("{ROLE}---\n{good}")).unwrap();
    said.run(world.tctl(&["create", "both.yaml"]).fails_with(1));
    for args in [
        &["rm", "github/gitlab"][..],
        &["rm", "role/dev"],
        &["rm", "user/nobody"],
        &["rm", "gizmo/dev"],
        &["get", "github/gitlab"],
        &["get", "gizmos"],
    ] {
        said.run(world.tctl(args).fails_with(1));
    }
    said.run(world.tctl(&["rm", "github"]).fails_with(2));
    assert_eq!(everything(&world), before);
    insta::assert_snapshot!("there_and_not_there", said.end());
}

#[test]
fn a_change_of_somebody_else_is_not_overwritten() {
    let world = World::with_connector();
    let mine = world.tctl(&["get", "github/github", "--with-secrets"]).succeeds().stdout;
    assert!(mine.contains("  id: "), "{mine}");
    fs::write(world.dir().join("mine.yaml"), mine.replace("display: Github", "display: mine")).unwrap();
    fs::write(world.dir().join("theirs.yaml"), mine.replace("display: Github", "display: theirs")).unwrap();
    world.tctl(&["create", "-f", "theirs.yaml"]).succeeds();
    let before = everything(&world);
    let mut said = world.transcript();
    said.run(world.tctl(&["create", "-f", "mine.yaml"]).fails_with(1));
    assert_eq!(everything(&world), before);
    assert!(before.contains("display: theirs"), "{before}");
    // A file without a revision means it.
    said.run(world.tctl(&["create", "-f", "github.yaml"]).succeeds());
    insta::assert_snapshot!("revision_conflict", said.end());
}

#[test]
fn nobody_to_speak_as() {
    let world = World::start();
    let mut said = world.transcript();
    let mut elsewhere = world.command(std::path::Path::new(env!("CARGO_BIN_EXE_tctl")), &["get", "roles"]);
    elsewhere.env("TELEPORT_CONFIG_FILE", world.dir().join("missing.yaml"));
    said.run(crate::support::world::Run::of(elsewhere).fails_with(1));
    fs::write(world.dir().join("other.yaml"), "teleport: {data_dir: other}\n").unwrap();
    let mut elsewhere = world.command(std::path::Path::new(env!("CARGO_BIN_EXE_tctl")), &["get", "roles"]);
    elsewhere.env("TELEPORT_CONFIG_FILE", world.dir().join("other.yaml"));
    said.run(crate::support::world::Run::of(elsewhere).fails_with(1));
    said.run(world.tctl(&["--identity=github.yaml", "get", "roles"]).fails_with(2));
    said.run(
        world.tctl(&["--identity=jumpgate.yaml", "--auth-server=127.0.0.1", "get", "roles"]).fails_with(1),
    );
    insta::assert_snapshot!("nobody_to_speak_as", said.end());
}
