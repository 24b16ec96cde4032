//! The pages of a login by code, and what its terminal asks (see [`crate::server::auth::code`]).
//!
//! Each form carries a token that this gate made for this browser and this purpose, and a browser that says that the form
//! comes from another site is refused: so nobody's page can type a code, approve or deny for the person.

use std::{net::IpAddr, time::Duration, time::Instant};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;

use super::{
    ApiError, Caller, Shared,
    pages::{Forms, escape, page_with},
};
use crate::{
    model::text,
    server::auth::code::{self, Asked, BrowserKey, CodeError, Offer},
    wire::login::{CodeAnswer, CodePoll, CodeRequest, CodeState},
};

/// The largest body that is read, in bytes: a key and some names, of a stranger, some of which the store keeps.
const MAX_BODY: usize = 16 * 1024;
const MINUTE: Duration = Duration::from_secs(60);
/// What a token of the form for the code is for.
const ENTER: &str = "enter";

/// The routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/webapi/login/code", post(begin))
        .route("/webapi/login/code/poll", post(poll))
        .route("/web/code", get(form).post(enter))
        .route("/web/code/confirm", get(confirm))
        .route("/web/code/decide", post(decide))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// The browser's key, from its cookie.
pub(super) fn browser_of(headers: &HeaderMap) -> Option<BrowserKey> {
    let mut all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.find_map(BrowserKey::from_cookies)
}

async fn begin(
    State(web): State<Shared>,
    Extension(peer): Caller,
    body: Bytes,
) -> Result<Json<CodeAnswer>, ApiError> {
    if !web.starts.take(peer.addr.ip(), Instant::now()) {
        return Err(CodeError::TooMany.into());
    }
    let request: CodeRequest = read(&body)?;
    Ok(Json(web.codes.begin(&web.gate, &request, peer.addr.ip()).await?))
}

async fn poll(State(web): State<Shared>, Extension(peer): Caller, body: Bytes) -> Result<Response, ApiError> {
    let asked: CodePoll = read(&body)?;
    let state: CodeState = web.codes.poll(&web.gate, &asked, peer.addr.ip()).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(state)).into_response())
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|e| ApiError::bad_request(format!("the request does not parse: {e}")))
}

/// The page where the code is typed. Nothing in its address counts.
async fn form(State(web): State<Shared>, headers: HeaderMap) -> Response {
    if !web.gate.config.code_login {
        return refusal(CodeError::Off);
    }
    code_form(&headers, StatusCode::OK, None)
}

fn code_form(headers: &HeaderMap, status: StatusCode, complaint: Option<&str>) -> Response {
    let browser = match browser_of(headers).map_or_else(BrowserKey::generate, Ok) {
        Ok(browser) => browser,
        Err(error) => return refusal(error.into()),
    };
    let complaint = complaint.map(|text| format!("<p class=\"bad\" role=\"alert\">{}</p>", sentence(text)));
    let body = format!(
        "{}<form method=\"post\" action=\"/web/code\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
         <p><label for=\"code\">The code that your terminal shows</label>\
         <input id=\"code\" class=\"code\" name=\"code\" placeholder=\"XXXX-XXXX\" maxlength=\"20\" required autofocus \
         autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\"></p>\
         <p><button type=\"submit\">Go on</button></p></form>\
         <p class=\"note\">Type it only if you began this sign-in yourself a moment ago. Nobody else has a reason to give you a \
         code: whoever does wants to act in your name.</p>",
        complaint.unwrap_or_default(),
        browser.token(ENTER)
    );
    with_cookie(&browser, page_with(Forms::Own, status, "Sign in a terminal", "", &body))
}

/// The page with the browser's key, which then lives on: it is as old as the last page, not as the first.
fn with_cookie(browser: &BrowserKey, mut page: Response) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(&browser.set_cookie()) {
        page.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    page
}

async fn enter(
    State(web): State<Shared>,
    Extension(peer): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // A right code writes to the store and begins a login: that has its limit, too.
    if !web.starts.take(peer.addr.ip(), Instant::now()) {
        let error = ApiError::from(CodeError::TooMany);
        return code_form(&headers, error.status(), Some(error.message()));
    }
    let form = Form::read(&body);
    let Some(browser) = own(&headers, &form, ENTER) else {
        return code_form(&headers, StatusCode::FORBIDDEN, Some(STRANGE));
    };
    match web.codes.enter(&web.gate, &web.github, form.get("code"), &browser, peer.addr).await {
        Ok((asked, provider)) => sign_in_page(&asked, &provider, &browser, peer.addr.ip()),
        Err(error @ (CodeError::Unknown | CodeError::TooMany)) => {
            let error = ApiError::from(error);
            code_form(&headers, error.status(), Some(error.message()))
        }
        Err(error) => refusal(error),
    }
}

