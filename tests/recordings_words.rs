//! What a newcomer reads of recordings: what is not sealed yet, what was ended, what does not fit, what is damaged.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{
    run::Person,
    world::{Kubectl, Live, World, wait_for},
};

fn tsh(world: &World, args: &[&str]) -> Live {
    Live::piped(world.command(Path::new(env!("CARGO_BIN_EXE_tsh")), args))
}

fn listed(world: &World, state: &str) -> Vec<Value> {
    let state = format!("--state={state}");
    let run = world.tsh(&["recordings", "ls", "--format=json", &state]).succeeds();
    serde_json::from_str(&run.stdout).expect("a list")
}

fn id(recording: &Value) -> String {
    recording["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_live_session_is_verified_followed_into_a_pipe_and_ended_with_who_and_why() {
    let world = World::with_connector();
    world.login();
    let mut shell = world.kubectl_on_terminal(Kubectl::WebSocket, &["exec", "-it", "shell", "--", "sh"]);
    shell.send("echo one-$((40+1))\n");
    shell.says("one-41");
    let live = id(&wait_for("a live session", || listed(&world, "live").pop()));
    let mut told = world.transcript();
    told.hide(&live, "SESSION");
    told.hide(&live[..8], "SESSION8");

    // Nothing is sealed yet, which is no sign of tampering.
    told.run(world.tsh(&["recordings", "verify", &live]));
    let json = world.tsh(&["recordings", "verify", &live, "--format=json"]).succeeds();
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&json["good"], json["state"].as_str()), (&Value::Null, Some("live")), "{json}");

    // The TAB key knows it.
    for words in [&["join", ""][..], &["play", &live[..2]], &["recordings", "verify", ""]] {
        let found = world.tsh(&[&["__complete", "fish", "tsh"], words].concat()).succeeds();
        assert!(found.stdout.starts_with(&format!("{}\talice in ", &live[..8])), "{words:?}: {found:?}");
    }
    let found = world.tctl(&["__complete", "fish", "tctl", "sessions", "kill", &live[..1]]).succeeds();
    assert!(found.stdout.starts_with(&format!("{}\talice in ", &live[..8])), "{found:?}");
    let none = world.tctl(&["__complete", "fish", "tctl", "sessions", "kill", "x"]).succeeds();
    assert_eq!(none.stdout, "");
    // Four characters will do.
    world.tsh(&["recordings", "verify", &live[..4]]).succeeds();

    // A pipe has each line when it is whole, not when it scrolls off.
    let join = tsh(&world, &["join", &live]);
    join.says("one-41\n");
    shell.send("printf 'two-%s' $((40+2)); printf ' \\033[31mred\\033[0m\\n'\n");
    join.says("two-42 red\n");

    let killed = world.tctl(&["sessions", "kill", &live[..8], "--reason=maintenance"]).succeeds();
    for says in [&live[..], "alice", "default/shell", "maintenance"] {
        assert!(killed.stdout.contains(says), "{says}: {killed:?}");
    }
    shell.says("maintenance");
    let joined = join.end();
    assert_eq!(joined.code, 0, "{joined:?}");
    let last = joined.stdout.lines().last().expect("a line");
    assert!(last.starts_with("[ended by ") && last.ends_with(": maintenance]"), "{joined:?}");

    // Who ended it and why stands in the list.
    let one = wait_for("a whole recording", || listed(&world, "complete").pop());
    let reason = one["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("this session was ended by ") && reason.ends_with(": maintenance"), "{one}");
    let table = world.tsh(&["recordings", "ls"]).succeeds();
    let row = table.stdout.lines().last().expect("a row");
    assert!(row.contains(&live[..8]) && row.contains("ended by ") && row.ends_with(": maintenance"), "{row}");
    assert_eq!(
        (&one["protocol"], &one["subprotocol"]),
        (&"WebSocket".into(), &"v5.channel.k8s.io".into()),
        "{one}"
    );
    assert!(one["duration_seconds"].is_f64() && one["duration"].is_null(), "{one}");
    insta::assert_snapshot!("recordings_words_live", told.end());
}

