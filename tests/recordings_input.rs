//! What an auditor asks: what was piped into a command, whether a search told all, what was copied.

use serde_json::Value;

use crate::support::world::{Kubectl, World, wait_for};

/// The recordings that are closed, the newest first, once there are so many.
fn closed(world: &World, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} recordings"), || {
        let run = world.tsh(&["recordings", "ls", "--state=complete", "--format=json"]).succeeds();
        let all: Vec<Value> = serde_json::from_str(&run.stdout).expect("a list");
        (all.len() >= count).then_some(all)
    })
}

fn id(recording: &Value) -> &str {
    recording["id"].as_str().expect("an id")
}

fn search(world: &World, args: &[&str]) -> Value {
    let run = world.tsh(&[&["recordings", "search", "--format=json"], args].concat()).succeeds();
    serde_json::from_str(&run.stdout).expect("what was found")
}

#[test]
fn what_was_piped_into_a_command_is_in_its_text_and_found() {
    let world = World::with_connector();
    world.login();
    for version in Kubectl::ALL {
        let mut shell = world.kubectl_live(version, &["exec", "-i", "shell", "--", "sh"]);
        shell.send("echo made-$((40+2))\n");
        shell.says("made-42");
        shell.send("exit 3\n");
        assert_eq!(shell.end().code, 3);
    }
    let all = closed(&world, 2);
    for recording in &all {
        let told = "[stdin] echo made-$((40+2))\nmade-42\n[stdin] exit 3\n[exit 3]\n";
        for args in [&["play", id(recording)][..], &["recordings", "export", id(recording), "--format=text"]]
        {
            let text = world.tsh(args).succeeds().stdout;
            assert!(text.ends_with(told), "{args:?}: {text}");
        }
    }
    let found = world.tsh(&["recordings", "search", "MADE-"]).succeeds();
    let lines = |end: &str| found.stdout.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!((lines(" [stdin] echo made-$((40+2))"), lines(" made-42")), (2, 2), "{found:?}");
    let found = search(&world, &["made-"]);
    let streams: Vec<&Value> =
        found["hits"].as_array().expect("hits").iter().map(|hit| &hit["stream"]).collect();
    assert_eq!(streams, [&"stdin".into(), &Value::Null, &"stdin".into(), &Value::Null], "{found}");
}

#[test]
fn a_search_says_which_lines_it_leaves_out() {
    let world = World::with_connector();
    world.login();
    let rows = "n=0; while [ $n -lt 30 ]; do echo row-$n; n=$((n+1)); done";
    world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "sh", "-c", rows]).succeeds();
    let all = closed(&world, 1);
    let found = world.tsh(&["recordings", "search", "row-"]).succeeds();
    assert_eq!(found.stdout.lines().filter(|line| line.contains(" row-")).count(), 20, "{found:?}");
    assert!(found.stdout.ends_with(" … and 10 more lines of this session\n"), "{found:?}");
    assert!(found.stderr.contains("--session ID --limit 30"), "{found:?}");
    let json = search(&world, &["row-"]);
    let untold = serde_json::json!([{ "id": id(&all[0]), "lines": 10, "all": true }]);
    assert_eq!((json["hits"].as_array().map(Vec::len), &json["untold"]), (Some(20), &untold));
    let short = &id(&all[0])[..8];
    let json = search(&world, &["row-", "--session", short, "--limit=30"]);
    assert_eq!((json["hits"].as_array().map(Vec::len), &json["untold"]), (Some(30), &Value::Null));
    let none = world.tsh(&["recordings", "search", "row-", "--session=00000000"]).succeeds();
    assert!(none.stdout.is_empty() && none.stderr.contains("was not on the screen"), "{none:?}");
    let wrong = world.tsh(&["recordings", "search", "row-", "--session=x"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[test]
fn a_copy_is_named_in_lists_and_its_probe_is_not_hidden() {
    let world = World::with_connector();
    world.login();
    std::fs::write(world.dir().join("file"), "x".repeat(20_000)).expect("a file");
    for version in Kubectl::ALL {
        world.kubectl(version, &["cp", "file", "shell:/tmp/file"]).succeeds();
        world.kubectl(version, &["cp", "shell:/tmp/file", "back"]).succeeds();
    }
    let copies = |way: &str| {
        wait_for(way, || {
            let of = |one: &&Value| one["copy"]["direction"] == way && one["state"] == "complete";
            let all = closed(&world, 4);
            let copies: Vec<Value> = all.iter().filter(of).cloned().collect();
            (copies.len() == 2).then_some((copies, all.len()))
        })
    };
    for (way, path) in [("up", "/tmp"), ("down", "tmp/file")] {
        let (copies, _) = copies(way);
        for copy in copies {
            let copied = &copy["copy"];
            assert!(copied["bytes"].as_u64().is_some_and(|bytes| bytes > 20_000), "{copy}");
            assert!(copied["path"].as_str().is_some_and(|found| found.ends_with(path)), "{copy}");
            assert_eq!(copy["command"][0], "tar", "what ran stays on record: {copy}");
        }
    }
    let (_, count) = copies("up");
    let table = world.tsh(&["recordings", "ls"]).succeeds().stdout;
    assert!(
        table.contains(" cp into the container, ") && table.contains(" cp out of the container, "),
        "{table}"
    );
    assert_eq!(table.lines().count(), count + 2, "each record has its row: {table}");
}
