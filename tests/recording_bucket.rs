//! Recordings in a bucket, at a server that checks signatures: a session is kept there and replayed from there; while the server is
//! down sessions go on, and what they left is kept when it is back, also by the next gate; what is too old is removed from it.

use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use jumpgate::recording::verify::State;
use uuid::{NoContext, Uuid};

use crate::support::{
    recorded::{Recorded, kept, spooled, stdout},
    s3::{BUCKET, Conditions, KEY_ID, REGION, S3, SECRET},
    world::{Kubectl, Launch, Run, Shown, World, wait_for},
};

const PREFIX: &str = "team/gate";

fn world(s3: &S3, more: &str) -> World {
    let storage = s3.storage(PREFIX);
    let recording = Some(format!("{{free_space: 0, storage: '{storage}'{more}}}"));
    let world =
        World::launch(|_, _| (String::new(), Launch { recording, env: S3::env(), ..Launch::default() }));
    let world = world.and_connector();
    world.login();
    world
}

/// The sessions in the bucket, the oldest first.
fn sessions(s3: &S3) -> Vec<Uuid> {
    let mut found: Vec<Uuid> = s3
        .names()
        .iter()
        .map(|name| {
            let rest = name.strip_prefix(PREFIX).expect("the prefix").trim_start_matches('/');
            rest.split('/').next().expect("a session").parse().expect("a session")
        })
        .collect();
    found.dedup();
    // An ID ends with the time at which its session began.
    found.sort_by_key(|id| id.as_u128() & 0xffff_ffff_ffff);
    found
}

fn recorded(s3: &S3, session: Uuid) -> Recorded {
    Recorded::read(s3.read(&format!("{PREFIX}/{session}/")))
}

