//! What stands around every page of somebody who is signed in, and the pages themselves; their scripts fill them.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use uuid::Uuid;

use super::{
    Shared, assets,
    pages::escape,
    visitor::{Guest, Visitor},
};
use crate::{
    model::Verb,
    server::recordings::ReadError,
    wire::recordings::{Query, Recording},
};

/// The policy of these pages: scripts and styles from here, nothing inline, no text that a script takes for markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// How many sessions whose IDs begin alike are listed.
const SEVERAL: usize = 50;

/// The routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/web/sessions", get(sessions))
        .route("/web/sessions/{id}", get(player))
        .route("/web/audit", get(audit))
        .route("/web/me", get(me))
}

/// A module of ours on a page.
pub(super) fn script(name: &str) -> String {
    format!("<script type=\"module\" src=\"{}\"></script>", assets::address(name))
}

/// Whether somebody may see the audit log.
pub(super) fn may_audit(visitor: &Visitor) -> bool {
    let rights = &visitor.session.rights;
    rights.check(&["event"], Verb::List).is_ok()
}

async fn sessions(Guest(visitor): Guest) -> Response {
    let all = visitor.viewer().sees_all();
    let person = if all {
        "<p><label for=\"user\">Person</label><input id=\"user\" name=\"user\" autocomplete=\"off\" spellcheck=\"false\"></p>"
    } else {
        ""
    };
    let whose = if all { "Sessions" } else { "Your sessions" };
    let body = format!(
        "<h1>{whose}</h1>\
         <form id=\"filter\" class=\"filter\" role=\"search\" aria-label=\"Filter\">{person}\
         <p><label for=\"cluster\">Cluster</label><input id=\"cluster\" name=\"cluster\" autocomplete=\"off\" spellcheck=\"false\"></p>\
         <p><label for=\"state\">State</label><select id=\"state\" name=\"state\"><option value=\"\">all</option>\
         <option value=\"live\">live</option><option value=\"complete\">complete</option><option value=\"cut\">cut</option>\
         <option value=\"partial\">partial</option></select></p>\
         <p><label for=\"since\">From</label><input id=\"since\" name=\"since\" type=\"date\"></p>\
         <p><label for=\"until\">To</label><input id=\"until\" name=\"until\" type=\"date\"></p>\
         <p class=\"wide\"><label for=\"about\">Pod, command, ID …</label><input id=\"about\" name=\"about\" type=\"search\" \
         autocomplete=\"off\" spellcheck=\"false\"></p>\
         <p class=\"buttons\"><button type=\"submit\">Show</button> <button type=\"reset\" class=\"plain\">Clear</button></p></form>\
         <p id=\"status\" role=\"status\">Loading …</p>\
         <div class=\"rows\"><table id=\"list\" hidden><caption class=\"unseen\">Sessions, live ones first, then the newest</caption>\
         <thead><tr><th scope=\"col\">When</th><th scope=\"col\">Person</th><th scope=\"col\">Where</th><th scope=\"col\">What</th>\
         <th scope=\"col\">Length</th><th scope=\"col\">State</th><th scope=\"col\">ID</th></tr></thead><tbody></tbody></table></div>\
         <p><button id=\"more\" type=\"button\" class=\"plain\" hidden>Show more</button></p>"
    );
    page(&visitor, "Sessions", "sessions", &["list.js"], &body)
}

async fn player(Guest(visitor): Guest, Path(id): Path<String>) -> Response {
    let found = match id.parse::<Uuid>() {
        Ok(id) => visitor.web.gate.recordings.get(&visitor.viewer(), id).await,
        Err(_) => return beginning(&visitor, &id).await,
    };
    match found {
        Ok(recording) => {
            let session = &recording.session;
            let rights = &visitor.session.rights;
            let may_end = session.user == rights.user() || rights.check(&["session"], Verb::Delete).is_ok();
            let may_end = if may_end { " data-end=\"yes\"" } else { "" };
            let title = format!("{} in {}/{}", session.user, session.namespace, session.pod);
            let body = format!(
                "<article id=\"player\" data-id=\"{}\"{may_end}><h1>{}</h1>{PLAYER}</article>",
                session.id,
                escape(&title)
            );
            page(&visitor, &title, "player", &["player.js"], &body)
        }
        Err(ReadError::NotFound(_)) => missing(&visitor),
        Err(error) => super::ApiError::from(error).into_response(),
    }
}

