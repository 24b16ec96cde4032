//! What a person does with recordings: list, play, export, verify, join, and an administrator's end of a session.

use std::{fs, process::Command, time::Duration};

use jumpgate::recording::pack::Packer;
use rustix::process::Signal;
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    run::Person,
    world::{CLUSTER, Kubectl, Live, World, wait_for},
};

const CAST: &str = concat!(
    "{\"version\":2,\"width\":40,\"height\":6,\"title\":\"a film\"}\n",
    "[0.1,\"o\",\"$ \"]\n[0.5,\"o\",\"ls\"]\n[1,\"o\",\"\\r\\n\\u001b[1;34mbin\\u001b[0m  \\u001b]52;c;ZXZpbA==\\u0007etc\\r\\n$ \"]\n",
    "[30,\"o\",\"a line that is wider than the terminal, so it wraps\"]\n[30.5,\"r\",\"60x8\"]\n[31,\"o\",\"\\r\\nthe end\"]\n",
);

fn with_cast() -> Person {
    let person = Person::new();
    person.write("a.cast", CAST);
    person
}

fn player(person: &Person, args: &[&str]) -> Live {
    let mut command = person.command(args);
    command.current_dir(person.path(""));
    Live::on_terminal(command, 12, 70)
}

#[test]
fn a_file_is_played_as_text_and_as_json() {
    let person = with_cast();
    let file = person.path("a.cast").display().to_string();
    let text = person.tsh(&["play", &file]);
    assert_eq!(text.code, 0, "{text:?}");
    insta::assert_snapshot!("play_text", text.stdout);
    let json = person.tsh(&["play", &file, "--format", "json"]);
    insta::assert_snapshot!("play_json", json.stdout);
    let pty = person.tsh(&["play", &file, "--format", "pty"]);
    assert_eq!(pty.code, 2, "{pty:?}");
    for (args, code, says) in [
        (["play", &file, "--speed=99"], 2, "from 0.5 to 16"),
        (["play", &file, "--from=x"], 2, "1:23"),
        (["play", "nothing.cast", "--speed=1"], 1, "cannot read nothing.cast"),
        (["play", "nonsense", "--speed=1"], 2, "neither a file"),
        (["recordings", "verify", &file], 1, "is not sealed"),
    ] {
        let run = person.tsh(&args);
        assert_eq!(run.code, code, "{args:?}: {run:?}");
        assert!(run.stderr.contains(says), "{args:?}: {run:?}");
    }
}

#[test]
fn a_film_obeys_its_keys_and_gives_the_terminal_back() {
    let person = with_cast();
    let mut film = player(&person, &["play", "a.cast", "--skip-idle"]);
    film.says("\u{1b}[?1049h");
    film.says("playing");
    film.says("etc");
    film.send(" ");
    film.says("paused");
    film.send("9");
    film.says("0:27 / 0:31");
    film.send("\u{1b}[D");
    film.says("0:22 / 0:31");
    film.send("+");
    film.says("2×");
    film.send(".");
    film.says("so it wraps");
    film.send("\u{1b}[F");
    film.says("at the end 0:31 / 0:31");
    film.resize(5, 40);
    film.says("needs 60×9");
    film.send("0");
    film.says("0:00 / 0:31");
    film.send("q");
    let run = film.end();
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.ends_with("\u{1b}[?25h\u{1b}[?1049l"), "{:?}", run.stdout);
    assert!(!run.stdout.contains("]52;"), "{:?}", run.stdout);
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let person = with_cast();
    for (end, code) in [(Err(Signal::TERM), 143), (Err(Signal::INT), 130), (Ok("\u{3}"), 130)] {
        let mut film = player(&person, &["play", "a.cast"]);
        film.says("playing");
        match end {
            Ok(keys) => film.send(keys),
            Err(signal) => film.signal(signal),
        }
        let run = film.end();
        assert_eq!(run.code, code, "{}", run.stdout);
        assert!(run.stdout.ends_with("\u{1b}[?1049l"), "{:?}", run.stdout);
    }
}

