//! A Kubernetes API that answers nobody but the gate.
//!
//! [`KubeDemo`] starts it on a loopback port with TLS of a CA of its own and a random token. What it holds are real
//! objects under real RBAC (`store`, `rbac`, `admission`, `controllers`); what it says, it says in the words of
//! kube-apiserver, so that `kubectl` of 2020 and of today work against it through the gate.

mod admission;
mod api;
mod arrivals;
mod closing;
mod columns;
mod controllers;
mod defaults;
mod deletion;
mod discovery;
mod endpoints;
mod faults;
mod front;
mod identity;
mod logs;
mod openapi;
mod patch;
mod protobuf;
mod rbac;
pub(crate) mod remote;
mod request;
mod resources;
mod respond;
mod reviews;
mod runtime;
mod seed;
mod selectors;
mod server;
mod status;
mod store;
mod streaming;
mod subresources;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod watch;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::SecureRandom as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use arrivals::Arrival;
pub use faults::{Fault, UpgradeFault};

/// Why the demo's Kubernetes does not start.
#[derive(Debug, thiserror::Error)]
pub enum KubeDemoError {
    /// A file or a folder.
    #[error("the demo Kubernetes cannot write {path}: {error}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The loopback port.
    #[error("the demo Kubernetes cannot listen on loopback: {0}")]
    Listen(std::io::Error),
    /// Keys or certificates.
    #[error("the demo Kubernetes cannot make its certificates: {0}")]
    Tls(String),
    /// Its first objects.
    #[error("the demo Kubernetes cannot make its first objects: {0}")]
    Seed(String),
}

/// All that a request can reach.
pub(crate) struct Cluster {
    store: Arc<store::Store>,
    runtime: Arc<runtime::Runtime>,
    arrivals: arrivals::Arrivals,
    faults: faults::Faults,
    gate_token: Mutex<String>,
    control_token: String,
    pod_server: SocketAddr,
    /// True when all is to end.
    closing: tokio::sync::watch::Sender<bool>,
}

impl Cluster {
    fn gate_token(&self) -> String {
        self.gate_token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A running demo Kubernetes API. Dropping it ends it.
pub struct KubeDemo {
    /// Where it listens.
    pub addr: SocketAddr,
    cluster: Arc<Cluster>,
    ca_pem: String,
    tasks: JoinSet<()>,
}

impl KubeDemo {
    /// Starts on a free loopback port. The pods have their folders below `dir`.
    pub async fn start(dir: &Path) -> Result<Self, KubeDemoError> {
        Self::start_as("demo", dir).await
    }

    /// The same with a namespace of this name, so that two clusters can be told apart.
    pub async fn start_as(name: &str, dir: &Path) -> Result<Self, KubeDemoError> {
        let file = |error| KubeDemoError::File { path: dir.to_owned(), error };
        std::fs::create_dir_all(dir).map_err(file)?;
        let tls = tls::generate()?;
        let store = Arc::new(store::Store::new());
        seed::plant(&store)
            .and_then(|()| seed::namespace(&store, name))
            .map_err(|error| KubeDemoError::Seed(error.to_string()))?;
        let listen =
            || async { TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(KubeDemoError::Listen) };
        let (api, pods) = (listen().await?, listen().await?);
        let addr = api.local_addr().map_err(KubeDemoError::Listen)?;
        let cluster = Arc::new(Cluster {
            store: store.clone(),
            runtime: Arc::new(runtime::Runtime::new(dir)),
            arrivals: arrivals::Arrivals::default(),
            faults: faults::Faults::default(),
            gate_token: Mutex::new(random_token()?),
            control_token: random_token()?,
            pod_server: pods.local_addr().map_err(KubeDemoError::Listen)?,
            closing: tokio::sync::watch::Sender::new(false),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(server::run(api, tls.config, cluster.clone()));
        tasks.spawn(streaming::serve_pods(pods, cluster.closing.subscribe()));
        tasks.spawn(cluster.runtime.clone().run(store, cluster.closing.subscribe()));
        Ok(Self { addr, cluster, ca_pem: tls.ca_pem, tasks })
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("https://{}", self.addr)
    }

    /// Its CA's certificate, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The gate's bearer token.
    pub fn gate_token(&self) -> String {
        self.cluster.gate_token()
    }

    /// Another token for the gate; the one before is refused from now on.
    pub fn rotate_gate_token(&self) -> Result<String, KubeDemoError> {
        let token = random_token()?;
        token.clone_into(&mut self.cluster.gate_token.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(token)
    }

    /// Writes the kubeconfig with which the gate reaches it (JSON, which is YAML too), with mode 0600.
    pub fn write_gate_kubeconfig(&self, path: &Path) -> Result<(), KubeDemoError> {
        use base64::Engine as _;
        let ca = base64::engine::general_purpose::STANDARD.encode(&self.ca_pem);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": "demo",
            "clusters": [{"name": "demo", "cluster": {"server": self.url(), "certificate-authority-data": ca}}],
            "users": [{"name": "gate", "user": {"token": self.gate_token()}}],
            "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "gate"}}],
        });
        write_secret(path, &format!("{config:#}\n"))
    }

    /// Writes what a test in another process needs for `/demo/requests`, `/demo/faults` and
    /// `/demo/logs/{namespace}/{pod}/{container}`: `{"url", "ca", "token"}`, with mode 0600. The gate has no use for it.
    pub fn write_control(&self, path: &Path) -> Result<(), KubeDemoError> {
        let control = json!({"url": self.url(), "ca": self.ca_pem, "token": self.cluster.control_token});
        write_secret(path, &format!("{control:#}\n"))
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<Arrival> {
        self.cluster.arrivals.all()
    }

    /// Forgets the last requests.
    pub fn clear_requests(&self) {
        self.cluster.arrivals.clear();
    }

    /// Adds a line to the log of a container, as its main process would. False where there is no such pod.
    pub fn say(&self, namespace: &str, pod: &str, container: &str, line: &str) -> bool {
        let key = store::Key::new("pods", namespace, pod);
        let object = self.cluster.store.read(|all| all.get(&key).cloned());
        let running = object.and_then(|object| self.cluster.pod(&object).ok());
        running.map(|pod| pod.log(container).push(line)).is_some()
    }

    /// What goes wrong next; an empty list puts all right again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.cluster.faults.set(faults);
    }

    /// Ends it: streams, connections and listeners.
    pub async fn shutdown(mut self) {
        self.cluster.closing.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl std::fmt::Debug for KubeDemo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeDemo").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// Waits until all is to end.
async fn closed(closing: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

/// 256 random bits in hex.
fn random_token() -> Result<String, KubeDemoError> {
    let mut bytes = [0_u8; 32];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KubeDemoError::Tls("the system gives no random numbers".into()))?;
    Ok(hex::encode(bytes))
}

fn write_secret(path: &Path, text: &str) -> Result<(), KubeDemoError> {
    let write = || {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| KubeDemoError::File { path: path.to_owned(), error })
}
