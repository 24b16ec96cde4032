//! Who loses the right to a session loses the session: a removed user, a changed role, an administrator's word. The person reads why,
//! and the reason stands in the recording and in its record.

use std::fs;

use jumpgate::{recording::verify::State as Verified, wire::recordings::State};

use crate::support::{
    recorded::{input, last, record, recordings, spooled, stdout},
    world::{Kubectl, Live, Shown, World, wait_for},
};

const ROLE: &str =
    "kind: role\nversion: v3\nmetadata: {name: dev}\nspec: {allow: {kubernetes_groups: [GROUP]}}\n";

/// A session of alice that is under way, and one on a terminal.
fn open(world: &World, version: Kubectl) -> [Live; 2] {
    let mut plain = world.kubectl_live(version, &["exec", "-i", "shell", "--", "sh", "-c", "cat; exit 4"]);
    plain.send("before\n");
    plain.says("before\n");
    let words = ["exec", "-it", "shell", "--", "sh", "-c", "echo before; sleep 1000"];
    let terminal = world.kubectl_on_terminal(version, &words);
    terminal.says("before\r\n");
    [plain, terminal]
}

/// Each of them ends by itself, says why, and has it on record.
fn all_end(world: &World, open: Vec<Live>, reason: &str) {
    let count = open.len();
    for live in open {
        let run = live.end();
        assert_ne!(run.code, 0, "{run:?}");
        assert!((run.stdout.clone() + &run.stderr).contains(reason), "{run:?}");
    }
    last(world, count);
    for recorded in recordings(world) {
        assert!(stdout(&recorded).starts_with("before"), "{}", stdout(&recorded));
        let told = recorded.ended().expect("the recording says why");
        assert!(told.contains(reason), "{told}");
        assert_eq!(recorded.exit(), None);
        assert_eq!(recorded.verify(world).state, Verified::Complete);
        let record = record(world, recorded.session().id);
        assert_eq!((record.state, record.reason.as_deref()), (State::Complete, Some(told)));
        assert!(record.ended.is_some() && record.lost == 0, "{record:?}");
        if !recorded.session().terminal {
            assert_eq!(input(&recorded), "before\n");
        }
    }
}

fn open_all(world: &World) -> Vec<Live> {
    Kubectl::ALL.into_iter().flat_map(|version| open(world, version)).collect()
}

#[test]
fn a_removed_user_loses_the_session() {
    let world = World::with_connector();
    world.login();
    let open = open_all(&world);
    world.tctl(&["rm", "user/alice"]).succeeds();
    all_end(&world, open, "was removed by an administrator");
}

#[test]
fn a_changed_role_ends_the_session() {
    let world = World::start();
    let role = |group: &str| {
        fs::write(world.dir().join("dev.yaml"), ROLE.replace("GROUP", group)).expect("dev.yaml");
        world.tctl(&["create", "-f", "dev.yaml"]).succeeds();
    };
    role("\"system:masters\"");
    world.connector_with("  teams_to_roles:\n  - {organization: octocats, team: admins, roles: [dev]}\n");
    world.tctl(&["create", "github.yaml"]).succeeds();
    world.login();
    let open = open_all(&world);
    role("guests");
    all_end(&world, open, "an administrator took the Kubernetes group \"system:masters\" from you");
}