#[test]
fn an_export_is_a_file_for_other_players() {
    let person = with_cast();
    let (file, out) = (person.path("a.cast").display().to_string(), person.path("b.cast"));
    let out = out.display().to_string();
    let run = person.tsh(&["recordings", "export", &file, "-o", &out]);
    assert_eq!(run.code, 0, "{run:?}");
    let text = person.read("b.cast");
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
    let again = person.tsh(&["recordings", "export", &file, "-o", &out]);
    assert_eq!(again.code, 1, "{again:?}");
    assert_eq!(person.tsh(&["play", &out]).stdout, person.tsh(&["play", &file]).stdout);
}

#[test]
fn a_list_that_was_cut_says_so() {
    let world = World::with_connector();
    world.login();
    for _ in 0..2 {
        world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "true"]).succeeds();
    }
    let ls = |limit: &str| world.tsh(&["recordings", "ls", "--state=complete", limit]).succeeds();
    let rows = |shown: &str| shown.lines().filter(|line| line.contains("alice")).count();
    wait_for("two recordings", || (rows(&ls("--limit=2").stdout) == 2).then_some(()));
    assert_eq!(ls("--limit=2").stderr, "");
    let cut = ls("--limit=1");
    assert_eq!(rows(&cut.stdout), 1);
    assert!(cut.stderr.contains("the first 1") && cut.stderr.contains("--limit"), "{cut:?}");
}

#[test]
fn sessions_are_listed_played_verified_joined_and_ended() {
    let world = World::with_connector();
    world.login();
    let exec = ["exec", "shell", "--", "sh", "-c", "echo err >&2; exit 3"];
    assert_eq!(world.kubectl(Kubectl::WebSocket, &exec).code, 3);
    let listed = |args: &[&str]| -> Vec<serde_json::Value> {
        let run = world.tsh(&[&["recordings", "ls", "--format=json"], args].concat()).succeeds();
        serde_json::from_str(&run.stdout).expect("a list")
    };
    let one = wait_for("a whole recording", || listed(&["--state=complete"]).pop());
    let id = one["id"].as_str().expect("an id").to_owned();
    let prefix = &id[..8];
    let mut told = world.transcript();
    told.hide(&id, "SESSION");
    told.hide(prefix, "SESSION8");
    told.run(world.tsh(&["play", prefix]));
    let verified = world.tsh(&["recordings", "verify", prefix]).succeeds();
    assert!(
        verified.stdout.ends_with("is what the gate wrote, from the start of the session to its end.\n"),
        "{verified:?}"
    );
    told.run(world.tsh(&["recordings", "verify", "00000000"]));
    told.run(world.tsh(&["recordings", "verify", "short"]));
    told.run(world.tsh(&["join", prefix]));
    told.run(world.tctl(&["sessions", "ls"]));
    told.run(world.tctl(&["sessions", "kill", "00000000"]));

    let found = world.tsh(&["recordings", "search", "ERR"]).succeeds();
    assert!(found.stdout.lines().any(|line| line.starts_with(prefix) && line.ends_with(" err")), "{found:?}");
    let found = world.tsh(&["recordings", "search", "nowhere"]).succeeds();
    assert!(found.stdout.is_empty() && found.stderr.contains("was not on the screen"), "{found:?}");

    let sealed = world.dir().join("s.jgr");
    let sealed = sealed.to_str().expect("a path");
    world.tsh(&["recordings", "export", &id, "--format=sealed", "-o", sealed]).succeeds();
    world.tsh(&["recordings", "verify", sealed]).succeeds();
    let mut bytes = fs::read(sealed).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(sealed, bytes).expect("a file");
    let changed = world.tsh(&["recordings", "verify", sealed]);
    assert_eq!(changed.code, 1, "{changed:?}");
    assert!(changed.stderr.contains("is not what the gate wrote: "), "{changed:?}");

    let mut shell = world.kubectl_on_terminal(Kubectl::WebSocket, &["exec", "-it", "shell", "--", "sh"]);
    shell.send("echo hello-$((40+2))\n");
    shell.says("hello-42");
    let live = wait_for("a live session", || listed(&["--state=live"]).pop());
    let live = live["id"].as_str().expect("an id").to_owned();
    let join =
        world.command(std::path::Path::new(env!("CARGO_BIN_EXE_tsh")), &["join", &live, "--mode=observer"]);
    let join = Live::on_terminal(join, 30, 100);
    join.says("hello-42");
    join.says("live");
    shell.send("echo more-$((40+3))\n");
    join.says("more-43");
    let sessions = world.tctl(&["sessions", "ls"]).succeeds();
    assert!(sessions.stdout.contains(&live[..8]), "{sessions:?}");
    let killed =
        world.tctl(&["sessions", "kill", &live[..8], "--reason=maintenance", "--format=json"]).succeeds();
    let killed: serde_json::Value = serde_json::from_str(&killed.stdout).expect("JSON");
    assert_eq!(
        killed,
        serde_json::json!({
            "id": live, "user": "alice", "cluster": CLUSTER, "namespace": "default", "pod": "shell",
            "reason": "maintenance", "result": "ended",
        })
    );
    shell.says("maintenance");
    let joined = join.end();
    assert_eq!(joined.code, 0, "{joined:?}");
    assert!(joined.stdout.contains("is over") && joined.stdout.contains("maintenance"), "{joined:?}");
    insta::assert_snapshot!("recordings_client", told.end());
}

