//! Tunnels and open answers: what becomes one, what is written down, and what ends it.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::rig::{Rig, Shown, get, json, with};
use crate::{
    pki::Usage,
    streams::spdy::{Decoder, Encoder, Frame, Headers},
};

const SPDY: [(&str, &str); 3] =
    [("connection", "Upgrade"), ("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", "v4.channel.k8s.io")];
const WEBSOCKET: [(&str, &str); 5] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", "v5.channel.k8s.io, v4.channel.k8s.io"),
];
const SOON: Duration = Duration::from_secs(10);

fn exec(pod: &str, method: &str, query: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let uri = format!("/api/v1/namespaces/default/pods/{pod}/exec?{query}");
    let request = Request::builder().method(method).uri(uri).header("host", "gate");
    with(request.body(Full::default()).unwrap(), headers)
}

#[tokio::test]
async fn no_stream_opens_while_the_audit_log_cannot_be_written() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    rig.gate.audit.set_healthy(false);
    let response = ask(&rig, &alice, exec("echo", "GET", "command=sh", &WEBSOCKET)).await;
    let (code, status) = json(response).await;
    assert_eq!((code, &status["reason"]), (503, &"ServiceUnavailable".into()));
    assert!(status["message"].as_str().unwrap().contains("audit log"), "{status}");
    assert!(rig.api.seen().is_empty());
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    rig.gate.audit.set_healthy(true);
    let response = ask(&rig, &alice, exec("echo", "GET", "command=sh", &WEBSOCKET)).await;
    assert_eq!(response.status(), 101);
}

async fn ask(rig: &Rig, shown: &Shown, request: Request<Full<Bytes>>) -> Response<Incoming> {
    rig.client(Some(shown)).await.send_request(request).await.unwrap()
}

async fn opened(response: Response<Incoming>) -> TokioIo<hyper::upgrade::Upgraded> {
    assert_eq!(response.status(), 101);
    TokioIo::new(hyper::upgrade::on(response).await.unwrap())
}

/// Reads until the gate ends the tunnel, however it does.
async fn until_closed(tunnel: &mut TokioIo<hyper::upgrade::Upgraded>) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = timeout(SOON, tunnel.read_to_end(&mut rest)).await.expect("the tunnel stays open");
    rest
}

#[tokio::test]
async fn exec_passes_bytes_both_ways_and_is_written_down_from_start_to_end() {
    let rig = Rig::start().await;
    let query = "container=web&command=sh&command=-c&command=ls%20%2F&stdin=true&stdout=true";
    for (headers, method, tty) in [(&SPDY[..], "POST", ""), (&WEBSOCKET[..], "GET", "&tty=true")] {
        let response = ask(&rig, &rig.alice(), exec("echo", method, &format!("{query}{tty}"), headers)).await;
        let protocol = if method == "GET" { "sec-websocket-protocol" } else { "x-stream-protocol-version" };
        assert!(response.headers().contains_key(protocol));
        let mut tunnel = opened(response).await;
        tunnel.write_all(b"hello").await.unwrap();
        tunnel.flush().await.unwrap();
        let mut back = [0; 5];
        timeout(SOON, tunnel.read_exact(&mut back)).await.unwrap().unwrap();
        assert_eq!(&back, b"hello");
        tunnel.shutdown().await.unwrap();
        until_closed(&mut tunnel).await;
    }
    let end = rig.event("session.end").await;
    let data = rig.event("session.data").await;
    let start = rig.event("session.start").await;
    let command = rig.event("exec").await;
    for (begin, end) in [(&start, &end), (&command, &data)] {
        assert_eq!(begin["sid"], end["sid"]);
        assert_eq!((&end["tx"], &end["rx"]), (&5.into(), &5.into()));
        assert_eq!(begin["command"], "sh -c ls /");
        assert_eq!(begin["kubernetes_pod_name"], "echo");
        assert_eq!(begin["kubernetes_container_name"], "web");
    }
    assert_eq!(command["code"], "T3002I");
    for event in [&command, &data] {
        assert_eq!(event["stream_protocol"], "SPDY/3.1 v4.channel.k8s.io");
    }
    for event in [&start, &end] {
        assert_eq!(event["stream_protocol"], "WebSocket v5.channel.k8s.io");
    }
    assert!(rig.events().await.iter().all(|e| e["event"] != "kube.request"));
    for seen in rig.api.seen() {
        assert_eq!(seen.all("impersonate-user"), ["alice"]);
        assert_eq!(seen.all("connection"), ["Upgrade"]);
        assert_eq!(seen.version, http::Version::HTTP_11);
        assert_eq!(seen.all("host"), [rig.api.addr.to_string()]);
    }
    assert!(rig.gate.metrics.to_text().contains("streams{kind=\"exec\"} 0"));
}

