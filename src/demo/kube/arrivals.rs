//! What arrived: the last requests, as tests want to see them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::Request;
use serde::{Deserialize, Serialize};

use super::identity;

/// Requests kept.
const KEPT: usize = 1024;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Number of the connection that it came on, from 1.
    pub connection: u64,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: String,
    /// Method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// `Impersonate-User`.
    pub user: Option<String>,
    /// `Impersonate-Group`, each value.
    pub groups: Vec<String>,
    /// All headers in order, names in lower case, without the value of `authorization`.
    pub headers: Vec<(String, String)>,
    /// Whether it carried the gate's token and nothing else.
    pub authenticated: bool,
    /// Status of the answer; 0 while there is none, or when the connection was closed.
    pub status: u16,
}

impl Arrival {
    /// Of a request.
    pub(crate) fn of<B>(connection: u64, request: &Request<B>, token: &str) -> Self {
        let headers = request.headers();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let shown = headers.iter().map(|(name, value)| {
            let secret = *name == http::header::AUTHORIZATION;
            (name.to_string(), if secret { "(hidden)".into() } else { text(value) })
        });
        Self {
            connection,
            protocol: format!("{:?}", request.version()),
            method: request.method().to_string(),
            target: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
            user: headers.get("impersonate-user").map(text),
            groups: headers.get_all("impersonate-group").iter().map(text).collect(),
            headers: shown.collect(),
            authenticated: identity::has_token(headers, token),
            status: 0,
        }
    }
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Mutex<(u64, VecDeque<Arrival>)>);

impl Arrivals {
    /// Notes a request; returns the number under which its answer is noted.
    pub(crate) fn note(&self, arrival: Arrival) -> u64 {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, list) = &mut *guard;
        list.push_back(arrival);
        if list.len() > KEPT {
            list.pop_front();
        }
        *next += 1;
        *next - 1
    }

    /// Notes the status of an answer.
    pub(crate) fn answered(&self, number: u64, status: u16) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, list) = &mut *guard;
        let first = *next - list.len() as u64;
        if let Some(at) = number.checked_sub(first).and_then(|at| usize::try_from(at).ok())
            && let Some(arrival) = list.get_mut(at)
        {
            arrival.status = status;
        }
    }

    /// All that are kept, oldest first.
    pub(crate) fn all(&self) -> Vec<Arrival> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.iter().cloned().collect()
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_kept() {
        let request = Request::get("/x?y=1")
            .header("authorization", "Bearer s3cret")
            .header("impersonate-user", "a")
            .body(())
            .unwrap();
        let arrivals = Arrivals::default();
        let number = arrivals.note(Arrival::of(1, &request, "s3cret"));
        arrivals.answered(number, 200);
        let all = arrivals.all();
        assert!(all[0].authenticated && !serde_json::to_string(&all).unwrap().contains("s3cret"));
        assert_eq!(
            (all[0].status, all[0].user.as_deref(), all[0].target.as_str()),
            (200, Some("a"), "/x?y=1")
        );
        arrivals.clear();
        arrivals.answered(number, 500);
        assert!(arrivals.all().is_empty());
    }
}
