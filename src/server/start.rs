//! Builds the gate from its configuration, opens its ports, and ends it in order.

use std::{
    collections::BTreeSet,
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustls::sign::CertifiedKey;
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    auth::access::Access,
    certificates::{self, CertificatesError},
    config::{Config, HostPort, Listen},
    diagnostics,
    gate::{Addresses, Gate},
    handlers,
    kube::{Clusters, UpstreamError},
    listener::{self, Drain, DrainSwitch, Handler, Limits, Port},
    metrics::Metrics,
    recordings::{self, Recordings},
    store::{OpenError, SqliteStore, Store, Timed},
    tls::{self, Tls, TlsError},
};

mod files;
mod renewal;
mod signals;

use renewal::Certificates;
pub use renewal::Clock;
use signals::Signal;
pub use signals::Signals;

/// Why the gate does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// CAs and certificates.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The https files.
    #[error("{at}: {error}")]
    HttpsFiles {
        /// The place in the configuration.
        at: String,
        /// Why.
        error: TlsError,
    },
    /// A port.
    #[error("cannot listen on {addr} ({key}): {error}")]
    Bind {
        /// The configuration's key.
        key: &'static str,
        /// The address.
        addr: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A file in the data directory.
    #[error("cannot use {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The way to the Kubernetes API server.
    #[error("{0}")]
    Upstream(String),
    /// Recordings.
    #[error("{at}: {error}")]
    Recordings {
        /// The place in the configuration.
        at: String,
        /// Why.
        error: recordings::SetupError,
    },
}

/// Where the ports are really bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Web port.
    pub web: SocketAddr,
    /// Admin port.
    pub admin: SocketAddr,
    /// Kubernetes port.
    pub kube: Option<SocketAddr>,
    /// Diagnostics.
    pub diagnostics: Option<SocketAddr>,
}

/// A gate that serves. Dropping it ends it at once.
pub struct Running {
    /// Where its ports are.
    pub bound: Bound,
    /// What a person should know at start, one sentence each.
    pub notices: Vec<String>,
    gate: Arc<Gate>,
    switch: DrainSwitch,
    listeners: JoinSet<()>,
    helpers: JoinSet<()>,
    certificates: Arc<Certificates>,
}

/// The sockets of a gate, bound before anything else happens.
struct Sockets {
    web: TcpListener,
    admin: TcpListener,
    kube: Option<TcpListener>,
    diagnostics: Option<TcpListener>,
}

/// Starts a gate. Everything that can fail has succeeded when this returns.
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_by(config, Clock::default()).await
}

/// The same by another clock.
pub async fn start_by(config: Config, clock: Clock) -> Result<Running, StartError> {
    let https = https_files(&config)?;
    // What may fail for the configuration comes before the CAs are made: they belong to the cluster's name for good.
    let mut notices = config.notices.clone();
    let clusters = match &config.kube {
        Some(kube) => {
            let opened = Clusters::open(kube).await;
            let (clusters, more) =
                opened.map_err(|error| StartError::Upstream(upstream_text(&config, &error)))?;
            notices.extend(more);
            Some(clusters)
        }
        None => None,
    };
    let metrics = Arc::new(Metrics::default());
    for dir in BTreeSet::from([&config.data_dir, &config.store_dir]) {
        notices.extend(files::private_dir(dir)?);
    }
    let store = Arc::new(SqliteStore::open(&config.store_dir)?);
    let store: Arc<dyn Store> = Arc::new(Timed::new(store, metrics.clone()));
    let sockets = Sockets::bind(&config).await?;
    let bound = sockets.bound()?;
    let authorities = certificates::authorities(&*store, &config.cluster_name).await?;
    let key = certificates::host_key(&*store).await?;
    let certificates = Arc::new(Certificates::new(&config, &authorities.host, key, https, clock)?);
    let audit = files::open_audit(&config, metrics.clone())?;
    let opened = Recordings::open(&config.recording, &config.data_dir, store.clone(), audit.clone()).await;
    let recordings = opened
        .map_err(|error| StartError::Recordings { at: config.at("auth_service.recording.storage"), error })?;
    let (switch, drain) = Drain::new();
    if config.https.is_none() {
        notices.push(
            "the web port shows a certificate of the gate's own CA, since https_key_file and https_cert_file are not set"
                .into(),
        );
    }
    let gate = Arc::new(Gate {
        addresses: addresses(&config, &bound),
        access: Access::new(store.clone()),
        config,
        store,
        authorities,
        audit,
        recordings,
        drain,
        metrics,
    });
    let handlers = handlers::handlers(&gate, clusters);
    certificates.write_admin(&gate)?;
    files::write_info(&gate, &bound)?;

    let mut running = Running {
        bound,
        notices,
        gate,
        switch,
        listeners: JoinSet::new(),
        helpers: JoinSet::new(),
        certificates,
    };
    running.gate.recordings.recover().await;
    running.open(sockets, handlers)?;
    Ok(running)
}

