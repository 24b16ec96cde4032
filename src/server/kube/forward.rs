//! Plain requests: both bodies stream through, nothing is gathered, and the answer ends when its person's time does.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

use super::{
    answer::{failure, full},
    impersonate::clean_answer,
    lifetime::{Ended, Lifetime},
    limits::Permit,
    pool::Lease,
    target::{Target, Verb},
    upstream::{Refused, RequestError, Upstream},
};
use crate::{
    model::text::{clean_line, truncate},
    server::{
        listener::{Body, BoxError},
        metrics::OpenGuard,
    },
    wire::kube::Status,
};

/// How long the headers of an answer may take. Bodies may take for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// API servers give up after a minute themselves.
    pub(super) answer: Duration,
    /// From an application behind `proxy`, which may think longer.
    pub(super) proxied: Duration,
    /// To an upgrade: the API server asks the kubelet first.
    pub(super) upgrade: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [answer, proxied, upgrade] = [75, 600, 60].map(Duration::from_secs);
        Self { answer, proxied, upgrade }
    }
}

/// How much of an error page is quoted, and how long it may take to come.
const QUOTE: usize = 300;
const QUOTE_WITHIN: Duration = Duration::from_secs(2);

/// Forwards a request whose headers are ready.
pub(super) async fn forward(
    upstream: &Upstream,
    timeouts: Timeouts,
    target: &Target,
    request: Request<Incoming>,
    lifetime: Lifetime,
    permit: Permit,
) -> Result<Response<Body>, RequestError> {
    let (within, refused) = match target.verb {
        Verb::Proxy => (timeouts.proxied, Refused::Keep),
        _ => (timeouts.answer, Refused::Renew),
    };
    let request = request.map(|body| Data(body).boxed_unsync());
    let (response, lease) = upstream.send(request, within, refused).await?;
    Ok(answer(upstream, target, response, Some(lease), lifetime, permit).await)
}

/// Turns an answer of the API server into one for the client.
pub(super) async fn answer(
    upstream: &Upstream,
    target: &Target,
    response: Response<Incoming>,
    lease: Option<Lease>,
    lifetime: Lifetime,
    permit: Permit,
) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    clean_answer(&mut head.headers);
    if let Some(refusal) = refusal(upstream, target, head.status) {
        return refusal;
    }
    if must_wrap(target, head.status, &head.headers) {
        return wrap(upstream, head.status, &head.headers, body).await;
    }
    let guarded = Guarded {
        sends_events: target.verb == Verb::Watch && is_json(&head.headers),
        inner: Some(body),
        polled: false,
        at_line_end: true,
        _open: (target.verb == Verb::Watch).then(|| lifetime.counted(target.verb.name())),
        end: Box::pin(lifetime.ended()),
        _lease: lease,
        _permit: permit,
    };
    Response::from_parts(head, guarded.boxed_unsync())
}

/// A 401 of the API server is about the gate's account, and must not send a person to their own login.
fn refusal(upstream: &Upstream, target: &Target, status: StatusCode) -> Option<Response<Body>> {
    if status != StatusCode::UNAUTHORIZED || target.verb == Verb::Proxy {
        return None;
    }
    let server = upstream.server();
    tracing::error!(%server, "the API server refused the gate's own credentials");
    Some(failure(
        StatusCode::BAD_GATEWAY,
        format!(
            "the Kubernetes API server {server} refused the gate's own credentials; tell an administrator"
        ),
    ))
}

/// Whether an answer is an error that kubectl could not show: a load balancer's page in the API server's stead.
fn must_wrap(target: &Target, status: StatusCode, headers: &HeaderMap) -> bool {
    let failed = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    failed
        && target.resource.is_some()
        && target.verb != Verb::Proxy
        && !content_type(headers).starts_with("application/")
}

async fn wrap(
    upstream: &Upstream,
    status: StatusCode,
    headers: &HeaderMap,
    body: Incoming,
) -> Response<Body> {
    let quote = quote(body).await;
    let server = upstream.server();
    let mut message = format!("the Kubernetes API server {server} answered {status}");
    if !quote.is_empty() {
        message = format!("{message}: {quote}");
    }
    let mut response = failure(status, message);
    if let Some(after) = headers.get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    response
}

/// The beginning of an error page on one line.
async fn quote(mut body: Incoming) -> String {
    let mut text = Vec::new();
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(data) = frame.into_data() {
                text.extend_from_slice(&data[..data.len().min(QUOTE * 4 - text.len())]);
            }
            if text.len() >= QUOTE * 4 {
                break;
            }
        }
    };
    // What came until then is enough.
    let _ = tokio::time::timeout(QUOTE_WITHIN, read).await;
    let text = String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    clean_line(&truncate(&text, QUOTE)).into_owned()
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_json(headers: &HeaderMap) -> bool {
    let plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|value| value == HeaderValue::from_static("identity"));
    plain && content_type(headers).starts_with("application/json")
}

/// A request's body without its trailers: they are headers, and the client does not set any of those.
struct Data(Incoming);

impl HttpBody for Data {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// An answer's body, which ends early when its person's time does.
struct Guarded {
    inner: Option<Incoming>,
    end: BoxFuture<'static, Ended>,
    polled: bool,
    /// A watch in JSON can say in its own words why it ends.
    sends_events: bool,
    at_line_end: bool,
    _open: Option<OpenGuard>,
    _lease: Option<Lease>,
    _permit: Permit,
}

impl Guarded {
    fn cut(&mut self, ended: Ended) -> Option<Result<Frame<Bytes>, BoxError>> {
        tracing::info!(reason = %ended.reason, "an open answer was ended");
        self.inner = None;
        if self.sends_events && self.at_line_end {
            return Some(Ok(Frame::data(error_event(ended))));
        }
        // Broken off, not ended: half an answer must not look like a whole one.
        Some(Err(ended.reason.into()))
    }
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.inner.is_none() {
            return Poll::Ready(None);
        }
        // Most answers are there at the first look and need no timers.
        if std::mem::replace(&mut self.polled, true)
            && let Poll::Ready(ended) = self.end.as_mut().poll(cx)
        {
            return Poll::Ready(self.cut(ended));
        }
        while let Some(inner) = &mut self.inner {
            match Pin::new(inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Some(data) = frame.data_ref() else { continue };
                    if let Some(last) = data.last() {
                        self.at_line_end = *last == b'\n';
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => {
                    self.inner = None;
                }
                Poll::Pending => {
                    return match self.end.as_mut().poll(cx) {
                        Poll::Ready(ended) => Poll::Ready(self.cut(ended)),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

/// A watch event of type ERROR (Kubernetes API concepts, "Efficient detection of changes").
fn error_event(ended: Ended) -> Bytes {
    let object = Status::failure(ended.code.as_u16(), ended.reason);
    let mut line =
        serde_json::to_vec(&serde_json::json!({"type": "ERROR", "object": object})).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// An empty body, for requests that ask for an upgrade.
pub(super) fn empty() -> Body {
    full(Bytes::new())
}
