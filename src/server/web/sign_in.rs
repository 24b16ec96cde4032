//! Signing in with the browser, and out again: `/web/login` and `/web/logout`; `/webapi/github/login/web` is Teleport's path for
//! the beginning (wire facts 2.9).
//!
//! The beginning is a link and no form: browsers hold the redirect to GitHub, which would follow a form, to the page's policy. It
//! changes nothing but where this browser goes; the way back counts only in the browser that began.

use std::time::Instant;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    ApiError, Caller, Shared, Web,
    code::{Form, browser_of},
    pages::{self, Forms, escape, page_with},
    shell,
    visitor::{Guest, is_own_origin, session_of},
};
use crate::{
    model::GithubConnector,
    server::{
        auth::{
            code::BrowserKey,
            github::{LoginError, SignedIn},
            session::{self, SessionKey},
        },
        store::resources,
    },
};

/// Where somebody comes who wished for no page.
const HOME: &str = "/web/sessions";
/// The longest page that is gone on with, in bytes.
const MAX_NEXT: usize = 1024;

/// The routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(welcome))
        .route("/web", get(welcome))
        .route("/web/", get(welcome))
        .route("/web/login", get(login))
        .route("/web/login/github", get(begin))
        .route("/webapi/github/login/web", get(begin))
        .route("/web/logout", post(logout))
}

/// Sends somebody who asked for a page to the sign-in, and back.
pub(super) fn first(page: &str) -> Response {
    let to = match next_page(page) {
        Some(page) => format!("/web/login?next={}", encode(&page)),
        None => "/web/login".to_owned(),
    };
    found(&to)
}

/// Who is signed in goes on; everybody else reads what this is and how to sign in.
async fn welcome(State(web): State<Shared>, guest: Result<Guest, Response>) -> Result<Response, ApiError> {
    match guest {
        Ok(_) => Ok(found(HOME)),
        Err(_) => sign_in_page(&web, "Jumpgate", None).await,
    }
}

async fn login(
    State(web): State<Shared>,
    RawQuery(query): RawQuery,
    guest: Result<Guest, Response>,
) -> Result<Response, ApiError> {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let next = next_page(form.get("next"));
    match guest {
        Ok(_) => Ok(found(next.as_deref().unwrap_or(HOME))),
        Err(_) => sign_in_page(&web, "Sign in", next.as_deref()).await,
    }
}

async fn sign_in_page(web: &Web, title: &str, next: Option<&str>) -> Result<Response, ApiError> {
    let cluster = escape(&web.gate.config.cluster_name);
    let connectors: Vec<GithubConnector> = resources::list(&*web.gate.store).await?;
    let links: String = connectors.iter().map(|connector| link(connector, next)).collect();
    let browser = match links.as_str() {
        "" => "<p class=\"note\">Nobody can sign in yet: an administrator registers a connector with \
               <code>tctl create github.yaml</code>.</p>"
            .to_owned(),
        links => format!("<p>Sign in here to see what was recorded:</p><p>{links}</p>"),
    };
    let body = format!(
        "<p>This gate guards the cluster <b>{cluster}</b>.</p>{browser}<p>To work with it, sign in from your terminal:</p>\
         <pre>tsh login --proxy={}</pre><p>Then <code>kubectl</code> works through it.</p>",
        escape(&web.gate.addresses.web.to_string())
    );
    // The page that was asked for may name a moment, which only a script can carry over.
    let script = if next.is_some() { shell::script("signin.js") } else { String::new() };
    let forms = if next.is_some() { Forms::Script } else { Forms::None };
    Ok(page_with(forms, StatusCode::OK, title, "", &(body + &script)))
}

fn link(connector: &GithubConnector, next: Option<&str>) -> String {
    let name = &connector.metadata.name;
    let display = if connector.spec.display.is_empty() { name } else { &connector.spec.display };
    let next = next.map(|next| format!("&next={}", encode(next))).unwrap_or_default();
    format!(
        "<a class=\"button\" href=\"/web/login/github?connector_id={}{}\">Sign in with {}</a> ",
        escape(&encode(name)),
        escape(&next),
        escape(display)
    )
}

