//! A listener with a handler that tells who is there.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};

use super::support::{Client, ask, stolen, user};
use crate::{
    pki::{Authority, AuthorityKind, Identity},
    server::{
        certificates,
        listener::{self, Body, Drain, DrainSwitch, Handler, Limits, Port},
        tls::{ServerCertificate, Tls},
    },
    wire::admin::ALPN_NAMES,
};

const SOON: Duration = Duration::from_secs(20);

struct Served {
    addr: SocketAddr,
    user_ca: Authority,
    host_ca: Authority,
    switch: DrainSwitch,
    ended: JoinHandle<()>,
    go: Arc<Notify>,
    metrics: Arc<crate::server::metrics::Metrics>,
}

fn body(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync()
}

/// `/wait` answers when told to, `/tunnel` echoes, everything else tells who asked.
fn handler(go: Arc<Notify>, ca: Authority) -> Handler {
    Arc::new(move |mut request, peer| {
        let (go, ca) = (go.clone(), ca.clone());
        Box::pin(async move {
            match request.uri().path() {
                "/wait" => go.notified().await,
                "/tunnel" => {
                    tokio::spawn(async move {
                        let tunnel = hyper::upgrade::on(&mut request).await.unwrap();
                        let (mut read, mut write) = tokio::io::split(TokioIo::new(tunnel));
                        tokio::io::copy(&mut read, &mut write).await.unwrap();
                        write.shutdown().await.unwrap();
                    });
                    let answer = Response::builder().status(101);
                    let answer = answer.header("connection", "upgrade").header("upgrade", "echo");
                    return answer.body(body(String::new())).unwrap();
                }
                _ => {}
            }
            let who = match Identity::verify(&peer.chain(), &[ca.trusted()], Timestamp::now()) {
                Ok(identity) => identity.username().to_owned(),
                Err(error) => error.to_string(),
            };
            let alpn = String::from_utf8(peer.alpn.clone().unwrap_or_default()).unwrap();
            Response::new(body(format!("{who}|{alpn}|{:?}", request.version())))
        })
    })
}

async fn serve(web: bool, change: impl FnOnce(&mut Limits)) -> Served {
    let make = |kind| Authority::generate(kind, "example", Timestamp::now()).unwrap();
    let (user_ca, host_ca) = (make(AuthorityKind::User), make(AuthorityKind::Host));
    let names = ["localhost".to_owned(), "*.teleport.cluster.local".to_owned()];
    let key = crate::pki::KeyPair::generate();
    let certificate = || {
        ServerCertificate::new(
            certificates::host_certificate(&host_ca, &key, &names, Timestamp::now()).unwrap(),
        )
    };
    let tls = if web { Tls::web(certificate(), certificate()) } else { Tls::mutual(certificate()) };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    let (switch, drain) = Drain::new();
    let mut limits = Limits::new(SOON);
    change(&mut limits);
    let go = Arc::new(Notify::new());
    let metrics: Arc<crate::server::metrics::Metrics> = Arc::default();
    let port = Port {
        name: "test",
        socket,
        tls: tls.unwrap(),
        limits,
        drain,
        handler: handler(go.clone(), user_ca.clone()),
        metrics: metrics.clone(),
    };
    let ended = tokio::spawn(listener::serve(port));
    Served { addr, user_ca, host_ca, switch, ended, go, metrics }
}

#[tokio::test]
async fn a_client_certificate_reaches_the_handler_over_every_version() {
    let served = serve(false, |_| {}).await;
    let ca = Some(served.host_ca.certificate().clone());
    for old in [false, true] {
        for alpn in [&b"h2"[..], b"http/1.1"] {
            let certificate = Some(user(&served.user_ca, "alice", Timestamp::now()));
            let client = Client { old, alpn: vec![alpn], certificate, ca: ca.clone(), ..Client::default() };
            let (_, text, _) = client.get(served.addr, "/").await;
            let version = if alpn == b"h2" { "HTTP/2.0" } else { "HTTP/1.1" };
            assert_eq!(text, format!("alice|{}|{version}", String::from_utf8_lossy(alpn)), "TLS 1.2: {old}");
        }
    }
    // Kubernetes clients that upgrade offer no protocol at all.
    let bare = Client { alpn: vec![], ..Client::default() };
    assert!(bare.get(served.addr, "/").await.1.ends_with("||HTTP/1.1"));
}

