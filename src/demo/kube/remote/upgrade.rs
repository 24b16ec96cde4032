//! The handshake: what a request wants to become, and the answers to it.

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::streams::channels::websocket::ChannelProtocol;
use crate::streams::channels::{ACCEPTED_HEADER, PROTOCOL_HEADER};

const SPDY: &str = "SPDY/3.1";

/// What a request wants to become.
pub(super) enum Upgrade {
    /// SPDY/3.1, with the protocols that the client offers, best first.
    Spdy { protocols: Vec<String> },
    /// WebSocket, with the client's key and the subprotocols that it offers, best first.
    WebSocket { key: String, protocols: Vec<String> },
}

/// A request that is not served.
pub(super) struct Refusal {
    code: StatusCode,
    message: String,
    accepted: Vec<&'static str>,
}

impl Refusal {
    pub(super) fn new(code: StatusCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), accepted: Vec::new() }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Client and server have no protocol in common.
    pub(super) fn protocols(offered: &[String], accepted: &[&'static str]) -> Self {
        if offered.is_empty() {
            return Self::bad("unable to upgrade: X-Stream-Protocol-Version is required");
        }
        let message = format!(
            "unable to upgrade: unable to negotiate protocol: client supports {offered:?}, server accepts {accepted:?}"
        );
        Self { code: StatusCode::FORBIDDEN, message, accepted: accepted.to_vec() }
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let reason = match self.code {
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
            StatusCode::BAD_REQUEST => "BadRequest",
            _ => "InternalError",
        };
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": reason,
            "code": self.code.as_u16(),
        });
        let mut response = Response::new(Full::new(Bytes::from(status.to_string())));
        *response.status_mut() = self.code;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for name in self.accepted {
            let header = HeaderName::from_static(ACCEPTED_HEADER);
            response.headers_mut().append(header, HeaderValue::from_static(name));
        }
        response
    }
}

/// The comma-separated values of every header of a name.
fn list(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Reads what a request wants to become.
pub(super) fn read(headers: &HeaderMap) -> Result<Upgrade, Refusal> {
    let wants = |name, token: &str| list(headers, name).iter().any(|part| part.eq_ignore_ascii_case(token));
    if wants(CONNECTION, "upgrade") && wants(UPGRADE, SPDY) {
        return Ok(Upgrade::Spdy { protocols: list(headers, PROTOCOL_HEADER) });
    }
    if !(wants(CONNECTION, "upgrade") && wants(UPGRADE, "websocket")) {
        return Err(Refusal::bad("Upgrade request required"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).and_then(|value| value.to_str().ok()) != Some("13") {
        return Err(Refusal::bad("WebSocket version 13 is required"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).and_then(|value| value.to_str().ok());
    let key = key.ok_or_else(|| Refusal::bad("WebSocket key is missing"))?.to_owned();
    Ok(Upgrade::WebSocket { key, protocols: list(headers, SEC_WEBSOCKET_PROTOCOL) })
}

/// The channel protocol for a client's offer; none when it offers none, which means the first version.
pub(super) fn channel_protocol(offered: &[String]) -> Result<Option<ChannelProtocol>, Refusal> {
    if offered.is_empty() {
        return Ok(None);
    }
    match ChannelProtocol::choose(offered.iter().map(String::as_str)) {
        Some(protocol) => Ok(Some(protocol)),
        None => Err(Refusal::bad(format!("none of the WebSocket subprotocols {offered:?} is served"))),
    }
}

/// 101 to SPDY with the agreed protocol.
pub(super) fn switch_to_spdy(protocol: &'static str) -> Result<Response<Full<Bytes>>, Refusal> {
    let mut response = switch(SPDY);
    response
        .headers_mut()
        .insert(HeaderName::from_static(PROTOCOL_HEADER), HeaderValue::from_static(protocol));
    Ok(response)
}

/// 101 to WebSocket with the agreed subprotocol, if any.
pub(super) fn switch_to_websocket(
    key: &str,
    protocol: Option<&'static str>,
) -> Result<Response<Full<Bytes>>, Refusal> {
    let mut response = switch("websocket");
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
        .map_err(|_| Refusal::bad("WebSocket key is not valid"))?;
    response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = protocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    Ok(response)
}

fn switch(to: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(to));
    response
}
