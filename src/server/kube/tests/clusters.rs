//! Several clusters behind one port.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    super::{Clusters, Upstream, UpstreamError, forward::Timeouts},
    api::Api,
    credentials::{config, kubeconfig},
    rig::{Rig, get},
};
use crate::server::config::{KubeCluster, KubeConfig, Listen};

async fn two() -> (Rig, Api) {
    let (api, staging) = (Api::start().await, Api::start().await);
    let way = async |api: &Api| Upstream::from_kube_config(&api.config()).await.unwrap();
    let (upstream, other) = (way(&api).await, way(&staging).await);
    (Rig::beside(api, upstream, &[("staging", other)], Timeouts::default()).await, staging)
}

#[tokio::test]
async fn a_request_reaches_the_cluster_that_its_path_names() {
    let (rig, staging) = two().await;
    let paths = |api: &Api| api.seen().into_iter().map(|seen| seen.uri).collect::<Vec<_>>();
    for path in ["/api/v1/namespaces/dev/pods", "/clusters/gate.test/api/v1/namespaces/dev/pods/a"] {
        assert_eq!(rig.get(path).await.0, 200, "{path}");
    }
    assert_eq!(rig.get("/clusters/staging/api/v1/namespaces/dev/pods/b").await.0, 200);
    let root = "/api/v1/namespaces/dev/pods";
    assert_eq!(paths(&rig.api), [root.to_owned(), format!("{root}/a")]);
    assert_eq!(paths(&staging), [format!("{root}/b")]);
    let seen = staging.seen();
    assert_eq!(seen[0].all("impersonate-user"), ["alice"]);
    let told = |event: &serde_json::Value| {
        (
            event["kubernetes_cluster"].as_str().unwrap().to_owned(),
            event["request_path"].as_str().unwrap().to_owned(),
        )
    };
    let events: Vec<_> =
        rig.events().await.iter().filter(|e| e["event"] == "kube.request").map(told).collect();
    assert_eq!(
        events,
        [
            ("gate.test".to_owned(), root.to_owned()),
            ("gate.test".to_owned(), format!("{root}/a")),
            ("staging".to_owned(), format!("{root}/b")),
        ]
    );
    let figures = rig.gate.metrics.to_text();
    for line in [
        r#"requests_total{listener="kube",verb="get",code="200",kubernetes_cluster="staging"} 1"#,
        r#"requests_total{listener="kube",verb="list",code="200",kubernetes_cluster="gate.test"} 1"#,
        r#"upstream_seconds_count{kubernetes_cluster="staging"} 1"#,
    ] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
}

#[tokio::test]
async fn an_unknown_cluster_is_a_404_that_says_how_to_list_them() {
    let (rig, staging) = two().await;
    let (code, status) = rig.get("/clusters/nowhere/api/v1/pods").await;
    assert_eq!(
        (code, status["kind"].as_str(), status["reason"].as_str()),
        (404, Some("Status"), Some("NotFound"))
    );
    let sentence =
        "no Kubernetes cluster behind this gate is named \"nowhere\"; to see which there are: tsh kube ls";
    assert_eq!(status["message"], sentence);
    let event = rig.event("kube.request").await;
    assert_eq!(
        (event["kubernetes_cluster"].as_str(), event["error"].as_str()),
        (Some("nowhere"), Some(sentence))
    );
    assert_eq!(rig.get("/clusters").await.0, 404);
    // Names that strangers choose are no labels of the figures.
    assert!(!rig.gate.metrics.to_text().contains("nowhere"));
    assert!(rig.api.seen().is_empty() && staging.seen().is_empty());
}

#[tokio::test]
async fn who_has_no_rights_does_not_learn_names() {
    let (rig, _staging) = two().await;
    rig.put_role("dev", &[]).await;
    let sentence = |path: &'static str| async { rig.get(path).await.1["message"].clone() };
    assert_eq!(sentence("/clusters/staging/api").await, sentence("/clusters/nowhere/api").await);
}

#[tokio::test]
async fn one_without_credentials_keeps_no_other_from_being_served() {
    let (api, folder) = (Api::start().await, tempfile::tempdir().unwrap());
    let good = config(&kubeconfig(&api, folder.path(), "{token: abc}"), Some("right"));
    let broken = folder.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    let plugin = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: /nowhere/plugin, interactiveMode: Never}}";
    let lame = config(&kubeconfig(&api, &broken, plugin), Some("right"));
    let lame = KubeCluster { name: "lame".into(), ..lame };
    let listen = Listen { listen: ([127, 0, 0, 1], 0).into(), public: None };
    let both = |default: &KubeCluster, others: &[KubeCluster]| KubeConfig {
        listen: listen.clone(),
        default: default.clone(),
        others: others.to_vec(),
    };
    let (clusters, notices) = Clusters::open(&both(&good, std::slice::from_ref(&lame))).await.unwrap();
    assert!(
        notices.len() == 1 && notices[0].starts_with("the cluster \"lame\" is not served yet: "),
        "{notices:?}"
    );
    let told = clusters.find(Some("lame")).unwrap().upstream().await.err().unwrap();
    assert_eq!(told, "the gate has no way to the cluster \"lame\" now; tell an administrator if it lasts");
    let upstream: Arc<Upstream> = clusters.find(None).unwrap().upstream().await.unwrap();
    let mut request = http::Request::new(super::super::answer::full(""));
    *request.uri_mut() = upstream.uri("/version").unwrap();
    let sent = upstream.send(request, Duration::from_secs(10), super::super::upstream::Refused::Renew).await;
    assert_eq!(sent.unwrap().0.status(), 200);
    // Alone it is an error at start, and so is a file that is not there, by the cluster's name.
    assert!(matches!(Clusters::open(&both(&lame, &[])).await, Err(UpstreamError::Credentials { .. })));
    let gone = KubeCluster { name: "gone".into(), ..config(Path::new("/nowhere/config"), None) };
    let error = Clusters::open(&both(&good, &[gone])).await.err().unwrap().to_string();
    assert!(error.starts_with("the cluster \"gone\": the kubeconfig file /nowhere/config"), "{error}");
}

#[tokio::test]
async fn a_cluster_that_is_down_is_told_as_such_and_the_others_answer() {
    let (api, down) = (Api::start().await, Api::start().await);
    let way = async |api: &Api| Upstream::from_kube_config(&api.config()).await.unwrap();
    let (upstream, other) = (way(&api).await, way(&down).await);
    drop(down);
    let rig = Rig::beside(api, upstream, &[("down", other)], Timeouts::default()).await;
    assert_eq!(rig.ask(get("/clusters/down/api/v1/pods")).await.status(), 503);
    assert_eq!(rig.get("/api/v1/pods").await.0, 200);
}