/// Who follows a session and loses the right to see it is not shown what comes after.
#[test]
fn a_watcher_whose_role_is_taken_away_sees_no_more() {
    let world = World::start();
    let role = |rules: &str| {
        let text = format!(
            "kind: role\nversion: v3\nmetadata: {{name: watch}}\nspec: {{allow: {{kubernetes_groups: [guests], rules: [{rules}]}}}}\n"
        );
        fs::write(world.dir().join("watch.yaml"), text).expect("watch.yaml");
        world.tctl(&["create", "-f", "watch.yaml"]).succeeds();
    };
    role("{resources: [session], verbs: [list, read]}");
    world.connector_with(
        "  teams_to_logins:\n  - {organization: octocats, team: admins, logins: [root], kubernetes_groups: [\"system:masters\"]}\n  \
         teams_to_roles:\n  - {organization: octocats, team: devs, roles: [watch]}\n",
    );
    world.tctl(&["create", "github.yaml"]).succeeds();
    let (run, _) = world.login_as("bob", jumpgate::demo::browser::Consent::Approve, &[]);
    run.succeeds();
    let bob = Shown::of_profile(&world, "bob");
    world.login();
    let mut live = world.kubectl_live(Kubectl::WebSocket, &["exec", "-i", "shell", "--", "cat"]);
    live.send("before\n");
    live.says("before\n");
    let id = wait_for("a spool", || spooled(&world).pop());
    let id = id.file_name().expect("a name").to_str().expect("text").to_owned();
    let request = format!("GET /v2/recordings/{id}/live");
    let (code, seen) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| world.gate.raw_admin(world.gate.admin, Some(&bob), &request, ""));
        world.events("session.recording.access", 1);
        role("");
        // It ends though the session goes on.
        watching.join().expect("an answer")
    });
    live.send("after\n");
    live.says("after\n");
    assert_eq!(code, 200, "{seen}");
    assert!(seen.contains("before") && !seen.contains("after"), "{seen}");
    let (code, refused) = world.gate.raw_admin(world.gate.admin, Some(&bob), &request, "");
    assert_eq!(code, 404, "{refused}");
    live.close_stdin();
    live.end().succeeds();
}

#[test]
fn an_administrator_ends_a_session_and_says_why() {
    let world = World::with_connector();
    world.login();
    let open = open_all(&world);
    let shown = Shown::of_administrator(&world);
    let live = world.gate.raw_admin(world.gate.admin, Some(&shown), "GET /v2/recordings?state=live", "");
    let page: serde_json::Value = serde_json::from_str(&live.1).expect("a page");
    let ids: Vec<&str> = page["recordings"]
        .as_array()
        .expect("recordings")
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), open.len(), "{page}");
    let ask = |query: &str| {
        let request = format!("GET /v2/recordings?{query}");
        world.gate.raw_admin(world.gate.admin, Some(&shown), &request, "")
    };
    for id in &ids {
        // Its first 8 characters tell it from those that began in the same second.
        let (status, found) = ask(&format!("id={}&state=live", &id[..8]));
        let found: serde_json::Value = serde_json::from_str(&found).expect("a page");
        assert_eq!((status, found["recordings"].as_array().map(Vec::len)), (200, Some(1)), "{found}");
        assert_eq!(found["recordings"][0]["id"], **id);
    }
    for (query, sentence) in [
        ("id=abc", "id: `abc` is too short for the beginning of an ID; type at least 4 characters of it"),
        ("id=shell", "id: `shell` is not the beginning of an ID"),
        ("after=yesterday", "after: `yesterday` is no place in a list of recordings"),
        ("user=alice&after=2026-01-02T03:04:05Z%7C1", "after: `2026-01-02T03:04:05Z|1` is no place"),
    ] {
        let (status, told) = ask(query);
        assert!(status == 400 && told.contains(sentence), "{query}: {status} {told}");
    }
    for id in &ids {
        // The reason is one line for a terminal, whatever was sent.
        let request = format!("DELETE /v2/sessions/{id}?reason=the+host+is+going+down%1b%5B31m%0aat+noon");
        assert_eq!(world.gate.raw_admin(world.gate.admin, Some(&shown), &request, "").0, 204);
    }
    let reason = "this session was ended by admin: the host is going down\\u{1b}[31m\\u{a}at noon";
    all_end(&world, open, reason);
    let events = world.events("session.killed", ids.len());
    for event in events {
        assert!(ids.contains(&event["sid"].as_str().unwrap()), "{event}");
        assert_eq!((event["session_user"].as_str(), event["reason"].as_str()), (Some("alice"), Some(reason)));
    }
    // What is over cannot be ended.
    wait_for("an empty spool", || spooled(&world).is_empty().then_some(()));
    let request = format!("DELETE /v2/sessions/{}", ids[0]);
    assert_eq!(world.gate.raw_admin(world.gate.admin, Some(&shown), &request, "").0, 409);
}
