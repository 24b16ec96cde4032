//! Watches: what changed since a version, line by line, for as long as the client listens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::request::Query;
use super::resources::Resource;
use super::respond::{self, Body, Shape};
use super::selectors::Selector;
use super::status::ApiError;
use super::store::{Change, Objects, Store};
use super::table;

/// How often a quiet watch is told the present version.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// How long a watch lasts when the client doesn't say.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What is watched.
pub(crate) struct Watched {
    /// Resource.
    pub(crate) resource: &'static Resource,
    /// Namespace, empty for all.
    pub(crate) namespace: String,
    /// What of it.
    pub(crate) selector: Selector,
    /// In which form.
    pub(crate) shape: Shape,
}

struct State {
    what: Watched,
    store: Arc<Store>,
    bell: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    seen: u64,
    lines: VecDeque<Bytes>,
    bookmarks: Option<Instant>,
    deadline: Instant,
    over: bool,
}

/// Starts a watch.
pub(crate) fn start(
    store: &Arc<Store>,
    closing: watch::Receiver<bool>,
    what: Watched,
    query: &Query,
) -> Result<Response<Body>, ApiError> {
    let bell = store.subscribe();
    let version = query.get("resourceVersion").unwrap_or("");
    let initial = query.flag("sendInitialEvents");
    let from_start = initial || version.is_empty() || version == "0";
    let mut lines = VecDeque::new();
    let seen = if from_start {
        store.read(|objects| {
            list_first(&what, objects, &mut lines);
            if initial {
                let mut mark = bookmark(&what, objects.version());
                mark["object"]["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
                lines.push_back(line(&mark));
            }
            objects.version()
        })
    } else {
        version.parse().map_err(|_| {
            ApiError::bad_request(format!(
                "Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax"
            ))
        })?
    };
    let lasts = match query.number("timeoutSeconds")? {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds.unsigned_abs()).min(LONGEST),
        _ => LONGEST,
    };
    let bookmarks = query.flag("allowWatchBookmarks").then(|| Instant::now() + BOOKMARKS);
    let deadline = Instant::now() + lasts;
    let state =
        State { what, store: store.clone(), bell, closing, seen, lines, bookmarks, deadline, over: false };
    let frames = stream::unfold(state, |mut state| async move {
        let line = state.next().await?;
        Some((Ok::<_, std::io::Error>(Frame::data(line)), state))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn list_first(what: &Watched, objects: &Objects, lines: &mut VecDeque<Bytes>) {
    for (_, object) in objects.list(what.resource.plural, &what.namespace) {
        if what.selector.matches(object) {
            lines.push_back(line(&event(what, "ADDED", object)));
        }
    }
}

impl State {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            self.bell.borrow_and_update();
            self.read_changes();
            if !self.lines.is_empty() || self.over {
                continue;
            }
            let mark = self.bookmarks.unwrap_or(self.deadline + BOOKMARKS);
            tokio::select! {
                rung = self.bell.changed() => self.over = rung.is_err(),
                () = super::closed(&mut self.closing) => self.over = true,
                () = tokio::time::sleep_until(self.deadline) => self.over = true,
                () = tokio::time::sleep_until(mark) => {
                    self.bookmarks = Some(Instant::now() + BOOKMARKS);
                    self.lines.push_back(line(&bookmark(&self.what, self.seen)));
                }
            }
        }
    }

    fn read_changes(&mut self) {
        let store = self.store.clone();
        store.read(|objects| {
            let Some(changes) = objects.since(self.seen) else {
                let oldest = objects.oldest();
                let gone = ApiError::expired(format!("too old resource version: {} ({oldest})", self.seen));
                self.lines.push_back(line(&json!({"type": "ERROR", "object": gone.to_json()})));
                self.over = true;
                return;
            };
            for change in changes {
                if let Some(event) = translate(&self.what, change) {
                    self.lines.push_back(line(&event));
                }
            }
            self.seen = self.seen.max(objects.version());
        });
    }
}

/// A change as this watch sees it: an object that comes to match the selector is added, one that ceases to is deleted.
fn translate(what: &Watched, change: &Change) -> Option<Value> {
    let here = change.key.resource == what.resource.plural
        && (what.namespace.is_empty() || change.key.namespace == what.namespace);
    let matches = |object: &Option<Arc<Value>>| {
        here && object.as_ref().is_some_and(|object| what.selector.matches(object))
    };
    let (kind, object) = match (matches(&change.before), matches(&change.after)) {
        (false, false) => return None,
        (false, true) => ("ADDED", change.after.clone()?),
        (true, true) => ("MODIFIED", change.after.clone()?),
        (true, false) => {
            let mut last = (**change.last.as_ref().or(change.before.as_ref())?).clone();
            last["metadata"]["resourceVersion"] = change.version.to_string().into();
            ("DELETED", Arc::new(last))
        }
    };
    Some(event(what, kind, &object))
}

fn event(what: &Watched, kind: &str, object: &Value) -> Value {
    let object = match what.shape {
        Shape::Object => object.clone(),
        Shape::PartialMetadata => respond::partial(object),
        Shape::Table(version, include) => {
            let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            table::table(what.resource, version, include, metadata, std::iter::once(object))
        }
    };
    json!({"type": kind, "object": object})
}

fn bookmark(what: &Watched, version: u64) -> Value {
    json!({"type": "BOOKMARK", "object": {"kind": what.resource.kind, "apiVersion": what.resource.api_version(),
        "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null}}})
}

fn line(event: &Value) -> Bytes {
    Bytes::from(format!("{event}\n"))
}

#[cfg(test)]
mod tests {
    use super::super::resources;
    use super::super::store::Key;
    use super::*;

    fn watched(labels: &str) -> Watched {
        let resource = resources::find("", "v1", "pods").unwrap();
        let selector = Selector::parse(resource, labels, "").unwrap();
        Watched { resource, namespace: "d".into(), selector, shape: Shape::Object }
    }

    fn pod(label: &str) -> Value {
        json!({"metadata": {"name": "a", "labels": {"app": label}}})
    }

    async fn events(mut body: Body, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let frame =
                tokio::time::timeout(Duration::from_secs(5), body.frame()).await.unwrap().unwrap().unwrap();
            events.push(serde_json::from_slice(&frame.into_data().unwrap()).unwrap());
        }
        events
    }

    #[tokio::test]
    async fn an_object_comes_changes_and_goes_by_its_selector() {
        let store = Arc::new(Store::new());
        let closing = watch::Sender::new(false);
        let query = Query::parse(Some("resourceVersion=0"));
        let body = start(&store, closing.subscribe(), watched("app=x"), &query).unwrap().into_body();
        let key = Key::new("pods", "d", "a");
        let write =
            |object: Value| store.write(false, |all| all.replace(&key, None, object).map(drop)).unwrap();
        store.write(false, |all| all.create(key.clone(), pod("y")).map(drop)).unwrap();
        write(pod("x"));
        write(json!({"metadata": {"name": "a", "labels": {"app": "x", "more": "1"}}}));
        write(pod("y"));
        store.write(false, |all| all.create(Key::new("pods", "e", "a"), pod("x")).map(drop)).unwrap();
        write(pod("x"));
        store.write(false, |all| all.delete(&key).map(drop)).unwrap();
        let kinds: Vec<_> =
            events(body, 5).await.iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds, ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]);
    }

    #[tokio::test]
    async fn a_version_that_is_too_old_is_gone() {
        let store = Arc::new(Store::new());
        let key = Key::new("pods", "d", "a");
        store.write(false, |all| all.create(key.clone(), pod("x")).map(drop)).unwrap();
        for n in 0..super::super::store::HISTORY + 8 {
            store
                .write(false, |all| {
                    let mut next = pod("x");
                    next["metadata"]["labels"]["n"] = n.to_string().into();
                    all.replace(&key, None, next).map(drop)
                })
                .unwrap();
        }
        let closing = watch::Sender::new(false);
        let query = Query::parse(Some("resourceVersion=1"));
        let mut body = start(&store, closing.subscribe(), watched(""), &query).unwrap().into_body();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let event: Value = serde_json::from_slice(&frame).unwrap();
        assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
        assert!(body.frame().await.is_none(), "and the watch ends");
    }

    #[tokio::test]
    async fn initial_events_end_with_a_bookmark_and_closing_ends_the_watch() {
        let store = Arc::new(Store::new());
        store.write(false, |all| all.create(Key::new("pods", "d", "a"), pod("x")).map(drop)).unwrap();
        let closing = watch::Sender::new(false);
        let query = Query::parse(Some("sendInitialEvents=true&allowWatchBookmarks=true"));
        let mut body = start(&store, closing.subscribe(), watched(""), &query).unwrap().into_body();
        for kind in ["ADDED", "BOOKMARK"] {
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            let event: Value = serde_json::from_slice(&frame).unwrap();
            assert_eq!(event["type"], kind);
        }
        closing.send_replace(true);
        assert!(body.frame().await.is_none());
    }
}
