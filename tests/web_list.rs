//! The list of sessions in a real Chromium where there are very many of them: every page comes, also when nothing fits.

use std::time::Instant;

use bytes::Bytes;
use jumpgate::recording::id;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    browser::{leaf_of, spki},
    support::{chromium::Chromium, in_process::InProcess, world::runtime},
    web_player::consent,
    web_sessions::record,
};

/// Puts so many records beside the only one: its own, with other IDs and times.
async fn fill(world: &InProcess, model: Uuid, count: u64) {
    let store = &world.gate().store;
    let mut items = store.range("/recordings/", None, 10).await.unwrap();
    items.extend(store.range("/recording-index/", None, 10).await.unwrap());
    let (long, short) = (model.to_string(), model.simple().to_string());
    items.retain(|item| item.key.contains(&long) || item.key.contains(&short));
    assert_eq!(items.len(), 3, "the record, by the ID, by the person");
    let place = items[0].key.strip_prefix("/recordings/").unwrap().to_owned();
    let now = jiff::Timestamp::now();
    for first in (0..count).step_by(1000) {
        let mut writes = Vec::new();
        for n in first..count.min(first + 1000) {
            let at = now - jiff::SignedDuration::from_secs(60 * (i64::try_from(n).unwrap() + 1));
            let new = id::new(at);
            let millis = u64::MAX - id::millis(new).unwrap();
            for item in &items {
                let key = item.key.replace(&place, &format!("{millis:016x}-{new}"));
                let value = if item.value.starts_with(b"{") {
                    let mut record: Value = serde_json::from_slice(&item.value).unwrap();
                    (record["id"], record["started"]) = (json!(new), json!(at));
                    record["command"] = json!(["echo", if n % 10_000 == 5000 { "rare" } else { "often" }]);
                    Bytes::from(record.to_string())
                } else {
                    item.value.clone()
                };
                writes.push((key.replace(&short, &new.simple().to_string()), Some(value)));
            }
        }
        store.write_all(writes).await.unwrap();
    }
}

/// With `JUMPGATE_TEST_RECORDINGS=100000` of as many; the times are printed.
#[test]
fn the_list_of_very_many_sessions_is_paged_and_filtered() {
    let count = std::env::var("JUMPGATE_TEST_RECORDINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(12_000);
    let world = runtime().block_on(async {
        let world = InProcess::start(json!({
            "teams_to_roles": [{ "organization": "octocats", "team": "admins", "roles": ["auditor"] }],
        }))
        .await;
        let model = record(&world, "alice").await;
        fill(&world, model, count).await;
        world
    });
    let ca = world.gate().authorities.host.certificate().to_pem();
    let mut chromium = Chromium::start(&spki(&leaf_of(&ca, world.running.bound.web)));
    chromium.open(&world.web("/web/login?next=%2Fweb%2Fsessions"));
    consent(&mut chromium, world.github.password(), "alice");
    let mut shows = |name: &str, status: &str, rows: usize, act: &mut dyn FnMut(&mut Chromium)| {
        let begin = Instant::now();
        act(&mut chromium);
        chromium.wait_until(&format!(
            "document.querySelector('#status').textContent === '{status}' && \
             document.querySelectorAll('#list tbody tr').length === {rows}"
        ));
        eprintln!("{name}: {:?}", begin.elapsed());
    };
    let url = |query: &str| world.web(&format!("/web/sessions{query}"));
    let more = &mut |chromium: &mut Chromium| chromium.click("#more");
    shows("all", "100 sessions, and more", 100, &mut |chromium| chromium.open(&url("")));
    for rows in [200, 300, 400] {
        shows(&format!("to {rows}"), &format!("{rows} sessions, and more"), rows, more);
    }
    shows("of a person", "100 sessions, and more", 100, &mut |c| c.open(&url("?user=alice")));
    shows("of nobody", "No session fits the filter.", 0, &mut |c| c.open(&url("?user=bob")));
    shows("live", "No session fits the filter.", 0, &mut |c| c.open(&url("?state=live")));
    shows("of one day", "No session fits the filter.", 0, &mut |c| c.open(&url("?until=2001-01-01")));
    // What no index knows: a page looks at a part, and says that there is more.
    shows("by a text", "1 session, and more", 1, &mut |c| c.open(&url("?about=rare")));
    let nowhere = "No session fits the filter.";
    if count <= 90_000 {
        shows("a text that is nowhere", nowhere, 0, &mut |c| c.open(&url("?about=nowhere")));
    } else {
        let so_far = "No session fits the filter so far. “Show more” looks through older ones.";
        shows("a text that is nowhere, so far", so_far, 0, &mut |c| c.open(&url("?about=nowhere")));
        shows("a text that is nowhere", nowhere, 0, more);
    }
    chromium.close();
    // Its tasks end on their runtime.
    let _context = runtime().enter();
    drop(world);
}
