//! What the pages' scripts ask, `/web/api/…`: the shapes of the admin API (`wire/recordings.rs`), for the session of a cookie.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    ApiError, Shared,
    admin::recordings::{end_session, read_query, session_id},
    code::Form,
    player, shell,
    visitor::{Visitor, Writer},
};

/// How many events are on a page.
const EVENTS: usize = 100;
/// How far back events are looked for if nobody says.
const SPAN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/web/api/recordings", get(list))
        .route("/web/api/recordings/{id}", get(one))
        .route("/web/api/recordings/{id}/content", get(content))
        .route("/web/api/sessions/{id}", delete(end))
        .route("/web/api/events", get(events))
}

async fn list(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = read_query(query.as_deref())?;
    let page = visitor.web.gate.recordings.list(&visitor.viewer(), &query).await?;
    Ok(private(Json(page)))
}

async fn one(visitor: Visitor, Path(id): Path<String>) -> Result<Response, ApiError> {
    let recording = visitor.web.gate.recordings.get(&visitor.viewer(), session_id(&id)?).await?;
    Ok(private(Json(recording)))
}

/// The sealed file, to keep.
async fn content(visitor: Visitor, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = session_id(&id)?;
    let content = player::opened(&visitor, id).await?;
    let mut response = private(Body::from_stream(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{id}.cast.zst\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Ends a live session. `?reason=…` is what its person reads.
async fn end(
    Writer(visitor): Writer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let reason = Some(form.get("reason").to_owned());
    let rights = &visitor.session.rights;
    end_session(&visitor.web.gate, rights, visitor.peer.addr, session_id(&id)?, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `?from&to&user&event&text&after`: events, the newest first; `after` is the `next` of the page before.
async fn events(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    if !shell::may_audit(&visitor) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "none of your roles lets you see the audit log"));
    }
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let instant = |key: &str| match form.get(key) {
        "" => Ok(None),
        text => text.parse::<Timestamp>().map(Some).map_err(|_| {
            ApiError::bad_request(format!(
                "{key}: `{text}` is no instant; write for example 2026-01-02T15:04:05Z"
            ))
        }),
    };
    let mut to = instant("to")?.unwrap_or_else(Timestamp::now);
    let from = instant("from")?.unwrap_or_else(|| to.checked_sub(SPAN).unwrap_or(Timestamp::MIN));
    // The second of the last event that was shown, and how many of that second were.
    let mut shown = 0;
    if let Some((second, count)) = form.get("after").split_once('|')
        && let (Ok(second), Ok(count)) = (second.parse(), count.parse::<usize>())
    {
        (to, shown) = (second, count.min(MAX_SHOWN));
    }
    let fits = fits(form.get("user"), form.get("event"), form.get("text"));
    let audit = &visitor.web.gate.audit;
    let mut found = audit.latest(from, to, shown + EVENTS + 1, fits).await.map_err(|error| {
        tracing::error!(%error, "the audit log cannot be read");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the audit log cannot be read; the gate's log says why",
        )
    })?;
    let more = found.len() > shown + EVENTS;
    found.truncate(shown + EVENTS);
    let next = found.last().filter(|_| more).and_then(|last| {
        let time = last["time"].as_str()?;
        let same = found.iter().rev().take_while(|event| event["time"] == time).count();
        Some(format!("{time}|{same}"))
    });
    found.drain(..shown.min(found.len()));
    Ok(private(Json(json!({ "events": found, "next": next }))))
}

/// The most events of one second that are gone past.
const MAX_SHOWN: usize = 100_000;

fn fits(user: &str, event: &str, text: &str) -> impl Fn(&Value) -> bool + Send + use<> {
    let (user, event, text) = (user.to_lowercase(), event.to_lowercase(), text.to_lowercase());
    let has = |value: &Value, part: &str| value.as_str().unwrap_or_default().to_lowercase().contains(part);
    move |found| {
        (user.is_empty() || has(&found["user"], &user))
            && (event.is_empty() || has(&found["event"], &event))
            && (text.is_empty() || found.to_string().to_lowercase().contains(&text))
    }
}

/// An answer that nobody keeps.
pub(super) fn private(answer: impl IntoResponse) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, answer).into_response()
}