/// A form that no page of ours sent, or whose browser has lost its cookie.
const STRANGE: &str = "this form did not come from this page, or the browser takes no cookies from this gate; type the code here";

fn sign_in_page(asked: &Asked, provider: &str, browser: &BrowserKey, here: IpAddr) -> Response {
    let body = format!(
        "<p>This terminal asks to act in your name:</p><dl>{}<dt>For</dt><dd>the roles that your account has here, {}</dd></dl>{CAUTION}\
         <p><a class=\"button\" href=\"{}\">Sign in with GitHub</a></p>{}",
        who(asked, here),
        match asked.ttl {
            Duration::ZERO => "as long as they allow".to_owned(),
            ttl => format!("{} at most", life(ttl)),
        },
        escape(provider),
        decision(&asked.id, browser, false),
    );
    with_cookie(browser, page_with(Forms::Own, StatusCode::OK, "Is this your terminal?", "", &body))
}

async fn confirm(
    State(web): State<Shared>,
    Extension(peer): Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let Some(browser) = browser_of(&headers) else { return refusal(CodeError::Over) };
    match code::offer(&web.gate, form.get("request"), &browser).await {
        Ok(offer) => offer_page(&offer, &browser, peer.addr.ip()),
        Err(error) => refusal(error),
    }
}

fn offer_page(offer: &Offer, browser: &BrowserKey, here: IpAddr) -> Response {
    let Offer { asked, user, roles, life: time, whole } = offer;
    let more = renewals(*time, *whole);
    let body = format!(
        "<p>You are <b>{}</b>. If you approve, this terminal acts in your name:</p><dl>{}<dt>With the roles</dt><dd>{}</dd>\
         <dt>For</dt><dd>{}; {more}</dd></dl>{CAUTION}{}",
        escape(user),
        who(asked, here),
        escape(&roles.join(", ")),
        life(*time),
        decision(&asked.id, browser, true),
    );
    with_cookie(browser, page_with(Forms::Own, StatusCode::OK, "Approve this terminal?", "", &body))
}

/// What becomes of the login after its first certificate.
fn renewals(first: Duration, whole: Duration) -> String {
    // Less than a minute is nothing that a renewal could give.
    if whole.saturating_sub(first) < MINUTE {
        return "it cannot renew itself beyond that".to_owned();
    }
    format!("it can renew itself until {} after you approve", life(whole))
}

/// RFC 8628, 5.4.
const CAUTION: &str = "<p class=\"note\">Go on only if this is the terminal in which you began, and it shows the code that you typed. \
     Did somebody send you the code? Then deny.</p>";

/// Which machine asks, from where, and when.
fn who(asked: &Asked, here: IpAddr) -> String {
    let ago = Timestamp::now().as_second() - asked.begun.as_second();
    let ago = match ago {
        ..60 => "less than a minute ago".to_owned(),
        60..120 => "a minute ago".to_owned(),
        _ => format!("{} minutes ago", ago / 60),
    };
    let same = if here.to_canonical() == asked.remote { "the same as" } else { "another than" };
    let host = if asked.host.is_empty() { "(none)".into() } else { escape(&asked.host) };
    format!(
        "<dt>Machine</dt><dd><b>{host}</b> <span class=\"aside\">its own word; nothing vouches for it</span></dd>\
         <dt>Address</dt><dd><b>{}</b> <span class=\"aside\">{same} this browser's</span></dd><dt>Asked</dt><dd>{ago}</dd>",
        asked.remote
    )
}

/// The buttons.
fn decision(id: &str, browser: &BrowserKey, may_approve: bool) -> String {
    let approve = if may_approve {
        "<button type=\"submit\" name=\"decision\" value=\"approve\">Approve</button> "
    } else {
        ""
    };
    format!(
        "<form method=\"post\" action=\"/web/code/decide\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
         <input type=\"hidden\" name=\"request\" value=\"{}\"><p>{approve}\
         <button type=\"submit\" class=\"deny\" name=\"decision\" value=\"deny\">Deny</button></p></form>",
        browser.token(&purpose(id)),
        escape(id)
    )
}

