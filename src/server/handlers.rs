//! What each port does. The one place where the listeners meet the rooms behind them.

use std::sync::Arc;

use super::{gate::Gate, kube, listener::Handler, web};

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
    Ok(Handlers { web: web::handler(gate.clone()), admin: web::admin_handler(gate.clone()), kube })
}
