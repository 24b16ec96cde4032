//! The admin API, `/v2/…` (wire facts 8): who asks is read from the client certificate, what they may from their roles as of now.

mod cluster;
mod connectors;
mod events;
mod kubernetes;
pub(super) mod recordings;
mod renewal;
mod roles;
mod users;

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequestParts},
    http::{StatusCode, request::Parts},
    routing::{delete, get, post},
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{ApiError, MAX_BODY, error};
use crate::{
    model::{Invalid, Verb},
    pki::{Identity, IdentityError},
    server::{
        Gate,
        audit::{AuditLog, Event},
        auth::access::{AccessError, Rights},
        listener::Peer,
    },
};

/// The routes, without the version before them.
pub(super) fn router(gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/github/connectors", get(connectors::list).post(connectors::create).put(connectors::upsert))
        .route("/github/connectors/{name}", get(connectors::one).delete(connectors::delete))
        .route("/roles", get(roles::list).post(roles::write))
        .route("/roles/{name}", get(roles::one).delete(roles::delete))
        .route("/users", get(users::list).post(users::refuse))
        .route("/users/{name}", get(users::one).delete(users::delete))
        .route("/domain", get(cluster::domain))
        .route("/cacert", get(cluster::cacert))
        .route("/authorities/{kind}", get(cluster::authorities))
        .route("/status", get(cluster::status))
        .route("/events", get(events::search))
        .route("/kubernetes/clusters", get(kubernetes::clusters))
        .route("/recordings", get(recordings::list))
        .route("/recordings/search", get(recordings::search))
        .route("/recordings/keys", get(recordings::keys).post(recordings::rotate_key))
        .route("/recordings/{id}", get(recordings::one))
        .route("/recordings/{id}/content", get(recordings::content))
        .route("/recordings/{id}/live", get(recordings::live))
        .route("/sessions/{id}", delete(recordings::kill))
        .route("/renewal", post(renewal::renew))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(gate)
}

/// A person (or the gate's own administrator) whose certificate opens the admin API.
pub(super) struct Admin {
    gate: Arc<Gate>,
    identity: Identity,
    rights: Rights,
    peer: Arc<Peer>,
}

impl FromRequestParts<Arc<Gate>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gate: &Arc<Gate>) -> Result<Self, ApiError> {
        let extension = Extension::<Arc<Peer>>::from_request_parts(parts, gate).await;
        let Extension(peer) = extension
            .map_err(|_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the connection is not known"))?;
        let remote = peer.addr;
        let refuse = |status: StatusCode, text: String| async move {
            let event = Event::AuthFailed { remote, listener: "admin", error: text.clone() };
            gate.audit.emit_of_stranger(event, remote.ip()).await;
            ApiError::new(status, text)
        };
        let identity =
            match Identity::verify(&peer.chain(), &gate.authorities.trusted_users(), Timestamp::now()) {
                Ok(identity) if identity.usage().opens_admin() => identity,
                Ok(_) => return Err(refuse(StatusCode::FORBIDDEN, IdentityError::WrongUse.to_string()).await),
                Err(error) => return Err(refuse(status_of(&error), error.to_string()).await),
            };
        match gate.access.rights(&identity).await {
            Ok(rights) => Ok(Self { gate: gate.clone(), identity, rights, peer }),
            Err(AccessError::Store(error)) => Err(error.into()),
            Err(error) => Err(refuse(StatusCode::FORBIDDEN, error.to_string()).await),
        }
    }
}

fn status_of(error: &IdentityError) -> StatusCode {
    match error {
        IdentityError::Missing | IdentityError::Expired { .. } | IdentityError::NotYetValid { .. } => {
            StatusCode::UNAUTHORIZED
        }
        _ => StatusCode::FORBIDDEN,
    }
}

impl Admin {
    fn user(&self) -> String {
        self.rights.user().to_owned()
    }

    /// Whether all these verbs are allowed on one of the names of a kind, and can be done now. A refusal of rights is audited.
    async fn check(&self, kinds: &[&str], verbs: &[Verb]) -> Result<(), ApiError> {
        for verb in verbs {
            if let Err(error) = self.rights.check(kinds, *verb) {
                let event = Event::AdminDenied {
                    user: self.user(),
                    action: error.to_string(),
                    remote: self.peer.addr,
                };
                self.gate.audit.emit(event).await;
                return Err(error.into());
            }
        }
        audited(&self.gate.audit, verbs)
    }

    async fn audit(&self, event: Event) {
        self.gate.audit.emit(event).await;
    }
}

/// Nothing is changed while the change could not be written down.
fn audited(audit: &AuditLog, verbs: &[Verb]) -> Result<(), ApiError> {
    let read_only = [Verb::List, Verb::Read, Verb::ReadNoSecrets];
    let writes = verbs.iter().any(|verb| !read_only.contains(verb));
    if writes && !audit.is_healthy() {
        return Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the gate cannot write its audit log now, and until it can nothing is changed; \
             the gate's own log says what is wrong (no space left in data_dir, perhaps)",
        ));
    }
    Ok(())
}

/// Reads a body. The envelope may hold keys that are not known here; the resource in it may not.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|e| ApiError::bad_request(format!("the request does not parse: {e}")))
}

/// Refuses a resource with something wrong in it.
fn sound(kind: &str, expected: &str, found: &[Invalid]) -> Result<(), ApiError> {
    if kind != expected {
        return Err(ApiError::bad_request(format!("kind: `{kind}` stands where `{expected}` belongs")));
    }
    if found.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    Err(ApiError::bad_request(all.join("; ")))
}

/// Whether a query has `NAME=true`.
fn flag(query: Option<&str>, name: &str) -> bool {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.into_iter().any(|(key, value)| key == name && matches!(value.as_ref(), "true" | "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_while_the_audit_log_cannot_be() {
        let audit = AuditLog::memory();
        assert!(audited(&audit, &[Verb::Create, Verb::Update]).is_ok());
        audit.set_healthy(false);
        for verb in [Verb::Create, Verb::Update, Verb::Delete, Verb::Rotate] {
            let error = audited(&audit, &[verb]).unwrap_err();
            assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(error.message().contains("audit log"));
        }
        assert!(audited(&audit, &[Verb::List, Verb::Read]).is_ok());
    }
}
