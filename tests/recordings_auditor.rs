//! What an auditor asks of recordings: whose word a verdict is, what an exported text begins with, what the audit log says, and lists that
//! can be read in a narrow window.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{
    run::Person,
    world::{CLUSTER, Kubectl, Live, World, wait_for},
};

const CAST: &str = concat!(
    "{\"version\":2,\"width\":40,\"height\":6,\"title\":\"a film\",\"timestamp\":1790000000}\n",
    "[0.1,\"o\",\"first\\r\\n\"]\n[30,\"o\",\"second\\r\\n\"]\n[31,\"o\",\"third\"]\n",
);

fn listed(world: &World, args: &[&str]) -> Vec<Value> {
    let run = world.tsh(&[&["recordings", "ls", "--format=json"], args].concat()).succeeds();
    serde_json::from_str(&run.stdout).expect("a list")
}

fn id(recording: &Value) -> String {
    recording["id"].as_str().expect("an id").to_owned()
}

#[test]
fn the_form_of_an_export_is_in_its_name_and_a_dash_is_standard_output() {
    let person = Person::new();
    person.write("a.cast", CAST);
    let path = |name: &str| person.path(name).display().to_string();
    let export = |args: &[&str]| {
        let run = person.tsh(&[&["recordings", "export", &path("a.cast")], args].concat());
        assert_eq!(run.code, 0, "{args:?}: {run:?}");
        run.stdout
    };
    let text = export(&["-o", "-", "--format=text"]);
    assert_eq!(text, "Title:    a film\nStarted:  2026-09-21 14:13:20 UTC\n\nfirst\nsecond\nthird\n");
    assert!(!Path::new("-").exists());
    for (name, form) in [("b.txt", "text"), ("b.json", "json"), ("b.cast", "cast"), ("b", "cast")] {
        assert_eq!(export(&["-o", &path(name)]), "", "{name}");
        assert_eq!(person.read(name), export(&["--format", form]), "{name}");
    }
    export(&["-o", &path("c.txt"), "--format=json"]);
    assert_eq!(person.read("c.txt"), person.read("b.json"));
}

#[test]
fn text_and_json_begin_where_they_are_told_and_take_no_options_of_films() {
    let person = Person::new();
    person.write("a.cast", CAST);
    let file = person.path("a.cast").display().to_string();
    let text = person.tsh(&["play", &file, "--format=text", "--from=0:30"]);
    assert_eq!((text.code, text.stdout.as_str()), (0, "second\nthird\n"), "{text:?}");
    let json = person.tsh(&["play", &file, "--format=json", "--from=30.5"]);
    let times: Vec<f64> = json
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["time"].as_f64().expect("a time"))
        .collect();
    assert_eq!(times, [0.0, 31.0], "{json:?}");
    let behind = person.tsh(&["play", &file, "--format=text", "--from=9:00"]);
    assert!(behind.stdout.is_empty() && behind.stderr.contains("0:31 long"), "{behind:?}");
    for option in ["--speed=2", "--skip-idle"] {
        let asked = person.tsh(&["play", &file, "--format=json", option]);
        assert_eq!((asked.code, asked.stdout.as_str()), (2, ""), "{asked:?}");
        let name = option.split('=').next().expect("a name");
        assert!(asked.stderr.contains(name), "{asked:?}");
        let piped = person.tsh(&["play", &file, option]);
        assert!(piped.code == 0 && piped.stderr.contains(name), "{piped:?}");
    }
}

#[test]
fn what_can_find_nothing_is_wrong_usage() {
    let person = Person::new();
    for args in [
        &["recordings", "ls", "--since=1h", "--until=2h"][..],
        &["recordings", "ls", "--since=2026-11-24", "--until=2026-11-24"],
        &["recordings", "search", "x", "--since=2026-11-25", "--until=2026-11-24"],
    ] {
        let run = person.tsh(args);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains("--since (") && run.stderr.contains("--until ("), "{run:?}");
    }
    for empty in ["", "  "] {
        let run = person.tsh(&["recordings", "search", empty]);
        assert!(run.code == 2 && run.stderr.contains("is empty"), "{run:?}");
    }
}

