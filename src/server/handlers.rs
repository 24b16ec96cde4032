//! What each port does. The one place where the listeners meet the rooms behind them.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};

use super::{
    gate::Gate,
    kube,
    listener::{Body, Handler},
};

/// The handlers of the ports.
pub(super) struct Handlers {
    pub(super) web: Handler,
    pub(super) admin: Handler,
    pub(super) kube: Option<Handler>,
}

/// Builds them; the error is a sentence about the way to the Kubernetes API server.
pub(super) async fn handlers(gate: &Arc<Gate>) -> Result<Handlers, String> {
    let kube = match &gate.config.kube {
        Some(config) => {
            let upstream = kube::Upstream::new(config).await.map_err(|error| error.to_string())?;
            Some(kube::handler(gate.clone(), upstream))
        }
        None => None,
    };
    Ok(Handlers { web: not_there(), admin: not_there(), kube })
}

fn not_there() -> Handler {
    Arc::new(|_, _| {
        Box::pin(async {
            let body = Full::new(Bytes::from_static(b"{\"message\":\"not found\"}"));
            let body: Body = body.map_err(|never| match never {}).boxed_unsync();
            let mut response = Response::new(body);
            *response.status_mut() = http::StatusCode::NOT_FOUND;
            response
        })
    })
}
