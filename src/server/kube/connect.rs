//! Connections to the API server: TCP (through an HTTP proxy where the kubeconfig names one), then TLS.

use std::{sync::Arc, time::Duration};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use jiff::{SignedDuration, Timestamp};
use kube::{Config, client::ConfigExt};
use rustls::{ClientConfig, SignatureScheme, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::TlsConnector;
use tower::ServiceExt;

use crate::{pki::Certificate, server::listener::BoxError};

/// For TCP, the proxy and TLS together.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// TCP keepalive: finds peers that are gone while a tunnel is idle.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// A client certificate is loaded anew this long before its end, and not more often than [`RELOAD_PAUSE`].
const RELOAD_BEFORE: SignedDuration = SignedDuration::from_secs(60);
const RELOAD_PAUSE: Duration = Duration::from_secs(10);

/// Bytes both ways.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What a connection is to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/2, or HTTP/1.1 from a server that knows no other.
    Best,
    /// HTTP/1.1, for upgrades.
    Http1,
}

/// Opens connections.
pub(super) struct Connector {
    config: Config,
    server: Uri,
    name: ServerName<'static>,
    tcp: HttpConnector,
    tls: tokio::sync::Mutex<Tls>,
}

struct Tls {
    best: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    expires: Option<Timestamp>,
    loaded: Instant,
}

/// A fresh connection.
pub(super) struct Connection {
    pub(super) io: TokioIo<Box<dyn Io>>,
    pub(super) is_http2: bool,
}

impl Connector {
    pub(super) async fn new(config: &Config) -> Result<Self, BoxError> {
        let server = config.cluster_url.clone();
        let host = server.host().ok_or("the server's address has no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = config.tls_server_name.clone().unwrap_or_else(|| host.to_owned());
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = tokio::sync::Mutex::new(load_tls(config).await?);
        Ok(Self { config: config.clone(), server, name: ServerName::try_from(name)?, tcp, tls })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self, protocol: Protocol) -> Result<Connection, BoxError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.connect_now(protocol)).await {
            Ok(done) => done,
            Err(_) => Err(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()).into()),
        }
    }

    async fn connect_now(&self, protocol: Protocol) -> Result<Connection, BoxError> {
        let tcp = self.connect_tcp().await?;
        if self.server.scheme_str() == Some("http") {
            return Ok(Connection { io: TokioIo::new(Box::new(tcp)), is_http2: false });
        }
        let tls = TlsConnector::from(self.tls_config(protocol).await?);
        let stream = tls.connect(self.name.clone(), tcp).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Connection { io: TokioIo::new(Box::new(stream)), is_http2 })
    }

    async fn connect_tcp(&self) -> Result<TcpStream, BoxError> {
        let (tcp, server) = (self.tcp.clone(), self.server.clone());
        let stream = match &self.config.proxy_url {
            Some(proxy) if !bypasses_proxy(&server) => {
                Tunnel::new(proxy.clone(), tcp).oneshot(server).await?
            }
            _ => tcp.oneshot(server).await?,
        };
        Ok(stream.into_inner())
    }

    async fn tls_config(&self, protocol: Protocol) -> Result<Arc<ClientConfig>, BoxError> {
        let mut tls = self.tls.lock().await;
        let ending = tls.expires.is_some_and(|end| Timestamp::now() + RELOAD_BEFORE >= end);
        if ending && tls.loaded.elapsed() >= RELOAD_PAUSE {
            match load_tls(&self.config).await {
                Ok(fresh) => *tls = fresh,
                Err(error) => {
                    tracing::warn!(%error, "the client certificate for the API server cannot be loaded anew");
                    tls.loaded = Instant::now();
                }
            }
        }
        Ok(if protocol == Protocol::Best { tls.best.clone() } else { tls.http1.clone() })
    }
}

/// Loopback is never reached through a proxy, nor is what `NO_PROXY` lists.
fn bypasses_proxy(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let loopback = host.parse::<std::net::IpAddr>().map_or(host == "localhost", |ip| ip.is_loopback());
    let listed = ["NO_PROXY", "no_proxy"].iter().filter_map(|name| std::env::var(name).ok()).any(|list| {
        let mut entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.any(|entry| {
            let domain = entry.trim_start_matches('.');
            entry == "*"
                || host == domain
                || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        })
    });
    loopback || listed
}

async fn load_tls(config: &Config) -> Result<Tls, BoxError> {
    let config = config.clone();
    // Files are read here, and an exec plugin that gives a certificate is run.
    let mut best = tokio::task::spawn_blocking(move || config.rustls_client_config()).await??;
    let expires = client_certificate_end(&best);
    let mut http1 = best.clone();
    best.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { best: Arc::new(best), http1: Arc::new(http1), expires, loaded: Instant::now() })
}

fn client_certificate_end(config: &ClientConfig) -> Option<Timestamp> {
    let schemes = [
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::ED25519,
        SignatureScheme::RSA_PSS_SHA256,
    ];
    let key = config.client_auth_cert_resolver.resolve(&[], &schemes)?;
    Some(Certificate::from_der(key.cert.first()?).ok()?.validity().not_after)
}
