//! `pods/log`: what a container wrote, and with `follow` what it will write.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;

use super::request::Query;
use super::respond::Body;
use super::runtime::{Line, Log};
use super::status::ApiError;

/// The container that a request means, in the words of the API server where it means none.
pub(crate) fn container(pod: &Value, wanted: Option<&str>) -> Result<String, ApiError> {
    let names: Vec<&str> = ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .flat_map(|list| pod["spec"][*list].as_array().into_iter().flatten())
        .filter_map(|container| container["name"].as_str())
        .collect();
    let main: Vec<&str> = pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|container| container["name"].as_str())
        .collect();
    let name = pod["metadata"]["name"].as_str().unwrap_or("");
    match (wanted.filter(|w| !w.is_empty()), main.as_slice()) {
        (Some(wanted), _) if names.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), _) => {
            Err(ApiError::bad_request(format!("container {wanted} is not valid for pod {name}")))
        }
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => {
            let list = main.join(" ");
            Err(ApiError::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{list}]"
            )))
        }
    }
}

struct Wanted {
    since: Option<Timestamp>,
    tail: Option<usize>,
    timestamps: bool,
    follow: bool,
    limit: Option<usize>,
}

impl Wanted {
    fn parse(query: &Query) -> Result<Self, ApiError> {
        let positive = |name: &str| -> Result<Option<usize>, ApiError> {
            let number = query.number(name)?;
            number.map(|n| usize::try_from(n).map_err(|_| bad_option(name, n))).transpose()
        };
        let since = match (query.number("sinceSeconds")?, query.get("sinceTime")) {
            (Some(seconds), _) if seconds < 1 => return Err(bad_option("sinceSeconds", seconds)),
            (Some(seconds), _) => Some(Timestamp::now() - SignedDuration::from_secs(seconds.min(1 << 40))),
            (None, Some(text)) if !text.is_empty() => Some(text.parse().map_err(|_| {
                ApiError::bad_request(format!("sinceTime: Invalid value: {text:?}: it is no RFC 3339 time"))
            })?),
            _ => None,
        };
        Ok(Self {
            since,
            tail: positive("tailLines")?,
            timestamps: query.flag("timestamps"),
            follow: query.flag("follow"),
            limit: positive("limitBytes")?,
        })
    }

    fn write(&self, lines: &[Line]) -> Vec<u8> {
        let mut text = Vec::new();
        for line in lines {
            if self.timestamps {
                text.extend(line.at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string().bytes());
            }
            text.extend(line.text.bytes());
            text.push(b'\n');
        }
        text
    }
}

fn bad_option(name: &str, value: i64) -> ApiError {
    let message = format!(
        "PodLogOptions \"\" is invalid: {name}: Invalid value: {value}: must be greater than or equal to 0"
    );
    ApiError::new(422, "Invalid", message)
}

struct State {
    log: Arc<Log>,
    bell: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    wanted: Wanted,
    next: u64,
    first: Option<Vec<Line>>,
    left: usize,
    over: bool,
}

/// Answers a request for a log.
pub(crate) fn serve(
    log: Arc<Log>,
    closing: watch::Receiver<bool>,
    pod: &str,
    container: &str,
    query: &Query,
) -> Result<Response<Body>, ApiError> {
    let wanted = Wanted::parse(query)?;
    if query.flag("previous") {
        return Err(ApiError::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{pod}\" not found"
        )));
    }
    let bell = log.subscribe();
    let (mut lines, next, closed) = log.read(0);
    if let Some(since) = wanted.since {
        lines.retain(|line| line.at >= since);
    }
    if let Some(tail) = wanted.tail {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let (left, over) = (wanted.limit.unwrap_or(usize::MAX), closed || !wanted.follow);
    let state = State { log, bell, closing, wanted, next, first: Some(lines), left, over };
    let frames = stream::unfold(state, |mut state| async move {
        let chunk = state.chunk().await?;
        Some((Ok::<_, std::io::Error>(Frame::data(chunk)), state))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

impl State {
    async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            let lines = match self.first.take() {
                Some(lines) => lines,
                None if self.over => return None,
                None => {
                    self.bell.borrow_and_update();
                    let (lines, next, closed) = self.log.read(self.next);
                    (self.next, self.over) = (next, closed);
                    lines
                }
            };
            if !lines.is_empty() {
                let mut text = self.wanted.write(&lines);
                text.truncate(self.left);
                self.left -= text.len();
                self.over |= self.left == 0;
                return (!text.is_empty()).then(|| text.into());
            }
            if self.over {
                return None;
            }
            tokio::select! {
                rung = self.bell.changed() => self.over = rung.is_err(),
                () = super::closed(&mut self.closing) => self.over = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn all(log: &Arc<Log>, query: &str) -> String {
        let closing = watch::Sender::new(false);
        let response = serve(log.clone(), closing.subscribe(), "p", "c", &Query::parse(Some(query))).unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn options_choose_lines() {
        let log = Arc::new(Log::new());
        ["one", "two", "three"].iter().for_each(|text| log.push(*text));
        assert_eq!(all(&log, "").await, "one\ntwo\nthree\n");
        assert_eq!(all(&log, "tailLines=1").await, "three\n");
        assert_eq!(all(&log, "tailLines=0").await, "");
        assert_eq!(all(&log, "limitBytes=5").await, "one\nt");
        assert_eq!(all(&log, "sinceSeconds=100").await, "one\ntwo\nthree\n");
        assert_eq!(all(&log, "sinceTime=2999-01-01T00:00:00Z").await, "");
        let stamped = all(&log, "timestamps=true&tailLines=1").await;
        let (time, text) = stamped.split_once(' ').unwrap();
        assert!(time.parse::<Timestamp>().is_ok() && text == "three\n", "{stamped}");
    }

    #[tokio::test]
    async fn following_ends_with_the_container() {
        let log = Arc::new(Log::new());
        log.push("one");
        let writer = log.clone();
        tokio::spawn(async move {
            writer.push("two");
            writer.close();
        });
        assert_eq!(all(&log, "follow=true").await, "one\ntwo\n");
    }

    #[test]
    fn wrong_options_are_refused() {
        let refused = |query: &str| {
            let closing = watch::Sender::new(false);
            serve(Arc::new(Log::new()), closing.subscribe(), "p", "c", &Query::parse(Some(query)))
                .unwrap_err()
        };
        assert_eq!(refused("previous=true").code, 400);
        assert_eq!(refused("tailLines=-1").code, 422);
        assert_eq!(refused("sinceSeconds=0").code, 422);
        assert_eq!(refused("tailLines=x").code, 400);
    }

    #[test]
    fn the_container_must_be_clear() {
        let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(container(&pod, Some("b")).unwrap(), "b");
        assert_eq!(container(&pod, Some("x")).unwrap_err().message, "container x is not valid for pod p");
        let none = container(&pod, None).unwrap_err().message;
        assert_eq!(none, "a container name must be specified for pod p, choose one of: [a b]");
    }
}
