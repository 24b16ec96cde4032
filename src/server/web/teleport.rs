//! Teleport 4's way to recordings and events (wire facts 11.9), for clients of that era: with the cookie of a session, and the bearer
//! token where one is sent.

use axum::{
    Json, Router,
    extract::{Path, RawQuery},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    ApiError, Shared,
    admin::recordings::session_id,
    api::private,
    code::Form,
    player::{Lines, opened, place, unreadable},
    shell,
    visitor::Visitor,
};
use crate::{
    recording::{Event, Header, What, decode::Decoder, event::Stream},
    server::work::{Wanted, while_wanted},
};

/// The most bytes of one answer.
const MAX_BYTES: usize = 512 * 1024;
/// The most events of one answer.
const MAX_EVENTS: usize = 100_000;
/// How far back events are looked for if nobody says.
const SPAN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many bytes of lines are read at a time.
const CHUNK: usize = 64 * 1024;

/// The routes.
pub(super) fn router() -> Router<Shared> {
    let session = "/webapi/sites/{site}/namespaces/{namespace}/sessions/{sid}";
    Router::new()
        .route(&format!("{session}/events"), get(session_events))
        .route(&format!("{session}/stream"), get(session_stream))
        .route("/webapi/sites/{site}/events/search", get(search))
        .route("/webapi/sites/{site}/events", get(sessions))
}

/// The site is this gate's cluster, and a bearer token, if there is one, the session's.
fn check(visitor: &Visitor, site: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let bearer = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    if let Some(bearer) = bearer
        && !bearer.strip_prefix("Bearer ").is_some_and(|token| visitor.key.is_csrf_token(token))
    {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "bad bearer token"));
    }
    if site != "-current-" && site != visitor.web.gate.config.cluster_name {
        return Err(ApiError::not_found(format!("cluster {site:?} is not found")));
    }
    Ok(())
}

/// `GET …/sessions/:sid/events?after=N`: what happened, `print` for output, the events behind the index `N`.
async fn session_events(
    visitor: Visitor,
    Path((site, _, sid)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&visitor, &site, &headers)?;
    let after = Form::read(query.unwrap_or_default().as_bytes()).get("after").parse::<usize>().ok();
    let id = session_id(&sid)?;
    let ended = visitor.web.gate.recordings.get(&visitor.viewer(), id).await?.ended;
    let told = read(&visitor, id, Told::new(id, after), |told, header, event| {
        told.take(header, event);
        told.events.len() < MAX_EVENTS
    });
    let mut told = told.await?;
    if let Some(ended) = ended {
        told.end(ended);
    }
    Ok(private(Json(json!({ "events": told.events }))))
}

/// `GET …/sessions/:sid/stream?offset=O&bytes=B`: what was shown, as bytes.
async fn session_stream(
    visitor: Visitor,
    Path((site, _, sid)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&visitor, &site, &headers)?;
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let number = |key: &str| match form.get(key) {
        "" => Ok(None),
        text => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| ApiError::bad_request(format!("{key}: `{text}` is no number"))),
    };
    let skip = number("offset")?.unwrap_or(0);
    let wanted = number("bytes")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(MAX_BYTES).min(MAX_BYTES);
    let cut = Cut { skip, wanted, bytes: Vec::new() };
    let cut = read(&visitor, session_id(&sid)?, cut, |cut, _, event| {
        if let Some(shown) = shown(event) {
            cut.take(shown);
        }
        cut.bytes.len() < cut.wanted
    });
    let mut response = private(cut.await?.bytes);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}

/// `GET …/events/search?from&to&limit`: the audit log of a span of time.
async fn search(
    visitor: Visitor,
    Path(site): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&visitor, &site, &headers)?;
    if !shell::may_audit(&visitor) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "access denied to perform action \"list\" on \"event\"",
        ));
    }
    events(&visitor, query.as_deref(), |_| true).await
}

/// `GET …/events?from&to&limit`: the beginnings and ends of sessions, for most people their own.
async fn sessions(
    visitor: Visitor,
    Path(site): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&visitor, &site, &headers)?;
    let (all, user) = (visitor.viewer().sees_all(), visitor.session.rights.user().to_owned());
    let fits = move |event: &Value| {
        let of_session = matches!(event["event"].as_str(), Some("session.start" | "session.end"));
        of_session && (all || event["user"] == user.as_str())
    };
    events(&visitor, query.as_deref(), fits).await
}

async fn events(
    visitor: &Visitor,
    query: Option<&str>,
    fits: impl Fn(&Value) -> bool + Send + 'static,
) -> Result<Response, ApiError> {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let instant = |key: &str| match form.get(key) {
        "" => Ok(None),
        text => text
            .parse::<Timestamp>()
            .map(Some)
            .map_err(|_| ApiError::bad_request(format!("{key}: `{text}` is no instant in RFC 3339"))),
    };
    let to = instant("to")?.unwrap_or_else(Timestamp::now);
    let from = instant("from")?.unwrap_or_else(|| to.checked_sub(SPAN).unwrap_or(Timestamp::MIN));
    let limit = form.get("limit").parse().unwrap_or(MAX_EVENTS).min(MAX_EVENTS);
    let found = visitor.web.gate.audit.latest(from, to, limit, fits).await;
    let mut found = found.map_err(|error| {
        tracing::error!(%error, "the audit log cannot be read");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the audit log cannot be read; the gate's log says why",
        )
    })?;
    // A stock server has the oldest first.
    found.reverse();
    Ok(private(Json(json!({ "events": found }))))
}

