//! The audit log over the admin API: `GET /v2/events?from&to&limit`, the oldest first. Teleport 4 has the same path.

use std::collections::HashSet;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::admin::{AdminClient, AdminError};

/// The most events of an answer.
const PAGE: usize = 10_000;

/// The events of a span of time, answer by answer.
pub struct Events<'a> {
    client: &'a AdminClient,
    walk: Walk,
}

impl AdminClient {
    /// The events from a time on and before another, the oldest first.
    pub fn events(&self, from: Timestamp, until: Timestamp) -> Events<'_> {
        Events { client: self, walk: Walk { from, until, seen: HashSet::new(), skipped: None } }
    }
}

impl Events<'_> {
    /// The next ones; none when there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, AdminError> {
        loop {
            let Walk { from, until, .. } = self.walk;
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            pairs.append_pair("from", &from.to_string());
            pairs.append_pair("to", &until.to_string());
            pairs.append_pair("limit", &PAGE.to_string());
            let path = format!("/v2/events?{}", pairs.finish());
            let body = self.client.bytes(Method::GET, &path, None).await?;
            let page: Option<Vec<Value>> =
                serde_json::from_slice(&body).map_err(|e| self.client.nonsense(&e.to_string()))?;
            match self.walk.take(page.unwrap_or_default()) {
                Step::New(found) => return Ok(Some(found)),
                Step::Again => {}
                Step::Over => return Ok(None),
            }
        }
    }

    /// A second with more events than an answer holds: some of its events were not told.
    pub fn skipped(&self) -> Option<Timestamp> {
        self.walk.skipped
    }
}

/// Where it stands. Events carry whole seconds, so that the next answer begins with the second in which the last one ended.
struct Walk {
    from: Timestamp,
    until: Timestamp,
    /// What was told of that second.
    seen: HashSet<String>,
    skipped: Option<Timestamp>,
}

/// What an answer brought.
#[derive(Debug, PartialEq)]
enum Step {
    New(Vec<Value>),
    /// Nothing new, and the next second may have something.
    Again,
    Over,
}

impl Walk {
    fn take(&mut self, page: Vec<Value>) -> Step {
        let full = page.len() >= PAGE;
        let last = page.iter().rev().find_map(time);
        let fresh: Vec<Value> = page.into_iter().filter(|event| !self.seen.contains(&name(event))).collect();
        let Some(last) = last.filter(|_| !fresh.is_empty()) else {
            // A full answer of what is known already hides what comes behind it.
            let next = self.from.checked_add(SignedDuration::from_secs(1)).ok().filter(|_| full);
            let Some(next) = next else { return Step::Over };
            self.skipped = Some(self.from);
            (self.from, self.seen) = (next, HashSet::new());
            return Step::Again;
        };
        if last.as_second() > self.from.as_second() {
            (self.from, self.seen) = (last, HashSet::new());
        }
        let of_last =
            fresh.iter().filter(|event| time(event).is_some_and(|at| at.as_second() == last.as_second()));
        self.seen.extend(of_last.map(name));
        let until = self.until;
        Step::New(fresh.into_iter().filter(|event| time(event).is_some_and(|at| at < until)).collect())
    }
}

/// When an event was.
pub fn time(event: &Value) -> Option<Timestamp> {
    event["time"].as_str()?.parse().ok()
}

/// What tells an event from all others.
fn name(event: &Value) -> String {
    event["uid"].as_str().map_or_else(|| event.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(second: usize, n: usize) -> Value {
        let at = Timestamp::from_second(second as i64).unwrap();
        json!({ "time": at.to_string(), "uid": format!("{second}/{n}") })
    }

    /// All events that a walk tells of a log, as a gate reads it.
    fn walked(log: &[Value]) -> (usize, Option<Timestamp>) {
        let until = Timestamp::from_second(100).unwrap();
        let mut walk = Walk { from: Timestamp::UNIX_EPOCH, until, seen: HashSet::new(), skipped: None };
        let mut told = Vec::new();
        loop {
            let within = |event: &&Value| {
                let at = time(event).unwrap();
                at.as_second() >= walk.from.as_second() && at <= walk.until
            };
            let page: Vec<Value> = log.iter().filter(within).take(PAGE).cloned().collect();
            match walk.take(page) {
                Step::New(found) => told.extend(found.iter().map(name)),
                Step::Again => {}
                Step::Over => break,
            }
        }
        let count = told.len();
        told.dedup();
        assert_eq!(told.len(), count, "an event was told twice");
        (count, walk.skipped)
    }

    #[test]
    fn a_log_of_many_answers_is_told_whole_and_once() {
        assert_eq!(walked(&[]), (0, None));
        let log: Vec<Value> = (0..2 * PAGE + 500).map(|n| event(n / 700, n)).collect();
        assert_eq!(walked(&log), (log.len(), None));
        // What is to come at `until` is not before it.
        assert_eq!(walked(&[event(99, 0), event(100, 1)]), (1, None));
    }

    #[test]
    fn a_second_that_is_too_full_is_named_and_what_follows_is_told() {
        let mut log: Vec<Value> = (0..PAGE + 5).map(|n| event(7, n)).collect();
        log.push(event(8, 0));
        assert_eq!(walked(&log), (PAGE + 1, Some(Timestamp::from_second(7).unwrap())));
    }
}
