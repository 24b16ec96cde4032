//! Answers that the gate itself gives: `metav1.Status` that kubectl shows as a sentence.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
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

/// The sentence of a failure, beside its `Status`.
#[derive(Clone)]
struct Sentence(String);

/// Whether a client asks what the server offers in the way of kubectl since 1.26. That kubectl looks for the sentence of a
/// failure in plain text alone, and says "unknown" where it gets a `Status`.
pub(super) fn wants_text(headers: &HeaderMap) -> bool {
    let asks =
        |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("as=APIGroupDiscoveryList"));
    headers.get_all(header::ACCEPT).iter().any(asks)
}

/// A failure of the gate itself as plain text; any other answer as it is.
pub(super) fn as_text(mut response: Response<Body>) -> Response<Body> {
    if let Some(Sentence(text)) = response.extensions_mut().remove() {
        *response.body_mut() = full(text);
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    response
}

/// A failure as a `Status`.
pub(crate) fn failure(code: StatusCode, message: impl Into<String>) -> Response<Body> {
    let message = message.into();
    let mut status = Status::failure(code.as_u16(), &*message);
    let retry = code == StatusCode::TOO_MANY_REQUESTS;
    if retry {
        status.details = Some(serde_json::json!({"retryAfterSeconds": RETRY_AFTER}));
    }
    let mut response = Response::new(full(serde_json::to_vec(&status).unwrap_or_default()));
    *response.status_mut() = code;
    response.extensions_mut().insert(Sentence(message));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    if retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
    }
    response
}
