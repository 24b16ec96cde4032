//! The API: the account, and its teams two a page.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    checks,
    state::{DemoUser, Shared},
};

const PAGE: usize = 2;

/// `GET /api/v3/user`.
pub(super) async fn user(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match caller(&shared, &headers, None) {
        Ok(user) => Json(json!({ "login": user.login, "id": user.id, "type": "User" })).into_response(),
        Err(refused) => *refused,
    }
}

/// `GET /api/v3/user/teams`.
pub(super) async fn teams(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let user = match caller(&shared, &headers, Some("read:org")) {
        Ok(user) => user,
        Err(refused) => return *refused,
    };
    let query = query.unwrap_or_default();
    let page = form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "page")
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .unwrap_or(1)
        .max(1);
    let first = (page - 1).saturating_mul(PAGE);
    let shown: Vec<_> = user
        .teams
        .iter()
        .skip(first)
        .take(PAGE)
        .map(|(org, slug)| json!({ "name": slug, "slug": slug, "organization": { "login": org } }))
        .collect();
    let answer = Json(shown).into_response();
    if first.saturating_add(PAGE) >= user.teams.len() {
        return answer;
    }
    let (base, next) = (&shared.base, page + 1);
    let link = format!(
        "<{base}/api/v3/user/teams?page={next}>; rel=\"next\", <{base}/api/v3/user/teams?page=9>; rel=\"last\""
    );
    ([(header::LINK, link)], answer).into_response()
}

/// Whose token it is, if its scope is enough. GitHub refuses callers without a User-Agent.
fn caller(shared: &Shared, headers: &HeaderMap, scope: Option<&str>) -> Result<DemoUser, Box<Response>> {
    let refuse =
        |status: StatusCode, text: &str| Box::new((status, Json(json!({ "message": text }))).into_response());
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    if text(header::USER_AGENT).is_none_or(str::is_empty) {
        return Err(refuse(StatusCode::FORBIDDEN, "Request forbidden by administrative rules."));
    }
    let memory = shared.lock();
    let token = checks::bearer(text(header::AUTHORIZATION)).and_then(|token| memory.tokens.get(token));
    let Some(token) = token else { return Err(refuse(StatusCode::UNAUTHORIZED, "Bad credentials")) };
    if scope.is_some_and(|wanted| !token.scope.split([' ', ',']).any(|s| s == wanted)) {
        return Err(refuse(StatusCode::FORBIDDEN, "The token's scopes are not enough."));
    }
    let found = memory.users.iter().find(|user| user.login == token.user).cloned();
    found.ok_or_else(|| refuse(StatusCode::UNAUTHORIZED, "Bad credentials"))
}
