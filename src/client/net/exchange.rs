//! Requests over a [`Connector`]: HTTP/1.1, connections used again, and what is safe to retry is retried.
//!
//! Retried is, three times at most and within ten seconds: what certainly never reached the server (no connection, or a kept
//! connection that was closed before the request went out), and for `GET` alone also an answer that broke off and 502, 503
//! and 504, which a load balancer gives while a gate restarts. A `POST` that may have been read is never sent again.

use std::{
    error::Error as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Connector, Slow,
    error::{NetError, Phase},
};
use crate::client::address::Address;

/// How often one request is tried.
const TRIES: u32 = 3;
/// The wait before the second try; the next is four times as long.
const PAUSE: Duration = Duration::from_millis(100);

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// After how many seconds the server wants to be asked again (`Retry-After`, in seconds or as a date).
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(Timestamp::now().duration_until(then).max(jiff::SignedDuration::ZERO).unsigned_abs())
    }

    /// Whether somebody in between says that the server is away for a while.
    pub fn is_away(&self) -> bool {
        matches!(
            self.status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        )
    }
}

/// A client of one server.
pub struct HttpClient {
    connector: Connector,
    /// The largest answer that is read, in bytes.
    max_answer: usize,
    slow: Option<Slow>,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// An answer that comes bit by bit.
pub struct Coming {
    /// The status.
    pub status: StatusCode,
    body: hyper::body::Incoming,
    /// While it lives the connection does too.
    _sender: SendRequest<Full<Bytes>>,
}

impl Coming {
    /// The next bytes, or none at the end. Fails when none come within `patience`.
    pub async fn chunk(&mut self, patience: Option<Duration>) -> Result<Option<Bytes>, NetError> {
        loop {
            let frame = self.body.frame();
            let frame = match patience {
                Some(limit) => tokio::time::timeout(limit, frame)
                    .await
                    .map_err(|_| NetError::Timeout { phase: Phase::Answer, seconds: limit.as_secs() })?,
                None => frame.await,
            };
            match frame.transpose().map_err(|e| broken(&e))? {
                None => return Ok(None),
                // Trailers are of no interest.
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}

/// How one try failed.
struct Failed {
    error: NetError,
    never_sent: bool,
}

impl HttpClient {
    /// A client over a connector, which reads answers of at most so many bytes.
    pub fn new(connector: Connector, max_answer: usize) -> Self {
        Self { connector, max_answer, slow: None, idle: Mutex::default() }
    }

    /// What to call when a request takes long.
    pub fn on_slow(&mut self, slow: Slow) {
        self.slow = Some(slow);
    }

    #[cfg(test)]
    pub(super) fn limit_answers(&mut self, bytes: usize) {
        self.max_answer = bytes;
    }

    /// The server's address.
    pub fn address(&self) -> &Address {
        self.connector.address()
    }

    /// Sends a request with a JSON body, or none, and reads the whole answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<Answer, NetError> {
        let body = match body {
            Some(body) => {
                Some(Bytes::from(serde_json::to_vec(body).map_err(|e| NetError::Request(e.to_string()))?))
            }
            None => None,
        };
        let connected = AtomicBool::new(false);
        let work = self.tries(&method, path, body.as_ref(), &connected);
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(self.connector.limits.slow) => {}
        }
        let address = self.address();
        let _shown = self.slow.as_ref().map(|tell| {
            if connected.load(Ordering::Relaxed) {
                tell(&format!("Waiting for an answer from {address} …"))
            } else {
                tell(&format!("Connecting to {address} …"))
            }
        });
        work.await
    }

    /// Asks for something that is long or does not end; it is read by [`Coming::chunk`]. On a new connection, tried once.
    pub async fn open_stream(&self, path: &str) -> Result<Coming, NetError> {
        let request = self.request(&Method::GET, path, None)?;
        let mut sender = self.open().await?;
        let limit = self.connector.limits.answer;
        let answer = tokio::time::timeout(limit, sender.send_request(request)).await;
        let late = NetError::Timeout { phase: Phase::Answer, seconds: limit.as_secs() };
        let (head, body) = answer.map_err(|_| late)?.map_err(|e| broken(&e))?.into_parts();
        Ok(Coming { status: head.status, body, _sender: sender })
    }

    async fn tries(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Bytes>,
        connected: &AtomicBool,
    ) -> Result<Answer, NetError> {
        let began = Instant::now();
        let harmless = *method == Method::GET;
        let mut pause = PAUSE;
        for left in (0..TRIES).rev() {
            let request = self.request(method, path, body)?;
            let done = self.once(request, connected).await;
            let again = match &done {
                Ok(answer) if harmless && answer.is_away() => answer.retry_after().unwrap_or(pause),
                Err(failed) if failed.never_sent && failed.error.never_arrived() => pause,
                Err(Failed { error: NetError::Broken(_), never_sent }) if *never_sent || harmless => pause,
                _ => Duration::MAX,
            };
            let (path, _) = path.split_once('?').unwrap_or((path, ""));
            let address = self.address();
            match &done {
                Ok(answer) => {
                    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::debug!(%address, %method, path, status = %answer.status, millis, "answered");
                }
                Err(failed) => tracing::debug!(%address, %method, path, reason = %failed.error, "no answer"),
            }
            if left == 0 || began.elapsed().saturating_add(again) > self.connector.limits.tries {
                return done.map_err(|failed| failed.error);
            }
            tracing::debug!(%address, %method, path, wait = ?again, "will be tried again");
            tokio::time::sleep(again).await;
            pause *= 4;
        }
        Err(NetError::Broken("it did not answer".into()))
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Bytes>,
    ) -> Result<Request<Full<Bytes>>, NetError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.connector.authority())
            .header(header::USER_AGENT, concat!("jumpgate/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(body.cloned().unwrap_or_default());
        request.body(body).map_err(|e| NetError::Request(e.to_string()))
    }

    /// One try, over a connection that is there or a new one.
    async fn once(&self, request: Request<Full<Bytes>>, connected: &AtomicBool) -> Result<Answer, Failed> {
        let kept = self.kept();
        let mut sender = match kept {
            Some(sender) => sender,
            None => self.open().await.map_err(|error| Failed { error, never_sent: true })?,
        };
        connected.store(true, Ordering::Relaxed);
        let limit = self.connector.limits.answer;
        let late = NetError::Timeout { phase: Phase::Answer, seconds: limit.as_secs() };
        let exchange = async {
            let answer = sender.try_send_request(request).await.map_err(|mut failed| {
                // The request comes back when not a byte of it went out.
                let never_sent = failed.take_message().is_some();
                Failed { error: broken(failed.error()), never_sent }
            })?;
            self.read(answer).await.map_err(|error| Failed { error, never_sent: false })
        };
        let done = tokio::time::timeout(limit, exchange).await;
        let answer = done.map_err(|_| Failed { error: late, never_sent: false })??;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Ok(answer)
    }

    /// A connection of an earlier request that is still open.
    fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|sender| !sender.is_closed());
        let place = idle.iter().position(SendRequest::is_ready)?;
        Some(idle.swap_remove(place))
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, NetError> {
        let stream = self.connector.connect().await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        tokio::spawn(async move {
            if let Err(reason) = connection.await {
                tracing::debug!(%reason, "a connection ended");
            }
        });
        Ok(sender)
    }

    async fn read(&self, answer: http::Response<hyper::body::Incoming>) -> Result<Answer, NetError> {
        let (head, mut incoming) = answer.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|e| broken(&e))?;
            if let Some(data) = frame.data_ref() {
                body.extend_from_slice(data);
            }
            if body.len() > self.max_answer {
                return Err(NetError::TooLong);
            }
        }
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

/// What HTTP says of an exchange that broke off: the innermost cause names it best.
fn broken(error: &hyper::Error) -> NetError {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(next) = cause {
        // An `io::Error` of TLS does not name what it wraps as its source.
        let inner = next.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return NetError::Broken(tls.to_string());
        }
        text = next.to_string();
        cause = next.source();
    }
    NetError::Broken(text)
}
