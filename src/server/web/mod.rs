//! The web port (people, browsers, `tsh`) and the admin API (`tctl`): routes that decode, check, call and encode.

mod admin;
mod api;
mod assets;
mod code;
mod discovery;
mod error;
mod film;
mod login;
mod outline;
mod pages;
mod player;
mod shell;
mod sign_in;
mod teleport;
mod visitor;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Body as AxumBody,
    extract::DefaultBodyLimit,
    http::{Request, Response, StatusCode, Uri, uri::PathAndQuery},
    routing::{get, post},
};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use self::error::ApiError;
use super::{
    Gate,
    auth::{code::Codes, github::Github},
    limit::RateLimit,
    listener::{Body, BoxError, Handler, Peer},
};
use crate::wire;

/// The largest body of a request that is read, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// How many recordings are read for players at a time.
const FILMS: usize = 4;
/// The longest that a request may take; a login's end waits for GitHub up to a minute.
const REQUEST_LIMIT: Duration = Duration::from_secs(75);

/// What the routes share.
pub(crate) struct Web {
    gate: Arc<Gate>,
    github: Github,
    codes: Codes,
    starts: RateLimit,
    noted: player::Noted,
    /// A place for each recording that is read for a player.
    films: Arc<Semaphore>,
}

type Shared = Arc<Web>;
type Caller = Extension<Arc<Peer>>;

/// Answers on the web port; to who asks for the admin API by its name, as the admin port does.
pub fn handler(gate: Arc<Gate>) -> Handler {
    let admin = admin::router(gate.clone());
    let web = web_router(gate);
    Arc::new(move |request, peer| {
        let is_admin = asks_for_admin(&peer);
        let (router, strip) = if is_admin { (admin.clone(), Strip::First) } else { (web.clone(), Strip::V1) };
        let request = request.map(AxumBody::new);
        Box::pin(async move { answer(router, strip, request, peer).await })
    })
}

/// Answers on the admin port.
pub fn admin_handler(gate: Arc<Gate>) -> Handler {
    let router = admin::router(gate);
    Arc::new(move |request, peer| {
        let (router, request) = (router.clone(), request.map(AxumBody::new));
        Box::pin(async move { answer(router, Strip::First, request, peer).await })
    })
}

/// Whether the connection was opened for the admin API; TLS chose its certificate by the same two names.
fn asks_for_admin(peer: &Peer) -> bool {
    let by_name = peer.server_name.as_deref().is_some_and(wire::admin::is_server_name);
    by_name || peer.alpn.as_deref().is_some_and(|alpn| wire::admin::ALPN_NAMES.contains(&alpn))
}

fn web_router(gate: Arc<Gate>) -> Router {
    let shared: Shared = Arc::new(Web {
        gate,
        github: Github::new(),
        codes: Codes::new(),
        starts: RateLimit::new(30, 1.0),
        noted: player::Noted::default(),
        films: Arc::new(Semaphore::new(FILMS)),
    });
    Router::new()
        .route("/webapi/ping", get(discovery::ping))
        .route("/webapi/ping/{connector}", get(discovery::ping_connector))
        .route("/webapi/find", get(discovery::find))
        .route("/webapi/github/login/console", post(login::console))
        .route("/webapi/github/callback", get(login::callback))
        .route("/webapi/ssh/certs", post(login::password))
        .merge(code::router())
        .merge(pages::router())
        .merge(sign_in::router())
        .merge(shell::router())
        .merge(assets::router())
        .merge(api::router())
        .merge(player::router())
        .merge(teleport::router())
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared)
}

/// What goes off a path before it is routed.
#[derive(Clone, Copy)]
enum Strip {
    /// `/v1`, once: stock clients put it before every path of the web port.
    V1,
    /// The first segment, whatever it says: the admin API's version is free text.
    First,
}

async fn answer(
    router: Router,
    strip: Strip,
    mut request: Request<AxumBody>,
    peer: Arc<Peer>,
) -> Response<Body> {
    if let Some(uri) = stripped(request.uri(), strip) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(peer);
    let response = match tokio::time::timeout(REQUEST_LIMIT, router.oneshot(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => axum::response::IntoResponse::into_response(ApiError::new(
            StatusCode::GATEWAY_TIMEOUT,
            "the request took too long and was given up; try again",
        )),
    };
    response.map(|body| body.map_err(|e| Box::new(e) as BoxError).boxed_unsync())
}

fn stripped(uri: &Uri, strip: Strip) -> Option<Uri> {
    let rest = match strip {
        Strip::V1 => uri.path().strip_prefix("/v1")?,
        Strip::First => uri.path().get(1..)?.find('/').and_then(|at| uri.path().get(at + 1..))?,
    };
    if !rest.starts_with('/') {
        return None;
    }
    let text = match uri.query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(uri: &str, strip: Strip) -> String {
        let uri: Uri = uri.parse().unwrap();
        stripped(&uri, strip).unwrap_or(uri).to_string()
    }

    #[test]
    fn the_version_goes_off_a_path_once() {
        assert_eq!(path("/v1/webapi/ping?a=b", Strip::V1), "/webapi/ping?a=b");
        assert_eq!(path("/v1/v1/webapi/ping", Strip::V1), "/v1/webapi/ping");
        assert_eq!(path("/webapi/ping", Strip::V1), "/webapi/ping");
        assert_eq!(path("/v1x/webapi", Strip::V1), "/v1x/webapi");
        assert_eq!(path("/v2/roles/a%2Fb?x", Strip::First), "/roles/a%2Fb?x");
        assert_eq!(path("/v2", Strip::First), "/v2");
    }
}