#[test]
fn a_verdict_says_whose_word_it_is() {
    let world = World::with_connector();
    world.login();
    world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "echo", "hi"]).succeeds();
    let one = id(&wait_for("a whole recording", || listed(&world, &["--state=complete"]).pop()));
    world.tsh(&["recordings", "export", &one, "-o", "whole.jgr"]).succeeds();
    let old = world.tsh(&["recordings", "keys"]).succeeds().stdout;
    world.tctl(&["recordings", "rotate-key"]).succeeds();
    let all = world.tsh(&["recordings", "keys"]).succeeds().stdout;
    let new = all.split_inclusive("-----END PUBLIC KEY-----\n").next().expect("a key").to_owned();
    for (name, keys) in [("old.pem", &old), ("new.pem", &new)] {
        fs::write(world.dir().join(name), keys).expect("a file");
    }
    let verify = |args: &[&str]| world.tsh(&[&["recordings", "verify", "whole.jgr"], args].concat());
    let json = |args: &[&str], code: i32| -> Value {
        let run = verify(&[args, &["--format=json"]].concat()).fails_with(code);
        serde_json::from_str(&run.stdout).expect("JSON")
    };

    // The gate's word, and that of a file.
    let at_gate = verify(&[]).succeeds();
    assert!(
        at_gate.stdout.contains("is what the gate wrote") && !at_gate.stdout.contains("Not checked"),
        "{at_gate:?}"
    );
    let alone = verify(&["--key=old.pem"]).succeeds();
    assert!(!alone.stdout.contains("is what the gate wrote"), "{alone:?}");
    assert!(alone.stdout.contains("Not checked: whether it is the gate's record"), "{alone:?}");
    assert_eq!(json(&[], 0)["not_checked"], Value::Array(vec![]));
    let value = json(&["--key=old.pem"], 0);
    assert_eq!((&value["good"], value["verdict"].as_str()), (&Value::Bool(true), Some("good")));
    assert_eq!(value["not_checked"].as_array().map(Vec::len), Some(1), "{value}");

    // A key that is not at hand is no sign of a forgery.
    let undecided = verify(&["--key=new.pem"]).fails_with(8);
    let name = old.split_whitespace().nth(1).expect("a name");
    let says = format!("is signed by key {name}, which is not in new.pem");
    assert!(
        undecided.stderr.contains(&says) && undecided.stderr.contains("tsh recordings keys > new.pem"),
        "{undecided:?}"
    );
    let value = json(&["--key=new.pem"], 8);
    assert_eq!((&value["good"], value["verdict"].as_str()), (&Value::Null, Some("undecided")), "{value}");
    assert_eq!(value["key"], name);

    // A changed byte is one, whatever keys are at hand.
    let mut bytes = fs::read(world.dir().join("whole.jgr")).expect("a file");
    let body = bytes.windows(4).rposition(|four| four == [0x28, 0xb5, 0x2f, 0xfd]).expect("a frame");
    bytes[body + 8] ^= 1;
    fs::write(world.dir().join("whole.jgr"), bytes).expect("a file");
    for keys in ["--key=old.pem", "--key=new.pem"] {
        let value = json(&[keys], 1);
        assert_eq!(
            (&value["good"], value["verdict"].as_str()),
            (&Value::Bool(false), Some("bad")),
            "{value}"
        );
    }
}

