//! Both ends of a login through GitHub: `tsh` begins it, the browser comes back with its code.

use std::time::Instant;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{ApiError, Caller, Shared, pages, sign_in};
use crate::{
    model::Secret,
    server::auth::github::{CallbackEnd, CallbackQuery},
    wire::login::{ConsoleRequest, ConsoleResponse},
};

/// `POST /webapi/github/login/console`.
pub(super) async fn console(
    State(web): State<Shared>,
    Extension(peer): Caller,
    body: Bytes,
) -> Result<Json<ConsoleResponse>, ApiError> {
    if !web.starts.take(peer.addr.ip(), Instant::now()) {
        return Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many logins were begun from your address; wait a few seconds and try again",
        ));
    }
    let request: ConsoleRequest = serde_json::from_slice(&body)
        .map_err(|e| ApiError::bad_request(format!("the request does not parse: {e}")))?;
    Ok(Json(web.github.begin(&web.gate, &request, peer.addr).await?))
}

/// What a client that brings a password is told.
pub(super) const NO_PASSWORDS: &str =
    "this gate signs nobody in with a password; leave --auth out to sign in with its own connector";

/// `POST /webapi/ssh/certs`: a login by password, which this gate does not serve.
pub(super) async fn password() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, NO_PASSWORDS)
}

/// `GET /webapi/github/callback`.
pub(super) async fn callback(
    State(web): State<Shared>,
    Extension(peer): Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let mut query = parse(query.as_deref().unwrap_or_default());
    query.browser = super::code::browser_of(&headers);
    query.session = super::visitor::session_of(&headers);
    match web.github.callback(&web.gate, &query, peer.addr).await {
        CallbackEnd::Redirect(url) => {
            let headers = [
                (header::LOCATION, url.as_str()),
                (header::CACHE_CONTROL, "no-store"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (StatusCode::FOUND, headers).into_response()
        }
        CallbackEnd::SignedIn(session) => sign_in::signed_in(&session),
        CallbackEnd::NotSignedIn(error) => sign_in::not_signed_in(error),
        CallbackEnd::Page(error) => {
            let error = ApiError::from(error);
            pages::failure(error.status(), error.message())
        }
    }
}

fn parse(query: &str) -> CallbackQuery {
    let mut found = CallbackQuery::default();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "code" => found.code = Secret::new(value),
            "state" => found.state = value.into_owned(),
            "error" => found.error = value.into_owned(),
            "error_description" => found.error_description = value.into_owned(),
            _ => {}
        }
    }
    found
}
