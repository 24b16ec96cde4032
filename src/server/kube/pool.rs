//! One pool of connections for all people: HTTP/2 shared, HTTP/1.1 one request at a time.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, Request, Response};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{
    answer::full,
    connect::{Connection, Connector, Protocol},
};
use crate::server::listener::{Body, BoxError};

/// Requests on one HTTP/2 connection, below what API servers allow (100 or 250): watches hold theirs for hours, and one more
/// than allowed would wait for them.
const MAX_STREAMS: usize = 90;
/// What one answer may have on its way unread.
const STREAM_WINDOW: u32 = 256 * 1024;
/// What all answers of a connection may: enough for each, so that one who does not read stops nobody else.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * (MAX_STREAMS as u32 + 10);
/// How often a quiet connection is asked whether it is alive, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// HTTP/1.1 connections that are kept for the next request, and for how long.
const MAX_IDLE: usize = 32;
const MAX_IDLE_AGE: Duration = Duration::from_secs(60);

/// HTTP/1.1 connections that wait for a request.
type Idle = Mutex<Vec<Waiting>>;

/// One that waits.
struct Waiting {
    sender: http1::SendRequest<Body>,
    since: tokio::time::Instant,
    epoch: u64,
}

/// The pool.
#[derive(Default)]
pub(super) struct Pool {
    shared: Mutex<Vec<Arc<Shared>>>,
    idle: Arc<Idle>,
    /// Held while a connection is opened: why the last attempt failed, if it did.
    connecting: tokio::sync::Mutex<Option<Failure>>,
    /// How many attempts to open a connection are over.
    attempts: AtomicU64,
}

struct Shared {
    sender: http2::SendRequest<Body>,
    open: AtomicUsize,
    /// Of [`Connector::epoch`].
    epoch: u64,
}

/// A place on a connection, for as long as the answer is read.
pub(super) enum Lease {
    /// One stream of many.
    Http2(Stream),
    /// The whole connection.
    Http1(Http1),
}

/// A stream's place; its end gives it back.
pub(super) struct Stream(Arc<Shared>);

/// An HTTP/1.1 connection that goes back to the idle ones.
pub(super) struct Http1 {
    sender: Option<http1::SendRequest<Body>>,
    idle: Weak<Idle>,
    epoch: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// No connection.
    #[error("{0}")]
    Connect(BoxError),
    /// The connection broke before an answer came.
    #[error("the connection broke before an answer came: {0}")]
    Broken(hyper::Error),
}

/// Why an attempt to open a connection failed, for all who waited for it.
#[derive(Debug, Clone)]
struct Failure(Arc<BoxError>);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Pool {
    /// Sends a request on a pooled connection. It is sent again, once, only if it certainly did nothing yet, or is a GET without
    /// a body on a connection that broke.
    pub(super) async fn send(
        &self,
        connector: &Connector,
        mut request: Request<Body>,
    ) -> Result<(Response<Incoming>, Lease), SendError> {
        let spare = spare(&request);
        let mut lease = self.lease(connector).await.map_err(SendError::Connect)?;
        let (error, unsent) = match lease.send(request).await {
            Ok(response) => return Ok((response, lease)),
            Err(failed) => failed,
        };
        request = match unsent.or(spare) {
            Some(request) => request,
            None => return Err(SendError::Broken(error)),
        };
        drop(lease);
        tracing::debug!(%error, "a pooled connection was gone; sending the request on another");
        let mut lease = self.lease(connector).await.map_err(SendError::Connect)?;
        match lease.send(request).await {
            Ok(response) => Ok((response, lease)),
            Err((error, _)) => Err(SendError::Broken(error)),
        }
    }

    async fn lease(&self, connector: &Connector) -> Result<Lease, BoxError> {
        let epoch = connector.epoch().await?;
        if let Some(lease) = self.existing(epoch) {
            return Ok(lease);
        }
        // One opens a connection and the others wait for it: it has room for all of them. If it fails they fail with it, for
        // before a server that keeps silent they would else wait the whole time one after another.
        let before = self.attempts.load(Ordering::Acquire);
        let mut failure = self.connecting.lock().await;
        if let Some(lease) = self.existing(epoch) {
            return Ok(lease);
        }
        if let Some(why) = failure.as_ref()
            && self.attempts.load(Ordering::Acquire) > before
        {
            return Err(why.clone().into());
        }
        let opened = self.open(connector).await.map_err(|error| Failure(Arc::new(error)));
        *failure = opened.as_ref().err().cloned();
        self.attempts.fetch_add(1, Ordering::Release);
        Ok(opened?)
    }

