//! `recordings…` and `sessions…`: what was shown in sessions, and the live ones (`wire/recordings.rs`). Ours; a stock server has
//! other paths.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::{Admin, ApiError, audited};
use crate::{
    model::{
        Verb,
        text::{clean_line, truncate},
    },
    pki::KeyError,
    server::{
        Gate,
        audit::{Event, RecordingEvent},
        auth::access::{AccessError, Rights},
        recordings::{Content, KeysError, KnownKey, ReadError, Viewer},
    },
    wire::recordings::{Found, Key, Keys, MAX_REASON, Page, Query, Recording, Rotated, State},
};

/// How often the rights of those who watch are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Admin {
    fn viewer(&self) -> Viewer {
        Viewer::new(&self.rights)
    }
}

/// `GET recordings?…`.
pub(super) async fn list(admin: Admin, RawQuery(query): RawQuery) -> Result<Json<Page>, ApiError> {
    let query = read_query(query.as_deref())?;
    Ok(Json(admin.gate.recordings.list(&admin.viewer(), &query).await?))
}

/// `GET recordings/search?text=…&…`.
pub(super) async fn search(admin: Admin, RawQuery(query): RawQuery) -> Result<Json<Found>, ApiError> {
    let (text, rest) = take_text(query.as_deref().unwrap_or_default());
    if text.trim().is_empty() {
        return Err(ApiError::bad_request("the search's `text` is empty; name what was on the screen"));
    }
    let query = read_query(Some(&rest))?;
    Ok(Json(admin.gate.recordings.search(&admin.viewer(), &text, &query).await?))
}

/// `GET recordings/keys`.
pub(super) async fn keys(admin: Admin) -> Result<Json<Keys>, ApiError> {
    let known = admin.gate.recordings.keys().await?;
    let details = known.iter().map(shown).collect::<Result<Vec<_>, _>>().map_err(KeysError::Damaged)?;
    Ok(Json(Keys { keys: details.iter().map(|key| key.pem.clone()).collect(), details }))
}

fn shown(known: &KnownKey) -> Result<Key, KeyError> {
    Ok(Key {
        fingerprint: known.public.fingerprint(),
        pem: known.public.to_pem()?,
        current: known.until.is_none(),
        since: known.since,
        until: known.until,
    })
}

/// `POST recordings/keys`: a new key signs from now on. For those who may rotate the gate's CAs in Teleport.
pub(super) async fn rotate_key(admin: Admin) -> Result<Json<Rotated>, ApiError> {
    admin.check(&["cert_authority"], &[Verb::Rotate]).await?;
    Ok(Json(admin.gate.recordings.rotate_key(admin.user(), admin.peer.addr).await?))
}

/// `GET recordings/ID`.
pub(super) async fn one(admin: Admin, Path(id): Path<String>) -> Result<Json<Recording>, ApiError> {
    Ok(Json(admin.gate.recordings.get(&admin.viewer(), session_id(&id)?).await?))
}

/// `GET recordings/ID/content`.
pub(super) async fn content(admin: Admin, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = session_id(&id)?;
    let content = admin.gate.recordings.content(&admin.viewer(), id).await?;
    Ok(stream("application/zstd", content))
}

/// `GET recordings/ID/live`.
pub(super) async fn live(admin: Admin, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = session_id(&id)?;
    let content = admin.gate.recordings.follow(&admin.viewer(), id).await?;
    Ok(stream("application/x-ndjson", content.take_until(rights_gone(admin, id)).boxed()))
}

/// Waits until a person may no longer watch a session: the certificate ended, the rights went, or the gate ends.
async fn rights_gone(admin: Admin, id: Uuid) {
    let mut drain = admin.gate.drain.clone();
    let gone = async {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let rights = admin.gate.access.rights(&admin.identity).await;
            // A store that fails for a moment takes nobody's rights.
            let may = match rights {
                Ok(rights) => admin.gate.recordings.get(&Viewer::new(&rights), id).await,
                Err(AccessError::Store(_)) => continue,
                Err(_) => return,
            };
            if matches!(may, Err(ReadError::NotFound(_))) || Timestamp::now() >= admin.identity.not_after() {
                return;
            }
        }
    };
    tokio::select! {
        () = gone => {}
        _ = drain.started() => {}
    }
}

