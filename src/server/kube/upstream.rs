//! The API server: where it is, how the gate signs in there, and the requests on its connections.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::{
    connect::{Connector, Protocol},
    credentials::{Credentials, Used},
    pool::{self, Lease, Pool, SendError},
    proxy,
};
use crate::server::{
    config::KubeCluster,
    listener::{Body, BoxError},
};

/// Why the gate cannot guard a cluster. Told at start.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// A kubeconfig that does not load, or lacks the context.
    #[error("the kubeconfig file {} cannot be used: {source}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BoxError,
    },
    /// Not in a cluster.
    #[error(
        "no kubeconfig_file is set under proxy_service.kubernetes, and this is not a pod with a service account ({0}); set kubeconfig_file"
    )]
    InCluster(BoxError),
    /// One of several clusters.
    #[error("the cluster {cluster:?}: {source}")]
    Of {
        /// Its name.
        cluster: String,
        /// What is wrong.
        source: Box<UpstreamError>,
    },
    /// Keys, certificates, tokens.
    #[error("the credentials for the API server {server} cannot be used: {source}")]
    Credentials {
        /// Its address.
        server: String,
        /// Why.
        source: BoxError,
    },
}

/// Why a request has no answer. The texts are for the person.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// Down, unreachable, or no TLS with it.
    #[error(
        "the gate cannot reach the Kubernetes API server {server}: {why}; try again, and tell an administrator if it lasts"
    )]
    Unreachable { server: String, why: String },
    /// Silent.
    #[error("the Kubernetes API server {server} did not answer within {} s; try again", within.as_secs())]
    Timeout { server: String, within: Duration },
    /// The gate has no token or certificate to show.
    #[error(
        "the gate has no valid credentials for the Kubernetes API server {server}; tell an administrator"
    )]
    Credentials { server: String },
}

/// What a 401 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The API server refuses the gate's credentials: new ones are looked for.
    Renew,
    /// It may come from an application behind the API server.
    Keep,
}

/// The API server of one cluster.
pub struct Upstream {
    connector: Connector,
    credentials: Credentials,
    pool: Pool,
    server: Uri,
    /// The path before every path, without a slash at its end; mostly empty.
    base: String,
}

impl Upstream {
    /// From the configuration: a kubeconfig with its context, else the pod's service account. Nothing is asked of the API server
    /// yet, so that the gate starts while it is down.
    pub async fn new(config: &KubeCluster) -> Result<Arc<Self>, UpstreamError> {
        let found = match &config.kubeconfig_file {
            Some(path) => from_kubeconfig(path.clone(), config.context.clone()).await?,
            None => kube::Config::incluster_env()
                .or_else(|_| kube::Config::incluster())
                .map_err(|e| UpstreamError::InCluster(chain(&e).into()))?,
        };
        Self::from_kube_config(&found).await
    }

    /// From kube's own configuration.
    pub async fn from_kube_config(config: &kube::Config) -> Result<Arc<Self>, UpstreamError> {
        // kube builds its TLS with the process's provider; this names it. A second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = config.cluster_url.clone();
        let failed = |e: BoxError| UpstreamError::Credentials {
            server: server.to_string(),
            source: chain(&*e).into(),
        };
        let credentials = Credentials::from_config(config).await.map_err(failed)?;
        let connector = Connector::new(config, credentials.plugin()).await.map_err(failed)?;
        let base = server.path().trim_end_matches('/').to_owned();
        Ok(Arc::new(Self { connector, credentials, pool: Pool::default(), server, base }))
    }

    /// The API server's address, for logs and sentences.
    pub fn server(&self) -> String {
        let authority = self.server.authority().map_or("", |authority| authority.as_str());
        authority.to_owned()
    }

    /// The path before every path, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The full address for a path and query below the base.
    pub(crate) fn uri(&self, path_and_query: &str) -> Result<Uri, http::Error> {
        let builder = Uri::builder().scheme(self.server.scheme_str().unwrap_or("https"));
        builder.authority(self.server()).path_and_query(path_and_query).build()
    }

