//! Misbehaviour on demand, so that tests can see what the gate makes of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

/// What goes wrong, for how many requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// How many requests it hits.
    pub count: u32,
    /// Only requests whose path starts so.
    pub path: String,
    /// Milliseconds before anything else happens.
    pub delay_ms: u64,
    /// Answers this status with a `metav1.Status`, or with `body`.
    pub status: Option<u16>,
    /// `Retry-After` of that answer, in seconds.
    pub retry_after: Option<u32>,
    /// A body in place of the `Status`, sent as `application/json`.
    pub body: Option<String>,
    /// Closes the connection without an answer.
    pub close: bool,
    /// Cuts the real answer off after so many bytes.
    pub truncate: Option<usize>,
    /// Answers an upgrade wrongly; other requests are not hit.
    pub upgrade: Option<UpgradeFault>,
}

/// Wrong answers to an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradeFault {
    /// 403 with a `Status`.
    Forbidden,
    /// 200 as if it were a plain request.
    Ok,
    /// 101 to another protocol.
    WrongProtocol,
    /// 101 without an `Upgrade` header.
    NoProtocol,
}

/// Faults that are still to happen, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Replaces what is to happen.
    pub(crate) fn set(&self, faults: Vec<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// What is still to happen.
    pub(crate) fn pending(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The fault for a request, which uses it up by one.
    pub(crate) fn take(&self, path: &str, headers: &HeaderMap) -> Option<Fault> {
        let upgrades = headers.contains_key(http::header::UPGRADE);
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = faults
            .iter()
            .position(|fault| path.starts_with(&fault.path) && (upgrades || fault.upgrade.is_none()))?;
        let fault = faults[at].clone();
        if faults[at].count <= 1 {
            faults.remove(at);
        } else {
            faults[at].count -= 1;
        }
        Some(fault)
    }
}

impl Fault {
    /// How long it waits first.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn faults_hit_what_they_name_as_often_as_they_say() {
        let faults = Faults::default();
        faults.set(vec![
            Fault { upgrade: Some(UpgradeFault::Ok), count: 1, ..Fault::default() },
            Fault { path: "/api/v1/pods".into(), count: 2, status: Some(503), ..Fault::default() },
        ]);
        let plain = HeaderMap::new();
        assert!(faults.take("/version", &plain).is_none());
        assert_eq!(faults.take("/api/v1/pods", &plain).unwrap().status, Some(503));
        assert!(faults.take("/api/v1/pods/x", &plain).is_some());
        assert!(faults.take("/api/v1/pods", &plain).is_none());
        let mut upgrade = HeaderMap::new();
        upgrade.insert("upgrade", HeaderValue::from_static("SPDY/3.1"));
        assert_eq!(faults.take("/version", &upgrade).unwrap().upgrade, Some(UpgradeFault::Ok));
        assert!(faults.pending().is_empty());
    }
}
