//! The addresses of the demo GitHub: consent, token exchange, user and teams.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{RawQuery, State as Shared},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::{
    SLOW,
    checks::{self, Parameters},
    pages,
    state::{Fault, Grant, State, random},
};

/// Teams on a page of the API: few, so that a client must follow the links.
const PER_PAGE: usize = 2;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/login/oauth/authorize", get(consent).post(decide))
        .route("/login/oauth/access_token", post(exchange))
        .route("/api/v3/user", get(user))
        .route("/api/v3/user/teams", get(teams))
        .with_state(state)
}

fn parse(text: &str) -> Parameters {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

async fn consent(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    let parameters = parse(&query.unwrap_or_default());
    if let Err(response) = check_authorize(&state, &parameters) {
        return *response;
    }
    html(pages::consent(&parameters, &users(&state), None))
}

fn users(state: &State) -> Vec<String> {
    state.with(|inner| inner.accounts.keys().cloned().collect())
}

async fn decide(Shared(state): Shared<Arc<State>>, body: String) -> Response {
    let mut parameters = parse(&body);
    if let Err(response) = check_authorize(&state, &parameters) {
        return *response;
    }
    let password = checks::password(&parameters, &state.password);
    parameters.remove("demo_password");
    let (decision, login) =
        (parameters.remove("demo_do"), parameters.remove("demo_user").unwrap_or_default());
    let redirect = parameters.get("redirect_uri").cloned().unwrap_or_default();
    let given = parameters.get("state").cloned().unwrap_or_default();
    if decision.as_deref() != Some("approve") {
        let about = "The+user+has+denied+your+application+access.";
        return found(&format!(
            "{redirect}?error=access_denied&error_description={about}&state={}",
            encode(&given)
        ));
    }
    if let Err(why) = password {
        // As at GitHub, a mistyped password is no dead end: the form comes again.
        let failed = pages::Failed { user: &login, why };
        let page = html(pages::consent(&parameters, &users(&state), Some(failed)));
        return (StatusCode::FORBIDDEN, page).into_response();
    }
    let grant = Grant {
        login: login.clone(),
        redirect_uri: redirect.clone(),
        challenge: parameters.get("code_challenge").cloned().unwrap_or_default(),
        scope: parameters.get("scope").cloned().unwrap_or_default(),
        at: Instant::now(),
    };
    let Ok(code) = random() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let known = state.with(|inner| {
        let known = inner.accounts.contains_key(&login);
        if known {
            inner.authorizations += 1;
            inner.codes.insert(code.clone(), grant);
        }
        known
    });
    if !known {
        return refused("nobody of that name has an account here");
    }
    found(&format!("{redirect}?code={code}&state={}", encode(&given)))
}

/// What GitHub checks before it shows the consent page. A wrong callback address is told to the registered one.
fn check_authorize(state: &State, parameters: &Parameters) -> Result<(), Box<Response>> {
    let registered = state.with(|inner| inner.redirect_uri.clone());
    if let Err(reason) = checks::client(parameters, &state.client_id) {
        let page = html(pages::refused(reason));
        return Err(Box::new((StatusCode::NOT_FOUND, page).into_response()));
    }
    if let Err(error) = checks::redirect(parameters, &registered) {
        let given = parameters.get("state").map(|s| encode(s)).unwrap_or_default();
        let there = format!("{registered}?error={error}&state={given}");
        let response = if registered.is_empty() { refused(error) } else { found(&there) };
        return Err(Box::new(response));
    }
    let rest = [checks::response_type(parameters), checks::state(parameters), checks::challenge(parameters)];
    match rest.into_iter().find_map(Result::err) {
        Some(reason) => Err(Box::new(refused(reason))),
        None => Ok(()),
    }
}

async fn exchange(Shared(state): Shared<Arc<State>>, headers: HeaderMap, body: String) -> Response {
    if let Some(faulty) = fault(&state).await {
        return faulty;
    }
    let json = text(&headers, header::ACCEPT).is_some_and(|accept| accept.contains("application/json"));
    let answer = match grant_token(&state, &headers, &parse(&body)) {
        Ok((token, scope)) => {
            BTreeMap::from([("access_token", token), ("scope", scope), ("token_type", "bearer".to_owned())])
        }
        // GitHub answers 200 also when it refuses.
        Err(error) => {
            BTreeMap::from([("error", error.to_owned()), ("error_description", "refused".to_owned())])
        }
    };
    if json {
        return axum::Json(answer).into_response();
    }
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], form).into_response()
}