/// `GET /web/login/github?connector_id&next`, or Teleport's `redirect_url` for `next`.
async fn begin(
    State(web): State<Shared>,
    Extension(peer): Caller,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    if !web.starts.take(peer.addr.ip(), Instant::now()) {
        let text = "too many logins were begun from your address; wait a few seconds and try again";
        return pages::failure(StatusCode::TOO_MANY_REQUESTS, text);
    }
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let next = next_page(form.get("next")).or_else(|| next_of_url(&web, form.get("redirect_url")));
    let next = next.unwrap_or_else(|| HOME.to_owned());
    let begun = async {
        let browser = match browser_of(&parts.headers) {
            Some(browser) => browser,
            None => BrowserKey::generate()?,
        };
        let name = form.get("connector_id");
        let there = web.github.begin_in_browser(&web.gate, name, next, &browser, peer.addr).await?;
        Ok::<_, LoginError>((there, browser))
    };
    match begun.await {
        Ok((there, browser)) => with_cookie(found(&there), &browser.set_cookie()),
        Err(error) => not_signed_in(error),
    }
}

/// The browser is back from GitHub and signed in.
pub(super) fn signed_in(SignedIn { key, life, next }: &SignedIn) -> Response {
    with_cookie(found(next), &key.set_cookie(*life))
}

/// It is back and is not.
pub(super) fn not_signed_in(error: LoginError) -> Response {
    let error = ApiError::from(error);
    let body = format!(
        "<p>{}</p><p><a class=\"button\" href=\"/web/login\">Begin again</a></p>",
        super::code::sentence(error.message())
    );
    page_with(Forms::None, error.status(), "You are not signed in", "bad", &body)
}

/// Ends the session. The form of a page carries its token.
async fn logout(State(web): State<Shared>, parts: Parts, body: Bytes) -> Result<Response, ApiError> {
    let Some(key) = session_of(&parts.headers) else { return Ok(signed_out()) };
    let form = Form::read(&body);
    if !is_own_origin(&parts) || !key.is_csrf_token(form.get("token")) {
        let text = "this request did not come from a page of this gate; nobody was signed out";
        return Err(ApiError::new(StatusCode::FORBIDDEN, text));
    }
    session::end(&*web.gate.store, &key).await?;
    Ok(signed_out())
}

fn signed_out() -> Response {
    let body = "<p>To see recordings again, sign in again. Your terminal's login is not touched: <code>tsh logout</code> ends that.</p>\
                <p><a class=\"button\" href=\"/web/login\">Sign in</a></p>";
    let page = page_with(Forms::None, StatusCode::OK, "You are signed out", "good", body);
    with_cookie(page, &SessionKey::clear_cookie())
}

/// A page of this gate for people; none for anything else, so that a sign-in never ends elsewhere.
fn next_page(text: &str) -> Option<String> {
    let is_page = text.strip_prefix("/web/").is_some_and(|rest| {
        !["login", "logout", "api/", "assets/"].iter().any(|other| rest.starts_with(other))
    });
    let plain =
        text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'<' | b'>' | b'"' | b'\''));
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let climbs =
        path.contains("//") || path.split('/').any(|part| part.replace("%2e", ".").starts_with(".."));
    (is_page && plain && !climbs && text.len() <= MAX_NEXT).then(|| text.to_owned())
}

/// The same from a whole address of this gate.
fn next_of_url(web: &Web, text: &str) -> Option<String> {
    let own = format!("https://{}", web.gate.addresses.web);
    next_page(text.strip_prefix(&own).unwrap_or(text))
}

fn found(there: &str) -> Response {
    let headers = [
        (header::LOCATION, there),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (StatusCode::FOUND, headers).into_response()
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e2_20_a_sign_in_ends_on_a_page_of_this_gate_and_nowhere_else() {
        for good in ["/web/sessions", "/web/sessions/0198#t=83", "/web/audit?user=a%2Fb", "/web/me"] {
            assert_eq!(next_page(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "/",
            "//evil.example/web/",
            "https://evil.example/web/sessions",
            "/web",
            "/web/..//evil.example",
            "/web/%2e%2E/x",
            "/web//evil.example",
            "/web/\\evil.example",
            "/web/a\r\nSet-Cookie: x",
            "/web/login?next=/web/me",
            "/web/logout",
            "/web/api/recordings",
            "javascript:alert(1)",
            &format!("/web/{}", "x".repeat(2000)),
        ] {
            assert_eq!(next_page(bad), None, "{bad}");
        }
    }
}