#[tokio::test]
async fn e2_4_a_refused_upgrade_leaves_no_way_to_the_api_server() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let mut client = rig.client(Some(&alice)).await;
    let response = client.send_request(exec("refuse", "POST", "command=sh", &SPDY)).await.unwrap();
    let (code, status) = json(response).await;
    assert_eq!((code, &status["message"]), (403, &"no exec for you".into()));
    // What follows on the client's connection is a request like any other.
    client.ready().await.unwrap();
    assert_eq!(json(client.send_request(get("/api/v1/secrets")).await.unwrap()).await.0, 200);
    let seen = rig.api.seen();
    assert_ne!(seen[0].connection, seen[1].connection);
    assert_eq!(seen[1].all("impersonate-user"), ["alice"]);
    let event = rig.event("exec").await;
    assert_eq!(event["code"], "T3002E");
}

#[tokio::test]
async fn e2_4_a_101_to_another_protocol_is_no_tunnel() {
    let rig = Rig::start().await;
    for (headers, method) in [(&SPDY[..], "POST"), (&WEBSOCKET[..], "GET")] {
        let (code, status) =
            json(ask(&rig, &rig.alice(), exec("liar", method, "command=sh", headers)).await).await;
        assert_eq!(code, 502);
        assert!(status["message"].as_str().unwrap().contains("upgrade"), "{status}");
    }
}

#[tokio::test]
async fn e2_4_only_streams_and_proxies_may_upgrade() {
    let rig = Rig::start().await;
    let response = rig.ask(with(get("/api/v1/pods"), &WEBSOCKET)).await;
    assert_eq!(response.status(), 200);
    let seen = &rig.api.seen()[0];
    assert!(seen.all("upgrade").is_empty() && seen.all("sec-websocket-key").is_empty());
    assert_eq!(seen.version, http::Version::HTTP_2);
}

#[tokio::test]
async fn e2_15_an_exec_ends_with_its_certificate() {
    let rig = Rig::start().await;
    let ca = &rig.gate.authorities.user;
    let short = rig.issue(ca, "alice", Usage::Login, SignedDuration::from_secs(3));
    let mut tunnel = opened(ask(&rig, &short, exec("echo", "POST", "command=sh&tty=1", &SPDY)).await).await;
    // The client opens its error stream, and is told there why it ends.
    let mut headers = Headers::default();
    headers.push("streamType", "error");
    let open = Frame::SynStream {
        stream: 7,
        associated: 0,
        priority: 0,
        fin: false,
        unidirectional: false,
        headers,
    };
    let mut bytes = Vec::new();
    Encoder::new().encode(&open, &mut bytes).unwrap();
    tunnel.write_all(&bytes).await.unwrap();
    tunnel.flush().await.unwrap();
    let rest = until_closed(&mut tunnel).await;
    let mut frames = Vec::new();
    Decoder::new().feed(&rest, &mut frames).unwrap();
    let Some(Frame::Data { stream: 7, fin: true, bytes }) = frames.pop() else { panic!("{frames:?}") };
    let status: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(status["message"].as_str().unwrap().contains("expired"), "{status}");
    assert_eq!(status["status"], "Failure");
    let event = rig.event("session.end").await;
    assert!(event["reason"].as_str().unwrap().contains("expired"), "{event}");
}

