//! The pages' scripts and styles, from the binary. They stand under the hash of them all, so that a page and its scripts are
//! always of one version, and browsers may keep them for good.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use ring::digest;

use super::Shared;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, type, content.
const ASSETS: &[(&str, &str, &str)] = &[
    ("app.css", "text/css; charset=utf-8", include_str!("assets/app.css")),
    ("player.css", "text/css; charset=utf-8", include_str!("assets/player.css")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("signin.js", SCRIPT, include_str!("assets/signin.js")),
    ("lib.js", SCRIPT, include_str!("assets/lib.js")),
    ("list.js", SCRIPT, include_str!("assets/list.js")),
    ("audit.js", SCRIPT, include_str!("assets/audit.js")),
    ("me.js", SCRIPT, include_str!("assets/me.js")),
    ("player.js", SCRIPT, include_str!("assets/player.js")),
    ("controls.js", SCRIPT, include_str!("assets/controls.js")),
    ("facts.js", SCRIPT, include_str!("assets/facts.js")),
    ("transcript.js", SCRIPT, include_str!("assets/transcript.js")),
    ("playing.js", SCRIPT, include_str!("assets/playing.js")),
    ("live.js", SCRIPT, include_str!("assets/live.js")),
    ("film.js", SCRIPT, include_str!("assets/film.js")),
    ("screen.js", SCRIPT, include_str!("assets/screen.js")),
];

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut all = digest::Context::new(&digest::SHA256);
    for (name, _, content) in ASSETS {
        all.update(name.as_bytes());
        all.update(content.as_bytes());
    }
    hex::encode(&all.finish().as_ref()[..8])
});

/// Where an asset is.
pub(super) fn address(name: &str) -> String {
    format!("/web/assets/{}/{name}", *HASH)
}

/// The routes.
pub(super) fn router() -> Router<Shared> {
    Router::new().route("/web/assets/{hash}/{name}", get(asset))
}

async fn asset(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    let Some((_, kind, content)) = found.filter(|_| hash == *HASH) else {
        // A page of the version before may still be open.
        return (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")]).into_response();
    };
    let tag = format!("\"{}\"", *HASH);
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers = [
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if same {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, *content).into_response()
    }
}
