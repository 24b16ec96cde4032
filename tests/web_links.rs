//! Links to sessions as people pass them on, and who is told to have looked.

use std::time::Duration;

use jumpgate::recording::{
    What,
    event::{Direction, Stream},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    browser::{leaf_of, spki},
    support::{chromium::Chromium, in_process::InProcess, world::runtime},
    web_player::consent,
    web_sessions::{Jar, session_of, sign_in},
};

/// A gate where alice may see all sessions, and bob his own.
async fn world() -> InProcess {
    InProcess::start(json!({
        "teams_to_logins": [{ "organization": "octocats", "team": "devs", "logins": ["root"] }],
        "teams_to_roles": [{ "organization": "octocats", "team": "admins", "roles": ["auditor"] }],
    }))
    .await
}

async fn get(world: &InProcess, jar: &Jar, path: &str) -> reqwest::Response {
    world.http.get(world.web(path)).header("cookie", jar.header()).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_the_beginning_of_an_id_leads_to_the_session_or_names_the_several() {
    let world = world().await;
    let (alice, bob) = (sign_in(&world, "alice").await, sign_in(&world, "bob").await);
    let mut ids: Vec<Uuid> = Vec::new();
    let mut begin = async |user: &str, like: Option<Uuid>| {
        let mut session = session_of(user);
        if let Some(like) = like {
            let mut bytes = *session.id.as_bytes();
            bytes[..4].copy_from_slice(&like.as_bytes()[..4]);
            session.id = Uuid::from_bytes(bytes);
        }
        ids.push(session.id);
        let recorder = world.gate().recordings.begin(session).await.unwrap().expect("recording is on");
        (ids[ids.len() - 1], recorder)
    };
    let (first, _recorder) = begin("bob", None).await;
    let short = format!("/web/sessions/{}", &first.to_string()[..8]);
    for jar in [&bob, &alice] {
        let answer = get(&world, jar, &short).await;
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], format!("/web/sessions/{first}").as_str());
    }
    assert_eq!(get(&world, &alice, "/web/sessions/ABC").await.status(), 404);
    assert_eq!(get(&world, &alice, "/web/sessions/..%2Fme").await.status(), 404);
    let (second, _recorder) = begin("alice", Some(first)).await;
    let answer = get(&world, &alice, &short).await;
    assert_eq!(answer.status(), 300);
    let page = answer.text().await.unwrap();
    for id in [first, second] {
        assert!(page.contains(&format!("href=\"/web/sessions/{id}\"")), "{page}");
    }
    // Who may not see the other one learns nothing of it.
    assert_eq!(get(&world, &bob, &short).await.status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_a_live_session_has_looked_once() {
    let world = world().await;
    let alice = sign_in(&world, "alice").await;
    let session = session_of("bob");
    let id = session.id;
    let recorder = world.gate().recordings.begin(session).await.unwrap().expect("recording is on");
    recorder.record(vec![What::Bytes(Stream::Stdout, b"hello\n".to_vec())]).await.unwrap();
    let of = |what: &str| format!("/web/api/recordings/{id}/{what}");
    let (outline, live) = (of("outline"), of("live"));
    let (outline, live) = tokio::join!(get(&world, &alice, &outline), get(&world, &alice, &live));
    assert_eq!((outline.status().as_u16(), live.status().as_u16()), (200, 200));
    // A follower who comes again.
    let again = get(&world, &alice, &of("live")).await;
    assert_eq!(again.status(), 200);
    assert_eq!(world.events("session.recording.access").await.len(), 1);
    recorder.finish(None, vec![]).await;
    drop((live, again));
    let film = get(&world, &alice, &of("film?part=0")).await;
    assert_eq!(film.status(), 200);
    assert_eq!(world.events("session.recording.access").await.len(), 1);
    let other = sign_in(&world, "alice").await;
    get(&world, &other, &of("outline")).await;
    tokio::time::timeout(Duration::from_secs(10), async {
        while world.events("session.recording.access").await.len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("another session of the browser looks for itself");
}

/// Has a session on record that is over.
async fn recorded(world: &InProcess, words: &[&str], events: Vec<What>) -> Uuid {
    let mut session = session_of("bob");
    session.command = words.iter().map(|word| (*word).to_owned()).collect();
    let id = session.id;
    let recorder = world.gate().recordings.begin(session).await.unwrap().expect("recording is on");
    recorder.record(events).await.unwrap();
    recorder.finish(None, vec![]).await;
    id
}

#[test]
fn pages_name_a_copy_and_its_probe_and_mark_what_was_sent() {
    let (world, id) = runtime().block_on(async {
        let world = world().await;
        recorded(&world, &["test", "-d", "/tmp/file"], vec![What::Exit(1)]).await;
        let file = What::File { so_far: false, direction: Direction::Up, bytes: 20_480, sha256: [0; 32] };
        recorded(&world, &["tar", "-xmf", "-", "-C", "/tmp"], vec![What::Exit(0), file]).await;
        let said = [(Stream::Stdin, "echo hi\n"), (Stream::Stdout, "[stdin] hi\n")];
        let mut said: Vec<What> = said.map(|(stream, text)| What::Bytes(stream, text.into())).into();
        said.push(What::Exit(2));
        let id = recorded(&world, &["sh"], said).await;
        (world, id)
    });
    let ca = world.gate().authorities.host.certificate().to_pem();
    let mut chromium = Chromium::start(&spki(&leaf_of(&ca, world.running.bound.web)));
    chromium.open(&world.web("/web/login?next=%2Fweb%2Fsessions"));
    consent(&mut chromium, world.github.password(), "alice");
    chromium.wait_until("document.querySelectorAll('#list tbody tr').length === 3");
    let list = chromium.text();
    for says in ["cp into the container, 20.0 KiB:", "/tmp", "test -d /tmp/file", "exit 1", "exit 2"] {
        assert!(list.contains(says), "{says}: {list}");
    }
    let red = "[...document.querySelectorAll('.exit.bad')].map((exit) => exit.textContent).join()";
    assert_eq!(chromium.evaluate(red), Some(json!("exit 2")));
    // The address that a list leads to, as somebody types it.
    chromium.open(&world.web(&format!("/web/sessions/{}#t=0", &id.to_string()[..8])));
    chromium.wait_until("document.querySelector('#player')?.dataset.ready === 'yes'");
    let told = "[...document.querySelectorAll('#transcript li')].map((line) => `${line.className}|${line.querySelector('.line').textContent}`)";
    let wanted = json!(["stdin|[stdin] echo hi", "|[stdout] [stdin] hi", "note|exit code 2"]);
    assert_eq!(chromium.evaluate(told), Some(wanted));
    assert_eq!(chromium.evaluate("location.hash"), Some(json!("#t=0")));
    assert!(chromium.axe().is_empty(), "{:?}", chromium.axe());
    chromium.close();
    // Its tasks end on their runtime.
    let _context = runtime().enter();
    drop(world);
}