#[tokio::test]
async fn a_bad_certificate_passes_the_handshake_only_to_be_told_why() {
    let served = serve(false, |_| {}).await;
    let stranger = Authority::generate(AuthorityKind::User, "example", Timestamp::now()).unwrap();
    let now = Timestamp::now();
    let day = SignedDuration::from_hours(24);
    for (certificate, expected) in [
        (None, "no client certificate was shown"),
        (Some(user(&served.user_ca, "alice", now - day)), "the client certificate expired at"),
        (Some(user(&served.user_ca, "alice", now + day)), "the client certificate is valid only from"),
        (Some(user(&stranger, "alice", now)), "the client certificate was not issued by this cluster"),
    ] {
        for old in [false, true] {
            let client = Client { old, certificate: certificate.clone(), ..Client::default() };
            let (_, text, _) = client.get(served.addr, "/").await;
            assert!(text.starts_with(expected), "{text}");
        }
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused_in_the_handshake() {
    let served = serve(false, |_| {}).await;
    for old in [false, true] {
        let certificate = Some(stolen(&served.user_ca, "alice"));
        let client = Client { old, certificate, ..Client::default() };
        let request = Request::get("/").header("host", "localhost").body(Empty::new()).unwrap();
        // In TLS 1.3 the client believes that it is done before the server has judged it.
        let answered = match client.connect(served.addr).await {
            Ok((stream, _)) => ask(stream, request).await.is_ok(),
            Err(_) => false,
        };
        assert!(!answered);
    }
}

#[tokio::test]
async fn a_browser_is_never_asked_and_an_administrator_is() {
    let served = serve(true, |_| {}).await;
    let certificate = Some(user(&served.user_ca, "alice", Timestamp::now()));
    let client = |name, alpn: &'static [u8]| Client {
        name,
        alpn: vec![alpn, b"http/1.1"],
        certificate: certificate.clone(),
        ..Client::default()
    };
    for (client, asked, alpn) in [
        (client("localhost", b"h2"), false, "h2"),
        (client("localhost", ALPN_NAMES[0]), true, "jumpgate-admin"),
        (client("teleport.cluster.local", b"h2"), true, "h2"),
        (client("6578616d706c65.teleport.cluster.local", b"h2"), true, "h2"),
    ] {
        let (_, text, seen) = client.get(served.addr, "/").await;
        assert_eq!(seen.asked.load(std::sync::atomic::Ordering::Relaxed), asked);
        let who = if asked { "alice" } else { "no client certificate was shown; run: tsh login" };
        assert!(text.starts_with(&format!("{who}|{alpn}|")), "{text}");
        let chain = seen.chain.lock().unwrap();
        assert_eq!(
            chain.last(),
            Some(served.host_ca.certificate()),
            "the CA is sent, to be compared with a pin"
        );
    }
}

#[tokio::test]
async fn silence_ends_a_connection_before_and_after_the_handshake() {
    let short = Duration::from_millis(200);
    let served = serve(false, |limits| {
        limits.handshake = short;
        limits.header = short;
    })
    .await;
    let mut silent = TcpStream::connect(served.addr).await.unwrap();
    assert_eq!(timeout(SOON, silent.read(&mut [0; 16])).await.unwrap().unwrap_or(0), 0);
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let client = Client { alpn: vec![alpn], ..Client::default() };
        let (mut stream, _) = client.connect(served.addr).await.unwrap();
        let mut rest = Vec::new();
        timeout(SOON, stream.read_to_end(&mut rest)).await.expect("the connection is closed").ok();
        let (mut stream, _) = client.connect(served.addr).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nslow: ").await.unwrap();
        timeout(SOON, stream.read_to_end(&mut rest)).await.expect("the connection is closed").ok();
    }
    assert!(served.metrics.to_text().contains("reason=\"handshake timeout\""));
}

#[tokio::test]
async fn a_head_too_long_is_refused() {
    let served = serve(false, |_| {}).await;
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let client = Client { alpn: vec![alpn], ..Client::default() };
        let (stream, _) = client.connect(served.addr).await.unwrap();
        let request = Request::get("/").header("host", "x").header("long", "x".repeat(100_000));
        let status = ask(stream, request.body(Empty::new()).unwrap()).await.map(|r| r.status().as_u16());
        assert!(!matches!(status, Ok(200)), "{status:?}");
    }
}

#[tokio::test]
async fn connections_are_limited_in_all_and_for_each_address() {
    for total in [true, false] {
        let served = serve(false, |limits| {
            if total {
                limits.connections = 2;
            } else {
                limits.per_address = 2;
            }
        })
        .await;
        let first = Client::default().connect(served.addr).await.unwrap();
        let _second = Client::default().connect(served.addr).await.unwrap();
        assert!(Client::default().connect(served.addr).await.is_err());
        drop(first);
        let deadline = tokio::time::Instant::now() + SOON;
        while Client::default().connect(served.addr).await.is_err() {
            assert!(tokio::time::Instant::now() < deadline, "a place that was left is free again");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_drain_lets_requests_and_tunnels_end_and_takes_no_new_ones() {
    let mut served = serve(false, |_| {}).await;
    let (stream, _) = Client::default().connect(served.addr).await.unwrap();
    let request = Request::get("/wait").header("host", "x").body(Empty::new()).unwrap();
    let waiting = tokio::spawn(ask(stream, request));
    let (stream, _) = Client::default().connect(served.addr).await.unwrap();
    let request = Request::get("/tunnel").header("host", "x").header("connection", "upgrade");
    let request = request.header("upgrade", "echo").body(Empty::new()).unwrap();
    let tunnel = hyper::upgrade::on(ask(stream, request).await.unwrap()).await.unwrap();
    let mut tunnel = TokioIo::new(tunnel);

    served.switch.start("bye");
    let deadline = tokio::time::Instant::now() + SOON;
    while TcpStream::connect(served.addr).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "the port is closed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    served.go.notify_one();
    let response = timeout(SOON, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(response.status(), 200);
    tunnel.write_all(b"still here").await.unwrap();
    let mut back = [0; 10];
    timeout(SOON, tunnel.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, b"still here");
    assert!(timeout(Duration::from_millis(100), &mut served.ended).await.is_err(), "it waits for the tunnel");
    drop(tunnel);
    timeout(SOON, &mut served.ended).await.expect("the listener ends").unwrap();
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let mut served = serve(false, |limits| limits.drain = Duration::from_millis(100)).await;
    let (stream, _) = Client::default().connect(served.addr).await.unwrap();
    let request = Request::get("/wait").header("host", "x").body(Empty::new()).unwrap();
    let waiting = tokio::spawn(ask(stream, request));
    let deadline = tokio::time::Instant::now() + SOON;
    while !served.metrics.to_text().contains("jumpgate_connections{listener=\"test\"} 1") {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    served.switch.start("bye");
    timeout(SOON, &mut served.ended).await.expect("the listener ends").unwrap();
    assert!(timeout(SOON, waiting).await.unwrap().unwrap().is_err());
}
