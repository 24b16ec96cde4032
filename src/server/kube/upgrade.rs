//! Tunnels: only an answer 101 that is exactly what was asked becomes one. Anything else is an ordinary answer, and the connection
//! to the API server, which speaks as the gate, is closed (CVE-2018-1002105; abuse case E.2: 4).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};

use super::{farewell::Farewell, tap::Protocol};
use crate::model::text::truncate;
use crate::streams::{
    channels::{ExecProtocol, TUNNELLED_PORT_FORWARD, websocket::ChannelProtocol},
    forward::Ports,
};

const SPDY: &str = "SPDY/3.1";
const WEBSOCKET: &str = "websocket";
/// RFC 6455, 1.3.
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Carries a bearer token (client-go, WebSocket protocol authenticator): a client does not sign in beside the gate.
const TOKEN_PROTOCOL: &str = "base64url.bearer.authorization.k8s.io.";
/// The longest name of a subprotocol that is told, in bytes.
const MAX_NAME: usize = 100;
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// The upgrade that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// SPDY/3.1 with the stream protocols that the client speaks.
    Spdy { protocols: Vec<String> },
    /// WebSocket with its key and the subprotocols that the client speaks.
    WebSocket { key: HeaderValue, protocols: Vec<String> },
}

impl Upgrade {
    /// Reads what a request asks for; None when it asks for nothing that the gate serves.
    pub(super) fn asked(headers: &HeaderMap) -> Option<Self> {
        let connection = tokens(headers, &CONNECTION);
        if !connection.iter().any(|token| token.eq_ignore_ascii_case("upgrade")) {
            return None;
        }
        let [wanted] = &tokens(headers, &UPGRADE)[..] else { return None };
        if wanted.eq_ignore_ascii_case(SPDY) {
            return Some(Self::Spdy { protocols: tokens(headers, &STREAM_PROTOCOL) });
        }
        if !wanted.eq_ignore_ascii_case(WEBSOCKET) {
            return None;
        }
        let key = single(headers, &SEC_WEBSOCKET_KEY)?;
        let decoded = STANDARD.decode(key.as_bytes()).ok()?;
        if decoded.len() != 16 || single(headers, &SEC_WEBSOCKET_VERSION)? != "13" {
            return None;
        }
        let mut protocols = tokens(headers, &SEC_WEBSOCKET_PROTOCOL);
        protocols.retain(|protocol| !protocol.starts_with(TOKEN_PROTOCOL));
        Some(Self::WebSocket { key: key.clone(), protocols })
    }

    /// Puts the request for it into headers that were cleaned.
    pub(super) fn ask(&self, headers: &mut HeaderMap) {
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        match self {
            Self::Spdy { .. } => {
                headers.insert(UPGRADE, HeaderValue::from_static(SPDY));
            }
            Self::WebSocket { key, protocols } => {
                headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
                headers.insert(SEC_WEBSOCKET_KEY, key.clone());
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                if let Ok(list) = HeaderValue::from_str(&protocols.join(", "))
                    && !protocols.is_empty()
                {
                    headers.insert(SEC_WEBSOCKET_PROTOCOL, list);
                }
            }
        }
    }

    /// Whether an answer 101 is the one to this request.
    pub(super) fn verify(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let connection = tokens(headers, &CONNECTION);
        if !connection.iter().any(|token| token.eq_ignore_ascii_case("upgrade")) {
            return Err("its Connection header does not say Upgrade");
        }
        let [upgrade] = &tokens(headers, &UPGRADE)[..] else {
            return Err("it names no single protocol in Upgrade");
        };
        let (name, chosen, asked) = match self {
            Self::Spdy { protocols } => (SPDY, tokens(headers, &STREAM_PROTOCOL), protocols),
            Self::WebSocket { protocols, .. } => {
                (WEBSOCKET, tokens(headers, &SEC_WEBSOCKET_PROTOCOL), protocols)
            }
        };
        if !upgrade.eq_ignore_ascii_case(name) {
            return Err("it upgrades to another protocol than asked");
        }
        if chosen.len() > 1 || chosen.iter().any(|protocol| !asked.contains(protocol)) {
            return Err("it chooses a subprotocol that was not asked");
        }
        if let Self::WebSocket { key, .. } = self {
            if single(headers, &SEC_WEBSOCKET_ACCEPT).is_none_or(|accept| accept.as_bytes() != accept_of(key))
            {
                return Err("its Sec-WebSocket-Accept is wrong");
            }
            if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
                return Err("it uses a WebSocket extension that was not asked");
            }
        }
        Ok(())
    }

    /// How an exec or attach over it can be told why it ends, by the headers of the 101.
    pub(super) fn farewell(&self, headers: &HeaderMap) -> Farewell {
        match self {
            Self::Spdy { .. } => Farewell::spdy(headers),
            Self::WebSocket { .. } => Farewell::websocket(headers),
        }
    }

    /// Listens to the ports of a port-forward over it, by the headers of the 101.
    pub(super) fn forward(&self, headers: &HeaderMap) -> Farewell {
        match self {
            Self::Spdy { .. } => Farewell::Forward(Box::new(Ports::spdy())),
            Self::WebSocket { .. } => {
                let chosen = headers.get(SEC_WEBSOCKET_PROTOCOL);
                match chosen.is_some_and(|name| name == TUNNELLED_PORT_FORWARD) {
                    true => Farewell::Forward(Box::new(Ports::tunnelled())),
                    // The old protocol names its ports in the query.
                    false => Farewell::None,
                }
            }
        }
    }

    /// The protocol's name, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Spdy { .. } => SPDY,
            Self::WebSocket { .. } => "WebSocket",
        }
    }

    /// The subprotocol that was chosen, by the headers of a verified 101, if one was.
    pub(super) fn subprotocol(&self, headers: &HeaderMap) -> Option<String> {
        let name = match self {
            Self::Spdy { .. } => &STREAM_PROTOCOL,
            Self::WebSocket { .. } => &SEC_WEBSOCKET_PROTOCOL,
        };
        // It is one of those that the client asked for, and those may be long.
        tokens(headers, name).pop().map(|chosen| truncate(&chosen, MAX_NAME).into_owned())
    }

    /// What an exec or attach over it speaks, by the headers of the 101; None if the gate does not know it.
    pub(super) fn protocol(&self, headers: &HeaderMap) -> Option<Protocol> {
        let chosen = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        match self {
            // A server that names none speaks the first version.
            Self::Spdy { .. } => {
                let found = chosen(&STREAM_PROTOCOL).map_or(Some(ExecProtocol::V1), ExecProtocol::from_name);
                found.map(Protocol::Spdy)
            }
            Self::WebSocket { .. } => {
                let found = chosen(&SEC_WEBSOCKET_PROTOCOL)
                    .map_or(Some(ChannelProtocol::V1), ChannelProtocol::from_name);
                found.map(Protocol::WebSocket)
            }
        }
    }

    /// Turns the cleaned headers of a verified 101 into the answer for the client.
    pub(super) fn accept<B>(&self, headers: HeaderMap, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        let name = match self {
            Self::Spdy { .. } => SPDY,
            Self::WebSocket { .. } => WEBSOCKET,
        };
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static(name));
        response
    }
}