#[test]
fn e2_33_a_small_file_that_stands_for_very_much_costs_little() {
    let person = Person::new();
    let mut packer = Packer::new(Uuid::nil());
    let mut pack = |lines: &[u8]| packer.pack(lines, Duration::ZERO, Duration::ZERO).expect("packed");
    let session = json!({
        "id": Uuid::nil(), "kind": "exec", "user": "alice", "cluster": "prod", "namespace": "default", "pod": "web", "terminal": true,
        "stdin": true, "started": "2026-11-24T19:00:00Z",
    });
    let header = json!({ "version": 2, "width": 40, "height": 6, "jumpgate": session });
    let mut file = pack(format!("{header}\n[1,\"o\",\"before\"]\n").as_bytes());
    let line = [b"[2,\"i\",\"", "a".repeat(1 << 20).as_bytes(), b"\"]\n"].concat();
    // More than a frame of a gate has, and not quite so much.
    for mebibytes in [[60; 20].as_slice(), &[15; 3]].concat() {
        file.extend(pack(&line.repeat(mebibytes)));
    }
    file.extend(pack(b"[3,\"o\",\" behind\"]\n"));
    assert!(file.len() < 200_000, "{}", file.len());
    fs::write(person.path("bomb.jgr"), file).expect("written");
    for form in ["text", "json"] {
        let mut command = person.command(&["play", "bomb.jgr", "--format", form]);
        command.current_dir(person.path(""));
        // 256 MiB of data.
        let program = command.get_program().to_owned();
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut limited = Command::new("sh");
        limited
            .args(["-c", "ulimit -d 262144; exec \"$0\" \"$@\""])
            .arg(program)
            .args(args)
            .current_dir(person.path(""));
        limited.env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                limited.env(name, value);
            }
        }
        let run = limited.output().expect("sh starts");
        let (said, told) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success(), "{form}: {told}");
        assert!(told.starts_with("warning: bomb.jgr is not wholly shown: the frame at byte "), "{told}");
        assert!(told.ends_with("holds more lines than any that a gate writes\n"), "{told}");
        match form {
            "text" => assert_eq!(said, "before behind\n"),
            _ => assert!(said.contains("\"data\":\" behind\""), "{form}"),
        }
    }
}
