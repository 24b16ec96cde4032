//! What the audit log says of recordings, and what of a command comes there: bounded, on one line, with a mark where it was cut.

use crate::support::{
    recorded::{last, record, recordings},
    world::{Kubectl, Shown, World},
};

/// The longest text of an event, and its mark.
const MAX_TEXT: usize = 4096;

#[test]
fn e2_34_a_long_and_wild_command_stays_one_bounded_line() {
    let world = World::with_connector();
    world.login();
    let wild = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n{\"event\":\"user.login\",\"user\":\"mallory\"}\n\u{202e}";
    let long = format!("{wild}{}", "x".repeat(20_000));
    for (count, version) in Kubectl::ALL.into_iter().enumerate() {
        world.kubectl(version, &["exec", "shell", "--", "echo", &long]).succeeds();
        let recorded = last(&world, count + 1);
        let session = recorded.session();
        assert_eq!(session.command[0], "echo");
        assert!(session.command[1].starts_with(wild), "what was run is on record as it was");
        assert!(session.command[1].len() < 5000 && session.command[1].ends_with("bytes left out)"));
        let event = world.events("exec", count + 1).pop().expect("an event");
        let command = event["command"].as_str().expect("a command");
        assert!(
            command.starts_with("echo \\u{1b}[2J\\u{1b}]0;owned\\u{7}\\u{d}\\u{a}{\"event\""),
            "{command}"
        );
        assert!(command.ends_with("bytes left out)") && command.len() < MAX_TEXT + 100, "{}", command.len());
        assert!(!command.chars().any(char::is_control) && !command.contains('\u{202e}'));
    }
    assert!(world.events("user.login", 1).iter().all(|event| event["user"] == "alice"), "none was forged");
    for line in world.gate.audit().lines() {
        assert!(line.len() < 64 * 1024, "a line of {} bytes", line.len());
    }
    // A session's name is one for the audit log, the recording and its record.
    let uploads = world.events("session.upload", 2);
    for recorded in recordings(&world) {
        let id = recorded.session().id;
        assert!(uploads.iter().any(|event| event["sid"] == id.to_string()), "{id}");
        assert_eq!(record(&world, id).session.command, recorded.session().command);
    }
}

#[test]
fn e2_34_many_words_are_cut_with_a_mark() {
    let world = World::with_connector();
    world.login();
    let words: Vec<String> = (0..2000).map(|n| format!("w{n}")).collect();
    let args: Vec<&str> =
        ["exec", "shell", "--", "true"].into_iter().chain(words.iter().map(String::as_str)).collect();
    world.kubectl(Kubectl::WebSocket, &args).succeeds();
    let command = last(&world, 1).session().command.clone();
    assert_eq!(command.len(), 257);
    assert_eq!(command[256], "… (1745 more words)");
}

/// No header and no query of ten megabytes comes through, and nothing begins.
#[test]
fn e2_34_ten_megabytes_of_argv_are_refused() {
    let world = World::with_connector();
    world.login();
    let shown = Shown::of_profile(&world, "alice");
    let exec = |length: usize| {
        let word = "a".repeat(length);
        let head = format!(
            "GET /api/v1/namespaces/default/pods/shell/exec?command=echo&command={word}&stdout=true HTTP/1.1\nConnection: Upgrade\n\
             Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\
             Sec-WebSocket-Protocol: v5.channel.k8s.io"
        );
        world.gate.try_raw_kube(&shown, &head)
    };
    let (code, body) = exec(62_000).expect("an answer");
    assert_eq!(code, 414, "{body}");
    assert!(body.contains("the query is longer than"), "{body}");
    // Before it is read whole, the gate hangs up, with an answer or without.
    if let Some((code, _)) = exec(10_000_000) {
        assert!([400, 414, 431].contains(&code), "{code}");
    }
    assert!(recordings(&world).is_empty());
    for line in world.gate.audit().lines() {
        assert!(line.len() < 64 * 1024, "a line of {} bytes", line.len());
    }
    world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "true"]).succeeds();
}
