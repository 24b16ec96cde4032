//! Answers that the gate itself gives: `metav1.Status` that kubectl shows as a sentence.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};

use crate::{
    server::listener::{Body, BoxError},
    wire::kube::Status,
};

/// How many seconds a client should wait before it asks again.
const RETRY_AFTER: u32 = 1;

/// A body of bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| -> BoxError { match never {} }).boxed_unsync()
}

/// A failure as plain text. kubectl reads no `Status` in an answer to its discovery and says `unknown`; a text it shows.
pub(crate) fn failure_in_text(code: StatusCode, message: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(full(message.into()));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A failure as a `Status`.
pub(crate) fn failure(code: StatusCode, message: impl Into<String>) -> Response<Body> {
    let mut status = Status::failure(code.as_u16(), message);
    let retry = code == StatusCode::TOO_MANY_REQUESTS;
    if retry {
        status.details = Some(serde_json::json!({"retryAfterSeconds": RETRY_AFTER}));
    }
    let mut response = Response::new(full(serde_json::to_vec(&status).unwrap_or_default()));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    if retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
    }
    response
}
