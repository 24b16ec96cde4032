//! `GET /v2/kubernetes/clusters` of the admin API: the clusters behind a gate. Jumpgate's own; Teleport 4 has no such path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The first segment of the path of every request to a named cluster: `/clusters/NAME/…` on the Kubernetes port.
pub const PREFIX: &str = "clusters";

/// A cluster, as any logged-in person sees it. The answer is a list of these, the default one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeCluster {
    /// Its name, which no other has.
    pub name: String,
    /// What people choose it by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The one that is reached without a prefix.
    #[serde(default)]
    pub default: bool,
}