fn accept_of(key: &HeaderValue) -> Vec<u8> {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(ACCEPT_GUID.as_bytes());
    STANDARD.encode(hash.finish()).into_bytes()
}

/// The values of a header that is a list, over all its lines.
fn tokens(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    let values = lines.flat_map(|line| line.split(',')).map(|value| value.trim().to_owned());
    values.filter(|value| !value.is_empty()).collect()
}

/// The value of a header that stands there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn websocket() -> HeaderMap {
        map(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", KEY),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "v5.channel.k8s.io, v4.channel.k8s.io"),
            ("sec-websocket-protocol", "base64url.bearer.authorization.k8s.io.c2VjcmV0"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ])
    }

    #[test]
    fn a_websocket_is_asked_for_in_our_own_words_without_a_token() {
        let upgrade = Upgrade::asked(&websocket()).unwrap();
        let mut headers = HeaderMap::new();
        upgrade.ask(&mut headers);
        let expected = map(&[
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", KEY),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "v5.channel.k8s.io, v4.channel.k8s.io"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn e2_4_only_the_protocols_of_kubernetes_are_upgrades() {
        let asked = |pairs| Upgrade::asked(&map(pairs));
        assert!(asked(&[("connection", "upgrade"), ("upgrade", "spdy/3.1")]).is_some());
        assert!(asked(&[("upgrade", "SPDY/3.1")]).is_none());
        assert!(asked(&[("connection", "Upgrade"), ("upgrade", "h2c")]).is_none());
        assert!(asked(&[("connection", "Upgrade"), ("upgrade", "SPDY/3.1, h2c")]).is_none());
        assert!(asked(&[("connection", "Upgrade"), ("upgrade", "websocket")]).is_none());
        let mut twice = websocket();
        twice.append(SEC_WEBSOCKET_KEY, HeaderValue::from_static(KEY));
        assert!(Upgrade::asked(&twice).is_none());
    }

    #[test]
    fn e2_4_a_101_that_is_not_the_one_asked_for_is_no_tunnel() {
        let upgrade = Upgrade::asked(&websocket()).unwrap();
        let good = map(&[
            ("connection", "Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "v4.channel.k8s.io"),
        ]);
        assert_eq!(upgrade.verify(&good), Ok(()));
        let change = |name: &'static str, value: Option<&'static str>| {
            let mut headers = good.clone();
            headers.remove(name);
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
            upgrade.verify(&headers)
        };
        assert!(change("connection", None).is_err());
        assert!(change("upgrade", Some("SPDY/3.1")).is_err());
        assert!(change("upgrade", None).is_err());
        assert!(change("sec-websocket-accept", Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOp=")).is_err());
        assert!(change("sec-websocket-accept", None).is_err());
        assert!(change("sec-websocket-protocol", Some("v1.channel.k8s.io")).is_err());
        assert!(change("sec-websocket-protocol", None).is_ok());
        assert!(change("sec-websocket-extensions", Some("permessage-deflate")).is_err());
        let spdy = Upgrade::Spdy { protocols: vec!["v4.channel.k8s.io".into()] };
        let answer = |protocol| {
            map(&[
                ("connection", "Upgrade"),
                ("upgrade", "SPDY/3.1"),
                ("x-stream-protocol-version", protocol),
            ])
        };
        assert_eq!(spdy.verify(&answer("v4.channel.k8s.io")), Ok(()));
        assert!(spdy.verify(&answer("v9")).is_err());
    }
}