fn https_files(config: &Config) -> Result<Option<CertifiedKey>, StartError> {
    let Some((key, cert)) = &config.https else { return Ok(None) };
    tls::from_files(key, cert).map(Some).map_err(|error| {
        let of_key = error.file() == Some(key.as_path());
        let name = if of_key { "proxy_service.https_key_file" } else { "proxy_service.https_cert_file" };
        StartError::HttpsFiles { at: config.at(name), error }
    })
}

fn upstream_text(config: &Config, error: &UpstreamError) -> String {
    match error {
        UpstreamError::Kubeconfig { .. } => {
            format!("{}: {error}", config.at("proxy_service.kubernetes.kubeconfig_file"))
        }
        UpstreamError::Of { .. } => format!("{}: {error}", config.at("proxy_service.kubernetes.clusters")),
        other => other.to_string(),
    }
}

impl Running {
    /// The gate behind the ports.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Reads the https files again. If they cannot be used, the old ones stay.
    pub fn reload(&self) {
        self.certificates.reload();
    }

    /// Begins the end: no new connections; open streams learn `reason` and may go on for the configured time.
    pub fn drain(&self, reason: &str) {
        self.switch.start(reason);
    }

    /// Waits until the ports are closed and everything is on disk. Without [`Self::drain`] that is never.
    pub async fn wait(&mut self) {
        while self.listeners.join_next().await.is_some() {}
        self.gate.recordings.close().await;
        self.gate.audit.close().await;
        let info = self.gate.config.data_dir.join(files::INFO);
        if let Err(error) = fs::remove_file(&info) {
            tracing::debug!(%error, "gate.json could not be removed");
        }
        self.helpers.shutdown().await;
    }

    /// Serves until SIGTERM or SIGINT, then drains; a second one ends at once. SIGHUP reads the https files again.
    pub async fn until_signal(&mut self, mut signals: Signals) {
        tell_systemd("READY=1");
        while signals.next().await == Signal::Reload {
            self.reload();
        }
        tell_systemd("STOPPING=1");
        tracing::info!(seconds = self.gate.config.drain.as_secs(), "the gate ends; open streams may finish");
        self.drain("the gate is being shut down");
        loop {
            tokio::select! {
                () = self.wait() => break tracing::info!("the gate ended"),
                signal = signals.next() => if signal == Signal::End {
                    break tracing::warn!("the gate ended at once, at a second signal");
                },
            }
        }
    }

