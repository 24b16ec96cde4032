//! `events`: what the audit log says about a span of time.

use axum::{Json, extract::RawQuery};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Admin, ApiError};
use crate::model::Verb;

/// A month, as Teleport's.
const DEFAULT_SPAN: SignedDuration = SignedDuration::from_hours(30 * 24);
const MAX_EVENTS: usize = 10_000;

/// `GET events?from&to&limit`: instants in RFC 3339.
pub(super) async fn search(admin: Admin, RawQuery(query): RawQuery) -> Result<Json<Vec<Value>>, ApiError> {
    admin.check(&["event"], &[Verb::List]).await?;
    let now = Timestamp::now();
    let (mut from, mut to, mut limit) = (None, None, MAX_EVENTS);
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match key.as_ref() {
            "from" => from = Some(instant("from", &value)?),
            "to" => to = Some(instant("to", &value)?),
            "limit" => {
                let wrong = |_| ApiError::bad_request(format!("limit: `{value}` is no number"));
                limit = value.parse::<usize>().map_err(wrong)?.min(MAX_EVENTS);
            }
            _ => {}
        }
    }
    let to = to.unwrap_or(now);
    let from = from.unwrap_or_else(|| to.checked_sub(DEFAULT_SPAN).unwrap_or(Timestamp::MIN));
    let read = admin.gate.audit.read(from, to, limit).await;
    read.map(Json).map_err(|error| {
        tracing::error!(%error, "the audit log cannot be read");
        ApiError::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "the audit log cannot be read; the gate's log says why",
        )
    })
}

fn instant(key: &str, value: &str) -> Result<Timestamp, ApiError> {
    value.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "{key}: `{value}` is no instant; write for example 2026-01-02T15:04:05Z"
        ))
    })
}
