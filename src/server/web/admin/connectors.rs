//! `github/connectors`: list, read, create, overwrite, delete.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery},
};

use super::{Admin, ApiError, flag, read, sound};
use crate::{
    model::{GithubConnector, Verb},
    server::{
        audit::Event,
        store::{StoreError, resources},
    },
    wire::admin::{ConnectorBody, Message},
};

const KINDS: &[&str] = &["github", "auth_connector"];
const SECRETS: &str = "with_secrets";

fn shown(connector: GithubConnector, with_secrets: bool) -> GithubConnector {
    if with_secrets { connector } else { connector.without_secrets() }
}

/// What reading takes; secrets take more.
fn reading(first: Verb, with_secrets: bool) -> Vec<Verb> {
    let mut verbs = vec![first, Verb::ReadNoSecrets];
    if with_secrets {
        verbs.push(Verb::Read);
    }
    verbs
}

pub(super) async fn list(
    admin: Admin,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<GithubConnector>>, ApiError> {
    let secrets = flag(query.as_deref(), SECRETS);
    admin.check(KINDS, &reading(Verb::List, secrets)).await?;
    let all: Vec<GithubConnector> = resources::list(&*admin.gate.store).await?;
    Ok(Json(all.into_iter().map(|c| shown(c, secrets)).collect()))
}

pub(super) async fn one(
    admin: Admin,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<GithubConnector>, ApiError> {
    let secrets = flag(query.as_deref(), SECRETS);
    admin.check(KINDS, &reading(Verb::ReadNoSecrets, secrets)).await?;
    let found: Option<GithubConnector> = resources::get(&*admin.gate.store, &name).await?;
    found.map(|c| Json(shown(c, secrets))).ok_or_else(|| missing(&name))
}

pub(super) async fn create(admin: Admin, body: Bytes) -> Result<Json<Message>, ApiError> {
    admin.check(KINDS, &[Verb::Create]).await?;
    let connector = connector(&body)?;
    let name = connector.metadata.name.clone();
    resources::create(&*admin.gate.store, &connector).await.map_err(|e| told(e, &name))?;
    let user = admin.user();
    admin.audit(Event::GithubCreated { name, user }).await;
    Ok(Json(Message::ok()))
}

pub(super) async fn upsert(admin: Admin, body: Bytes) -> Result<Json<Message>, ApiError> {
    admin.check(KINDS, &[Verb::Create, Verb::Update]).await?;
    let connector = connector(&body)?;
    let name = connector.metadata.name.clone();
    resources::upsert(&*admin.gate.store, &connector).await.map_err(|e| told(e, &name))?;
    let user = admin.user();
    admin.audit(Event::GithubCreated { name, user }).await;
    Ok(Json(Message::ok()))
}

pub(super) async fn delete(admin: Admin, Path(name): Path<String>) -> Result<Json<Message>, ApiError> {
    admin.check(KINDS, &[Verb::Delete]).await?;
    resources::delete::<GithubConnector>(&*admin.gate.store, &name).await.map_err(|e| told(e, &name))?;
    let user = admin.user();
    admin.audit(Event::GithubDeleted { name, user }).await;
    Ok(Json(Message::ok()))
}

fn connector(body: &Bytes) -> Result<GithubConnector, ApiError> {
    let ConnectorBody { connector } = read(body)?;
    sound(&connector.kind, "github", &connector.check())?;
    Ok(connector)
}

fn missing(name: &str) -> ApiError {
    ApiError::not_found(format!("github connector {name:?} is not found"))
}

fn told(error: StoreError, name: &str) -> ApiError {
    use axum::http::StatusCode;
    match error {
        StoreError::Exists(_) => {
            ApiError::new(StatusCode::CONFLICT, format!("authentication connector {name:?} already exists"))
        }
        StoreError::NotFound(_) => missing(name),
        StoreError::Conflict(_) => ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            format!(
                "authentication connector {name:?} was changed by somebody else in the meantime; read it again and repeat"
            ),
        ),
        other => other.into(),
    }
}
