//! Who looks at a page: the session of their cookie, with the rights of now.

use std::sync::Arc;

use axum::{
    Extension,
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{ApiError, Shared, Web, sign_in};
use crate::server::{
    auth::session::{self, Session, SessionKey},
    listener::Peer,
    recordings::Viewer,
};

/// The header in which a page's own requests carry the session's token.
const CSRF_HEADER: &str = "x-csrf-token";

/// Somebody who is signed in, for what answers a page's script.
pub(super) struct Visitor {
    pub(super) web: Arc<Web>,
    pub(super) key: SessionKey,
    pub(super) session: Session,
    pub(super) peer: Arc<Peer>,
}

impl Visitor {
    pub(super) fn viewer(&self) -> Viewer {
        Viewer::new(&self.session.rights)
    }

    async fn find(parts: &mut Parts, web: &Shared) -> Result<Option<Self>, ApiError> {
        let Some(key) = session_of(&parts.headers) else { return Ok(None) };
        let extension = Extension::<Arc<Peer>>::from_request_parts(parts, web).await;
        let Extension(peer) = extension
            .map_err(|_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the connection is not known"))?;
        let session = session::resume(&web.gate, &key).await?;
        Ok(session.map(|session| Self { web: web.clone(), key, session, peer }))
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, ApiError> {
        if !is_same_site(&parts.headers) {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "another site may not ask this"));
        }
        let visitor = Self::find(parts, web).await?;
        visitor.ok_or_else(|| {
            ApiError::new(StatusCode::UNAUTHORIZED, "nobody is signed in here, or no longer; sign in again")
        })
    }
}

/// The same for a request that changes something: its page must be ours.
pub(super) struct Writer(pub(super) Visitor);

impl FromRequestParts<Shared> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, ApiError> {
        let visitor = Visitor::from_request_parts(parts, web).await?;
        let token = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        if !is_own_origin(parts) || !token.is_some_and(|token| visitor.key.is_csrf_token(token)) {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "this request did not come from a page of this gate",
            ));
        }
        Ok(Self(visitor))
    }
}

/// The same for a page: who is not signed in is sent to do so.
pub(super) struct Guest(pub(super) Visitor);

impl FromRequestParts<Shared> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, Response> {
        match Visitor::find(parts, web).await {
            Ok(Some(visitor)) => Ok(Self(visitor)),
            Ok(None) => Err(sign_in::first(parts.uri.path_and_query().map_or("/web", |path| path.as_str()))),
            Err(error) => Err(error.into_response()),
        }
    }
}

/// The key of a browser's session, from its cookie.
pub(super) fn session_of(headers: &HeaderMap) -> Option<SessionKey> {
    let mut all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.find_map(SessionKey::from_cookies)
}

/// Whether the browser, if it says, asks for a page of this gate and not of another site.
fn is_same_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}

/// Whether the sender's origin, if it is named, is the host that was asked.
pub(super) fn is_own_origin(parts: &Parts) -> bool {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    let Some(origin) = text(header::ORIGIN) else { return is_same_site(&parts.headers) };
    let same = origin
        .strip_prefix("https://")
        .zip(host)
        .is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host));
    same && is_same_site(&parts.headers)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn only_our_own_origin_is_ours() {
        let asked = |uri: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            is_own_origin(&request.body(()).unwrap().into_parts().0)
        };
        let host = ("host", "gate.example.com:3080");
        assert!(asked("/x", &[host]));
        assert!(asked(
            "/x",
            &[host, ("origin", "https://gate.example.com:3080"), ("sec-fetch-site", "same-origin")]
        ));
        assert!(asked("https://gate.example.com:3080/x", &[("origin", "https://gate.example.com:3080")]));
        for bad in [
            ("origin", "https://gate.example.com"),
            ("origin", "http://gate.example.com:3080"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!asked("/x", &[host, bad]), "{bad:?}");
        }
        assert!(!asked("/x", &[("origin", "https://gate.example.com")]));
    }
}