/// What the gate's admin API answers.
fn ask(world: &World, request: &str) -> serde_json::Value {
    let shown = Shown::of_administrator(world);
    let (code, body) = world.gate.raw_admin(world.gate.admin, Some(&shown), request, "");
    assert_eq!(code, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

fn all_kept(world: &World) {
    wait_for("all recordings to be kept", || spooled(world).is_empty().then_some(()));
}

/// Neither the gate's log nor its audit log has a secret in it.
fn no_secret(world: &World, s3: &S3) {
    for text in [world.gate.log(), world.gate.audit()] {
        assert!(!text.contains(SECRET) && !text.contains("Signature="), "a secret is in a log");
    }
    assert!(s3.refused().is_empty(), "{:?}", s3.refused());
}

#[test]
fn a_session_is_kept_in_a_bucket_and_comes_back_from_there() {
    let s3 = S3::start();
    let world = world(&s3, "");
    for version in Kubectl::ALL {
        world.kubectl(version, &["exec", "shell", "--", "echo", "kept elsewhere"]).succeeds();
    }
    all_kept(&world);
    assert!(kept(&world).is_empty(), "nothing is kept beside");
    let found = sessions(&s3);
    assert_eq!(found.len(), 2, "{:?}", s3.names());
    let uploads = world.events("session.upload", 2);
    for (session, upload) in found.iter().zip(&uploads) {
        let one = recorded(&s3, *session);
        assert_eq!(stdout(&one), "kept elsewhere\n");
        assert_eq!(one.verify(&world).state, State::Complete);
        assert_eq!(upload["url"], format!("s3://{BUCKET}/{PREFIX}/{session}"));
    }
    // The gate itself reads them there.
    let hits = ask(&world, "GET /v2/recordings/search?text=kept+elsewhere");
    assert_eq!(hits["hits"].as_array().map(Vec::len), Some(2), "{hits}");
    no_secret(&world, &s3);
}

/// The stand-in itself: another signer's requests are taken, and what is signed with another secret is not.
#[test]
fn the_bucket_takes_nothing_that_is_signed_wrongly() {
    let s3 = S3::start();
    let curl = |secret: &str, body: &str, what: &[&str]| {
        let hash = hex::encode(ring::digest::digest(&ring::digest::SHA256, body.as_bytes()));
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--write-out", "%{http_code}", "--output", "/dev/null"]);
        curl.args(["--aws-sigv4", &format!("aws:amz:{REGION}:s3"), "--user", &format!("{KEY_ID}:{secret}")]);
        curl.args(["-H", &format!("x-amz-content-sha256: {hash}")]);
        curl.args(what).arg(format!("http://{}/{BUCKET}/a/b", s3.address));
        Run::of(curl).succeeds().stdout
    };
    let put = ["--request", "PUT", "--data-binary", "bytes", "-H", "Content-Type: application/octet-stream"];
    assert_eq!(curl("wrong", "bytes", &put), "403");
    assert_eq!(curl(SECRET, "other bytes", &put), "403");
    assert!(s3.names().is_empty());
    assert_eq!(curl(SECRET, "bytes", &put), "200", "{:?}", s3.refused());
    assert_eq!(s3.read("a/b"), b"bytes");
    assert_eq!(curl(SECRET, "", &[]), "200");
}

#[test]
fn a_bucket_that_is_down_keeps_nobody_from_working() {
    let mut s3 = S3::start();
    let mut world = world(&s3, "");
    let mut live = world.kubectl_live(Kubectl::WebSocket, &["exec", "-i", "shell", "--", "cat"]);
    live.send("before\n");
    live.says("before\n");
    s3.stop();
    live.send("while it is down\n");
    live.says("while it is down\n");
    live.close_stdin();
    live.end().succeeds();
    world.kubectl(Kubectl::Spdy, &["exec", "shell", "--", "echo", "begun while it is down"]).succeeds();
    wait_for("a word of it in the log", || {
        let log = world.gate.log();
        (log.matches("a part of a recording is not kept yet").count() >= 2).then_some(())
    });
    assert_eq!(spooled(&world).len(), 2);
    assert!(s3.names().is_empty());
    s3.start_again();
    all_kept(&world);
    assert_eq!(sessions(&s3).len(), 2);

    // The same, and the gate dies before it is back.
    s3.stop();
    let live = world
        .kubectl_live(Kubectl::WebSocket, &["exec", "shell", "--", "sh", "-c", "echo cut off; sleep 1000"]);
    live.says("cut off\n");
    world.kubectl(Kubectl::Spdy, &["exec", "shell", "--", "echo", "whole"]).succeeds();
    world.gate.crash_and_restart();
    live.end();
    world.kubectl(Kubectl::Spdy, &["exec", "shell", "--", "echo", "after"]).succeeds();
    s3.start_again();
    all_kept(&world);
    let found = sessions(&s3);
    let read: Vec<Recorded> = found.iter().map(|session| recorded(&s3, *session)).collect();
    let said: Vec<String> = read.iter().map(stdout).collect();
    assert_eq!(
        said,
        ["before\nwhile it is down\n", "begun while it is down\n", "cut off\n", "whole\n", "after\n"]
    );
    let states: Vec<State> = read.iter().map(|one| one.verify(&world).state).collect();
    use State::{Complete, Cut};
    assert_eq!([states[0], states[1], states[2], states[4]], [Complete, Complete, Cut, Complete]);
    let uploads = world.events("session.upload", 5);
    for session in &found {
        assert!(uploads.iter().any(|event| event["sid"] == session.to_string()), "{session}");
    }
    no_secret(&world, &s3);
}

/// Whoever has the bucket's keys can put parts there; the gate neither writes over them nor takes them for its own.
#[test]
fn a_part_that_is_there_already_is_never_written_over() {
    for conditions in [Conditions::Kept, Conditions::Ignored, Conditions::Unknown] {
        let s3 = S3::start();
        s3.set_conditions(conditions);
        let world = world(&s3, "");
        let run = |word: &str| {
            let mut live = world.kubectl_live(Kubectl::WebSocket, &["exec", "-i", "shell", "--", "cat"]);
            live.send(format!("{word}\n"));
            live.says(word);
            live
        };
        let name = || spooled(&world)[0].file_name().expect("a name").to_str().expect("text").to_owned();
        let end = |mut live: crate::support::world::Live| {
            live.close_stdin();
            live.end().succeeds();
        };
        // Nothing is there, the same bytes are there (an answer that got lost), other bytes are there.
        end(run("first"));
        all_kept(&world);
        assert_eq!(stdout(&recorded(&s3, sessions(&s3)[0])), "first\n", "{conditions:?}");
        let live = run("second");
        let part = format!("{PREFIX}/{}/000001.part", name());
        s3.put(&part, b"forged");
        end(live);
        let failed = world.events("session.recording.failed", 1);
        assert!(failed[0]["error"].as_str().expect("why").contains("another part 1"), "{failed:?}");
        assert_eq!(s3.read(&part), b"forged", "{conditions:?}");
        assert_eq!(spooled(&world).len(), 1, "the gate's own stays");
        let warned = world.gate.log().contains("does not know conditional writes");
        assert_eq!(warned, conditions != Conditions::Kept, "{conditions:?}");
        no_secret(&world, &s3);
    }
}

#[test]
fn what_is_too_old_is_removed_from_the_bucket() {
    let s3 = S3::start();
    let mut world = world(&s3, ", retention: 24h");
    world.kubectl(Kubectl::WebSocket, &["exec", "shell", "--", "echo", "new"]).succeeds();
    all_kept(&world);
    let new = sessions(&s3)[0];
    // As if another had been kept three days ago, in five parts.
    let began = Timestamp::now() - SignedDuration::from_hours(72);
    let seconds = u64::try_from(began.as_second()).expect("a time");
    let old = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, 0));
    for part in 1..=5 {
        s3.put(&format!("{PREFIX}/{old}/{part:06}.part"), b"old");
    }
    let store = rusqlite::Connection::open(world.gate.data().join("gate.sqlite")).expect("the gate's store");
    let pattern = "/recordings/%";
    let value: Vec<u8> = store
        .query_row("SELECT value FROM item WHERE key LIKE ?1", [pattern], |row| row.get(0))
        .expect("a record");
    let mut value: serde_json::Value = serde_json::from_slice(&value).expect("JSON");
    (value["id"], value["started"]) = (old.to_string().into(), began.to_string().into());
    let key = format!("/recordings/{:016x}-{old}", u64::MAX - seconds * 1000);
    store
        .execute(
            "INSERT INTO item (key, value, revision) VALUES (?1, ?2, 1)",
            (key, serde_json::to_vec(&value).expect("JSON")),
        )
        .expect("a record");
    drop(store);
    world.gate.crash_and_restart();
    let deleted = world.events("session.recording.deleted", 1);
    assert_eq!((deleted.len(), deleted[0]["sid"].as_str()), (1, Some(&*old.to_string())));
    assert_eq!(sessions(&s3), [new], "{:?}", s3.names());
    // The record goes last, so that the event is told whatever comes of the gate.
    wait_for("the record to be gone", || {
        let listed = ask(&world, "GET /v2/recordings");
        let ids = listed["recordings"].as_array().expect("recordings").iter().map(|one| one["id"].clone());
        (ids.collect::<Vec<_>>() == [new.to_string()]).then_some(())
    });
    no_secret(&world, &s3);
}
