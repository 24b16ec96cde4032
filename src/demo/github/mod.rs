//! A GitHub for the tour and the tests: the authorisation page with a person's consent, the exchange of the code, the account and its
//! teams. It checks every parameter as GitHub does, and shares no code of requests with the gate.

mod api;
mod authorize;
mod checks;
mod state;
mod token;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

pub use self::state::{DemoUser, Fault};
use self::state::{Shared, hex_bytes};

/// A running demo GitHub, on plain HTTP on loopback. It ends when this is dropped.
pub struct GithubDemo {
    /// For the connector's `endpoint_url`.
    pub endpoint_url: String,
    /// For the connector's `api_endpoint_url`.
    pub api_endpoint_url: String,
    /// The OAuth application's id.
    pub client_id: String,
    /// The OAuth application's secret.
    pub client_secret: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl GithubDemo {
    /// Starts one on a free port, with alice (octocats/admins and octocats/devs), bob (octocats/devs) and mallory (no team).
    pub async fn start() -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let client_id = format!("demo-{}", hex_bytes(8)?);
        let client_secret = hex_bytes(20)?;
        let shared = Arc::new(Shared::new(base.clone(), client_id.clone(), client_secret.clone()));
        let router = router(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the demo GitHub ended");
            }
        });
        let api_endpoint_url = format!("{base}/api/v3");
        Ok(Self { endpoint_url: base, api_endpoint_url, client_id, client_secret, shared, task })
    }

    /// Registers the application's callback: the gate's `/v1/webapi/github/callback`.
    pub fn set_redirect_uri(&self, uri: &str) {
        self.shared.lock().redirect_uri = uri.to_owned();
    }

    /// Replaces the people who have an account here.
    pub fn set_users(&self, users: Vec<DemoUser>) {
        self.shared.lock().users = users;
    }

    /// Breaks something, or mends it again with [`Fault::None`].
    pub fn set_fault(&self, fault: Fault) {
        self.shared.lock().fault = fault;
    }

    /// How many authorisation pages were shown so far.
    pub fn authorizations(&self) -> usize {
        self.shared.lock().authorizations
    }
}

impl Drop for GithubDemo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/login/oauth/authorize", get(authorize::page).post(authorize::decide))
        .route("/login/oauth/access_token", post(token::exchange))
        .route("/api/v3/user", get(api::user))
        .route("/api/v3/user/teams", get(api::teams))
        .layer(middleware::from_fn_with_state(shared.clone(), faults))
        .with_state(shared)
}

/// The pages for people stay whole; what the gate asks meets the fault.
async fn faults(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let fault = shared.lock().fault;
    if request.uri().path() == "/login/oauth/authorize" {
        return next.run(request).await;
    }
    match fault {
        Fault::None => next.run(request).await,
        Fault::Down => (StatusCode::SERVICE_UNAVAILABLE, "unicorn").into_response(),
        Fault::Nonsense => ([("content-type", "application/json")], "{\"a\": [").into_response(),
        Fault::Slow(seconds) => {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            next.run(request).await
        }
    }
}
