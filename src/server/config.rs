//! The gate's configuration, checked whole before anything starts.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

/// A name or address with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// DNS name or IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A checked configuration: nothing in it can fail for its form any more.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where CAs, store, audit log and recordings are.
    pub data_dir: PathBuf,
    /// The cluster's name.
    pub cluster_name: String,
    /// Type of login that `/webapi/ping` offers first, for example `github`.
    pub auth_type: String,
    /// The web port.
    pub web: Listen,
    /// The admin port.
    pub admin: Listen,
    /// The Kubernetes port.
    pub kube: Option<KubeConfig>,
    /// The web port's certificate: (key file, certificate file). Without it, one of the host CA.
    pub https: Option<(PathBuf, PathBuf)>,
    /// `/healthz`, `/readyz`, `/metrics`; a loopback address.
    pub diagnostics: Option<SocketAddr>,
    /// How long open streams may go on after SIGTERM.
    pub drain: Duration,
    /// Logs.
    pub log: LogConfig,
    /// What this version does not serve, one sentence each.
    pub notices: Vec<String>,
}

/// Where a port listens and how clients reach it.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address to bind.
    pub listen: SocketAddr,
    /// For people outside; its port is that of `listen` unless given.
    pub public: Option<PublicAddr>,
}

/// `public_addr`: a host, perhaps with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddr {
    /// DNS name or IP address.
    pub host: String,
    /// The port, if given.
    pub port: Option<u16>,
}

/// The Kubernetes port.
#[derive(Debug, Clone)]
pub struct KubeConfig {
    /// Where it listens.
    pub listen: Listen,
    /// How to reach the API server; without it the in-cluster service account.
    pub kubeconfig_file: Option<PathBuf>,
    /// The context in `kubeconfig_file`; without it the current one.
    pub context: Option<String>,
}

/// Logs of the gate.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Where: standard error, standard output or a file.
    pub output: LogOutput,
    /// The least severe level that is written.
    pub level: tracing::Level,
    /// JSON lines instead of text.
    pub json: bool,
}

/// Where logs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutput {
    /// Standard error.
    Stderr,
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}