/// The session whose ID begins so, as lists show it, or the several.
async fn beginning(visitor: &Visitor, text: &str) -> Response {
    let query = Query { id: Some(text.to_owned()), limit: Some(SEVERAL), ..Query::default() };
    let page = match visitor.web.gate.recordings.list(&visitor.viewer(), &query).await {
        Ok(page) => page,
        Err(ReadError::Asked(_)) => return missing(visitor),
        Err(error) => return super::ApiError::from(error).into_response(),
    };
    match &page.recordings[..] {
        [] => missing(visitor),
        // The browser keeps the moment of a link.
        [one] => Redirect::to(&format!("/web/sessions/{}", one.session.id)).into_response(),
        several => listed(visitor, text, several, page.next.is_some()),
    }
}

fn listed(visitor: &Visitor, text: &str, several: &[Recording], more: bool) -> Response {
    let entries: String = several.iter().map(entry).collect();
    let more = if more { "<p>There are more; type more of the ID.</p>" } else { "" };
    let body = format!(
        "<h1>Several sessions</h1><p>The IDs of several sessions begin with <code>{}</code>.</p><ul>{entries}</ul>{more}",
        escape(text)
    );
    let mut response = page(visitor, "Several sessions", "", &[], &body);
    *response.status_mut() = StatusCode::MULTIPLE_CHOICES;
    response
}

fn entry(recording: &Recording) -> String {
    let session = &recording.session;
    let (started, place) =
        (session.started.strftime("%Y-%m-%d %H:%M:%S UTC"), format!("{}/{}", session.namespace, session.pod));
    format!(
        "<li><a href=\"/web/sessions/{id}\"><code>{id}</code></a> {} in {} {}, {started}</li>",
        escape(&session.user),
        escape(&session.cluster),
        escape(&place),
        id = session.id,
    )
}

const PLAYER: &str = include_str!("assets/player.html");

