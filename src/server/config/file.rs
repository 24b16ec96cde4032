//! The configuration file as it stands on disk. Every key that is not here is refused.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Deserializer};
use serde_yaml::Spanned;

use super::{
    kube::{KubeName, Labels},
    recording::Recording,
    values::{ListenAddr, Output, PublicAddrs, Severity, Switch},
};
use crate::model::GoDuration;

/// A section whose lines are all commented out is null, and means the defaults.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Option::deserialize(d).map(Option::unwrap_or_default)
}

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    #[serde(deserialize_with = "or_default")]
    pub(super) teleport: Global,
    #[serde(deserialize_with = "or_default")]
    pub(super) auth_service: Auth,
    pub(super) ssh_service: Option<Ssh>,
    #[serde(deserialize_with = "or_default")]
    pub(super) proxy_service: Proxy,
}

/// `teleport:`, what all services share.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Global {
    pub(super) nodename: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    #[serde(deserialize_with = "or_default")]
    pub(super) log: Log,
    #[serde(deserialize_with = "or_default")]
    pub(super) storage: Storage,
    pub(super) auth_token: Option<String>,
    pub(super) auth_servers: Option<Vec<String>>,
    pub(super) advertise_ip: Option<String>,
    pub(super) diag_addr: Option<ListenAddr>,
    pub(super) shutdown_timeout: Option<GoDuration>,
}

/// `teleport.log`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) output: Option<Output>,
    pub(super) severity: Option<Severity>,
    pub(super) format: LogFormat,
}

/// `teleport.log.format`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// `teleport.storage`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Storage {
    #[serde(rename = "type")]
    pub(super) kind: StorageKind,
    pub(super) path: Option<PathBuf>,
}

/// `teleport.storage.type`; Teleport's `dir` means the embedded store, which is SQLite here.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StorageKind {
    #[default]
    Sqlite,
    Dir,
}

/// `auth_service:`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Auth {
    pub(super) enabled: Option<Switch>,
    pub(super) listen_addr: Option<ListenAddr>,
    pub(super) public_addr: PublicAddrs,
    pub(super) cluster_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) authentication: Authentication,
    pub(super) tokens: Option<Vec<String>>,
    pub(super) login_renewal: Option<GoDuration>,
    pub(super) code_login: Option<Switch>,
    #[serde(deserialize_with = "or_default")]
    pub(super) recording: Recording,
}

/// `auth_service.authentication`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Authentication {
    #[serde(rename = "type")]
    pub(super) kind: AuthKind,
    pub(super) second_factor: SecondFactor,
}

/// `auth_service.authentication.type`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AuthKind {
    #[default]
    Github,
    Local,
}

/// `auth_service.authentication.second_factor`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SecondFactor {
    #[default]
    Off,
    Otp,
    U2f,
}

/// `ssh_service:`, read so that a file of Teleport's starts; not served.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(dead_code, reason = "the form is checked; only `enabled` means anything to this version")]
pub(super) struct Ssh {
    pub(super) enabled: Option<Switch>,
    pub(super) listen_addr: Option<ListenAddr>,
    pub(super) public_addr: PublicAddrs,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) commands: Vec<SshCommand>,
    pub(super) permit_user_env: Option<Switch>,
}

/// An entry of `ssh_service.commands`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its form is checked")]
pub(super) struct SshCommand {
    pub(super) name: String,
    pub(super) command: Vec<String>,
    pub(super) period: Option<GoDuration>,
}

/// `proxy_service:`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Proxy {
    pub(super) enabled: Option<Switch>,
    pub(super) public_addr: PublicAddrs,
    pub(super) web_listen_addr: Option<ListenAddr>,
    pub(super) listen_addr: Option<ListenAddr>,
    pub(super) tunnel_listen_addr: Option<ListenAddr>,
    pub(super) ssh_public_addr: PublicAddrs,
    pub(super) tunnel_public_addr: PublicAddrs,
    pub(super) https_key_file: Option<PathBuf>,
    pub(super) https_cert_file: Option<PathBuf>,
    #[serde(deserialize_with = "or_default")]
    pub(super) kubernetes: Kubernetes,
}

/// `proxy_service.kubernetes`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Kubernetes {
    pub(super) enabled: Option<Switch>,
    pub(super) listen_addr: Option<ListenAddr>,
    pub(super) public_addr: PublicAddrs,
    pub(super) kubeconfig_file: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) kube_cluster_name: Option<Spanned<KubeName>>,
    pub(super) labels: Labels,
    #[serde(deserialize_with = "or_default")]
    pub(super) clusters: Vec<NamedCluster>,
}

/// An entry of `proxy_service.kubernetes.clusters`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedCluster {
    pub(super) name: Spanned<KubeName>,
    #[serde(default)]
    pub(super) labels: Labels,
    pub(super) kubeconfig_file: Option<PathBuf>,
    pub(super) context: Option<String>,
}
