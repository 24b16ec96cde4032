//! What no well-behaved client does over HTTP/2, and what of it reaches the API server.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rig::{Rig, get};
use crate::server::{kube::limits::MAX_OPEN, tests::frames};

const SOON: Duration = Duration::from_secs(30);
const NEVER: &str = "/api/v1/namespaces/a/pods/never";

#[tokio::test]
async fn e2_16_rapid_resets_reach_the_api_server_in_a_bounded_number() {
    let rig = Rig::start().await;
    let (mut read, mut write) = tokio::io::split(rig.raw2(&rig.alice()).await);
    write.write_all(&frames::hello()).await.unwrap();
    let flood = tokio::spawn(async move {
        for id in (1..).step_by(2).take(20_000) {
            let pair = [frames::get(id, NEVER), frames::reset(id)].concat();
            // Between two of them the gate has time to forward the first.
            if write.write_all(&pair).await.is_err() || write.flush().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    });
    let mut told = Vec::new();
    tokio::time::timeout(SOON, read.read_to_end(&mut told)).await.expect("the connection is ended").ok();
    flood.abort();
    let forwarded = rig.api.seen().len();
    assert!(forwarded < 1000, "{forwarded}");
    assert_eq!(rig.get("/api/v1/pods").await.0, 200, "her next connection is served");
}

#[tokio::test]
async fn e2_16_one_person_with_many_streams_on_many_connections_is_bounded() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut stream = rig.raw2(&alice).await;
        let mut bytes = frames::hello();
        bytes.extend((1..).step_by(2).take(240).flat_map(|id| frames::get(id, "/api/v1/pods?watch=true")));
        stream.write_all(&bytes).await.unwrap();
        stream.flush().await.unwrap();
        connections.push(stream);
    }
    let begin = std::time::Instant::now();
    // These stay open as well, so that a place which one of them took while the others came is not free again.
    let mut held = Vec::new();
    loop {
        let mut client = rig.client(Some(&alice)).await;
        let answer = client.send_request(get("/api/v1/pods?watch=true")).await.unwrap();
        if answer.status() == 429 {
            let (_, status) = super::rig::json(answer).await;
            assert!(status["message"].as_str().unwrap().contains("requests open"), "{status}");
            break;
        }
        held.push((client, answer));
        assert!(begin.elapsed() < SOON, "more than 720 were asked for");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let watches = rig.api.seen().iter().filter(|seen| seen.uri.contains("watch")).count();
    assert!(watches <= MAX_OPEN, "{watches}");
    // Others are not touched.
    rig.put_user("bob").await;
    let bob = rig.issue(
        &rig.gate.authorities.user,
        "bob",
        crate::pki::Usage::Login,
        jiff::SignedDuration::from_hours(1),
    );
    let answer = rig.client(Some(&bob)).await.send_request(get("/api/v1/pods")).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop((connections, held));
    while rig.get("/api/v1/pods").await.0 != 200 {
        assert!(begin.elapsed() < SOON, "what is closed makes room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