/// Shows each event of a recording to `see` until that has enough.
async fn read<T: Send + 'static>(
    visitor: &Visitor,
    id: Uuid,
    mut into: T,
    see: impl Fn(&mut T, &Header, &Event) -> bool + Send + 'static,
) -> Result<T, ApiError> {
    let mut lines = Lines::of(opened(visitor, id).await?)?;
    let place = place(visitor).await?;
    let work = move |wanted: &Wanted| -> std::io::Result<T> {
        let _place = place;
        let (mut decoder, mut chunk) = (Decoder::default(), vec![0; CHUNK]);
        loop {
            let read = lines.read(&mut chunk)?;
            let end = read == 0 || decoder.feed(&chunk[..read]).is_err();
            if end {
                decoder.finish();
            }
            let Some(header) = decoder.header().cloned() else { return Ok(into) };
            while let Some(event) = decoder.next_event() {
                if !wanted.is_wanted() || !see(&mut into, &header, &event) {
                    return Ok(into);
                }
            }
            if end {
                return Ok(into);
            }
        }
    };
    let done = while_wanted(work).await.map_err(std::io::Error::other).flatten();
    done.map_err(|error| unreadable(&error))
}

fn shown(event: &Event) -> Option<&[u8]> {
    match &event.what {
        What::Bytes(Stream::Stdout | Stream::Stderr, bytes) => Some(bytes),
        _ => None,
    }
}

/// A piece of what was shown.
struct Cut {
    skip: u64,
    wanted: usize,
    bytes: Vec<u8>,
}

impl Cut {
    fn take(&mut self, shown: &[u8]) {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(shown.len());
        self.skip -= skipped as u64;
        let rest = &shown[skipped..];
        self.bytes.extend_from_slice(&rest[..rest.len().min(self.wanted - self.bytes.len())]);
    }
}

/// A session in Teleport's events.
struct Told {
    sid: Uuid,
    /// Only events behind this index.
    after: Option<usize>,
    index: usize,
    prints: usize,
    offset: usize,
    started: Option<Timestamp>,
    user: String,
    events: Vec<Value>,
}

impl Told {
    fn new(sid: Uuid, after: Option<usize>) -> Self {
        Self {
            sid,
            after,
            index: 0,
            prints: 0,
            offset: 0,
            started: None,
            user: String::new(),
            events: vec![],
        }
    }

    fn take(&mut self, header: &Header, event: &Event) {
        let ms = u64::try_from(event.at.as_millis()).unwrap_or(u64::MAX);
        if self.started.is_none() {
            let session = header.session.as_ref();
            self.started = session.map(|session| session.started).or(Some(Timestamp::UNIX_EPOCH));
            self.user = session.map_or_else(String::new, |session| session.user.clone());
            let size = match event.what {
                What::Resize { width, height } => format!("{width}:{height}"),
                _ => format!("{}:{}", header.width, header.height),
            };
            self.add("session.start", 0, json!({ "code": "T2000I", "size": size, "interactive": true }));
        }
        match &event.what {
            What::Resize { width, height } => {
                self.add("resize", ms, json!({ "code": "T2002I", "size": format!("{width}:{height}") }));
            }
            _ => {
                if let Some(shown) = shown(event) {
                    let more =
                        json!({ "bytes": shown.len(), "ms": ms, "offset": self.offset, "ci": self.prints });
                    self.offset += shown.len();
                    self.prints += 1;
                    self.add("print", ms, more);
                }
            }
        }
    }

    fn end(&mut self, at: Timestamp) {
        let started = self.started.unwrap_or(at);
        let ms = u64::try_from(at.duration_since(started).as_millis()).unwrap_or(0);
        let times =
            json!({ "code": "T2004I", "session_start": started.to_string(), "session_stop": at.to_string() });
        self.add("session.end", ms, times);
    }

    fn add(&mut self, name: &str, ms: u64, more: Value) {
        let index = self.index;
        self.index += 1;
        if self.after.is_some_and(|after| index <= after) {
            return;
        }
        let start = self.started.unwrap_or(Timestamp::UNIX_EPOCH);
        let span = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        let time = start.checked_add(span).unwrap_or(start);
        let mut event = Map::new();
        event.insert("event".into(), name.into());
        event.insert("ei".into(), index.into());
        event.insert("time".into(), time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string().into());
        event.insert("sid".into(), self.sid.to_string().into());
        if name != "print" {
            event.insert("user".into(), self.user.clone().into());
            event.insert("login".into(), self.user.clone().into());
            event.insert("namespace".into(), "default".into());
        }
        if let Value::Object(more) = more {
            event.extend(more);
        }
        self.events.push(Value::Object(event));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_piece_of_the_stream_is_cut_anywhere() {
        for (skip, wanted, expected) in
            [(0, 3, "abc"), (2, 3, "cde"), (4, 9, "efg"), (7, 1, ""), (99, 5, ""), (3, 0, "")]
        {
            let mut cut = Cut { skip, wanted, bytes: Vec::new() };
            for piece in ["ab", "cde", "", "fg"] {
                cut.take(piece.as_bytes());
            }
            assert_eq!(String::from_utf8(cut.bytes).unwrap(), expected, "{skip} {wanted}");
        }
    }

    #[test]
    fn a_session_in_teleports_words() {
        let header: Header = serde_json::from_str("{\"version\":2,\"width\":80,\"height\":24}").unwrap();
        let mut told = Told::new(Uuid::nil(), Some(0));
        for (ms, what) in [
            (0, What::Resize { width: 100, height: 30 }),
            (10, What::Bytes(Stream::Stdout, b"hello".to_vec())),
            (20, What::Bytes(Stream::Stdin, b"typed".to_vec())),
            (1500, What::Bytes(Stream::Stderr, b"oh".to_vec())),
        ] {
            told.take(&header, &Event { at: Duration::from_millis(ms), what });
        }
        told.end("1970-01-01T00:00:02Z".parse().unwrap());
        let lines: Vec<String> = told.events.iter().map(Value::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
