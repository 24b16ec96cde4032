//! What the pages' scripts ask, `/web/api/…`: the shapes of the admin API (`wire/recordings.rs`), for the session of a cookie.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{
    ApiError, Shared,
    admin::recordings::{read_query, session_id},
    visitor::Visitor,
};

/// The routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/web/api/recordings", get(list))
        .route("/web/api/recordings/{id}", get(one))
        .route("/web/api/recordings/{id}/content", get(content))
}

async fn list(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = read_query(query.as_deref())?;
    let page = visitor.web.gate.recordings.list(&visitor.viewer(), &query).await?;
    Ok(private(Json(page)))
}

async fn one(visitor: Visitor, Path(id): Path<String>) -> Result<Response, ApiError> {
    let recording = visitor.web.gate.recordings.get(&visitor.viewer(), session_id(&id)?).await?;
    Ok(private(Json(recording)))
}

/// The sealed file, to keep.
async fn content(visitor: Visitor, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = session_id(&id)?;
    let content = visitor.web.gate.recordings.content(&visitor.viewer(), id).await?;
    let mut response = private(Body::from_stream(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{id}.cast.zst\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// An answer that nobody keeps.
pub(super) fn private(answer: impl IntoResponse) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, answer).into_response()
}