fn grant_token(
    state: &State,
    headers: &HeaderMap,
    given: &Parameters,
) -> Result<(String, String), &'static str> {
    let basic = text(headers, header::AUTHORIZATION);
    checks::secret(given, basic.as_deref(), &state.client_id, &state.client_secret)?;
    checks::grant_type(given)?;
    let code = given.get("code").ok_or("bad_verification_code")?;
    // Taken whatever comes next: a code is tried once.
    let grant = state.with(|inner| inner.codes.remove(code)).ok_or("bad_verification_code")?;
    checks::age(grant.at.elapsed())?;
    checks::redirect(given, &grant.redirect_uri)?;
    checks::verifier(given, &grant.challenge)?;
    let token = random().map_err(|_| "server_error")?;
    state.with(|inner| inner.tokens.insert(token.clone(), (grant.login, grant.scope.clone())));
    Ok((token, grant.scope))
}

async fn user(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Response {
    if let Some(faulty) = fault(&state).await {
        return faulty;
    }
    match who(&state, &headers) {
        Ok((login, _)) => {
            let id = state.with(|inner| inner.accounts.get(&login).map(|account| account.id));
            axum::Json(json!({"login": login, "id": id, "type": "User"})).into_response()
        }
        Err(reason) => unauthorized(reason),
    }
}

async fn teams(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if let Some(faulty) = fault(&state).await {
        return faulty;
    }
    let (login, scope) = match who(&state, &headers) {
        Ok(found) => found,
        Err(reason) => return unauthorized(reason),
    };
    if let Err(reason) = checks::scope(&scope) {
        return (StatusCode::FORBIDDEN, axum::Json(json!({"message": reason}))).into_response();
    }
    let page =
        parse(&query.unwrap_or_default()).get("page").and_then(|p| p.parse().ok()).unwrap_or(1_usize).max(1);
    let all = state.with(|inner| inner.accounts.get(&login).map(|a| a.teams.clone()).unwrap_or_default());
    let shown: Vec<_> = all
        .iter()
        .skip((page - 1) * PER_PAGE)
        .take(PER_PAGE)
        .map(|(org, slug)| json!({"name": slug, "slug": slug, "organization": {"login": org}}))
        .collect();
    let mut response = axum::Json(shown).into_response();
    if page * PER_PAGE < all.len() {
        let next = format!("<{}/api/v3/user/teams?page={}>; rel=\"next\"", state.base, page + 1);
        if let Ok(value) = next.parse() {
            response.headers_mut().insert(header::LINK, value);
        }
    }
    response
}

fn who(state: &State, headers: &HeaderMap) -> Result<(String, String), &'static str> {
    if text(headers, header::USER_AGENT).is_none() {
        return Err("Request forbidden by administrative rules: a User-Agent is required");
    }
    let header = text(headers, header::AUTHORIZATION);
    let token = checks::token(header.as_deref())?;
    state.with(|inner| inner.tokens.get(token).cloned()).ok_or("Bad credentials")
}

async fn fault(state: &State) -> Option<Response> {
    match state.with(|inner| inner.fault) {
        Fault::None => None,
        Fault::Down => Some((StatusCode::SERVICE_UNAVAILABLE, Html("<h1>Unicorn!</h1>")).into_response()),
        Fault::Nonsense => Some(Html("<html>welcome to the hotel's wireless network</html>").into_response()),
        Fault::Slow => {
            tokio::time::sleep(SLOW).await;
            None
        }
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A page under a policy. The form's target is left open: browsers hold its redirects, which lead to the gate and on to
/// the person's own machine, to the same rule.
fn html(page: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")], Html(page))
        .into_response()
}

fn found(there: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, there.to_owned())]).into_response()
}

fn refused(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, html(pages::refused(reason))).into_response()
}

fn unauthorized(reason: &str) -> Response {
    (StatusCode::UNAUTHORIZED, axum::Json(json!({"message": reason}))).into_response()
}
