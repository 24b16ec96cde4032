//! `GET /v2/kubernetes/clusters`: what there is behind the gate, for everybody who may ask anything. Ours; a stock server has
//! no such path.

use axum::Json;

use super::Admin;
use crate::wire::kube_clusters::KubeCluster;

pub(super) async fn clusters(admin: Admin) -> Json<Vec<KubeCluster>> {
    let all = admin.gate.config.kube.iter().flat_map(|kube| kube.all());
    let shown = all.enumerate().map(|(index, cluster)| KubeCluster {
        name: cluster.name.clone(),
        labels: cluster.labels.clone(),
        default: index == 0,
    });
    Json(shown.collect())
}
