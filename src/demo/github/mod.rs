//! A GitHub with a consent page, users, organisations and teams: for the tour and the tests.
//!
//! It answers on plain HTTP on loopback and checks every parameter as GitHub does ([`checks`]). It shares no code with the
//! gate that talks to it.

pub mod checks;
mod pages;
mod routes;
mod state;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use state::State;
pub use state::{Account, Fault};

/// A running demo GitHub; it ends when dropped.
pub struct GithubDemo {
    addr: SocketAddr,
    state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

impl GithubDemo {
    /// Starts it on a free port of loopback, with alice (octocats/admins and octocats/devs), bob (octocats/devs) and
    /// mallory (in no team).
    pub async fn start() -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State::new(format!("http://{addr}"))?);
        let router = routes::router(state.clone());
        let server = tokio::spawn(async move {
            // The demo ends with its process; an accept that fails ends it earlier and shows as a login that fails.
            let _ = axum_serve(listener, router).await;
        });
        Ok(Self { addr, state, server })
    }

    /// `endpoint_url` of a connector.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// `api_endpoint_url` of a connector, in GitHub Enterprise's form.
    pub fn api_endpoint_url(&self) -> String {
        format!("http://{}/api/v3", self.addr)
    }

    /// The OAuth application's id.
    pub fn client_id(&self) -> &str {
        &self.state.client_id
    }

    /// The OAuth application's secret.
    pub fn client_secret(&self) -> &str {
        &self.state.client_secret
    }

    /// What a person types to sign in, fresh for each run.
    pub fn password(&self) -> &str {
        &self.state.password
    }

    /// Registers the application's callback address.
    pub fn set_redirect_uri(&self, uri: &str) {
        self.state.with(|inner| inner.redirect_uri = uri.to_owned());
    }

    /// Adds an account or replaces the one of that login name.
    pub fn set_account(&self, login: &str, account: Account) {
        self.state.with(|inner| {
            inner.accounts.insert(login.to_owned(), account);
        });
    }

    /// What goes wrong from now on.
    pub fn set_fault(&self, fault: Fault) {
        self.state.with(|inner| inner.fault = fault);
    }

    /// How often somebody pressed the button that allows it.
    pub fn authorizations(&self) -> usize {
        self.state.with(|inner| inner.authorizations)
    }
}

impl Drop for GithubDemo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// How long the fault [`Fault::Slow`] holds an answer back.
pub(crate) const SLOW: Duration = Duration::from_secs(60);

async fn axum_serve(listener: tokio::net::TcpListener, router: axum::Router) -> io::Result<()> {
    use hyper_util::{
        rt::{TokioExecutor, TokioIo},
        server::conn::auto::Builder,
        service::TowerToHyperService,
    };
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            // A browser that goes away is none of the demo's business.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[cfg(test)]
mod tests;
