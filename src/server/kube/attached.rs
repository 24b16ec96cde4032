//! What somebody attaches to: the command of the container's main process, and how it ended. An attach names neither (and so does
//! `kubectl debug`, which attaches to a container that it has just added), so the pod is asked for both, as the person who attaches.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;

use super::{
    forward,
    serve::Asked,
    upstream::{Refused, Upstream},
};

/// How long the API server may take to tell of a pod; the recording does without if it takes longer.
const WITHIN: Duration = Duration::from_secs(5);
/// The largest pod that is read, in bytes.
const MAX_POD: usize = 4 * 1024 * 1024;
/// A kubelet reports the end of a container some time after its streams have ended.
const REPORTED_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Names the container that is meant if a client names none.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// The main process of a container.
pub(super) struct Attached {
    upstream: Arc<Upstream>,
    uri: Uri,
    headers: HeaderMap,
    container: String,
    /// Its words; empty if the image says what it runs, or the pod may not be seen.
    pub(super) command: Vec<String>,
}

impl Attached {
    /// Asks for the pod of an attach. `headers` are those of the attach: cleaned, and saying as whom the gate acts.
    pub(super) async fn ask(upstream: &Arc<Upstream>, asked: &Asked, headers: &HeaderMap) -> Option<Self> {
        let base = upstream.base();
        let path = asked.target.path().strip_suffix("/attach")?;
        let uri = upstream.uri(&format!("{base}{path}")).ok()?;
        let mut headers = headers.clone();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        for name in [header::ACCEPT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_TYPE] {
            headers.remove(name);
        }
        let container = asked.target.parameter("container").unwrap_or_default();
        let mut attached = Self { upstream: upstream.clone(), uri, headers, container, command: vec![] };
        let pod = attached.pod().await?;
        let found = pod.container(&attached.container)?;
        attached.container.clone_from(&found.name);
        attached.command = found.command.iter().chain(&found.args).cloned().collect();
        Some(attached)
    }

    /// The exit code, once the pod's status tells it. An attach's stream does not: it ends well whatever the process said.
    pub(super) async fn exit(&self) -> Option<i32> {
        let told = async {
            loop {
                // A pod that is gone, or that the person may not see any more, tells nothing.
                let pod = self.pod().await?;
                if let Some(code) = pod.exit(&self.container) {
                    return Some(code);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(REPORTED_WITHIN, told).await.ok().flatten()
    }

    async fn pod(&self) -> Option<Pod> {
        let mut request = Request::new(forward::empty());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let asking = async {
            let (response, _lease) = self.upstream.send(request, WITHIN, Refused::Renew).await.ok()?;
            if !response.status().is_success() {
                return None;
            }
            let body = Limited::new(response.into_body(), MAX_POD).collect().await.ok()?;
            serde_json::from_slice(&body.to_bytes()).ok()
        };
        let pod = tokio::time::timeout(WITHIN, asking).await.ok().flatten();
        if pod.is_none() {
            tracing::debug!(path = self.uri.path(), "what an attach is attached to cannot be seen");
        }
        pod
    }
}

/// What of a pod matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    ephemeral_containers: Option<Vec<Container>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    command: Vec<String>,
    args: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    name: String,
    state: ContainerState,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    terminated: Option<Terminated>,
}

#[derive(Debug, Deserialize)]
struct Terminated {
    #[serde(rename = "exitCode")]
    exit_code: i32,
}

impl Pod {
    /// The container of this name, or the one that the API server takes if nobody names any.
    fn container(&self, name: &str) -> Option<&Container> {
        let spec = &self.spec;
        let annotation = self.metadata.annotations.as_ref().and_then(|all| all.get(DEFAULT_CONTAINER));
        let lists = [&spec.containers, &spec.init_containers, &spec.ephemeral_containers];
        let mut all = lists.into_iter().flatten().flatten();
        match (name, annotation) {
            ("", Some(name)) => all.find(|container| container.name == *name),
            ("", None) => all.next(),
            (name, _) => all.find(|container| container.name == name),
        }
    }

    fn exit(&self, name: &str) -> Option<i32> {
        let status = &self.status;
        let lists = [
            &status.container_statuses,
            &status.init_container_statuses,
            &status.ephemeral_container_statuses,
        ];
        let found = lists.into_iter().flatten().flatten().find(|status| status.name == name)?;
        Some(found.state.terminated.as_ref()?.exit_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Pod {
        serde_json::from_value(serde_json::json!({
            "metadata": {"annotations": null},
            "spec": {
                "containers": [{"name": "main", "image": "x"}, {"name": "side", "command": ["a"], "args": ["b", "c"]}],
                "ephemeralContainers": [{"name": "debugger-x", "command": ["sh", "-c", "exit 3"]}],
            },
            "status": {
                "containerStatuses": [{"name": "main", "state": {"running": {}}}],
                "ephemeralContainerStatuses": [{"name": "debugger-x", "state": {"terminated": {"exitCode": 3}}}],
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_container_is_found_as_the_api_server_would() {
        let mut pod = pod();
        let words = |found: Option<&Container>| {
            found.map(|one| (one.name.clone(), [one.command.clone(), one.args.clone()].concat().join(" ")))
        };
        let is = |name: &str, words: &str| Some((name.to_owned(), words.to_owned()));
        assert_eq!(words(pod.container("")), is("main", ""));
        assert_eq!(words(pod.container("side")), is("side", "a b c"));
        assert_eq!(words(pod.container("debugger-x")), is("debugger-x", "sh -c exit 3"));
        assert_eq!(words(pod.container("none")), None);
        pod.metadata.annotations = Some([(DEFAULT_CONTAINER.to_owned(), "side".to_owned())].into());
        assert_eq!(words(pod.container("")), is("side", "a b c"));
    }

    #[test]
    fn an_exit_code_is_told_once_the_container_has_ended() {
        let pod = pod();
        assert_eq!([pod.exit("main"), pod.exit("debugger-x"), pod.exit("none")], [None, Some(3), None]);
    }
}