fn missing(visitor: &Visitor) -> Response {
    let body = "<h1>No such session</h1><p>There is no session of this name that you may see.</p>\
                <p><a class=\"button\" href=\"/web/sessions\">All sessions</a></p>";
    let mut response = page(visitor, "No such session", "", &[], body);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

async fn audit(Guest(visitor): Guest) -> Response {
    if !may_audit(&visitor) {
        let body = "<h1>Audit log</h1><p>None of your roles lets you see the audit log; an administrator may give you the role \
                    <code>auditor</code>.</p>";
        let mut response = page(&visitor, "Audit log", "audit", &[], body);
        *response.status_mut() = StatusCode::FORBIDDEN;
        return response;
    }
    let body = "<h1>Audit log</h1>\
         <form id=\"filter\" class=\"filter\" role=\"search\" aria-label=\"Filter\">\
         <p><label for=\"user\">Person</label><input id=\"user\" name=\"user\" autocomplete=\"off\" spellcheck=\"false\"></p>\
         <p><label for=\"event\">Event</label><input id=\"event\" name=\"event\" list=\"events\" autocomplete=\"off\" spellcheck=\"false\">\
         <datalist id=\"events\"></datalist></p>\
         <p><label for=\"from\">From</label><input id=\"from\" name=\"from\" type=\"date\"></p>\
         <p><label for=\"to\">To</label><input id=\"to\" name=\"to\" type=\"date\"></p>\
         <p class=\"wide\"><label for=\"text\">Text in the event</label><input id=\"text\" name=\"text\" type=\"search\" \
         autocomplete=\"off\" spellcheck=\"false\"></p>\
         <p class=\"buttons\"><button type=\"submit\">Show</button> <button type=\"reset\" class=\"plain\">Clear</button></p></form>\
         <p id=\"status\" role=\"status\">Loading …</p>\
         <div class=\"rows\"><table id=\"list\" hidden><caption class=\"unseen\">Events, the newest first</caption>\
         <thead><tr><th scope=\"col\">When</th><th scope=\"col\">Event</th><th scope=\"col\">Person</th><th scope=\"col\">What</th></tr></thead>\
         <tbody></tbody></table></div>\
         <p><button id=\"more\" type=\"button\" class=\"plain\" hidden>Show more</button></p>";
    page(&visitor, "Audit log", "audit", &["audit.js"], body)
}

async fn me(State(web): State<Shared>, Guest(visitor): Guest) -> Response {
    let session = &visitor.session;
    let all = visitor.viewer().sees_all();
    let seen = if all { "everybody's sessions" } else { "your own sessions" };
    let log = if may_audit(&visitor) { ", and the audit log" } else { "" };
    let proxy = escape(&web.gate.addresses.web.to_string());
    let time = |at: jiff::Timestamp| {
        let at = jiff::Timestamp::from_second(at.as_second()).unwrap_or(at);
        format!("<time datetime=\"{at}\">{}</time>", at.strftime("%Y-%m-%d %H:%M UTC"))
    };
    let body = format!(
        "<h1>You are {}</h1><dl class=\"facts\"><dt>Cluster</dt><dd>{}</dd><dt>Roles</dt><dd>{}</dd><dt>Signed in</dt><dd>{}</dd>\
         <dt>Until</dt><dd>{}</dd><dt>You see</dt><dd>{seen}{log}</dd></dl>\
         <h2>Set up your terminal</h2><p>Install <code>tsh</code>, sign in, and use <code>kubectl</code> as always. What runs in a \
         container is recorded and shows up here.</p>\
         <ol class=\"steps\"><li><p>Sign in; your browser opens:</p><pre><code>tsh login --proxy={proxy}</code></pre></li>\
         <li><p>Work:</p><pre><code>kubectl get pods -A</code></pre></li></ol>",
        escape(session.rights.user()),
        escape(&web.gate.config.cluster_name),
        escape(&session.roles.join(", ")),
        time(session.since),
        time(session.expires),
    );
    page(&visitor, "You", "me", &["me.js"], &body)
}

fn page(visitor: &Visitor, title: &str, current: &str, scripts: &[&str], body: &str) -> Response {
    let entry = |name: &str, address: &str, text: &str| {
        let here = match (name, current) {
            (name, current) if name == current => " aria-current=\"page\"",
            ("sessions", "player") => " aria-current=\"true\"",
            _ => "",
        };
        format!("<li><a href=\"{address}\"{here}>{text}</a></li>")
    };
    let mut menu = entry("sessions", "/web/sessions", "Sessions");
    if may_audit(visitor) {
        menu += &entry("audit", "/web/audit", "Audit log");
    }
    menu += &entry("me", "/web/me", &escape(visitor.session.rights.user()));
    let token = visitor.key.csrf_token();
    let styles: String = ["app.css"]
        .into_iter()
        .chain((current == "player").then_some("player.css"))
        .map(|name| format!("<link rel=\"stylesheet\" href=\"{}\">", assets::address(name)))
        .collect();
    let scripts: String = scripts.iter().map(|name| script(name)).collect();
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Jumpgate</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"csrf\" content=\"{token}\"><link rel=\"icon\" href=\"{icon}\">{styles}{scripts}</head>\
         <body class=\"{current}\"><a class=\"skip\" href=\"#main\">Skip to the content</a>\
         <header class=\"top\"><a class=\"brand\" href=\"/web/sessions\">Jumpgate</a><nav aria-label=\"Pages\"><ul>{menu}</ul></nav>\
         <form method=\"post\" action=\"/web/logout\"><input type=\"hidden\" name=\"token\" value=\"{token}\">\
         <button type=\"submit\" class=\"plain\">Sign out</button></form></header>\
         <main id=\"main\" tabindex=\"-1\">{body}<noscript><p class=\"note\">These pages need JavaScript.</p></noscript></main></body></html>\n",
        title = escape(title),
        icon = assets::address("icon.svg"),
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        // With `no-referrer` a browser would call the origin of the form's sender `null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (StatusCode::OK, headers, html).into_response()
}
