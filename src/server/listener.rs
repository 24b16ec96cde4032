//! TLS listeners: accept, shake hands within limits, serve HTTP/1.1 and HTTP/2, drain.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rustls::server::Acceptor;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::{metrics::Metrics, tls::Tls};

mod cancelled;
mod place;

use cancelled::Cancelled;
use place::{Occupied, Place, Places};

/// An error of any kind, on its way to a log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;
/// What a listener does with a request.
pub type Handler =
    Arc<dyn Fn(Request<Incoming>, Arc<Peer>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Who is at the other end of a connection. The certificates proved in the handshake that the peer holds their key; nothing
/// else about them is checked yet: see [`crate::pki::Identity::verify`].
#[derive(Debug, Clone)]
pub struct Peer {
    /// The client's address.
    pub addr: SocketAddr,
    /// Our address.
    pub local: SocketAddr,
    /// Certificates as shown, in DER, the leaf first.
    pub certificates: Vec<Vec<u8>>,
    /// The protocol chosen by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// The name that the client asked for by SNI.
    pub server_name: Option<String>,
}

impl Peer {
    /// The certificates as [`crate::pki::Identity::verify`] takes them.
    pub fn chain(&self) -> Vec<&[u8]> {
        self.certificates.iter().map(Vec::as_slice).collect()
    }
}

/// Tells listeners and open streams that the gate ends.
#[derive(Debug, Clone)]
pub struct Drain(tokio::sync::watch::Receiver<Option<Arc<str>>>);

/// The other end of [`Drain`].
#[derive(Debug)]
pub struct DrainSwitch(tokio::sync::watch::Sender<Option<Arc<str>>>);

impl Drain {
    /// A drain and its switch.
    pub fn new() -> (DrainSwitch, Self) {
        let (sender, receiver) = tokio::sync::watch::channel(None);
        (DrainSwitch(sender), Self(receiver))
    }

    /// Waits until the gate begins to end; the reason is a sentence for people.
    pub async fn started(&mut self) -> Arc<str> {
        match self.0.wait_for(Option::is_some).await {
            Ok(reason) => reason.as_deref().unwrap_or_default().into(),
            Err(_) => "the gate ended".into(),
        }
    }

    /// Whether the gate is about to end.
    pub fn is_started(&self) -> bool {
        self.0.borrow().is_some()
    }
}

impl DrainSwitch {
    /// Begins the end, with a sentence for the people whose streams are open.
    pub fn start(&self, reason: &str) {
        self.0.send_replace(Some(reason.into()));
    }
}

/// What a listener grants to strangers.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time, tunnels included.
    pub connections: usize,
    /// Connections at a time from one address (IPv6: one /64).
    pub per_address: usize,
    /// From the first byte to the end of the handshake.
    pub handshake: Duration,
    /// From the handshake to the first request, and for the head of each request over HTTP/1.1.
    pub header: Duration,
    /// Bytes in the head of a request.
    pub header_bytes: u32,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: u32,
    /// How long requests may go on once the gate ends.
    pub drain: Duration,
}

impl Limits {
    /// The limits of every port, with the configured time to drain.
    pub fn new(drain: Duration) -> Self {
        Self {
            connections: 8192,
            per_address: 1024,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            header_bytes: 64 * 1024,
            streams: 250,
            drain,
        }
    }
}

/// A port that is about to be served.
pub struct Port {
    /// `web`, `admin` or `kube`, for logs and figures.
    pub name: &'static str,
    /// The bound socket.
    pub socket: TcpListener,
    /// How it shakes hands.
    pub tls: Tls,
    /// What it grants.
    pub limits: Limits,
    /// When it ends.
    pub drain: Drain,
    /// What it does.
    pub handler: Handler,
    /// Where it counts.
    pub metrics: Arc<Metrics>,
}

