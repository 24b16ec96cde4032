//! Connections to the API server: TCP (through a proxy where one is named), then TLS.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
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

use super::{plugin::Plugin, proxy::Proxy};
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
    proxy: Option<Proxy>,
    plugin: Option<Arc<Plugin>>,
    tls: tokio::sync::Mutex<Arc<Tls>>,
}

#[derive(Clone)]
struct Tls {
    best: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    /// The client certificate.
    leaf: Option<Vec<u8>>,
    expires: Option<Timestamp>,
    /// The run of the exec plugin that gave it.
    run: u64,
    loaded: Instant,
    /// Counts the client certificates.
    epoch: u64,
}

/// A fresh connection.
pub(super) struct Connection {
    pub(super) io: TokioIo<Box<dyn Io>>,
    pub(super) is_http2: bool,
    /// Of [`Connector::epoch`].
    pub(super) epoch: u64,
}

impl Connector {
    pub(super) async fn new(config: &Config, plugin: Option<Arc<Plugin>>) -> Result<Self, BoxError> {
        let server = config.cluster_url.clone();
        let host = server.host().ok_or("the server's address has no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = config.tls_server_name.clone().unwrap_or_else(|| host.to_owned());
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = tokio::sync::Mutex::new(Arc::new(load_tls(config, plugin.as_deref()).await?));
        let proxy = config.proxy_url.as_ref().map(Proxy::new).transpose()?;
        let name = ServerName::try_from(name)?;
        Ok(Self { config: config.clone(), server, name, tcp, proxy, plugin, tls })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self, protocol: Protocol) -> Result<Connection, BoxError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.connect_now(protocol)).await {
            Ok(done) => done,
            Err(_) => Err(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()).into()),
        }
    }

    async fn connect_now(&self, protocol: Protocol) -> Result<Connection, BoxError> {
        let tls = self.tls().await?;
        let epoch = tls.epoch;
        let tcp = self.connect_tcp().await?;
        if self.server.scheme_str() == Some("http") {
            return Ok(Connection { io: TokioIo::new(Box::new(tcp)), is_http2: false, epoch });
        }
        let config = if protocol == Protocol::Best { tls.best.clone() } else { tls.http1.clone() };
        let stream = TlsConnector::from(config).connect(self.name.clone(), tcp).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Connection { io: TokioIo::new(Box::new(stream)), is_http2, epoch })
    }

    async fn connect_tcp(&self) -> Result<TcpStream, BoxError> {
        let (tcp, server) = (self.tcp.clone(), self.server.clone());
        match &self.proxy {
            Some(proxy) => proxy.connect(tcp, server).await,
            None => Ok(tcp.oneshot(server).await?.into_inner()),
        }
    }

    /// Which client certificate is shown now. A connection of an earlier one must not carry new requests: the API server looks at
    /// each request whether the connection's certificate has ended.
    pub(super) async fn epoch(&self) -> Result<u64, BoxError> {
        Ok(self.tls().await?.epoch)
    }

    /// The API server refused the client certificate: reads its files again, if it has any. True if there is another one now.
    pub(super) async fn renew(&self) -> bool {
        let mut tls = self.tls.lock().await;
        if tls.leaf.is_none() || self.plugin.is_some() || tls.loaded.elapsed() < RELOAD_PAUSE {
            return false;
        }
        let before = tls.epoch;
        self.reload(&mut tls).await;
        tls.epoch != before
    }

    async fn tls(&self) -> Result<Arc<Tls>, BoxError> {
        let mut tls = self.tls.lock().await;
        let stale = match &self.plugin {
            Some(plugin) => plugin.credential().await?.number != tls.run,
            None => {
                let ending = tls.expires.is_some_and(|end| Timestamp::now() + RELOAD_BEFORE >= end);
                ending && tls.loaded.elapsed() >= RELOAD_PAUSE
            }
        };
        if stale {
            self.reload(&mut tls).await;
        }
        Ok(tls.clone())
    }

    /// As if the client certificate had been loaded some time ago.
    #[cfg(test)]
    pub(super) async fn age(&self) {
        let mut tls = self.tls.lock().await;
        *tls = Arc::new(Tls { loaded: tls.loaded - RELOAD_PAUSE, ..Tls::clone(&tls) });
    }

    async fn reload(&self, tls: &mut Arc<Tls>) {
        match load_tls(&self.config, self.plugin.as_deref()).await {
            Ok(mut fresh) => {
                fresh.epoch = tls.epoch + u64::from(fresh.leaf != tls.leaf);
                *tls = Arc::new(fresh);
            }
            Err(error) => {
                tracing::warn!(%error, "the client certificate for the API server cannot be loaded anew");
                *tls = Arc::new(Tls { loaded: Instant::now(), ..Tls::clone(tls) });
            }
        }
    }
}

/// The TLS of the kubeconfig, with the certificate of the exec plugin if that gives one.
async fn load_tls(config: &Config, plugin: Option<&Plugin>) -> Result<Tls, BoxError> {
    let mut config = config.clone();
    // kube would run the plugin itself, each time.
    config.auth_info.exec = None;
    let mut run = 0;
    if let Some(plugin) = plugin {
        let credential = plugin.credential().await?;
        run = credential.number;
        if let Some((cert, key)) = &credential.identity {
            config.auth_info.client_certificate = None;
            config.auth_info.client_key = None;
            config.auth_info.client_certificate_data = Some(STANDARD.encode(cert));
            config.auth_info.client_key_data = Some(STANDARD.encode(key.as_bytes()).into());
        }
    }
    // Files are read here.
    let mut best = tokio::task::spawn_blocking(move || config.rustls_client_config()).await??;
    let leaf = client_certificate(&best);
    let expires =
        leaf.as_deref().and_then(|der| Certificate::from_der(der).ok()).map(|c| c.validity().not_after);
    let mut http1 = best.clone();
    best.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (best, http1) = (Arc::new(best), Arc::new(http1));
    Ok(Tls { best, http1, leaf, expires, run, loaded: Instant::now(), epoch: 0 })
}

/// The client certificate, in DER.
fn client_certificate(config: &ClientConfig) -> Option<Vec<u8>> {
    let schemes = [
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::ED25519,
        SignatureScheme::RSA_PSS_SHA256,
    ];
    let key = config.client_auth_cert_resolver.resolve(&[], &schemes)?;
    Some(key.cert.first()?.to_vec())
}