/// `DELETE sessions/ID?reason=…`: one's own, or anybody's with `delete` on `session`.
pub(super) async fn kill(
    admin: Admin,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    let id = session_id(&id)?;
    let pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    let given = pairs.into_iter().find(|(key, _)| key == "reason").map(|(_, value)| value.into_owned());
    end_session(&admin.gate, &admin.rights, admin.peer.addr, id, given).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a live session for somebody: their own, or anybody's if they have `delete` on `session`. A refusal is audited.
pub(in crate::server::web) async fn end_session(
    gate: &Gate,
    rights: &Rights,
    remote: SocketAddr,
    id: Uuid,
    given: Option<String>,
) -> Result<(), ApiError> {
    let recording = gate.recordings.get(&Viewer::new(rights), id).await?;
    let by = rights.user().to_owned();
    if recording.session.user != by
        && let Err(error) = rights.check(&["session"], Verb::Delete)
    {
        let event = Event::AdminDenied { user: by, action: error.to_string(), remote };
        gate.audit.emit(event).await;
        return Err(error.into());
    }
    audited(&gate.audit, &[Verb::Delete])?;
    let reason = given.filter(|reason| !reason.trim().is_empty());
    // `ls` knows the first words.
    let told = format!("this session was ended by {by}");
    let reason = match reason {
        Some(reason) => format!("{told}: {}", truncate(&clean_line(&reason), MAX_REASON)),
        None => told,
    };
    if recording.state != State::Live || !gate.recordings.kill(id, reason.clone()) {
        return Err(ReadError::NotLive(id).into());
    }
    let event = RecordingEvent::Killed { id, user: recording.session.user, by, reason };
    gate.audit.emit(Event::Recording(event)).await;
    Ok(())
}

/// What is searched for, and the rest of the query.
fn take_text(query: &str) -> (String, String) {
    let (mut text, mut rest) = (String::new(), form_urlencoded::Serializer::new(String::new()));
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "text" => text = value.into_owned(),
            _ => {
                rest.append_pair(&key, &value);
            }
        }
    }
    (text, rest.finish())
}

/// A query's keys; an unknown one would silently show too much.
pub(in crate::server::web) fn read_query(query: Option<&str>) -> Result<Query, ApiError> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut read = Query::default();
    for (key, value) in pairs {
        let text = Some(value.clone().into_owned());
        let instant = || {
            let parsed = value.parse().map(Some);
            parsed.map_err(|_| {
                ApiError::bad_request(format!(
                    "{key}: `{value}` is no instant; write for example 2026-01-02T15:04:05Z"
                ))
            })
        };
        match &*key {
            "since" => read.since = instant()?,
            "until" => read.until = instant()?,
            "user" => read.user = text,
            "id" => read.id = text,
            "cluster" => read.cluster = text,
            "about" => read.about = text,
            "after" => read.after = text,
            "state" => {
                let state = State::deserialize(
                    serde::de::value::StrDeserializer::<serde::de::value::Error>::new(&value),
                );
                read.state = Some(state.map_err(|_| {
                    ApiError::bad_request(format!(
                        "state: `{value}` is none of live, complete, cut and partial"
                    ))
                })?);
            }
            "limit" => {
                let wrong = |_| ApiError::bad_request(format!("limit: `{value}` is no number"));
                read.limit = Some(value.parse::<usize>().map_err(wrong)?);
            }
            _ => return Err(ApiError::bad_request(format!("the query's key `{key}` is not known"))),
        }
    }
    Ok(read)
}

pub(in crate::server::web) fn session_id(text: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "`{text}` is not the name of a session; to see which there are: tsh recordings ls"
        ))
    })
}

fn stream(kind: &'static str, content: Content) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(content)).into_response()
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let status = match error {
            ReadError::Store(error) => return error.into(),
            ReadError::Asked(_) => StatusCode::BAD_REQUEST,
            ReadError::NotFound(_) => StatusCode::NOT_FOUND,
            ReadError::NotLive(_) => StatusCode::CONFLICT,
            ReadError::Unreadable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<KeysError> for ApiError {
    fn from(error: KeysError) -> Self {
        let status = match error {
            KeysError::Store(error) => return error.into(),
            KeysError::Meanwhile => StatusCode::PRECONDITION_FAILED,
            KeysError::Damaged(_) | KeysError::Broke => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
