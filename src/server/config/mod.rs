//! The gate's configuration, checked whole before anything starts.
//!
//! The file has Teleport's shape. `file` reads it (form: errors with line, column and key), `check` compares its keys with
//! each other, `starter` is the commented file that `jumpgate configure` prints.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

mod check;
mod file;
mod kube;
mod position;
mod recording;
pub mod starter;
#[cfg(test)]
mod tests;
mod values;

use position::Places;
pub use recording::{Mode as RecordingMode, RecordingConfig, Storage as RecordingStorage};

/// The longest configuration file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Why a configuration cannot be used. The text names the file, the place and the mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A key or a value of the wrong form.
    #[error("{}: line {line}, column {column}: {}{reason}", file.display(), of_key(key))]
    Form {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// The key, as a path of keys joined by dots; empty if there is none.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// Keys that do not fit together.
    #[error("{}: line {line}, column {column}: key {key}: {reason}", file.display())]
    Check {
        /// The file.
        file: PathBuf,
        /// Line, from 1, of the key's value, or of the section in which the key would stand.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// The key, as a path of keys joined by dots.
        key: &'static str,
        /// What is wrong and how to mend it.
        reason: String,
    },
}

fn of_key(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("key {key}: ") }
}

impl Config {
    /// Reads and checks a file.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        use std::io::Read;
        let read = || -> std::io::Result<String> {
            let mut text = String::new();
            let size = std::fs::File::open(file)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
            if size as u64 > MAX_FILE {
                return Err(std::io::Error::other("it is longer than 1 MiB"));
            }
            Ok(text)
        };
        let text = read().map_err(|error| ConfigError::Read { file: file.to_owned(), error })?;
        let mut config = Self::parse(&text, file)?;
        config.anchor(file.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Relative paths are relative to the folder of the file.
    fn anchor(&mut self, folder: &Path) {
        let pair = self.https.iter_mut().flat_map(|(key, cert)| [key, cert]);
        let clusters = self.kube.iter_mut().flat_map(KubeConfig::all_mut);
        let kubeconfig = clusters.filter_map(|cluster| cluster.kubeconfig_file.as_mut());
        let log = match &mut self.log.output {
            LogOutput::File(file) => Some(file),
            LogOutput::Stderr | LogOutput::Stdout => None,
        };
        let recordings = match &mut self.recording.storage {
            Some(RecordingStorage::Folder(folder)) => Some(folder),
            _ => None,
        };
        let own = [&mut self.data_dir, &mut self.store_dir];
        for path in own.into_iter().chain(pair).chain(kubeconfig).chain(log).chain(recordings) {
            *path = folder.join(&*path);
        }
    }

    /// Reads and checks a text; `file` is its name in errors.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let raw: file::File = crate::model::yaml::read(text).map_err(|error| ConfigError::Form {
            file: file.to_owned(),
            line: error.line,
            column: error.column,
            key: position::key_at(text, error.line, error.column),
            reason: error.reason,
        })?;
        let places = Places::of(text);
        let mut config = check::check(raw).map_err(|Problem { key, reason, place }| {
            let (line, column) = place.unwrap_or_else(|| places.of_key(key));
            ConfigError::Check { file: file.to_owned(), line, column, key, reason }
        })?;
        (config.file, config.places) = (file.to_owned(), places);
        Ok(config)
    }

    /// Where a key (a path of keys joined by dots) stands, for the beginning of an error.
    pub fn at(&self, key: &str) -> String {
        let (line, column) = self.places.of_key(key);
        format!("{}: line {line}, column {column}: key {key}", self.file.display())
    }
}

/// What is wrong in a file whose form is right.
struct Problem {
    /// The key, as a path of keys joined by dots.
    key: &'static str,
    /// What is wrong and how to mend it.
    reason: String,
    /// Line and column, from 1, where they are not those of the key.
    place: Option<(u64, u64)>,
}

impl From<(&'static str, String)> for Problem {
    fn from((key, reason): (&'static str, String)) -> Self {
        Self { key, reason, place: None }
    }
}

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
    /// Where the store's file is; `data_dir` unless `storage.path` says otherwise.
    pub store_dir: PathBuf,
    /// This machine's name.
    pub nodename: String,
    /// All names and addresses of `public_addr`, of every listener, for its certificates.
    pub public_names: Vec<String>,
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
    /// How long after a sign-in `tsh` may renew the certificate by itself; zero: not beyond what the roles allow.
    pub login_renewal: Duration,
    /// Whether people may sign in by typing a code on the gate's page, for terminals without a browser.
    pub code_login: bool,
    /// Recordings of sessions.
    pub recording: RecordingConfig,
    /// Logs.
    pub log: LogConfig,
    /// What this version does not serve, one sentence each.
    pub notices: Vec<String>,
    /// The file that all this comes from.
    file: PathBuf,
    places: Places,
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
    /// The cluster of a request that names none.
    pub default: KubeCluster,
    /// Those that are named in a request's path.
    pub others: Vec<KubeCluster>,
}

impl KubeConfig {
    /// Every cluster, the default one first.
    pub fn all(&self) -> impl Iterator<Item = &KubeCluster> {
        std::iter::once(&self.default).chain(&self.others)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut KubeCluster> {
        std::iter::once(&mut self.default).chain(&mut self.others)
    }
}

/// A cluster behind the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeCluster {
    /// Its name, which no other has.
    pub name: String,
    /// What people choose it by.
    pub labels: BTreeMap<String, String>,
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