    fn open(&mut self, sockets: Sockets, handlers: handlers::Handlers) -> Result<(), StartError> {
        let host = || self.certificates.host.clone();
        let web = Tls::web(self.certificates.web.clone(), host())?;
        let mutual = Tls::mutual(host())?;
        self.serve("web", sockets.web, web, handlers.web);
        self.serve("admin", sockets.admin, mutual.clone(), handlers.admin);
        if let (Some(socket), Some(handler)) = (sockets.kube, handlers.kube) {
            self.serve("kube", socket, mutual, handler);
        }
        let listening = Arc::new(AtomicBool::new(false));
        if let Some(socket) = sockets.diagnostics {
            self.helpers.spawn(diagnostics::serve(socket, self.gate.clone(), listening.clone()));
        }
        self.helpers.spawn(self.certificates.clone().renew(self.gate.clone()));
        self.helpers.spawn(self.gate.recordings.clone().retain());
        listening.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn serve(&mut self, name: &'static str, socket: TcpListener, tls: Tls, handler: Handler) {
        let gate = &self.gate;
        self.listeners.spawn(listener::serve(Port {
            name,
            socket,
            tls,
            limits: Limits::new(gate.config.drain),
            drain: gate.drain.clone(),
            handler,
            metrics: gate.metrics.clone(),
        }));
    }
}

impl Sockets {
    async fn bind(config: &Config) -> Result<Self, StartError> {
        let kube = match &config.kube {
            Some(kube) => Some(bind("proxy_service.kubernetes.listen_addr", kube.listen.listen).await?),
            None => None,
        };
        let diagnostics = match config.diagnostics {
            Some(addr) => Some(bind("teleport.diag_addr", addr).await?),
            None => None,
        };
        Ok(Self {
            web: bind("proxy_service.web_listen_addr", config.web.listen).await?,
            admin: bind("auth_service.listen_addr", config.admin.listen).await?,
            kube,
            diagnostics,
        })
    }

    fn bound(&self) -> Result<Bound, StartError> {
        let local = |key, socket: &TcpListener| {
            socket.local_addr().map_err(|error| StartError::Bind {
                key,
                addr: SocketAddr::from(([0, 0, 0, 0], 0)),
                error,
            })
        };
        Ok(Bound {
            web: local("proxy_service.web_listen_addr", &self.web)?,
            admin: local("auth_service.listen_addr", &self.admin)?,
            kube: self.kube.as_ref().map(|s| local("proxy_service.kubernetes.listen_addr", s)).transpose()?,
            diagnostics: self.diagnostics.as_ref().map(|s| local("teleport.diag_addr", s)).transpose()?,
        })
    }
}

async fn bind(key: &'static str, addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).await.map_err(|error| StartError::Bind { key, addr, error })
}

/// The addresses for people outside: `public_addr` where it is given, else what is bound, else this machine's name.
fn addresses(config: &Config, bound: &Bound) -> Addresses {
    let web_host = config.web.public.as_ref().map(|p| p.host.clone());
    let outside = |listen: &Listen, bound: SocketAddr| match &listen.public {
        Some(public) => HostPort { host: public.host.clone(), port: public.port.unwrap_or(bound.port()) },
        None if bound.ip().is_unspecified() => {
            let host = web_host.clone().unwrap_or_else(|| config.nodename.clone());
            HostPort { host, port: bound.port() }
        }
        None => HostPort { host: bound.ip().to_string(), port: bound.port() },
    };
    let kube = config.kube.as_ref().zip(bound.kube);
    Addresses {
        web: outside(&config.web, bound.web),
        admin: outside(&config.admin, bound.admin),
        kube: kube.map(|(kube, bound)| outside(&kube.listen, bound)),
    }
}

/// sd_notify(3), for units of `Type=notify`; a name that begins with `@` is abstract. Elsewhere nobody listens.
fn tell_systemd(state: &str) {
    use std::os::unix::{ffi::OsStrExt, net::UnixDatagram};
    let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return };
    let told = UnixDatagram::unbound().and_then(|socket| match name.as_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(abstracted) => {
            use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
            socket.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(abstracted)?)
        }
        _ => socket.send_to(state.as_bytes(), &name),
    });
    if let Err(error) = told {
        tracing::debug!(%error, "systemd could not be told");
    }
}
