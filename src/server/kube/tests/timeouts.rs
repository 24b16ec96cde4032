//! How long answers may take, and that what is open is not cut by it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    super::forward::Timeouts,
    api::{Api, LATE},
    rig::{Rig, get, next_piece},
};

const SHORT: Duration = Duration::from_millis(300);

async fn rig() -> Rig {
    Rig::before(Api::start().await, Timeouts { answer: SHORT, proxied: LATE, upgrade: SHORT }).await
}

#[tokio::test]
async fn e2_16_an_api_server_that_keeps_silent_is_not_waited_for() {
    let rig = rig().await;
    for path in
        ["/api/v1/namespaces/default/pods/never", "/apis/apps/v1/namespaces/default/deployments/never"]
    {
        let begin = Instant::now();
        let (code, status) = rig.get(path).await;
        assert_eq!((code, &status["kind"], &status["code"]), (504, &"Status".into(), &504.into()), "{path}");
        assert!(begin.elapsed() >= SHORT && begin.elapsed() < SHORT * 20);
        let message = status["message"].as_str().unwrap();
        assert!(message.contains("did not answer within") && message.ends_with("try again"), "{message}");
    }
    assert_eq!(rig.event("kube.request").await["response_code"], 504);
    assert_eq!(rig.get("/api/v1/pods").await.0, 200, "the connection is still good");
    assert_eq!(rig.upstream.connections(), 1);
}

#[tokio::test]
async fn e2_16_an_upgrade_that_is_not_answered_is_not_waited_for() {
    let rig = rig().await;
    let mut request = get("/api/v1/namespaces/default/pods/never/exec?command=sh");
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "SPDY/3.1"),
        ("x-stream-protocol-version", "v4.channel.k8s.io"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (code, status) = super::rig::json(rig.ask(request).await).await;
    assert_eq!(code, 504);
    assert!(status["message"].as_str().unwrap().contains("did not answer within"), "{status}");
}

#[tokio::test]
async fn watches_logs_and_shells_go_on_after_the_time_for_an_answer() {
    let rig = rig().await;
    assert!(LATE > SHORT * 2);
    for path in ["/api/v1/pods?watch=true&late=1", "/api/v1/namespaces/a/pods/b/log?follow=true&late=1"] {
        let mut answer = rig.ask(get(path)).await;
        assert!(next_piece(&mut answer).await.unwrap().contains("ADDED"));
        assert!(next_piece(&mut answer).await.unwrap().contains("DELETED"), "{path}");
        assert_eq!(next_piece(&mut answer).await, None);
    }
    let mut request = get("/api/v1/namespaces/a/pods/echo/exec?command=sh");
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "SPDY/3.1"),
        ("x-stream-protocol-version", "v4.channel.k8s.io"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = rig.ask(request).await;
    assert_eq!(answer.status(), 101);
    let mut shell = hyper_util::rt::TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    tokio::time::sleep(LATE).await;
    shell.write_all(b"still there").await.unwrap();
    let mut echo = [0; 11];
    shell.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"still there");
}
