//! An API server for tests: it records what reaches it, and answers by the object's name.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::server::WebPkiClientVerifier;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use super::super::answer::full;
use crate::{
    pki::{Authority, AuthorityKind},
    server::{
        certificates::host_certificate,
        listener::Body,
        tls::{ServerCertificate, provider},
    },
};

/// The token of the gate's account.
pub(super) const TOKEN: &str = "token-of-the-gate";

/// When the second piece of a late answer comes.
pub(super) const LATE: std::time::Duration = std::time::Duration::from_millis(900);

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) connection: usize,
    pub(super) body: Bytes,
    /// The client certificate, in DER.
    pub(super) client: Option<Vec<u8>>,
}

impl Seen {
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values.map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect()
    }
}

pub(super) struct Api {
    pub(super) addr: SocketAddr,
    /// Signs client certificates.
    pub(super) clients: Authority,
    ca: Authority,
    shared: Arc<Shared>,
    running: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    drop_connections: tokio::sync::Notify,
    accepts: Mutex<Option<Accepts>>,
}

/// Whether a request's credentials are good.
type Accepts = Box<dyn Fn(&Seen) -> bool + Send>;

impl Api {
    pub(super) async fn start() -> Self {
        Self::speaking(&[b"h2", b"http/1.1"]).await
    }