    /// Sends a request on a pooled connection; the headers of the answer must come `within` this time.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
        within: Duration,
        refused: Refused,
    ) -> Result<(Response<Incoming>, Lease), RequestError> {
        let again = if refused == Refused::Renew { pool::spare(&request) } else { None };
        let used = self.sign(&mut request).await?;
        let answer = self.send_signed(request, within).await?;
        // What cannot be sent twice has new credentials at least for the next one.
        if !self.has_renewed(answer.0.status(), refused, &used).await {
            return Ok(answer);
        }
        let Some(mut request) = again else { return Ok(answer) };
        drop(answer);
        self.sign(&mut request).await?;
        self.send_signed(request, within).await
    }

    async fn send_signed(
        &self,
        request: Request<Body>,
        within: Duration,
    ) -> Result<(Response<Incoming>, Lease), RequestError> {
        match tokio::time::timeout(within, self.pool.send(&self.connector, request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(SendError::Connect(error))) => Err(self.unreachable(&*error)),
            Ok(Err(error @ SendError::Broken(_))) => Err(self.unreachable(&error)),
            Err(_) => Err(RequestError::Timeout { server: self.server(), within }),
        }
    }

    /// Sends a request that asks for an upgrade, on a connection of its own, which closes when the answer is dropped.
    pub(super) async fn send_upgrade(
        &self,
        mut request: Request<Body>,
        within: Duration,
        refused: Refused,
    ) -> Result<Response<Incoming>, RequestError> {
        let mut again = pool::copy(&request);
        let used = self.sign(&mut request).await?;
        let answer = self.send_upgrade_signed(request, within).await?;
        if !self.has_renewed(answer.status(), refused, &used).await {
            return Ok(answer);
        }
        drop(answer);
        self.sign(&mut again).await?;
        self.send_upgrade_signed(again, within).await
    }

    async fn send_upgrade_signed(
        &self,
        request: Request<Body>,
        within: Duration,
    ) -> Result<Response<Incoming>, RequestError> {
        let sent = async {
            let connection = self.connector.connect(Protocol::Http1).await?;
            let mut sender = pool::http1(connection).await?;
            Ok::<_, BoxError>(sender.send_request(pool::in_origin_form(request)).await?)
        };
        match tokio::time::timeout(within, sent).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.unreachable(&*error)),
            Err(_) => Err(RequestError::Timeout { server: self.server(), within }),
        }
    }

    async fn sign(&self, request: &mut Request<Body>) -> Result<Used, RequestError> {
        self.credentials.sign(request.headers_mut()).await.map_err(|error| {
            tracing::error!(error = %chain(&*error), "no credentials for the API server");
            RequestError::Credentials { server: self.server() }
        })
    }

    /// Whether the API server refused the gate's credentials and there are others now.
    async fn has_renewed(&self, status: StatusCode, refused: Refused, used: &Used) -> bool {
        if status != StatusCode::UNAUTHORIZED || refused != Refused::Renew {
            return false;
        }
        tracing::warn!(server = %self.server(), "the API server refused the gate's credentials; looking for new ones");
        // Both, since one or the other may be what was refused.
        let (header, certificate) = (self.credentials.renew(used).await, self.connector.renew().await);
        header || certificate
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> RequestError {
        RequestError::Unreachable { server: self.server(), why: chain(error) }
    }

    /// As if the client certificate had been loaded some time ago.
    #[cfg(test)]
    pub(super) async fn age(&self) {
        self.connector.age().await;
    }

    /// How many HTTP/2 connections are open.
    #[cfg(test)]
    pub(super) fn connections(&self) -> usize {
        self.pool.connections()
    }
}

async fn from_kubeconfig(path: PathBuf, context: Option<String>) -> Result<kube::Config, UpstreamError> {
    let failed = |source: BoxError| UpstreamError::Kubeconfig { path: path.clone(), source };
    let file = Kubeconfig::read_from(&path).map_err(|e| failed(chain(&e).into()))?;
    let options = KubeConfigOptions { context, cluster: None, user: None };
    let has_own_proxy = has_own_proxy(&file, options.context.as_deref());
    let config = kube::Config::from_custom_kubeconfig(file, &options).await;
    let mut config = config.map_err(|e| failed(chain(&e).into()))?;
    // kube takes the proxy of the environment too; `NO_PROXY` is about that one alone.
    if !has_own_proxy && proxy::bypassed(&config.cluster_url) {
        config.proxy_url = None;
    }
    Ok(config)
}

/// Whether the cluster of a context names a proxy of its own.
fn has_own_proxy(file: &Kubeconfig, context: Option<&str>) -> bool {
    let name = context.or(file.current_context.as_deref());
    let context =
        file.contexts.iter().find(|c| Some(c.name.as_str()) == name).and_then(|c| c.context.as_ref());
    let cluster = context.and_then(|context| file.clusters.iter().find(|c| c.name == context.cluster));
    let cluster = cluster.and_then(|named| named.cluster.as_ref());
    cluster.is_some_and(|cluster| cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()))
}

/// An error with all its causes on one line, none said twice.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