fn purpose(id: &str) -> String {
    format!("decide {id}")
}

async fn decide(
    State(web): State<Shared>,
    Extension(peer): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&body);
    let id = form.get("request");
    let approve = match form.get("decision") {
        "approve" => true,
        "deny" => false,
        _ => return refusal(CodeError::Over),
    };
    let Some(browser) = own(&headers, &form, &purpose(id)) else { return refusal(CodeError::Over) };
    if let Err(error) = code::decide(&web.gate, id, &browser, approve, peer.addr).await {
        return refusal(error);
    }
    let (title, class, text) = match approve {
        true => ("Approved", "good", "The terminal goes on by itself. This tab can be closed."),
        false => ("Denied", "", "The terminal gets nothing, and is told so. This tab can be closed."),
    };
    // The key stays: another request may be open in another tab. What was decided is over by its stage.
    let page = page_with(Forms::None, StatusCode::OK, title, class, &format!("<p>{text}</p>"));
    with_cookie(&browser, page)
}

fn refusal(error: CodeError) -> Response {
    if matches!(error, CodeError::Login(_)) {
        tracing::info!(reason = %text::clean_line(&error.to_string()), "a login by code failed");
    }
    let error = ApiError::from(error);
    super::pages::failure(error.status(), error.message())
}

/// The browser whose own page sent this form.
fn own(headers: &HeaderMap, form: &Form, purpose: &str) -> Option<BrowserKey> {
    let site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok());
    let same_site = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    let browser = browser_of(headers)?;
    (same_site && is_own_origin(headers) && browser.made(purpose, form.get("token"))).then_some(browser)
}

/// Whether the sender's origin, if it is named, is the host that was asked. Over HTTP/2 the host stands elsewhere, and
/// axum has checked nothing; then the other two proofs stand alone.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => {
            origin.strip_prefix("https://").is_some_and(|o| o.eq_ignore_ascii_case(host))
        }
        (Some(origin), None) => origin.starts_with("https://"),
        (None, _) => true,
    }
}

/// The fields of a form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A field that stands there exactly once; else nothing.
    pub(super) fn get(&self, name: &str) -> &str {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => value,
            _ => "",
        }
    }
}

/// A time as people say it.
fn life(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 1) => "1 minute".into(),
        (0, minutes) => format!("{minutes} minutes"),
        (1, 0) => "1 hour".into(),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// A text with a capital at its beginning and a stop at its end, as HTML.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    escape(&format!("{first}{}.", chars.as_str().trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_nobodys() {
        let browser = BrowserKey::generate().unwrap();
        let form = Form::read(format!("token={}", browser.token(ENTER)).as_bytes());
        let cookie = browser.set_cookie();
        let cookie = cookie.split(';').next().unwrap();
        let taken = |more: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", cookie.parse().unwrap());
            headers.insert("host", "gate.example.com:3080".parse().unwrap());
            for (name, value) in more {
                headers.insert(*name, value.parse().unwrap());
            }
            own(&headers, &form, ENTER).is_some()
        };
        assert!(taken(&[]));
        assert!(taken(&[("origin", "https://gate.example.com:3080"), ("sec-fetch-site", "same-origin")]));
        for bad in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://gate.example.com:3080"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("cookie", "a=b"),
        ] {
            assert!(!taken(&[bad]), "{bad:?}");
        }
        let twice = format!("token={0}&token={0}", browser.token(ENTER));
        assert_eq!(Form::read(twice.as_bytes()).get("token"), "");
    }

    #[test]
    fn the_whole_time_of_a_login_is_named() {
        let hours = |h: u64| Duration::from_secs(h * 3600);
        assert_eq!(renewals(hours(12), hours(12)), "it cannot renew itself beyond that");
        assert_eq!(renewals(hours(12), hours(24)), "it can renew itself until 24 hours after you approve");
    }

    #[test]
    fn times_are_said_plainly() {
        let said = [60, 3600, 5400, 43_200].map(|s| life(Duration::from_secs(s)));
        assert_eq!(said, ["1 minute", "1 hour", "1 h 30 min", "12 hours"]);
    }
}