    /// One that speaks these protocols.
    pub(super) async fn speaking(protocols: &[&[u8]]) -> Self {
        let clients = Authority::generate(AuthorityKind::User, "api", jiff::Timestamp::now()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(clients.certificate().der().to_vec().into()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let ca = Authority::generate(AuthorityKind::Host, "api", jiff::Timestamp::now()).unwrap();
        let names = ["127.0.0.1".into()];
        let key =
            host_certificate(&ca, &crate::pki::KeyPair::generate(), &names, jiff::Timestamp::now()).unwrap();
        let mut tls = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
            .with_cert_resolver(ServerCertificate::new(key));
        tls.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let mut running = JoinSet::new();
        running.spawn(accept(socket, TlsAcceptor::from(Arc::new(tls)), shared.clone()));
        Self { addr, clients, ca, shared, running }
    }

    pub(super) fn config(&self) -> kube::Config {
        let mut config = kube::Config::new(format!("https://{}", self.addr).parse().unwrap());
        config.root_cert = Some(vec![self.ca.certificate().der().to_vec()]);
        config.auth_info.token = Some(TOKEN.to_owned().into());
        config
    }

    pub(super) fn ca_pem(&self) -> String {
        self.ca.certificate().to_pem()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// From now on it answers 401 to whatever this does not accept.
    pub(super) fn accept_only(&self, accepts: impl Fn(&Seen) -> bool + Send + 'static) {
        *self.shared.accepts.lock().unwrap() = Some(Box::new(accepts));
    }

    /// Breaks all connections, and waits until they are.
    pub(super) fn break_connections(&self) {
        self.shared.drop_connections.notify_waiters();
    }

    /// Nobody listens any more.
    pub(super) async fn stop(&mut self) {
        self.break_connections();
        self.running.shutdown().await;
    }
}

async fn accept(socket: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let (tcp, _) = socket.accept().await.unwrap();
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(tcp).await else { return };
            let client = stream.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
            let number = shared.connections.fetch_add(1, Ordering::Relaxed);
            let service = hyper::service::service_fn({
                let shared = shared.clone();
                move |request| {
                    let (shared, client) = (shared.clone(), client.clone());
                    async move { Ok::<_, Infallible>(serve(request, number, client, &shared).await) }
                }
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = shared.drop_connections.notified() => {}
            }
        });
    }
}

async fn serve(
    request: Request<Incoming>,
    connection: usize,
    client: Option<Vec<u8>>,
    shared: &Shared,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let name = head.uri.path().trim_end_matches("/exec").rsplit('/').next().unwrap_or_default().to_owned();
    let upgrade = head.extensions.get::<hyper::upgrade::OnUpgrade>().cloned();
    let body = if name == "unread" { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
    let seen = Seen {
        method: head.method.to_string(),
        uri: head.uri.path_and_query().unwrap().to_string(),
        version: head.version,
        headers: head.headers.clone(),
        connection,
        body,
        client,
    };
    let accepts = shared.accepts.lock().unwrap().as_ref().is_none_or(|accepts| accepts(&seen));
    shared.seen.lock().unwrap().push(seen);
    if !accepts {
        return answer("login", &head.headers, "", None);
    }
    if name == "never" {
        return std::future::pending().await;
    }
    answer(&name, &head.headers, head.uri.query().unwrap_or_default(), upgrade)
}

fn answer(
    name: &str,
    headers: &HeaderMap,
    query: &str,
    upgrade: Option<hyper::upgrade::OnUpgrade>,
) -> Response<Body> {
    let plain = |code: u16, kind: &str, body: &'static str| {
        let builder = Response::builder().status(code).header("content-type", kind);
        builder.header("connection", "keep-alive, x-hop").header("x-hop", "1").body(full(body)).unwrap()
    };
    match name {
        "busy" => plain(429, "text/plain", "Too many requests\n"),
        "html" => plain(502, "text/html", "<h1>Bad\x1b[31m gateway</h1>"),
        "broken" => plain(500, "application/json", r#"{"kind":"Status","message":"etcd is gone"}"#),
        "login" => plain(401, "application/json", r#"{"kind":"Status","message":"Unauthorized"}"#),
        "echo" => switch(headers, upgrade, false),
        "liar" => switch(headers, upgrade, true),
        "odd" => odd(headers, upgrade),
        "refuse" => plain(403, "application/json", r#"{"kind":"Status","message":"no exec for you"}"#),
        _ if query.contains("flood=") => flood(),
        _ if query.contains("late=") => late(),
        _ if query.contains("watch=") => open_ended("{\"type\":\"ADDED\"}\n"),
        _ if query.contains("follow=") => open_ended("a line\n"),
        _ => plain(200, "application/json", r#"{"kind":"PodList"}"#),
    }
}

/// More and more, for ever.
fn flood() -> Response<Body> {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let body = StreamBody::new(stream::repeat_with(move || Ok(Frame::data(chunk.clone())))).boxed_unsync();
    Response::new(body)
}

/// One piece, and then nothing for ever.
fn open_ended(first: &'static str) -> Response<Body> {
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(first.as_bytes())))]);
    let body = StreamBody::new(first.chain(stream::pending())).boxed_unsync();
    Response::builder().header("content-type", "application/json").body(body).unwrap()
}

/// One piece at once and one after a while.
fn late() -> Response<Body> {
    let piece = |text: &'static str| Ok(Frame::data(Bytes::from_static(text.as_bytes())));
    let second = stream::once(async move {
        tokio::time::sleep(LATE).await;
        piece("{\"type\":\"DELETED\"}\n")
    });
    let body = StreamBody::new(stream::iter([piece("{\"type\":\"ADDED\"}\n")]).chain(second)).boxed_unsync();
    Response::builder().header("content-type", "application/json").body(body).unwrap()
}

/// Switches to SPDY with a stream protocol that nobody knows, the one that the client named first.
fn odd(headers: &HeaderMap, upgrade: Option<hyper::upgrade::OnUpgrade>) -> Response<Body> {
    let mut response = switch(headers, upgrade, false);
    response.headers_mut().insert("x-stream-protocol-version", headers["x-stream-protocol-version"].clone());
    response
}

/// Switches to what was asked, or claims another protocol, and sends back whatever comes.
fn switch(headers: &HeaderMap, upgrade: Option<hyper::upgrade::OnUpgrade>, lie: bool) -> Response<Body> {
    let asked = headers["upgrade"].to_str().unwrap().to_owned();
    let mut builder = Response::builder().status(101).header("connection", "Upgrade");
    builder = builder.header("upgrade", if lie { "h2c" } else { asked.as_str() });
    if asked == "websocket" {
        let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
        hash.update(headers["sec-websocket-key"].as_bytes());
        hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        builder = builder.header("sec-websocket-accept", STANDARD.encode(hash.finish()));
        builder = builder.header("sec-websocket-protocol", "v5.channel.k8s.io");
    } else {
        builder = builder.header("x-stream-protocol-version", "v4.channel.k8s.io");
    }
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgrade.unwrap().await.unwrap());
        let (mut from, mut to) = tokio::io::split(&mut io);
        let _ = tokio::io::copy(&mut from, &mut to).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut to).await;
    });
    builder.body(full("")).unwrap()
}
