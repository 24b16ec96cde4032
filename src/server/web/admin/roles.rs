//! `roles`: list, read, write, delete. The built-in ones are listed and stay as they are.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery},
    http::StatusCode,
};

use super::{Admin, ApiError, flag, read, sound};
use crate::{
    model::{Role, Verb, role::built_in},
    server::{
        audit::Event,
        store::{StoreError, resources},
    },
    wire::admin::{Message, RoleBody},
};

const KINDS: &[&str] = &["role"];

pub(super) async fn list(admin: Admin) -> Result<Json<Vec<Role>>, ApiError> {
    admin.check(KINDS, &[Verb::List, Verb::Read]).await?;
    let mut all = built_in();
    all.extend(resources::list::<Role>(&*admin.gate.store).await?);
    all.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    Ok(Json(all))
}

pub(super) async fn one(admin: Admin, Path(name): Path<String>) -> Result<Json<Role>, ApiError> {
    admin.check(KINDS, &[Verb::Read]).await?;
    admin.gate.access.role(&name).await?.map(Json).ok_or_else(|| missing(&name))
}

/// Overwrites as Teleport's `POST` does; with `?create=true` only if there is none of that name.
pub(super) async fn write(
    admin: Admin,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Message>, ApiError> {
    let create = flag(query.as_deref(), "create");
    let verbs: &[Verb] = if create { &[Verb::Create] } else { &[Verb::Create, Verb::Update] };
    admin.check(KINDS, verbs).await?;
    let RoleBody { role } = read(&body)?;
    sound(&role.kind, "role", &role.check())?;
    let name = role.metadata.name.clone();
    stays(&name, "changed")?;
    let written = if create {
        resources::create(&*admin.gate.store, &role).await
    } else {
        resources::upsert(&*admin.gate.store, &role).await
    };
    written.map_err(|e| told(e, &name))?;
    let message = Message { message: format!("'{name}' role upserted") };
    let user = admin.user();
    admin.audit(Event::RoleCreated { name, user }).await;
    Ok(Json(message))
}

pub(super) async fn delete(admin: Admin, Path(name): Path<String>) -> Result<Json<Message>, ApiError> {
    admin.check(KINDS, &[Verb::Delete]).await?;
    stays(&name, "deleted")?;
    resources::delete::<Role>(&*admin.gate.store, &name).await.map_err(|e| told(e, &name))?;
    let message = Message { message: format!("role {name:?} deleted") };
    let user = admin.user();
    admin.audit(Event::RoleDeleted { name, user }).await;
    Ok(Json(message))
}

fn stays(name: &str, what: &str) -> Result<(), ApiError> {
    if built_in().iter().any(|role| role.metadata.name == name) {
        return Err(ApiError::bad_request(format!(
            "role {name:?} is built in and cannot be {what}; create one of another name"
        )));
    }
    Ok(())
}

fn missing(name: &str) -> ApiError {
    ApiError::not_found(format!("role {name:?} is not found"))
}

fn told(error: StoreError, name: &str) -> ApiError {
    match error {
        StoreError::Exists(_) => ApiError::new(StatusCode::CONFLICT, format!("role {name:?} already exists")),
        StoreError::NotFound(_) => missing(name),
        StoreError::Conflict(_) => ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            format!("role {name:?} was changed by somebody else in the meantime; read it again and repeat"),
        ),
        other => other.into(),
    }
}