#[test]
fn a_file_is_verified_with_the_gate_with_a_key_and_when_it_is_damaged() {
    let world = World::with_connector();
    world.login();
    // Two streams have an order only if somebody waits for the one.
    let exec = ["exec", "-i", "shell", "--", "sh", "-c", "echo out; read go; echo err >&2; exit 3"];
    let mut session = world.kubectl_live(Kubectl::WebSocket, &exec);
    session.says("out\n");
    session.send("go\n");
    assert_eq!(session.end().code, 3);
    let one = id(&wait_for("a whole recording", || listed(&world, "complete").pop()));
    let mut told = world.transcript();
    told.hide(&one, "SESSION");
    told.hide(&one[..8], "SESSION8");
    told.run(world.tsh(&["play", &one]));

    let keys = world.tsh(&["recordings", "keys"]).succeeds();
    assert!(keys.stdout.contains(" signs recordings since "), "{keys:?}");
    assert_eq!(keys.stdout.matches("-----BEGIN PUBLIC KEY-----").count(), 1, "{keys:?}");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(world.dir().join(name), bytes).expect("a file");
    };
    write("keys.pem", keys.stdout.as_bytes());
    world.tsh(&["recordings", "export", &one, "--format=sealed", "-o", "whole.jgr"]).succeeds();
    let whole = fs::read(world.dir().join("whole.jgr")).expect("a file");
    let verdict = |name: &str, more: &[&str]| {
        let run = world.tsh(&[&["recordings", "verify", name][..], more].concat());
        // The rest has sizes and times in it.
        run.stdout.lines().last().unwrap_or_default().to_owned() + &run.stderr
    };
    let complete = "whole.jgr is what the gate wrote, from the start of the session to its end.";
    assert_eq!(verdict("whole.jgr", &[]), complete);
    assert_eq!(
        verdict("whole.jgr", &["--key=keys.pem"]),
        "whole.jgr is unchanged and signed by the keys in keys.pem, from the start of the session to its end."
    );
    let alone = world.tsh(&["recordings", "verify", "whole.jgr", "--key=keys.pem"]).succeeds();
    assert!(!alone.stdout.contains("cut off"), "{alone:?}");

    // The last checkpoint is gone: nothing is signed in it.
    let at = |text: &str| whole.windows(text.len()).position(|w| w == text.as_bytes()).expect("it is there");
    let mut changed = whole.clone();
    let place = at("\"body\":\"") + 9;
    changed[place] ^= 1;
    write("link.jgr", &changed);
    let said = verdict("link.jgr", &[]);
    assert!(said.contains("frame 1") && said.contains("byte 0"), "{said}");
    let mut changed = whole.clone();
    changed[9] ^= 1;
    write("begin.jgr", &changed);
    let said = verdict("begin.jgr", &[]);
    assert!(said.contains("what stands at byte 0 cannot be read: the link of frame 1"), "{said}");
    told.run(world.tsh(&["play", "begin.jgr"]));
    write("bad.sealed", &whole[..40]);
    told.run(world.tsh(&["play", "bad.sealed"]));
    write("noise.sealed", b"\x00\x01\x02nothing of the kind");
    told.run(world.tsh(&["play", "noise.sealed"]));
    told.run(world.tsh(&["recordings", "verify", "noise.sealed"]));
    told.run(world.tsh(&["recordings", "export", &one, "-o", "whole.jgr"]));
    told.run(world.tsh(&["recordings", "export", &one, "-o", "whole.jgr", "--force"]));
    insta::assert_snapshot!("recordings_words_files", told.end());
}

const CAST: &str = "{\"version\":2,\"width\":90,\"height\":6}\n[0.1,\"o\",\"a \"]\n[8.067123,\"o\",\"b\"]\n[60.5,\"o\",\"c\"]\n";

#[test]
fn what_does_not_fit_is_told_by_its_option_and_ends_with_2() {
    let person = Person::new();
    person.write("a.cast", CAST);
    let file = person.path("a.cast").display().to_string();
    for (args, says) in [
        (&["play", &file, "--from=9:99"][..], "1:23"),
        (&["play", &file, "--from", "1:60:00"], "1:23"),
        (&["play", &file, "--skip-idle=x"], "--skip-idle"),
        (&["recordings", "ls", "--limit=x"], "--limit"),
        (&["recordings", "ls", "--limit=0"], "--limit"),
        (&["play", "abc"], "at least 4"),
        (&["play", "no-such-thing"], "neither a file"),
        (&["join", "xyz"], "ID"),
    ] {
        let run = person.tsh(args);
        assert_eq!(run.code, 2, "{args:?}: {run:?}");
        assert!(run.stderr.contains(says), "{args:?}: {run:?}");
    }
    assert_eq!(person.tsh(&["play", "--skip-idle", "2", &file]).code, 0);
    assert_eq!(person.tsh(&["play", "--skip-idle", &file]).code, 0);
    let json = person.tsh(&["play", &file, "--format=json"]).stdout;
    assert!(json.contains("{\"time\":8.067123,"), "{json}");
    assert!(json.starts_with("{\"time\":0.0,"), "{json}");
}

#[test]
fn short_help_is_about_the_command_and_long_help_about_all() {
    let person = Person::new();
    for args in [&["play"][..], &["join"], &["recordings", "ls"], &["recordings", "verify"]] {
        let short = person.tsh(&[args, &["-h"]].concat());
        assert_eq!(short.code, 0, "{short:?}");
        for hidden in ["--auth", "--ca-pin", "--key-store", "--skip-version-check"] {
            assert!(!short.stdout.contains(hidden), "{hidden}: {}", short.stdout);
            assert!(person.tsh(&[args, &["--help"]].concat()).stdout.contains(hidden), "{hidden}");
        }
        assert!(short.stdout.contains("--proxy"), "{}", short.stdout);
    }
    let ls = person.tsh(&["recordings", "ls", "-h"]).stdout;
    let own = ls.split("Global options").next().expect("a text");
    assert!(own.contains("--user <PERSON>"), "{ls}");
    assert!(person.tsh(&["login", "-h"]).stdout.contains("--ca-pin"));
}
