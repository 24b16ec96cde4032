//! What each port does. The one place where the listeners meet the rooms behind them.

use std::sync::Arc;

use super::{gate::Gate, kube, listener::Handler, web};

/// The handlers of the ports.
pub(super) struct Handlers {
    pub(super) web: Handler,
    pub(super) admin: Handler,
    pub(super) kube: Option<Handler>,
}

/// Builds them; `clusters` are the ways to Kubernetes API servers, where some are guarded.
pub(super) fn handlers(gate: &Arc<Gate>, clusters: Option<Arc<kube::Clusters>>) -> Handlers {
    // The Kubernetes port counts for itself: it knows what a request means.
    Handlers {
        web: counted("web", web::handler(gate.clone()), gate),
        admin: counted("admin", web::admin_handler(gate.clone()), gate),
        kube: clusters.map(|clusters| kube::handler(gate.clone(), clusters)),
    }
}

/// Counts what a handler answers.
fn counted(listener: &'static str, handler: Handler, gate: &Arc<Gate>) -> Handler {
    let metrics = gate.metrics.clone();
    Arc::new(move |request, peer| {
        let verb = method_of(request.method());
        let (answer, metrics) = (handler(request, peer), metrics.clone());
        Box::pin(async move {
            let response = answer.await;
            metrics.request(listener, verb, response.status().as_u16());
            response
        })
    })
}

/// A stranger may invent methods; each would be a time series of its own.
fn method_of(method: &http::Method) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("OTHER")
}