    async fn open(&self, connector: &Connector) -> Result<Lease, BoxError> {
        let connection = connector.connect(Protocol::Best).await?;
        let epoch = connection.epoch;
        if connection.is_http2 {
            let sender = http2(connection).await?;
            let shared = Arc::new(Shared { sender, open: AtomicUsize::new(1), epoch });
            self.shared.lock().unwrap_or_else(PoisonError::into_inner).push(shared.clone());
            return Ok(Lease::Http2(Stream(shared)));
        }
        let sender = Some(http1(connection).await?);
        Ok(Lease::Http1(Http1 { sender, idle: Arc::downgrade(&self.idle), epoch }))
    }

    /// A place on a connection of this epoch. Those of earlier ones are let go, and end with their last answer.
    fn existing(&self, epoch: u64) -> Option<Lease> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|connection| !connection.sender.is_closed() && connection.epoch == epoch);
        for connection in shared.iter() {
            if connection.open.load(Ordering::Relaxed) < MAX_STREAMS {
                connection.open.fetch_add(1, Ordering::Relaxed);
                return Some(Lease::Http2(Stream(connection.clone())));
            }
        }
        drop(shared);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|waiting| {
            waiting.sender.is_ready() && waiting.since.elapsed() < MAX_IDLE_AGE && waiting.epoch == epoch
        });
        let sender = Some(idle.pop()?.sender);
        Some(Lease::Http1(Http1 { sender, idle: Arc::downgrade(&self.idle), epoch }))
    }

    /// How many HTTP/2 connections are open.
    #[cfg(test)]
    pub(super) fn connections(&self) -> usize {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Lease {
    async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, (hyper::Error, Option<Request<Body>>)> {
        let sent = match self {
            Self::Http2(shared) => shared.0.sender.clone().try_send_request(request).await,
            Self::Http1(http1) => match &mut http1.sender {
                Some(sender) => sender.try_send_request(in_origin_form(request)).await,
                // A lease always has its sender until it is dropped; were it gone, the body would end unread.
                None => return Box::pin(std::future::pending()).await,
            },
        };
        sent.map_err(|mut failed| {
            let message = failed.take_message();
            (failed.into_error(), message)
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        let (Some(mut sender), Some(idle), Ok(runtime)) =
            (self.sender.take(), self.idle.upgrade(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let epoch = self.epoch;
        runtime.spawn(async move {
            // Ready once the answer was read to its end; a connection whose answer was given up never is, and closes.
            if let Ok(Ok(())) = tokio::time::timeout(Duration::from_secs(1), sender.ready()).await {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                if idle.len() < MAX_IDLE {
                    idle.push(Waiting { sender, since: tokio::time::Instant::now(), epoch });
                }
            }
        });
    }
}

/// A copy of a request that may be sent twice.
pub(super) fn spare(request: &Request<Body>) -> Option<Request<Body>> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD) && request.body().is_end_stream();
    safe.then(|| copy(request))
}

/// A request with the same head, and no body.
pub(super) fn copy(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(full(bytes::Bytes::new()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// HTTP/1.1 has the host in a header and the path alone in the request line (RFC 9112, 3.2.1).
pub(super) fn in_origin_form(mut request: Request<Body>) -> Request<Body> {
    let uri = request.uri();
    let host = uri.authority().and_then(|authority| http::HeaderValue::from_str(authority.as_str()).ok());
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).parse();
    if let (Some(host), Ok(path)) = (host, path) {
        request.headers_mut().insert(http::header::HOST, host);
        *request.uri_mut() = path;
    }
    request
}

async fn http2(connection: Connection) -> Result<http2::SendRequest<Body>, BoxError> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true);
    let (sender, driver) = builder.handshake(connection.io).await?;
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a connection to the API server ended");
        }
    });
    Ok(sender)
}

/// Speaks HTTP/1.1 on a fresh connection; upgrades work on it.
pub(super) async fn http1(connection: Connection) -> Result<http1::SendRequest<Body>, BoxError> {
    let (sender, driver) = http1::handshake(connection.io).await?;
    tokio::spawn(async move {
        if let Err(error) = driver.with_upgrades().await {
            tracing::debug!(%error, "a connection to the API server ended");
        }
    });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_an_attempt_shares_its_failure_and_the_next_tries_anew() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        let connector = Connector::new(&kube::Config::new(uri), None).await.unwrap();
        let pool = Pool::default();
        // One thread: the server closes the first connection only after all have begun to wait for it.
        let server = tokio::spawn(async move {
            loop {
                drop(listener.accept().await.unwrap());
            }
        });
        let failed = join_all((0..20).map(|_| pool.lease(&connector))).await;
        assert!(failed.iter().all(Result::is_err));
        assert_eq!(pool.attempts.load(Ordering::Relaxed), 1);
        assert!(pool.lease(&connector).await.is_err());
        assert_eq!(pool.attempts.load(Ordering::Relaxed), 2);
        server.abort();
    }
}