#[tokio::test]
async fn e2_15_streams_end_with_the_rights_behind_them_and_only_then() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let mut tunnel = opened(ask(&rig, &alice, exec("echo", "POST", "command=sh&tty=1", &SPDY)).await).await;
    let mut watch = rig.ask(get("/api/v1/pods?watch=true")).await;
    let mut log = rig.ask(get("/api/v1/namespaces/default/pods/a/log?follow=true")).await;
    for body in [watch.body_mut(), log.body_mut()] {
        body.frame().await.unwrap().unwrap();
    }
    // More rights, and changes of others, end nothing.
    rig.put_role("dev", &["dev", "more", "ops"]).await;
    rig.put_role("other", &["x"]).await;
    rig.put_user("bob").await;
    rig.put_user("alice").await;
    tunnel.write_all(b"still").await.unwrap();
    tunnel.flush().await.unwrap();
    let mut back = [0; 5];
    timeout(SOON, tunnel.read_exact(&mut back)).await.unwrap().unwrap();
    assert!(timeout(Duration::from_millis(100), watch.body_mut().frame()).await.is_err());

    rig.put_role("dev", &["dev"]).await;
    until_closed(&mut tunnel).await;
    let event = rig.event("session.end").await;
    assert!(event["reason"].as_str().unwrap().contains("\"ops\""), "{event}");
    // A watch says it in its own words and ends; a log breaks off.
    let last = timeout(SOON, watch.body_mut().frame()).await.unwrap().unwrap().unwrap();
    let last: Value = serde_json::from_slice(&last.into_data().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["object"]["code"]), (&"ERROR".into(), &403.into()));
    assert!(timeout(SOON, watch.body_mut().frame()).await.unwrap().is_none());
    assert!(timeout(SOON, log.body_mut().frame()).await.unwrap().unwrap().is_err());
}

#[tokio::test]
async fn e2_15_streams_end_when_the_user_is_removed() {
    let rig = Rig::start().await;
    let mut tunnel =
        opened(ask(&rig, &rig.alice(), exec("echo", "GET", "command=sh", &WEBSOCKET)).await).await;
    rig.gate.store.delete("/users/alice", None).await.unwrap();
    let rest = until_closed(&mut tunnel).await;
    assert_eq!((rest[0], rest[4]), (0x82, 3));
    assert!(String::from_utf8_lossy(&rest).contains("removed by an administrator"));
    let event = rig.event("session.data").await;
    assert!(event["reason"].as_str().unwrap().contains("removed"), "{event}");
}

#[tokio::test]
async fn streams_end_with_the_gate_and_are_told_why() {
    let mut rig = Rig::start().await;
    let mut tunnel =
        opened(ask(&rig, &rig.alice(), exec("echo", "GET", "command=sh", &WEBSOCKET)).await).await;
    let mut watch = rig.ask(get("/api/v1/pods?watch=true")).await;
    watch.body_mut().frame().await.unwrap().unwrap();
    rig.switch.start("the gate is being updated");
    let last = timeout(SOON, watch.body_mut().frame()).await.unwrap().unwrap().unwrap();
    let last: Value = serde_json::from_slice(&last.into_data().unwrap()).unwrap();
    assert_eq!(last["object"]["message"], "the gate is being updated");
    until_closed(&mut tunnel).await;
    timeout(SOON, rig.listeners.join_next()).await.unwrap();
    // Written before the listener was done.
    let events = rig.events().await;
    assert!(
        events.iter().any(|e| e["event"] == "session.data" && e["reason"] == "the gate is being updated")
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_nobody_else() {
    let rig = Rig::start().await;
    let alice = rig.alice();
    let mut idle = Vec::new();
    for _ in 0..20 {
        let client = rig.client2(&alice).await;
        let request = Request::get("https://gate/api/v1/namespaces/d/pods/flood/log?flood=1")
            .body(Full::default())
            .unwrap();
        idle.push((client.clone().send_request(request).await.unwrap(), client));
    }
    assert_eq!(timeout(SOON, rig.get("/api/v1/pods")).await.unwrap().0, 200);
    assert_eq!(rig.upstream.connections(), 1);
}

#[tokio::test]
async fn e2_12_an_upgrade_with_a_body_is_refused() {
    let rig = Rig::start().await;
    let mut request = exec("echo", "POST", "command=sh", &SPDY);
    *request.body_mut() = Full::new(Bytes::from_static(b"GET /api/v1/secrets HTTP/1.1\r\n\r\n"));
    assert_eq!(rig.ask(request).await.status(), 400);
    assert!(rig.api.seen().is_empty());
}