#[test]
fn a_live_session_is_exported_so_far_ended_once_and_found_in_the_log() {
    let world = World::with_connector();
    world.login();
    let shell = world
        .kubectl_live(Kubectl::WebSocket, &["exec", "-i", "shell", "--", "sh", "-c", "echo one; read x"]);
    shell.says("one\n");
    let live = id(&wait_for("a live session", || listed(&world, &["--state=live"]).pop()));
    let text = world.tsh(&["recordings", "export", &live, "--format=text"]).succeeds();
    let head = text.stdout.split("\n\n").next().expect("a head");
    for says in [
        &format!("Session:  {live}\n")[..],
        "User:     alice\n",
        "Pod:      default/shell",
        "Command:  sh -c echo one; read x\n",
        "State:    goes on; this is what there was at ",
    ] {
        assert!(head.contains(says), "{says}: {text:?}");
    }
    assert!(text.stdout.ends_with("\n\none\n") && text.stderr.contains("goes on"), "{text:?}");
    let json = world.tsh(&["recordings", "export", &live, "--format=json"]).succeeds();
    assert!(json.stdout.lines().next().expect("a line").ends_with("\"live\":true}"), "{json:?}");

    // A narrow window has the whole ID, and no line that is wider.
    let list = world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), &["recordings", "ls"]);
    let narrow = Live::on_terminal(list, 10, 40).end().stdout.replace('\r', "");
    let row = narrow.lines().find(|line| line.contains(&live[..8])).expect("a row");
    assert!(row.starts_with(&format!("{} ", &live[..8])) && !row.contains('…'), "{narrow}");
    assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");

    // The TAB key knows persons and clusters, and offers no file for a time.
    let tab = |words: &[&str]| {
        world.tsh(&[&["__complete", "fish", "tsh", "recordings"], words].concat()).succeeds().stdout
    };
    assert_eq!(tab(&["ls", "--user", "al"]), "alice\n");
    assert_eq!(tab(&["search", "--user", "bob", "--user="]), "alice\n");
    assert!(tab(&["ls", "--cluster", ""]).contains(CLUSTER), "{}", tab(&["ls", "--cluster", ""]));
    assert_eq!(tab(&["ls", "--since", ""]), "");

    let reason = "a\nb \u{1b}[31mred";
    let killed = world.tctl(&["sessions", "kill", &live[..8], "--reason", reason]).succeeds();
    assert!(killed.stdout.contains("and why: a b \\u{1b}[31mred\n"), "{killed:?}");
    shell.end();
    wait_for("its end", || listed(&world, &["--state=complete"]).pop());
    for typed in [&live[..8], &live] {
        let again = world.tctl(&["sessions", "kill", typed]).fails_with(1);
        assert!(again.stderr.contains(&format!("{live} of alice is over already")), "{again:?}");
    }

    // The audit log, for those who may read it.
    world.events("session.killed", 1);
    let events = |args: &[&str]| world.tctl(&[&["events", "ls"], args].concat()).succeeds();
    let all: Vec<Value> = serde_json::from_str(&events(&["--format=json"]).stdout).expect("a list");
    assert_eq!(all.len(), world.gate.audit().lines().count());
    let killed: Vec<Value> =
        serde_json::from_str(&events(&["--type=session.killed", "--format=json"]).stdout).expect("a list");
    assert_eq!((killed.len(), killed[0]["session_user"].as_str()), (1, Some("alice")), "{killed:?}");
    let alices = events(&["--user=alice", "--type=exec"]).stdout;
    assert!(alices.lines().count() == 3 && alices.contains(&live), "{alices}");
    let last = events(&["--limit=1"]);
    assert!(last.stdout.lines().count() == 3 && last.stderr.contains("the last 1 of "), "{last:?}");
    let refused = world.tctl_as_person(&["events", "ls"]).fails_with(1);
    assert!(
        refused.stderr.contains("alice may not list events") && refused.stderr.contains("\"auditor\""),
        "{refused:?}"
    );
}

#[test]
fn a_gate_that_is_away_is_told_as_a_login_tells_it() {
    let mut world = World::with_connector();
    world.login();
    world.gate.stop();
    for args in
        [&["recordings", "ls"][..], &["recordings", "keys"], &["play", "7c9e6679"], &["join", "7c9e6679"]]
    {
        let run = world.tsh(args).fails_with(6);
        let says = format!("cannot reach {}: ", world.gate.web);
        assert!(run.stderr.contains(&says) && run.stderr.contains("hint: is the address right"), "{run:?}");
    }
}