/// How often HTTP/2 asks an idle client whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long a client may take to answer that.
const PING_ANSWER: Duration = Duration::from_secs(20);
/// HTTP/2 streams that a client opened and reset before we looked at them (rapid reset, CVE-2023-44487).
const PENDING_RESETS: usize = 20;
/// HTTP/2 streams that we reset for a client's mistakes before the connection ends (CVE-2025-8671).
const LOCAL_RESETS: usize = 200;
/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a port until the gate ends, then waits for its requests and tunnels, at most as long as its limits say.
pub async fn serve(port: Port) {
    let Port { name, socket, tls, limits, mut drain, handler, metrics } = port;
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let shared = Arc::new(Shared {
        name,
        tls,
        places: Places::new(limits.connections, limits.per_address),
        http1: http1(&limits),
        http2: http2(&limits),
        limits,
        drain: drain.clone(),
        handler,
        metrics,
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = drain.started() => break,
            accepted = socket.accept() => match accepted {
                Ok((stream, addr)) => match shared.places.take(addr.ip(), shared.metrics.connection(name), alive.clone()) {
                    Ok(place) => {
                        connections.spawn(shared.clone().connection(stream, addr, place));
                    }
                    Err(reason) => {
                        shared.metrics.refused(name, reason);
                        tracing::debug!(listener = name, %addr, reason, "a connection was refused");
                    }
                },
                Err(error) => {
                    tracing::warn!(listener = name, %error, "no connection could be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(listener = name, "a connection ended by a programming mistake");
                }
            }
        }
    }
    drop(socket);
    drop(alive);
    // Every connection and every tunnel holds a sender; when the last is gone the channel closes.
    let _ = timeout(shared.limits.drain, all_gone.recv()).await;
    connections.shutdown().await;
}

fn http1(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(limits.header_bytes as usize);
    builder
}

fn http2(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(LOCAL_RESETS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWER);
    builder
}

struct Shared {
    name: &'static str,
    tls: Tls,
    limits: Limits,
    places: Places,
    http1: auto::Builder<TokioExecutor>,
    http2: auto::Builder<TokioExecutor>,
    drain: Drain,
    handler: Handler,
    metrics: Arc<Metrics>,
}

impl Shared {
    async fn connection(self: Arc<Self>, stream: TcpStream, addr: SocketAddr, place: Place) {
        let shaken = timeout(self.limits.handshake, self.handshake(stream)).await;
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.metrics.refused(self.name, "handshake");
                return tracing::debug!(listener = self.name, %addr, %error, "a handshake failed");
            }
            Err(_) => {
                self.metrics.refused(self.name, "handshake timeout");
                return tracing::debug!(listener = self.name, %addr, "a handshake took too long");
            }
        };
        let Ok(local) = stream.get_ref().0.local_addr() else { return };
        let peer = Arc::new(peer_of(&stream, addr, local));
        let http = if peer.alpn.as_deref() == Some(b"h2") { &self.http2 } else { &self.http1 };
        self.serve_http(http, Occupied::new(stream, place), peer).await;
    }

    async fn handshake(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        stream.set_nodelay(true)?;
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let config = self.tls.choose(&start.client_hello());
        start.into_stream(config).await
    }

    async fn serve_http(&self, http: &auto::Builder<TokioExecutor>, stream: Occupied, peer: Arc<Peer>) {
        let asked = Arc::new(AtomicBool::new(false));
        let cancelled = Cancelled::new();
        let service = hyper::service::service_fn({
            let (handler, asked, peer) = (self.handler.clone(), asked.clone(), peer.clone());
            let cancelled = cancelled.clone();
            move |request| {
                asked.store(true, Ordering::Relaxed);
                let answer = handler(request, peer.clone());
                let unanswered = cancelled.watch();
                async move {
                    let answer = answer.await;
                    unanswered.answered();
                    Ok::<_, std::convert::Infallible>(answer)
                }
            }
        });
        let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut drain = self.drain.clone();
        let mut draining = false;
        let first_request = tokio::time::sleep(self.limits.header);
        let mut first_request = std::pin::pin!(first_request);
        let mut waiting = true;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(listener = self.name, addr = %peer.addr, %error, "a connection broke off");
                    }
                    return;
                }
                () = first_request.as_mut(), if waiting => {
                    waiting = false;
                    if !asked.load(Ordering::Relaxed) {
                        self.metrics.refused(self.name, "no request");
                        return;
                    }
                }
                () = cancelled.too_many() => {
                    self.metrics.refused(self.name, "cancelled requests");
                    return tracing::warn!(listener = self.name, addr = %peer.addr, "a client gave up too many requests");
                }
                _ = drain.started(), if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

fn peer_of(stream: &TlsStream<TcpStream>, addr: SocketAddr, local: SocketAddr) -> Peer {
    let tls = stream.get_ref().1;
    let canonical = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
    Peer {
        addr: canonical(addr),
        local: canonical(local),
        certificates: tls.peer_certificates().unwrap_or_default().iter().map(|c| c.to_vec()).collect(),
        alpn: tls.alpn_protocol().map(<[u8]>::to_vec),
        server_name: tls.server_name().map(str::to_owned),
    }
}
