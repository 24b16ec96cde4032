//! The exchange of a code for a token. Errors come with status 200, as from GitHub.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    checks,
    state::{Shared, Token, hex_bytes},
};

/// `POST /login/oauth/access_token`.
pub(super) async fn exchange(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let wants_json = text(header::ACCEPT).is_some_and(|accept| accept.contains("application/json"));
    let answer = match redeem(&shared, text(header::AUTHORIZATION), &body) {
        Ok((token, scope)) => {
            vec![("access_token", token), ("scope", scope), ("token_type", "bearer".to_owned())]
        }
        Err((error, description)) => {
            vec![("error", error.to_owned()), ("error_description", description)]
        }
    };
    if wants_json {
        let object: serde_json::Map<_, _> =
            answer.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        return axum::Json(object).into_response();
    }
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], form).into_response()
}

fn redeem(
    shared: &Shared,
    basic: Option<&str>,
    body: &str,
) -> Result<(String, String), (&'static str, String)> {
    let bad_code = |why: String| ("bad_verification_code", why);
    let parameters = checks::parameters(body).map_err(|why| ("invalid_request", why))?;
    checks::client_secret(&parameters, basic, &shared.client_id, &shared.client_secret)
        .map_err(|why| ("incorrect_client_credentials", why))?;
    checks::grant_type(&parameters).map_err(|why| ("unsupported_grant_type", why))?;
    let given = parameters.get("code").cloned().unwrap_or_default();
    let mut memory = shared.lock();
    // Gone with the first try, right or wrong.
    let code = memory
        .codes
        .remove(&given)
        .ok_or_else(|| bad_code("The code passed is incorrect or expired.".into()))?;
    checks::code_age(code.made, Instant::now()).map_err(bad_code)?;
    checks::redirect_uri(&parameters, &code.redirect_uri).map_err(|why| ("redirect_uri_mismatch", why))?;
    checks::verifier(&parameters, code.challenge.as_deref()).map_err(bad_code)?;
    let random = hex_bytes(18).map_err(|e| ("server_error", e.to_string()))?;
    let token = format!("gho_{random}");
    memory.tokens.insert(token.clone(), Token { user: code.user, scope: code.scope.clone() });
    Ok((token, code.scope))
}
