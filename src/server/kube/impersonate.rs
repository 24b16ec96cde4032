//! The headers towards the API server: the client's are cleaned first, then ours are set.
//!
//! Impersonation fails open: a request that loses `Impersonate-User` on its way runs as the gate itself. So whatever could
//! add, replace or strip such a header is refused or gone before ours are set (abuse cases E.2: 1, 2, 12 to 14).

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        AUTHORIZATION, CONNECTION, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
        TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

use crate::server::auth::access::KubeAccess;

const IMPERSONATE_USER: HeaderName = HeaderName::from_static("impersonate-user");
const IMPERSONATE_GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Headers that speak of one connection only (RFC 9110, 7.6.1), and those by which a client would speak for itself.
const DROPPED: [HeaderName; 14] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
    HOST,
    AUTHORIZATION,
    COOKIE,
    FORWARDED,
];

/// Prefixes of headers by which other proxies tell who somebody is; `_` counts as `-`.
const DROPPED_PREFIXES: [&str; 6] =
    ["x-remote-", "x-forwarded-", "x-real-", "x-client-cert", "x-teleport-", "teleport-"];

/// Headers of a WebSocket handshake; they come back only for a verified upgrade.
const WEBSOCKET_PREFIX: &str = "sec-websocket-";

/// A header that the gate does not take. The texts are for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    /// `kubectl --as` and its kin.
    #[error(
        "impersonation is not allowed through the gate: the gate decides as which user and groups you act, so --as, --as-group and --as-uid do not work (header {0}); leave them out"
    )]
    Impersonation(String),
    /// A name that became no header after all.
    #[error("the Kubernetes user or group {0:?} cannot be sent in a header; an administrator must rename it")]
    BadName(String),
}

/// Cleans a client's headers. The ones of an upgrade are gone too; read them before.
pub(crate) fn clean(headers: &mut HeaderMap) -> Result<(), HeaderError> {
    let named = named_in_connection(headers);
    let mut doomed: Vec<HeaderName> = Vec::new();
    for name in headers.keys() {
        if is_impersonation(name.as_str()) {
            return Err(HeaderError::Impersonation(shown(name.as_str())));
        }
        if DROPPED_PREFIXES.iter().any(|prefix| begins_with(name.as_str(), prefix))
            || begins_with(name.as_str(), WEBSOCKET_PREFIX)
            || named.iter().any(|token| token.eq_ignore_ascii_case(name.as_str()))
        {
            doomed.push(name.clone());
        }
    }
    if let Some(token) = named.iter().find(|token| is_impersonation(token)) {
        return Err(HeaderError::Impersonation(format!("Connection: {}", shown(token))));
    }
    for name in DROPPED.iter().chain(&doomed) {
        headers.remove(name);
    }
    Ok(())
}

/// Sets as whom the API server is to act. Call it last: nothing may remove a header afterwards.
pub(crate) fn impersonate(
    headers: &mut HeaderMap,
    access: &KubeAccess,
    remote: IpAddr,
) -> Result<(), HeaderError> {
    let value = |name: &String| {
        // `from_str` takes visible ASCII alone; Go reads header values as UTF-8, and control characters were refused before.
        let plain = !name.is_empty() && !name.chars().any(char::is_control) && name.trim() == name;
        let value = plain.then(|| HeaderValue::from_bytes(name.as_bytes()).ok()).flatten();
        value.ok_or_else(|| HeaderError::BadName(name.clone()))
    };
    headers.insert(IMPERSONATE_USER, value(&access.user)?);
    headers.remove(IMPERSONATE_GROUP);
    for group in &access.groups {
        headers.append(IMPERSONATE_GROUP, value(group)?);
    }
    if let Ok(address) = HeaderValue::from_str(&remote.to_string()) {
        headers.insert(X_FORWARDED_FOR, address);
    }
    Ok(())
}

