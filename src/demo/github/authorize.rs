//! The authorisation page: who are you, and may the application see your teams?

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    checks::{self, Parameters},
    state::{Code, Shared, hex_bytes},
};

const STYLE: &str = "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:34rem;margin:10vh auto;padding:0 1rem;\
color-scheme:light dark}fieldset{margin:1rem 0;padding:1rem}label{display:block;margin:.3rem 0}button{font:inherit;\
padding:.4rem 1.2rem;margin-right:.6rem}";

/// `GET /login/oauth/authorize`.
pub(super) async fn page(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let parameters = match check(&shared, &query) {
        Ok(parameters) => parameters,
        Err(why) => {
            return html(StatusCode::BAD_REQUEST, &format!("<h1>Not authorised</h1><p>{}</p>", escape(&why)));
        }
    };
    let mut memory = shared.lock();
    memory.authorizations += 1;
    let mut people = String::new();
    for (i, user) in memory.users.iter().enumerate() {
        let teams: Vec<String> = user.teams.iter().map(|(org, team)| format!("{org}/{team}")).collect();
        let teams = if teams.is_empty() { "no team".to_owned() } else { teams.join(", ") };
        let (login, checked) = (escape(&user.login), if i == 0 { " checked" } else { "" });
        people.push_str(&format!(
            "<label><input type=\"radio\" name=\"user\" value=\"{login}\"{checked}> {login} ({})</label>",
            escape(&teams)
        ));
    }
    let hidden: String = [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    ]
    .iter()
    .map(|name| {
        let value = parameters.get(*name).map(String::as_str).unwrap_or_default();
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
    })
    .collect();
    let scope = escape(parameters.get("scope").map(String::as_str).unwrap_or_default());
    html(
        StatusCode::OK,
        &format!(
            "<h1>Demo GitHub</h1><p>The application <b>Jumpgate</b> asks for <code>{scope}</code>: \
             your organisations and teams.</p>\
             <form method=\"post\" action=\"/login/oauth/authorize\">{hidden}<fieldset><legend>Sign in as</legend>{people}</fieldset>\
             <button type=\"submit\" name=\"decision\" value=\"approve\">Authorise</button>\
             <button type=\"submit\" name=\"decision\" value=\"deny\">Cancel</button></form>"
        ),
    )
}

/// `POST /login/oauth/authorize`: the person's decision. Everything is checked again, since a form can be changed.
pub(super) async fn decide(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let refuse =
        |why: &str| html(StatusCode::BAD_REQUEST, &format!("<h1>Not authorised</h1><p>{}</p>", escape(why)));
    let parameters = match check(&shared, &body) {
        Ok(parameters) => parameters,
        Err(why) => return refuse(&why),
    };
    let get = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let (redirect_uri, state) = (get("redirect_uri"), get("state"));
    if get("decision") != "approve" {
        let answer = [
            ("error", "access_denied"),
            ("error_description", "The user has denied your application access."),
            ("state", &state),
        ];
        return redirect(&redirect_uri, &answer);
    }
    let user = get("user");
    let mut memory = shared.lock();
    if !memory.users.iter().any(|known| known.login == user) {
        return refuse("nobody of that name has an account here");
    }
    let Ok(code) = hex_bytes(10) else { return refuse("no random numbers") };
    let entry = Code {
        user,
        redirect_uri: redirect_uri.clone(),
        scope: get("scope"),
        challenge: Some(get("code_challenge")),
        made: Instant::now(),
    };
    memory.codes.insert(code.clone(), entry);
    drop(memory);
    redirect(&redirect_uri, &[("code", &code), ("state", &state)])
}

fn check(shared: &Shared, text: &str) -> Result<Parameters, String> {
    let parameters = checks::parameters(text)?;
    checks::client_id(&parameters, &shared.client_id)?;
    let registered = shared.lock().redirect_uri.clone();
    checks::redirect_uri(&parameters, &registered)?;
    checks::response_type(&parameters)?;
    checks::scope(&parameters)?;
    checks::state(&parameters)?;
    checks::challenge(&parameters)?;
    Ok(parameters)
}

fn redirect(to: &str, answer: &[(&str, &str)]) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    let separator = if to.contains('?') { '&' } else { '?' };
    (StatusCode::FOUND, [(header::LOCATION, format!("{to}{separator}{query}"))]).into_response()
}

fn html(status: StatusCode, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Demo GitHub</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>\n"
    );
    // No form-action here: browsers would hold it against the redirects that follow the form.
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, page).into_response()
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
