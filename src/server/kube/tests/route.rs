//! Other ways to the API server: through a proxy alone, and over HTTP/1.1 alone.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http::{Request, Version};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    super::{Upstream, forward::Timeouts},
    api::Api,
    credentials::{config, kubeconfig_at},
    rig::{Rig, get, next_piece},
};

/// A proxy that leads to one server whatever name it is told.
struct Proxy {
    addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _running: JoinSet<()>,
}

impl Proxy {
    async fn start(to: SocketAddr, socks: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = heads.clone();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let seen = seen.clone();
                open.spawn(async move {
                    let head =
                        if socks { socks_head(&mut client).await } else { connect_head(&mut client).await };
                    let refused = head.contains("refuse.invalid");
                    seen.lock().unwrap().push(head);
                    if refused {
                        client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
                        return;
                    }
                    let mut server = TcpStream::connect(to).await.unwrap();
                    let agreed: &[u8] =
                        if socks { &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0] } else { b"HTTP/1.1 200 OK\r\n\r\n" };
                    client.write_all(agreed).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { addr, heads, _running: running }
    }
}

async fn connect_head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The greeting and the request of RFC 1928; the answer is the host's name.
async fn socks_head(client: &mut TcpStream) -> String {
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).await.unwrap();
    let mut methods = vec![0; greeting[1].into()];
    client.read_exact(&mut methods).await.unwrap();
    client.write_all(&[5, 0]).await.unwrap();
    let mut head = [0; 5];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(head[..4], [5, 1, 0, 3]);
    let mut name = vec![0; head[4].into()];
    client.read_exact(&mut name).await.unwrap();
    format!("{}:{}", String::from_utf8(name).unwrap(), client.read_u16().await.unwrap())
}

/// A gate whose only way to the API server is what `cluster` says.
async fn rig(api: Api, cluster: &str) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let cluster = format!("{cluster}, tls-server-name: 127.0.0.1");
    let file = kubeconfig_at(&api, &cluster, folder.path(), "{token: abc}");
    let upstream = Upstream::new(&config(&file, Some("right"))).await.unwrap();
    Rig::with(api, upstream, Timeouts::default()).await
}

fn exec() -> Request<http_body_util::Full<bytes::Bytes>> {
    Request::post("/api/v1/namespaces/a/pods/echo/exec?command=sh&stdout=true")
        .header("host", "gate")
        .header("connection", "Upgrade")
        .header("upgrade", "SPDY/3.1")
        .header("x-stream-protocol-version", "v4.channel.k8s.io")
        .body(http_body_util::Full::default())
        .unwrap()
}

#[tokio::test]
async fn a_proxy_of_the_kubeconfig_may_be_the_only_way() {
    let api = Api::start().await;
    let proxy = Proxy::start(api.addr, false).await;
    let cluster = format!("server: 'https://kube.invalid', proxy-url: 'http://us%40er:pass@{}'", proxy.addr);
    let rig = rig(api, &cluster).await;
    for _ in 0..3 {
        assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    }
    assert_eq!(rig.ask(exec()).await.status(), 101);
    assert_eq!(rig.api.seen()[0].version, Version::HTTP_2);
    let heads = proxy.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 2, "one for all plain requests, one for the upgrade: {heads:?}");
    for head in heads {
        assert!(head.starts_with("CONNECT kube.invalid:443 HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("proxy-authorization: basic dxnaz"), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_of_the_kubeconfig_is_used_for_loopback_too() {
    let api = Api::start().await;
    let proxy = Proxy::start(api.addr, false).await;
    let cluster = format!("server: 'https://127.0.0.1:1', proxy-url: 'http://{}'", proxy.addr);
    let rig = rig(api, &cluster).await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    assert!(proxy.heads.lock().unwrap()[0].starts_with("CONNECT 127.0.0.1:1 "));
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name() {
    let api = Api::start().await;
    let proxy = Proxy::start(api.addr, true).await;
    let cluster = format!("server: 'https://kube.invalid:6443', proxy-url: 'socks5://{}'", proxy.addr);
    let rig = rig(api, &cluster).await;
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
    assert_eq!(*proxy.heads.lock().unwrap(), ["kube.invalid:6443"]);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let api = Api::start().await;
    let proxy = Proxy::start(api.addr, false).await;
    let cluster = format!("server: 'https://refuse.invalid', proxy-url: 'http://u:hunter2@{}'", proxy.addr);
    let rig = rig(api, &cluster).await;
    let (code, status) = rig.get("/api/v1/pods").await;
    let message = status["message"].as_str().unwrap();
    assert_eq!(code, 503);
    assert!(
        message.contains(&format!("through the proxy {}", proxy.addr)) && !message.contains("hunter2"),
        "{message}"
    );
}

#[tokio::test]
async fn an_api_server_that_speaks_http_1_1_alone_serves_everything() {
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let rig = Rig::before(Api::speaking(protocols).await, Timeouts::default()).await;
        for _ in 0..3 {
            assert_eq!(rig.get("/api/v1/pods").await.0, 200);
        }
        let seen = rig.api.seen();
        assert!(
            seen.iter()
                .all(|seen| seen.version == Version::HTTP_11 && seen.all("impersonate-user") == ["alice"])
        );
        assert!(seen.iter().all(|seen| seen.all("host") == [rig.api.addr.to_string()]));
        // Watches hold a connection each, and what comes beside them takes others.
        let alice = rig.alice();
        let mut open = Vec::new();
        for _ in 0..10 {
            let mut client = rig.client(Some(&alice)).await;
            let mut watch = client.send_request(get("/api/v1/pods?watch=true")).await.unwrap();
            assert!(next_piece(&mut watch).await.unwrap().contains("ADDED"));
            open.push((client, watch));
        }
        assert_eq!(rig.get("/api/v1/pods").await.0, 200);
        assert_eq!(rig.ask(exec()).await.status(), 101);
        let body = "x".repeat(300_000);
        let request = Request::put("/api/v1/namespaces/a/configmaps/b").header("host", "gate");
        assert_eq!(rig.ask(request.body(body.into()).unwrap()).await.status(), 200);
        let before = rig.api.seen().len();
        rig.api.break_connections();
        assert_eq!(rig.get("/api/v1/pods").await.0, 200, "a broken connection is replaced");
        assert_eq!(rig.api.seen().len(), before + 1);
    }
}
