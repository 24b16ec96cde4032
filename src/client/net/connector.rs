//! The connector: the way, the proxy, TLS. Nothing else in the client opens a connection.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Limits, Routes, dial,
    error::{NetError, Phase},
    route::{Kind, Proxy},
    tunnel::{self, Goal},
};
use crate::client::{
    address::Address,
    trust::{Gatekeeper, Trust},
};

/// A connection of any kind.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What a connection is in the end: TLS over TCP, or over what a proxy opened.
pub(super) type Stream = TlsStream<Box<dyn Io>>;

/// Opens TLS connections to one address.
#[derive(Clone)]
pub struct Connector {
    address: Address,
    /// The name in the handshake (SNI), when it is not that of the address.
    name: Option<&'static str>,
    tls: Arc<ClientConfig>,
    routes: Routes,
    /// CAs to trust besides the system's when the proxy itself is reached by TLS, PEM.
    proxy_cas: String,
    pub(super) limits: Limits,
}

impl Connector {
    /// To this address, by the ways of this process's environment.
    pub fn new(address: &Address, tls: ClientConfig) -> Self {
        Self {
            address: address.clone(),
            name: None,
            tls: Arc::new(tls),
            routes: Routes::of_process(),
            proxy_cas: String::new(),
            limits: Limits::default(),
        }
    }

    /// Asks for another name in the handshake than that of the address.
    pub fn server_name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// CAs (PEM) that may vouch for a proxy which is itself reached by TLS, besides the system's.
    pub fn proxy_cas(mut self, pem: &str) -> Self {
        pem.clone_into(&mut self.proxy_cas);
        self
    }

    /// Other ways than those of the environment.
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = routes;
        self
    }

    /// Other limits than the usual ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address that it connects to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The host of the `Host` header: the name in the handshake.
    pub(super) fn authority(&self) -> String {
        match self.name {
            Some(name) => format!("{name}:{}", self.address.port),
            None => self.address.to_string(),
        }
    }

    /// Opens a connection. Also for what is not HTTP.
    pub(super) async fn connect(&self) -> Result<Stream, NetError> {
        let plain: Box<dyn Io> = match self.routes.to(&self.address)? {
            None => Box::new(dial::connect(&self.address, &self.limits).await?),
            Some(proxy) => self.by(proxy).await?,
        };
        let host = self.name.unwrap_or(&self.address.host);
        let stream = handshake(&self.tls, host, plain, self.limits.tls).await?;
        let (_, session) = stream.get_ref();
        tracing::debug!(
            address = %self.address,
            name = host,
            version = ?session.protocol_version(),
            "TLS is set up"
        );
        Ok(stream)
    }

    /// The way through a proxy. Its own failures are told as its own.
    async fn by(&self, proxy: &Proxy) -> Result<Box<dyn Io>, NetError> {
        tracing::debug!(%proxy, address = %self.address, "through a proxy");
        let of_proxy = |reason: String| NetError::Proxy { proxy: proxy.to_string(), reason };
        let unreachable = |e: NetError| of_proxy(format!("cannot be reached: {e}"));
        let tcp = dial::connect(&proxy.address, &self.limits).await.map_err(unreachable)?;
        let mut stream: Box<dyn Io> = if proxy.kind == Kind::Https {
            let trust = Trust { ca_pem: self.proxy_cas.clone(), ..Trust::default() };
            let gatekeeper = Gatekeeper::new(trust).map_err(|e| of_proxy(e.to_string()))?;
            let tls = Arc::new(gatekeeper.client_config().map_err(|e| of_proxy(e.to_string()))?);
            let done = handshake(&tls, &proxy.address.host, Box::new(tcp), self.limits.tls).await;
            Box::new(done.map_err(|e| match gatekeeper.seen().refusal {
                Some(refusal) => of_proxy(format!("cannot be trusted: {refusal}")),
                None => unreachable(e),
            })?)
        } else {
            Box::new(tcp)
        };
        let login = proxy.login.as_ref();
        let goal = match proxy.kind {
            Kind::Socks5 => {
                dial::lookup(&self.address, &self.limits).await?.first().map(|a| Goal::Ip(a.ip()))
            }
            _ => self.address.host.parse().ok().map(Goal::Ip),
        };
        let goal = goal.unwrap_or(Goal::Name(&self.address.host));
        let opened: Pin<Box<dyn Future<Output = _> + Send>> = match proxy.kind {
            Kind::Http | Kind::Https => Box::pin(tunnel::http_connect(&mut stream, &self.address, login)),
            Kind::Socks5 | Kind::Socks5h => {
                Box::pin(tunnel::socks5(&mut stream, goal, self.address.port, login))
            }
        };
        let limit = self.limits.proxy;
        let late = |_| of_proxy(format!("opened no way there within {} seconds", limit.as_secs()));
        timeout(limit, opened).await.map_err(late)?.map_err(of_proxy)?;
        Ok(stream)
    }
}

async fn handshake(
    tls: &Arc<ClientConfig>,
    host: &str,
    plain: Box<dyn Io>,
    limit: Duration,
) -> Result<Stream, NetError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| NetError::Connect(format!("{host:?} cannot be the name of a server")))?;
    let late = NetError::Timeout { phase: Phase::Tls, seconds: limit.as_secs() };
    let done = TlsConnector::from(tls.clone()).connect(name, plain);
    timeout(limit, done).await.map_err(|_| late)?.map_err(|e| NetError::of_tls(&e))
}
