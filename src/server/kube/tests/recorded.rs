//! Recorded sessions through the listener: what is given up, what is asked for twice, and a stream that nobody knows.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rig::{Rig, json, with};
use crate::{
    server::{auth::access::Access, recordings::Viewer},
    wire::recordings::{Query, Recording, State},
};

const SPDY: [(&str, &str); 2] = [("connection", "Upgrade"), ("upgrade", "SPDY/3.1")];

fn exec(pod: &str, query: &str, protocol: &str) -> Request<Full<Bytes>> {
    let uri = format!("/api/v1/namespaces/default/pods/{pod}/exec?command=sh&stdout=true&{query}");
    let request = Request::post(uri).header("host", "gate").header("x-stream-protocol-version", protocol);
    with(request.body(Full::default()).unwrap(), &SPDY)
}

impl Rig {
    /// All recordings of alice.
    async fn recordings(&self) -> Vec<Recording> {
        let access = Access::new(self.gate.store.clone());
        let rights = access.rights_of("alice", &["dev".into()], Default::default()).await.unwrap();
        self.gate.recordings.list(&Viewer::new(&rights), &Query::default()).await.unwrap().recordings
    }

    async fn recording_when(&self, ready: impl Fn(&Recording) -> bool) -> Recording {
        let found = async {
            loop {
                if let Some(found) = self.recordings().await.into_iter().find(&ready) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), found).await.expect("a recording")
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_during_its_upgrade_leaves_nothing_live() {
    let rig = Rig::recording("strict").await;
    let alice = rig.alice();
    let mut client = rig.client(Some(&alice)).await;
    let asked =
        tokio::spawn(async move { client.send_request(exec("never", "", "v4.channel.k8s.io")).await });
    rig.recording_when(|one| one.state == State::Live).await;
    asked.abort();
    let over = rig.recording_when(|one| ![State::Live, State::Ended].contains(&one.state)).await;
    assert_eq!(over.reason.as_deref(), Some("the connection was given up"));
    assert!(!rig.gate.recordings.kill(over.session.id, "it is over".into()));
    assert_eq!(rig.recordings().await.len(), 1);
}

#[tokio::test]
async fn e2_31_a_switch_that_can_be_read_in_two_ways_opens_nothing() {
    let rig = Rig::recording("strict").await;
    for query in [
        "tty=False",
        "tty=TRUE",
        "tty=t",
        "tty=",
        "stdin=yes",
        "tty=true&tty=false",
        "tty=true&tty=true",
        "stdin=true&stdin=0",
    ] {
        let (code, status) = json(rig.ask(exec("echo", query, "v4.channel.k8s.io")).await).await;
        assert_eq!(code, 400, "{query}: {status}");
        assert!(status["message"].as_str().unwrap().contains("once, as true or false"), "{status}");
    }
    assert!(rig.api.seen().is_empty());
    assert!(rig.recordings().await.is_empty());
    for query in ["tty=true&stdin=1", "tty=0&stdin=false", ""] {
        assert_eq!(rig.ask(exec("echo", query, "v4.channel.k8s.io")).await.status(), 101, "{query}");
    }
}

#[tokio::test]
async fn a_stream_that_the_gate_does_not_know_is_refused_or_counted_as_lost() {
    let strict = Rig::recording("strict").await;
    let (code, status) = json(strict.ask(exec("odd", "", "v9.channel.k8s.io")).await).await;
    assert_eq!(code, 502);
    assert!(status["message"].as_str().unwrap().contains("cannot follow"), "{status}");
    let rig = Rig::recording("best_effort").await;
    let answer = rig.ask(exec("odd", "", "v9.channel.k8s.io")).await;
    assert_eq!(answer.status(), 101);
    let mut tunnel = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    tunnel.write_all(b"hello").await.unwrap();
    tunnel.flush().await.unwrap();
    let mut back = [0; 5];
    tunnel.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"hello");
    tunnel.shutdown().await.unwrap();
    // Its end comes in any way.
    let _ = tunnel.read_to_end(&mut Vec::new()).await;
    let kept = rig.recording_when(|one| ![State::Live, State::Ended].contains(&one.state)).await;
    assert_eq!((kept.state, kept.lost), (State::Partial, 10));
    assert_eq!(kept.subprotocol.as_deref(), Some("v9.channel.k8s.io"));
    let event = rig.event("session.recording.failed").await;
    assert_eq!(
        (&event["sid"], &event["session_ended"]),
        (&kept.session.id.to_string().into(), &false.into())
    );
}
