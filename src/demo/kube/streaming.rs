//! What a stream goes to: a container's process, its log, or a port of a pod; and the small web server that each pod has.

use std::net::SocketAddr;

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::api::Call;
use super::remote::{Action, PodPlace, Target};
use super::respond::{self, Body};
use super::status::ApiError;
use super::{Cluster, logs};

/// Annotation: `8080=127.0.0.1:12345 9090=127.0.0.1:12346`, ports of the pod and what listens there.
pub(crate) const PORT_FORWARD: &str = "demo.jumpgate.dev/port-forward";

/// What an exec, attach or port-forward request asks for.
pub(crate) fn target(call: &Call) -> Result<Target, ApiError> {
    let pod = call.object()?;
    let running = call.cluster.pod(&pod)?;
    let place = PodPlace {
        namespace: call.info.namespace.clone(),
        name: call.info.name.clone(),
        dir: running.dir.clone(),
    };
    if call.info.subresource == "portforward" {
        let forwards = forwards(&pod, call.cluster.pod_server);
        return Ok(Target { place, action: Action::PortForward { forwards } });
    }
    let container = logs::container(&pod, call.query.get("container"))?;
    let flags = |name: &str| call.query.flag(name);
    let (stdin, stdout, stderr, tty) = (flags("stdin"), flags("stdout"), flags("stderr"), flags("tty"));
    if !stdin && !stdout && !stderr {
        return Err(ApiError::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
    }
    let action = if call.info.subresource == "exec" {
        let command = call.query.all("command");
        if command.is_empty() {
            return Err(ApiError::bad_request("you must specify at least one command for the container"));
        }
        Action::Exec { container, command, stdin, stdout, stderr, tty }
    } else {
        Action::Attach { log: running.log(&container), container, stdin, stdout, stderr, tty }
    };
    Ok(Target { place, action })
}

/// Ports of a pod: those that its annotation names, and those of its containers, which the demo serves itself.
fn forwards(pod: &Value, own: SocketAddr) -> Vec<(u16, SocketAddr)> {
    let mut all = Vec::new();
    let annotation = pod["metadata"]["annotations"][PORT_FORWARD].as_str().unwrap_or("");
    for entry in annotation.split([' ', ',']) {
        if let Some((port, address)) = entry.split_once('=')
            && let (Ok(port), Ok(address)) = (port.parse(), address.parse())
        {
            all.push((port, address));
        }
    }
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        for port in container["ports"].as_array().into_iter().flatten() {
            let number = port["containerPort"].as_u64().and_then(|n| u16::try_from(n).ok());
            all.extend(number.map(|number| (number, own)));
        }
    }
    all
}

/// `pods/proxy`, `services/proxy` and `nodes/proxy`: what the other end would have said.
pub(crate) fn proxy(call: &Call) -> Result<Response<Body>, ApiError> {
    let mut call_name = call.key();
    // A name may carry scheme and port: `http:web:8080`.
    let parts: Vec<&str> = call.info.name.split(':').collect();
    call_name.name = match parts.as_slice() {
        [_, name, _] | [name, _] | [name] => (*name).to_owned(),
        _ => return Err(ApiError::bad_request(format!("invalid proxy name {:?}", call.info.name))),
    };
    let there = call.cluster.store.read(|all| all.get(&call_name).is_some());
    if !there {
        return Err(ApiError::not_found(call.resource, &call_name.name));
    }
    let path = if call.info.tail.is_empty() { "/" } else { &call.info.tail };
    Ok(respond::text(StatusCode::OK, greeting(call.resource.singular, &call_name.name, path)))
}

fn greeting(kind: &str, name: &str, path: &str) -> String {
    format!("hello from {kind} {name}, you asked for {path}\n")
}

/// The web server behind the ports of the demo's pods; it ends with the cluster.
pub(crate) async fn serve_pods(listener: TcpListener, mut closing: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            () = super::closed(&mut closing) => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        tokio::spawn(async move {
            let service = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let text = greeting("the", "demo", request.uri().path());
                Ok::<_, std::convert::Infallible>(Response::new(
                    Full::new(bytes::Bytes::from(text)).boxed_unsync(),
                ))
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Cluster {
    /// The running side of a pod object.
    pub(crate) fn pod(&self, object: &Value) -> Result<std::sync::Arc<super::runtime::Pod>, ApiError> {
        self.runtime
            .pod(object)
            .map_err(|error| ApiError::internal(format!("the pod's folder cannot be made: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_come_from_the_annotation_first() {
        let pod = json!({"metadata": {"annotations": {PORT_FORWARD: "8080=127.0.0.1:1234, junk 9=127.0.0.1:5"}},
            "spec": {"containers": [{"ports": [{"containerPort": 8080}, {"containerPort": 70}]}]}});
        let own: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let all = forwards(&pod, own);
        assert_eq!(all[0], (8080, "127.0.0.1:1234".parse().unwrap()));
        assert!(all.contains(&(9, "127.0.0.1:5".parse().unwrap())) && all.contains(&(70, own)));
    }
}
