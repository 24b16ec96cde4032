//! `users`: list, read, delete. Records are written by logins alone.

use axum::{Json, extract::Path};

use super::{Admin, ApiError};
use crate::{
    model::{User, Verb},
    server::{
        audit::Event,
        store::{StoreError, resources},
    },
    wire::admin::Message,
};

const KINDS: &[&str] = &["user"];

pub(super) async fn list(admin: Admin) -> Result<Json<Vec<User>>, ApiError> {
    admin.check(KINDS, &[Verb::List, Verb::Read]).await?;
    Ok(Json(resources::list(&*admin.gate.store).await?))
}

/// One's own record may be read by everybody.
pub(super) async fn one(admin: Admin, Path(name): Path<String>) -> Result<Json<User>, ApiError> {
    if admin.rights.user() != name {
        admin.check(KINDS, &[Verb::Read]).await?;
    }
    resources::get(&*admin.gate.store, &name).await?.map(Json).ok_or_else(|| missing(&name))
}

pub(super) async fn delete(admin: Admin, Path(name): Path<String>) -> Result<Json<Message>, ApiError> {
    admin.check(KINDS, &[Verb::Delete]).await?;
    match resources::delete::<User>(&*admin.gate.store, &name).await {
        Err(StoreError::NotFound(_)) => return Err(missing(&name)),
        done => done?,
    }
    let message = Message { message: format!("user {name:?} deleted") };
    let user = admin.user();
    admin.audit(Event::UserDeleted { name, user }).await;
    Ok(Json(message))
}

pub(super) async fn refuse(admin: Admin) -> Result<Json<Message>, ApiError> {
    admin.check(KINDS, &[Verb::Create, Verb::Update]).await?;
    Err(ApiError::bad_request("user records are written when people sign in; they cannot be created by hand"))
}

fn missing(name: &str) -> ApiError {
    ApiError::not_found(format!("user {name:?} is not found"))
}
