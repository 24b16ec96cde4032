//! The recording key is rotated: in the middle of a session whose gate is killed after that, by somebody who may not, and while the gate
//! dies.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use jumpgate::{
    recording::{
        blocks::{Block, Blocks, Piece},
        verify::State,
    },
    server::store::SqliteStore,
};
use serde_json::Value;

use crate::support::{
    recorded::{Recorded, keys, last, record, spooled},
    world::{Kubectl, Live, World, wait_for},
};

/// The names of all keys, the one that signs first.
fn names(world: &World) -> Vec<String> {
    keys(world).iter().map(jumpgate::pki::PublicKey::fingerprint).collect()
}

/// The name of the key of each checkpoint.
fn signers(recorded: &Recorded) -> Vec<String> {
    let blocks = Blocks::new(&recorded.sealed).map(|block| block.expect("a block"));
    let checkpoints = blocks.filter_map(|Block { what, .. }| match what {
        Piece::Checkpoint(signed) => Some(signed.checkpoint.key),
        _ => None,
    });
    checkpoints.collect()
}

/// How often a text stands in the files of a folder.
fn found_in(folder: &Path, text: &str) -> usize {
    let mut found = 0;
    let mut left = vec![PathBuf::from(folder)];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let bytes = fs::read(path).unwrap_or_default();
                found += bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
            }
        }
    }
    found
}

/// A line of the private half that signs now.
fn private_half(world: &World) -> String {
    let item = SqliteStore::peek(world.gate.data(), "/recording/key").expect("a store").remove(0);
    let value: Value = serde_json::from_slice(&item.value).expect("JSON");
    value["key"].as_str().and_then(|pem| pem.lines().nth(1)).expect("PEM").to_owned()
}

#[test]
fn a_recording_verifies_across_a_rotation_and_the_death_of_the_gate() {
    let mut world = World::with_connector();
    world.login();
    let write = |world: &World, name: &str| {
        let run = world.tsh(&["recordings", "keys"]).succeeds();
        fs::write(world.dir().join(name), &run.stdout).expect("a file");
        run.stdout
    };
    let first = write(&world, "before.pem");
    // More than a part holds, so that it is sealed before its minute is over.
    let much = "head -c 6000000 /dev/urandom | base64";
    let script = format!("{much}; echo half-$((1)); read go; {much}; echo whole-$((2)); cat");
    let mut live =
        world.kubectl_live(Kubectl::WebSocket, &["exec", "-i", "shell", "--", "sh", "-c", &script]);
    live.says("half-1\n");
    let id = spooled(&world)[0].file_name().expect("a name").to_str().expect("text").to_owned();
    let sealed = |world: &World| record(world, id.parse().expect("an ID")).last.map(|last| last.number);
    let by_old = wait_for("a checkpoint", || sealed(&world));
    let private = private_half(&world);
    assert!(found_in(world.gate.data(), &private) > 0);

    let rotated = world.tctl(&["recordings", "rotate-key", "--format=json"]).succeeds();
    let rotated: Value = serde_json::from_str(&rotated.stdout).expect("JSON");
    let [old, new] = ["old", "new"].map(|name| rotated[name].as_str().expect("a name").to_owned());
    assert_eq!(names(&world), [new.clone(), old.clone()]);
    assert_eq!(found_in(world.gate.data(), &private), 0, "the old private half is gone");
    let event = world.events("session.recording.key_rotated", 1).remove(0);
    assert_eq!((&event["old_key"], &event["new_key"]), (&rotated["old"], &rotated["new"]));
    assert!(first.starts_with(&format!("# {old} signs recordings since ")), "{first}");
    let now = write(&world, "after.pem");
    let lines: Vec<&str> = now.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with(&format!("# {new} signs recordings since ")), "{now}");
    assert!(lines[1].starts_with(&format!("# {old} signed recordings from ")), "{now}");

    live.send("go\n");
    live.says("whole-2\n");
    wait_for("another checkpoint", || sealed(&world).filter(|number| *number > by_old));
    world.gate.crash_and_restart();
    live.end();
    let recorded = last(&world, 1);
    assert_eq!(recorded.verify(&world).state, State::Cut);
    let signers = signers(&recorded);
    let (before, after) = signers.split_at(by_old as usize);
    assert!(before.iter().all(|name| *name == old), "{signers:?}");
    assert!(after.len() > 1 && after.iter().all(|name| *name == new), "{signers:?}");

    let verify = |args: &[&str]| world.tsh(&[&["recordings", "verify"][..], args].concat());
    verify(&[&id]).succeeds();
    world.tsh(&["recordings", "export", &id, "--format=sealed", "-o", "whole.jgr"]).succeeds();
    verify(&["whole.jgr"]).succeeds();
    verify(&["whole.jgr", "--key=after.pem"]).succeeds();
    let stale = verify(&["whole.jgr", "--key=before.pem"]);
    assert_eq!(stale.code, 8);
    let says = format!("checkpoint {} is signed by key {new}, which is not in before.pem", by_old + 1);
    assert!(stale.stderr.contains(&says), "{stale:?}");
    assert!(stale.stderr.contains("tsh recordings keys > before.pem"), "{stale:?}");
}

#[test]
fn who_may_not_rotate_the_key_is_told_which_role_may() {
    let world = World::with_connector();
    world.login();
    let before = names(&world);
    let refused = world.tctl_as_person(&["recordings", "rotate-key"]);
    assert_eq!(refused.code, 1);
    let says = format!("alice may not rotate the gate's keys at {}", world.gate.web);
    assert!(refused.stderr.contains(&says) && refused.stderr.contains("\"admin\""), "{refused:?}");
    assert_eq!(names(&world), before);
    assert!(!world.gate.audit().contains("key_rotated"));
    let done = world.tctl(&["recordings", "rotate-key"]).succeeds();
    let after = names(&world);
    for says in [format!("Old key: {}\n", before[0]), format!("New key: {}\n", after[0])] {
        assert!(done.stdout.contains(&says), "{done:?}");
    }
    assert_eq!(after[1..], before);
}

#[test]
fn a_gate_that_dies_while_the_key_is_rotated_has_the_old_or_the_new_one() {
    let mut world = World::with_connector();
    world.login();
    // How long one takes: each round dies at another moment, before the request, in it and after it.
    let began = Instant::now();
    world.tctl(&["recordings", "rotate-key"]).succeeds();
    let takes = began.elapsed();
    for round in 0..8 {
        let before = names(&world);
        let mut tctl = world
            .command(Path::new(env!("CARGO_BIN_EXE_tctl")), &["recordings", "rotate-key", "--format=json"]);
        tctl.env("TELEPORT_CONFIG_FILE", world.dir().join("jumpgate.yaml"));
        let rotating = Live::piped(tctl);
        std::thread::sleep(takes * round / 6);
        world.gate.crash_and_restart();
        let ended = rotating.end();
        let after = names(&world);
        match ended.code {
            0 => {
                let told: Value = serde_json::from_str(&ended.stdout).expect("JSON");
                assert_eq!(told["new"], after[0].as_str());
                assert_eq!(after[1..], before);
            }
            _ => assert!(after == before || after[1..] == before, "{before:?} {after:?}"),
        }
        world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "true"]).succeeds();
        let recorded = last(&world, round as usize + 1);
        assert_eq!(recorded.verify(&world).state, State::Complete);
        assert_eq!(signers(&recorded), [after[0].clone()]);
    }
}
