//! Every way of a kubeconfig to sign in at the API server.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use http::Request;

use super::{
    super::{Upstream, UpstreamError, answer::full, upstream::Refused},
    api::Api,
};
use crate::server::config::KubeCluster;

pub(super) fn config(file: &Path, context: Option<&str>) -> KubeCluster {
    KubeCluster {
        name: "gate.test".into(),
        labels: Default::default(),
        kubeconfig_file: Some(file.to_owned()),
        context: context.map(str::to_owned),
    }
}

pub(super) fn kubeconfig(api: &Api, folder: &Path, user: &str) -> PathBuf {
    kubeconfig_at(api, &format!("server: 'https://{}'", api.addr), folder, user)
}

/// The same with other words about the cluster.
pub(super) fn kubeconfig_at(api: &Api, cluster: &str, folder: &Path, user: &str) -> PathBuf {
    use base64::Engine;
    let ca = base64::engine::general_purpose::STANDARD.encode(api.ca_pem());
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\n\
         clusters:\n- name: c\n  cluster: {{{cluster}, certificate-authority-data: {ca}}}\n\
         contexts:\n- name: other\n  context: {{cluster: nowhere, user: nobody}}\n- name: right\n  context: {{cluster: c, user: u}}\n\
         users:\n- name: u\n  user: {user}\n"
    );
    let path = folder.join("kubeconfig");
    std::fs::write(&path, text).unwrap();
    path
}

/// The `Authorization` that reaches the API server with this user entry.
async fn authorization(user: &str, folder: &Path) -> Vec<String> {
    let api = Api::start().await;
    let file = kubeconfig(&api, folder, user);
    let upstream = Upstream::new(&config(&file, Some("right"))).await.unwrap();
    let mut request = Request::new(full(""));
    *request.uri_mut() = upstream.uri("/version").unwrap();
    let (response, _lease) = upstream.send(request, Duration::from_secs(10), Refused::Renew).await.unwrap();
    assert_eq!(response.status(), 200);
    api.seen()[0].all("authorization")
}

#[tokio::test]
async fn a_token_a_token_file_a_password_and_an_exec_plugin_sign_the_gate_in() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert_eq!(authorization("{token: abc}", folder.path()).await, ["Bearer abc"]);
    std::fs::write(at("token"), "from-file\n").unwrap();
    let user = format!("{{tokenFile: {}}}", at("token").display());
    assert_eq!(authorization(&user, folder.path()).await, ["Bearer from-file"]);
    assert_eq!(authorization("{username: a, password: b}", folder.path()).await, ["Basic YTpi"]);
    let answer = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"from-plugin"}}"#;
    std::fs::write(at("plugin"), format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
    std::fs::set_permissions(at("plugin"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: {}}}}}",
        at("plugin").display()
    );
    assert_eq!(authorization(&user, folder.path()).await, ["Bearer from-plugin"]);
    assert!(authorization("{}", folder.path()).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_told_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::start().await;
    let file = kubeconfig(&api, folder.path(), "{tokenFile: /nowhere/token}");
    let error = |context| {
        let file = file.clone();
        async move { Upstream::new(&config(&file, context)).await.err().unwrap() }
    };
    let text = error(Some("missing")).await.to_string();
    assert!(text.contains("kubeconfig") && text.contains("missing"), "{text}");
    assert!(matches!(error(None).await, UpstreamError::Kubeconfig { .. }));
    let text = error(Some("right")).await.to_string();
    assert!(text.contains("/nowhere/token"), "{text}");
    let text = Upstream::new(&config(Path::new("/nowhere/config"), None)).await.err().unwrap().to_string();
    assert!(text.contains("/nowhere/config"), "{text}");
}
