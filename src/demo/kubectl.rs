//! A small Kubernetes client on the `kube` crate, for a tour on a machine without kubectl. It reads the very kubeconfig that
//! `tsh` wrote, exec plugin included, and says things in kubectl's words.

use std::path::Path;

use anyhow::{Context, bail};
use k8s_openapi::{
    api::{
        core::v1::{ConfigMap, Pod, Service},
        rbac::v1::{ClusterRole, ClusterRoleBinding},
    },
    jiff::Timestamp,
};
use kube::{
    Api, Client, Config, Error, ResourceExt,
    api::{AttachParams, ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::io::AsyncReadExt;

/// A client of the current context of a kubeconfig file.
pub struct SmallKubectl {
    client: Client,
}

impl SmallKubectl {
    /// Reads the file; a connection is made with the first request.
    pub async fn new(kubeconfig: &Path) -> anyhow::Result<Self> {
        let file = Kubeconfig::read_from(kubeconfig)?;
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
        Ok(Self { client: Client::try_from(config)? })
    }

    /// `kubectl get pods -A`.
    pub async fn get_pods_everywhere(&self) -> anyhow::Result<String> {
        let pods = Api::<Pod>::all(self.client.clone()).list(&ListParams::default()).await.map_err(said)?;
        let rows = pods.iter().map(|pod| {
            let phase = pod.status.as_ref().and_then(|s| s.phase.clone()).unwrap_or_default();
            [
                pod.namespace().unwrap_or_default(),
                pod.name_any(),
                phase,
                age(pod.creation_timestamp().map(|t| t.0)),
            ]
        });
        Ok(table(["NAMESPACE", "NAME", "STATUS", "AGE"], rows))
    }

    /// `kubectl get services`.
    pub async fn get_services(&self) -> anyhow::Result<String> {
        let found = self.default::<Service>().list(&ListParams::default()).await.map_err(said)?;
        let rows = found.iter().map(|s| [s.name_any(), age(s.creation_timestamp().map(|t| t.0))]);
        Ok(table(["NAME", "AGE"], rows))
    }

    /// `kubectl get configmaps`.
    pub async fn get_configmaps(&self) -> anyhow::Result<String> {
        let found = self.default::<ConfigMap>().list(&ListParams::default()).await.map_err(said)?;
        let rows = found.iter().map(|c| [c.name_any(), age(c.creation_timestamp().map(|t| t.0))]);
        Ok(table(["NAME", "AGE"], rows))
    }

    /// `kubectl exec POD -- COMMAND…`, without a terminal.
    pub async fn exec(&self, pod: &str, command: &[&str]) -> anyhow::Result<String> {
        let parameters = AttachParams::default().stdin(false).stdout(true).stderr(true);
        let api = self.default::<Pod>();
        let mut process = api.exec(pod, command.iter().copied(), &parameters).await.map_err(said)?;
        let mut out = String::new();
        if let Some(mut stdout) = process.stdout() {
            stdout.read_to_string(&mut out).await?;
        }
        let status = process.take_status().context("the exec stream has no status")?.await;
        process.join().await?;
        match status {
            Some(status) if status.status.as_deref() == Some("Success") => Ok(out),
            other => {
                bail!("{}", other.and_then(|s| s.message).unwrap_or_else(|| "the stream broke off".into()))
            }
        }
    }

    /// `kubectl create` of a ClusterRole and a ClusterRoleBinding from a file of these two documents.
    pub async fn create_rbac(&self, yaml: &str) -> anyhow::Result<String> {
        let documents: Vec<serde_json::Value> = serde_yaml::from_multiple(yaml)?;
        let mut said_all = String::new();
        for document in documents {
            let name = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            match document["kind"].as_str() {
                Some("ClusterRole") => {
                    let api = Api::<ClusterRole>::all(self.client.clone());
                    api.create(&PostParams::default(), &serde_json::from_value(document)?)
                        .await
                        .map_err(said)?;
                    said_all += &format!("clusterrole.rbac.authorization.k8s.io/{name} created\n");
                }
                Some("ClusterRoleBinding") => {
                    let api = Api::<ClusterRoleBinding>::all(self.client.clone());
                    api.create(&PostParams::default(), &serde_json::from_value(document)?)
                        .await
                        .map_err(said)?;
                    said_all += &format!("clusterrolebinding.rbac.authorization.k8s.io/{name} created\n");
                }
                other => bail!("the small client creates no {}", other.unwrap_or("document without a kind")),
            }
        }
        Ok(said_all)
    }

    fn default<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), "default")
    }
}

/// A server's refusal in kubectl's words.
fn said(error: Error) -> anyhow::Error {
    match error {
        Error::Api(status) => anyhow::anyhow!("Error from server ({}): {}", status.reason, status.message),
        other => anyhow::Error::new(other),
    }
}

fn age(created: Option<Timestamp>) -> String {
    let Some(created) = created else { return "<unknown>".into() };
    let seconds = Timestamp::now().duration_since(created).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    }
}

fn table<const N: usize>(headers: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = [headers.map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}   "));
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
