//! What a stream goes to: a container's process, its log, or a port of a pod; and the small web server that each pod has.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::api::Call;
use super::remote::{AttachSource, Forward, Place, Streams, Target};
use super::respond::{self, Body};
use super::runtime::Log;
use super::status::ApiError;
use super::{Cluster, controllers, logs};

/// Annotation: `8080=127.0.0.1:12345 9090=127.0.0.1:12346`, ports of the pod and what listens there.
pub(crate) const PORT_FORWARD: &str = "demo.jumpgate.dev/port-forward";

/// What an exec, attach or port-forward request asks for.
pub(crate) fn target(call: &Call) -> Result<Target, ApiError> {
    let pod = call.object()?;
    let running = call.cluster.pod(&pod)?;
    if call.info.subresource == "portforward" {
        let listening = forwards(&pod, call.cluster.pod_server);
        let forward = Forward { pod: call.info.name.clone(), ports: ports(call)?, listening };
        return Ok(Target::PortForward(forward));
    }
    let container = logs::container(&pod, call.query.get("container"))?;
    let flag = |name: &str| call.query.flag(name);
    let tty = flag("tty");
    let streams =
        Streams { stdin: flag("stdin"), stdout: flag("stdout"), stderr: flag("stderr") && !tty, tty };
    if !streams.stdin && !streams.stdout && !streams.stderr {
        return Err(ApiError::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
    }
    let place = Place { folder: running.dir.clone(), env: environment(&call.info.name, &running.dir) };
    if call.info.subresource == "exec" {
        let command = call.query.all("command");
        if command.is_empty() {
            return Err(ApiError::bad_request("you must specify at least one command for the container"));
        }
        return Ok(Target::Exec { streams, command, place });
    }
    if let Some(command) = debugging(&pod, &container) {
        let (cluster, key) = (call.cluster.clone(), call.key());
        let ended = Box::new(move |code| controllers::end_ephemeral(&cluster.store, &key, &container, code));
        return Ok(Target::Main { streams, command, place, ended });
    }
    Ok(Target::Attach { streams, source: attach(running.log(&container)) })
}

/// The ports of a port-forward's query; only WebSocket channels send them there.
fn ports(call: &Call) -> Result<Vec<u16>, ApiError> {
    let all = call.query.all("ports");
    let texts = all.iter().flat_map(|text| text.split(','));
    let port = |text: &str| {
        let port = text.parse().ok().filter(|port| *port != 0);
        port.ok_or_else(|| ApiError::bad_request(format!("port {text:?} is not between 1 and 65535")))
    };
    texts.map(port).collect()
}

/// The environment inside a pod.
fn environment(pod: &str, folder: &Path) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    vec![
        pair("HOSTNAME", pod.to_owned()),
        pair("HOME", folder.display().to_string()),
        pair("PS1", format!("{pod}$ ")),
    ]
}

/// What an ephemeral container runs: its command and arguments, a shell where it names none. None: it is no ephemeral container.
fn debugging(pod: &Value, container: &str) -> Option<Vec<String>> {
    let mut all = pod["spec"]["ephemeralContainers"].as_array()?.iter();
    let found = all.find(|one| one["name"] == container)?;
    let words = ["command", "args"].iter().flat_map(|key| found[*key].as_array().into_iter().flatten());
    let command: Vec<String> = words.filter_map(|word| word.as_str().map(str::to_owned)).collect();
    Some(if command.is_empty() { vec!["sh".into()] } else { command })
}

/// The main process of a pod as attach sees it: its log from now on.
fn attach(log: Arc<Log>) -> AttachSource {
    let (sender, output) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut bell = log.subscribe();
        let (_, mut next, mut closed) = log.read(u64::MAX);
        while !closed {
            tokio::select! {
                rung = bell.changed() => if rung.is_err() { return },
                () = sender.closed() => return,
            }
            let (lines, after, over) = log.read(next);
            (next, closed) = (after, over);
            for line in lines {
                if sender.send(Bytes::from(format!("{}\n", line.text))).await.is_err() {
                    return;
                }
            }
        }
    });
    AttachSource { output, stdin: None }
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
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(text)).boxed_unsync()))
            });
            // A forwarded client may end its side before it reads the answer.
            let _ = hyper::server::conn::http1::Builder::new()
                .half_close(true)
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
