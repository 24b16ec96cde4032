//! How long a stream may stay open: until the certificate ends, the rights go, or the gate does (abuse case E.2: 15).

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use jiff::Timestamp;

use crate::{
    pki::Identity,
    server::{
        Gate,
        auth::access::{AccessError, KubeAccess},
        metrics::OpenGuard,
        store::{Change, Watch},
    },
};

/// A timer runs by the monotonic clock, a certificate ends by the wall clock, which somebody may set meanwhile: a long wait is
/// taken in steps, each measured anew.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What the ends of all streams take when the gate ends.
const FAREWELLS: Duration = Duration::from_secs(3);

/// Why the gate ended a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// What a new request would be answered.
    pub(super) code: StatusCode,
    /// A sentence for the person.
    pub(super) reason: String,
}

/// A verified person with the rights of this moment, and the feeds that tell when they change.
pub(super) struct Lifetime {
    gate: Arc<Gate>,
    identity: Arc<Identity>,
    access: KubeAccess,
    keeps_typed: bool,
    users: Watch,
    roles: Watch,
}

impl Lifetime {
    /// Looks the rights up. The feeds are opened first, so that no change falls in between.
    pub(super) async fn begin(gate: &Arc<Gate>, identity: &Arc<Identity>) -> Result<Self, AccessError> {
        let (users, roles) = (gate.store.watch("/users/"), gate.store.watch("/roles/"));
        let rights = gate.access.rights(identity).await?;
        let (access, keeps_typed) = (rights.kubernetes()?, rights.keeps_typed());
        Ok(Self { gate: gate.clone(), identity: identity.clone(), access, keeps_typed, users, roles })
    }

    /// Whether the recording keeps what is typed at a terminal.
    pub(super) fn keeps_typed(&self) -> bool {
        self.keeps_typed
    }

    /// As whom the gate acts.
    pub(super) fn access(&self) -> &KubeAccess {
        &self.access
    }

    /// Counts an open stream for as long as the guard lives.
    pub(super) fn counted(&self, kind: &'static str) -> OpenGuard {
        self.gate.metrics.stream(kind)
    }

    /// Waits until the stream must end.
    pub(super) async fn ended(mut self) -> Ended {
        let identity = self.identity.clone();
        let gate = self.gate.clone();
        tokio::select! {
            ended = expired(identity.not_after()) => ended,
            ended = drained(&gate) => ended,
            ended = self.revoked() => ended,
        }
    }

    async fn revoked(&mut self) -> Ended {
        loop {
            let change = tokio::select! {
                change = self.users.next() => change,
                change = self.roles.next() => change,
            };
            let Some(change) = change else {
                return Ended {
                    code: StatusCode::SERVICE_UNAVAILABLE,
                    reason: "the gate is ending; try again".into(),
                };
            };
            if !self.concerns(&change) {
                continue;
            }
            if let Some(ended) = self.check().await {
                return ended;
            }
        }
    }

    fn concerns(&self, change: &Change) -> bool {
        let key = match change {
            Change::Put(item) => &item.key,
            Change::Delete { key, .. } => key,
            Change::Lost => return true,
        };
        match key.strip_prefix("/users/") {
            Some(user) => user == self.identity.username(),
            None => key
                .strip_prefix("/roles/")
                .is_some_and(|role| self.identity.roles().iter().any(|own| own == role)),
        }
    }

    async fn check(&self) -> Option<Ended> {
        let rights = self.gate.access.rights(&self.identity).await;
        let forbidden = |reason: String| Some(Ended { code: StatusCode::FORBIDDEN, reason });
        match rights.and_then(|rights| rights.kubernetes()) {
            Ok(now) if now.user != self.access.user => {
                forbidden("your Kubernetes user was changed by an administrator; connect again".into())
            }
            Ok(now) => match self.access.groups.iter().find(|group| !now.groups.contains(group)) {
                Some(group) => forbidden(format!(
                    "an administrator took the Kubernetes group {group:?} from you; connect again with the rights that are left"
                )),
                None => None,
            },
            Err(error) => forbidden(error.to_string()),
        }
    }
}

async fn expired(not_after: Timestamp) -> Ended {
    loop {
        let left = Timestamp::now().duration_until(not_after);
        match Duration::try_from(left) {
            Ok(left) if !left.is_zero() => tokio::time::sleep(left.min(LONGEST_WAIT)).await,
            _ => {
                return Ended {
                    code: StatusCode::UNAUTHORIZED,
                    reason: format!("the client certificate expired at {not_after}; run: tsh login"),
                };
            }
        }
    }
}

/// Streams may go on for most of the time that the gate takes to end, then end with its reason while it can still be told.
async fn drained(gate: &Gate) -> Ended {
    let reason = gate.drain.clone().started().await;
    let whole = gate.config.drain;
    tokio::time::sleep(whole - FAREWELLS.min(whole / 2)).await;
    Ended { code: StatusCode::SERVICE_UNAVAILABLE, reason: reason.to_string() }
}
