//! What ends by itself: a live session in the browser with the right to see it, and work for a client that went away.

use std::time::Duration;

use jumpgate::{
    demo::browser::Consent,
    model::{Role, RoleSpec, Rule, User},
    recording::{What, event::Stream},
    server::{recordings::Recorder, store::resources},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    support::in_process::InProcess,
    web_sessions::{Jar, record, session_of, sign_in, token},
};

/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// Writes the role `watch`; with `all`, who has it sees the sessions of everybody.
async fn watch(world: &InProcess, all: bool) {
    let mut spec = RoleSpec::default();
    if all {
        let verbs = vec!["list".into(), "read".into()];
        spec.allow.rules = vec![Rule { resources: vec!["session".into()], verbs, condition: String::new() }];
    }
    resources::upsert(&*world.gate().store, &Role::new("watch", spec)).await.unwrap();
}

/// A gate where alice has access alone, and bob the role `watch`.
async fn world() -> InProcess {
    let world = InProcess::start(json!({
        "teams_to_logins": [{ "organization": "octocats", "team": "admins", "logins": ["root"] }],
        "teams_to_roles": [{ "organization": "octocats", "team": "devs", "roles": ["watch"] }],
    }))
    .await;
    watch(&world, true).await;
    world
}

fn line(text: &str) -> Vec<What> {
    vec![What::Bytes(Stream::Stdout, format!("{text}\n").into_bytes())]
}

/// A live session of alice's that has said `before`.
async fn live(world: &InProcess) -> (Uuid, Recorder) {
    let session = session_of("alice");
    let id = session.id;
    let recorder = world.gate().recordings.begin(session).await.unwrap().expect("recording is on");
    recorder.record(line("before")).await.unwrap();
    (id, recorder)
}

/// Follows a session; the answer, once something of it has come.
async fn follow(world: &InProcess, jar: &Jar, id: Uuid) -> (reqwest::Response, String) {
    let url = world.web(&format!("/web/api/recordings/{id}/live"));
    let mut answer = world.http.get(url).header("cookie", jar.header()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut seen = String::new();
    while !seen.contains("before") {
        let piece = tokio::time::timeout(LIMIT, answer.chunk()).await.expect("a piece").unwrap();
        seen += &String::from_utf8_lossy(&piece.expect("it goes on"));
    }
    (answer, seen)
}

/// All that comes until it ends.
async fn rest(mut answer: reqwest::Response) -> String {
    let mut seen = String::new();
    let all = async {
        while let Ok(Some(piece)) = answer.chunk().await {
            seen += &String::from_utf8_lossy(&piece);
        }
    };
    tokio::time::timeout(LIMIT, all).await.expect("the stream ends, though the session goes on");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_in_the_browser_ends_with_the_right_to_see_it() {
    let world = world().await;
    let bob = sign_in(&world, "bob").await;
    let (id, recorder) = live(&world).await;
    let (answer, _) = follow(&world, &bob, id).await;
    watch(&world, false).await;
    let seen = rest(answer).await;
    // It goes on: it was not the session that ended.
    recorder.record(line("after")).await.unwrap();
    assert!(!seen.contains("\"x\"]") && !seen.contains("after"), "no end is told: {seen}");
    let url = world.web(&format!("/web/api/recordings/{id}/live"));
    let again = world.http.get(&url).header("cookie", bob.header()).send().await.unwrap();
    assert_eq!(again.status(), 404);

    // With the right again, and then without a session of the browser; its person sees their own all the time.
    watch(&world, true).await;
    let (answer, _) = follow(&world, &bob, id).await;
    let alice = sign_in(&world, "alice").await;
    let (mut own, _) = follow(&world, &alice, id).await;
    let csrf = token(&world, &bob).await;
    let out = world.http.post(world.web("/web/logout")).header("cookie", bob.header());
    let out = out.header("origin", world.web("")).body(format!("token={csrf}"));
    let out = out.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!(out.status(), 200);
    rest(answer).await;
    recorder.record(line("later")).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("later") {
        let piece = tokio::time::timeout(LIMIT, own.chunk()).await.expect("a piece").unwrap();
        seen += &String::from_utf8_lossy(&piece.expect("one's own goes on"));
    }
    // A person whose record is gone.
    resources::delete::<User>(&*world.gate().store, "alice").await.unwrap();
    rest(own).await;
    recorder.finish(None, vec![]).await;
}

/// More recordings than films are made of at a time.
const BUSY: usize = 12;

/// Recordings that keep a terminal busy for long: few bytes, each of which wipes a large screen.
async fn busy(world: &InProcess, user: &str, count: usize) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let session = session_of(user);
        ids.push(session.id);
        let recorder = world.gate().recordings.begin(session).await.unwrap().expect("recording is on");
        recorder.record(vec![What::Resize { width: 1000, height: 500 }]).await.unwrap();
        for _ in 0..500 {
            recorder.record(line(&"\u{1b}[2J\u{1b}[H+".repeat(40))).await.unwrap();
        }
        recorder.finish(None, vec![]).await;
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_ends_when_its_client_is_gone() {
    let world = world().await;
    let bob = world.login("bob", Consent::Approve, 0).await;
    record(&world, "bob").await;
    busy(&world, "alice", 1).await;
    // A search that does not end with its client always ends too late; one that does may, where the machine is busy.
    for _ in 0..10 {
        let (asked, before) = (tokio::time::Instant::now(), looked(&world).await);
        let gone = world.raw_admin(&bob, "GET", "/v2/recordings/search?text=nowhere&user=alice", None);
        let begun = async {
            while looked(&world).await == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // It is written down right before the recording is read.
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        tokio::select! {
            // It was over before that was seen.
            _ = gone => continue,
            () = begun => {}
        }
        // The one place for a search is free before it would be by itself.
        let own = world.raw_admin(&bob, "GET", "/v2/recordings/search?text=there&user=bob", None);
        if let Ok((status, found)) = tokio::time::timeout_at(asked + SEARCHED, own).await {
            assert_eq!((status, found["hits"].as_array().map(Vec::len)), (200, Some(1)), "{found}");
            return;
        }
    }
    panic!("a search goes on though nobody waits for it");
}

/// As long as a gate searches one recording at most.
const SEARCHED: Duration = Duration::from_secs(3);

/// How often somebody has looked at a session of another person.
async fn looked(world: &InProcess) -> usize {
    world.events("session.recording.access").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_made_no_further_when_its_viewer_is_gone() {
    let world = world().await;
    let bob = sign_in(&world, "bob").await;
    let small = record(&world, "bob").await;
    let ask = |id: Uuid, what: &str| {
        let url = world.web(&format!("/web/api/recordings/{id}/{what}"));
        world.http.get(url).header("cookie", bob.header()).send()
    };
    // More than there are places.
    let asked =
        busy(&world, "alice", BUSY).await.into_iter().zip(["outline", "film?part=0"].into_iter().cycle());
    let gone = futures_util::future::join_all(asked.map(|(id, what)| ask(id, what)));
    tokio::time::timeout(Duration::from_secs(2), gone).await.expect_err("it would take longer");
    let outline =
        tokio::time::timeout(Duration::from_secs(10), ask(small, "outline")).await.expect("a place");
    assert_eq!(outline.unwrap().status(), 200);
}