/// Removes the headers of one connection from an answer.
pub(crate) fn clean_answer(headers: &mut HeaderMap) {
    let named = named_in_connection(headers);
    for token in named {
        headers.remove(token);
    }
    for name in [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// The header names that `Connection` lists.
fn named_in_connection(headers: &HeaderMap) -> Vec<String> {
    let lists = headers.get_all(CONNECTION).iter();
    let tokens = lists.flat_map(|list| list.as_bytes().split(|b| *b == b','));
    let tokens = tokens.map(|token| String::from_utf8_lossy(token).trim().to_ascii_lowercase());
    tokens.filter(|token| !token.is_empty()).collect()
}

/// Whether a header's name begins with `impersonate`, also for servers that read `_` as `-`.
fn is_impersonation(name: &str) -> bool {
    let begin = name.trim().as_bytes().get(..11);
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(b"impersonate"))
}

/// Whether a header's name, in lower case, begins with a prefix, for servers that read `_` as `-` too.
fn begins_with(name: &str, prefix: &str) -> bool {
    let begin = name.as_bytes().get(..prefix.len());
    begin.is_some_and(|begin| {
        begin.iter().zip(prefix.bytes()).all(|(a, b)| *a == b || (*a == b'_' && b == b'-'))
    })
}

fn shown(name: &str) -> String {
    name.chars().take(64).filter(|c| c.is_ascii_graphic()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        headers
    }

    fn access(user: &str, groups: &[&str]) -> KubeAccess {
        KubeAccess { user: user.into(), groups: groups.iter().map(|g| (*g).to_owned()).collect() }
    }

    const REMOTE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn e2_1_impersonation_in_any_spelling_is_refused() {
        for name in [
            "Impersonate-User",
            "IMPERSONATE-GROUP",
            "impersonate-uid",
            "Impersonate-Extra-Scopes",
            "impersonate_user",
            "Impersonate",
            "impersonate-",
        ] {
            let error = clean(&mut map(&[("Accept", "*/*"), (name, "x")])).unwrap_err();
            assert!(error.to_string().contains("--as"), "{name}: {error}");
        }
    }

    #[test]
    fn e2_2_impersonation_named_in_connection_is_refused() {
        for value in ["Impersonate-User", "close, impersonate-group", "x,,IMPERSONATE-UID ,y"] {
            assert!(clean(&mut map(&[("Connection", value)])).is_err(), "{value}");
        }
        assert!(clean(&mut map(&[("Connection", "close"), ("Connection", "Impersonate-User")])).is_err());
    }

    #[test]
    fn e2_2_hop_by_hop_headers_are_gone_before_ours_are_set() {
        let mut headers = map(&[
            ("Connection", "keep-alive, X-Private, X-Forwarded-For"),
            ("Keep-Alive", "5"),
            ("X-Private", "1"),
            ("Te", "trailers"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"),
            ("Proxy-Authorization", "x"),
            ("Accept", "application/json"),
            ("Accept", "text/plain"),
            ("User-Agent", "kubectl"),
        ]);
        clean(&mut headers).unwrap();
        impersonate(&mut headers, &access("alice", &["a", "b"]), REMOTE).unwrap();
        let expected = map(&[
            ("accept", "application/json"),
            ("accept", "text/plain"),
            ("user-agent", "kubectl"),
            ("impersonate-user", "alice"),
            ("impersonate-group", "a"),
            ("impersonate-group", "b"),
            ("x-forwarded-for", "192.0.2.7"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn e2_14_what_a_client_says_of_itself_is_dropped() {
        let mut headers = map(&[
            ("Authorization", "Bearer stolen"),
            ("Cookie", "a=b"),
            ("X-Remote-User", "root"),
            ("X-Remote-Group", "system:masters"),
            ("X-Remote-Extra-Scopes", "x"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Forwarded-Host", "x"),
            ("Forwarded", "for=127.0.0.1"),
            ("Sec-WebSocket-Key", "x"),
        ]);
        clean(&mut headers).unwrap();
        assert!(headers.is_empty(), "{headers:?}");
    }

    #[test]
    fn e2_13_names_with_control_characters_never_reach_a_header() {
        for name in ["a\nImpersonate-Group: system:masters", "a\0", "a\r", "\u{7f}", "", " a", "a\u{85}b"] {
            let mut headers = HeaderMap::new();
            assert!(impersonate(&mut headers, &access(name, &[]), REMOTE).is_err(), "{name:?}");
            assert!(impersonate(&mut headers, &access("a", &[name]), REMOTE).is_err(), "{name:?}");
        }
        let mut headers = HeaderMap::new();
        impersonate(&mut headers, &access("josé", &["a, b"]), REMOTE).unwrap();
        assert_eq!(headers[IMPERSONATE_USER].as_bytes(), "josé".as_bytes());
    }

    proptest! {
        #[test]
        fn e2_1_no_header_of_a_client_survives_as_an_impersonation(
            names in proptest::collection::vec("(?i)(impersonate|x-remote|accept|x-forwarded)[-_](user|group|uid|extra-a)", 0..6),
            connection in "(?i)(close|x-a|impersonate-user|keep-alive|, ?){0,4}",
        ) {
            let connection = connection.replace(|c: char| !c.is_ascii(), "s");
            let mut headers = map(&[("Connection", &connection)]);
            // Without regard to case, s is also U+017F, which no header name may hold.
            for name in names.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()) {
                headers.append(name, HeaderValue::from_static("root"));
            }
            if clean(&mut headers).is_ok() {
                impersonate(&mut headers, &access("alice", &["dev"]), REMOTE).unwrap();
                let ours = |name: &str| headers.get_all(name).iter().map(|v| v.to_str().unwrap().to_owned()).collect::<Vec<_>>();
                prop_assert_eq!(ours("impersonate-user"), ["alice"]);
                prop_assert_eq!(ours("impersonate-group"), ["dev"]);
                let other = headers.keys().filter(|k| k.as_str().starts_with("impersonate")).count();
                prop_assert_eq!(other, 2);
                prop_assert!(headers.keys().all(|k| !k.as_str().starts_with("x-remote")));
            }
        }
    }
}
