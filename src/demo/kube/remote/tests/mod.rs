//! The streams of pods, against real kubectls and against clients written out by hand.
//!
//! The kubectls are those that `tests/install-tools` puts beside the build: 1.20 speaks SPDY, a current one WebSocket.

mod exec;
mod forward;
mod query;
mod raw;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{AttachSource, Forward, Place, Target, serve};
use query::Query;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something with a deadline.
async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} didn't happen in {PATIENCE:?}"),
    }
}

/// Waits until a condition holds, with a deadline.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    soon(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// The two kubectls.
#[derive(Debug, Clone, Copy)]
enum Kubectl {
    Spdy,
    WebSocket,
}

impl Kubectl {
    const BOTH: [Self; 2] = [Self::Spdy, Self::WebSocket];

    fn path(self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"));
        let path = target.join("tools").join(match self {
            Self::Spdy => "kubectl-spdy",
            Self::WebSocket => "kubectl-websocket",
        });
        assert!(path.exists(), "{} is missing; run: tests/install-tools", path.display());
        path
    }
}

/// One pod, `web`, and as much of an API server around it as kubectl needs to find its streams.
struct Pod {
    folder: TempDir,
    home: TempDir,
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    folder: PathBuf,
    listening: Mutex<Vec<(u16, SocketAddr)>>,
    attach: Mutex<Option<AttachSource>>,
    /// `Upgrade`, and the protocol that the 101 named, of each request for streams.
    seen: Mutex<Vec<(String, String)>>,
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Pod {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let state = Arc::new(State { folder: folder.path().to_owned(), ..State::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::clone(&state);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&served);
                let service = service_fn(move |request| {
                    let response = answer(&state, request);
                    async { Ok::<_, std::convert::Infallible>(response) }
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
            }
        });
        Self { folder, home: tempfile::tempdir().unwrap(), address, state, server }
    }

    /// Has the pod listen on a port, at an address of this machine.
    fn listen(&self, port: u16, address: SocketAddr) {
        self.state.listening.lock().unwrap().push((port, address));
    }

    /// Gives the pod's main process to the next client that attaches.
    fn attach(&self, output: mpsc::Receiver<Bytes>, stdin: Option<mpsc::Sender<Bytes>>) {
        *self.state.attach.lock().unwrap() = Some(AttachSource { output, stdin });
    }

    /// What the clients so far have agreed on.
    fn seen(&self) -> Vec<(String, String)> {
        self.state.seen.lock().unwrap().clone()
    }

    /// A kubectl with these arguments that knows nothing but this pod.
    fn command(&self, kubectl: Kubectl, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(kubectl.path());
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TERM", "xterm")
            .current_dir(self.home.path())
            .arg(format!("--server=http://{}", self.address))
            .args(arguments);
        command
    }

    /// Runs a kubectl to its end.
    async fn run(&self, kubectl: Kubectl, arguments: &[&str], stdin: Option<&[u8]>) -> Output {
        let mut command = Command::from(self.command(kubectl, arguments));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().unwrap();
        let into = child.stdin.take();
        let feed = async {
            if let (Some(mut into), Some(bytes)) = (into, stdin) {
                // A command that doesn't read all of its input is no fault of the test's.
                let _ = into.write_all(bytes).await;
            }
        };
        let ((), output) =
            soon("the end of kubectl", async { tokio::join!(feed, child.wait_with_output()) }).await;
        output.unwrap()
    }
}

fn answer(state: &Arc<State>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let pods = "/api/v1/namespaces/default/pods/web";
    let object = match path.strip_prefix(pods) {
        Some("") => pod_object(),
        Some(action) => return streams(state, action, request),
        None => match path.as_str() {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
            "/apis" => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": []}),
            "/api/v1" => json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
                {"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get"]},
            ]}),
            _ => return json_response(StatusCode::NOT_FOUND, &json!({"kind": "Status", "code": 404})),
        },
    };
    json_response(StatusCode::OK, &object)
}

fn pod_object() -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "main", "stdin": true, "ports": [{"containerPort": 8080}]}]},
        "status": {"phase": "Running"},
    })
}

fn json_response(code: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder().status(code).header("content-type", "application/json");
    response.body(Full::new(value.to_string().into())).unwrap()
}

fn streams(state: &Arc<State>, action: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let query = Query::parse(request.uri().query().unwrap_or_default()).unwrap();
    let target = match action {
        "/exec" => Target::Exec {
            streams: query.streams,
            command: query.command,
            place: Place {
                folder: state.folder.clone(),
                env: vec![("HOSTNAME".to_owned(), "web".to_owned()), ("PS1".to_owned(), "web$ ".to_owned())],
            },
        },
        "/attach" => match state.attach.lock().unwrap().take() {
            Some(source) => Target::Attach { streams: query.streams, source },
            None => return json_response(StatusCode::CONFLICT, &json!({"kind": "Status", "code": 409})),
        },
        _ => {
            let listening = state.listening.lock().unwrap().clone();
            Target::PortForward(Forward { pod: "web".to_owned(), ports: query.ports, listening })
        }
    };
    let response = serve(request, target);
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let protocol = header("x-stream-protocol-version").or(header("sec-websocket-protocol"));
    let seen = (header("upgrade").unwrap_or_default(), protocol.unwrap_or_default());
    state.seen.lock().unwrap().push(seen);
    response
}

/// Bytes that differ from place to place, so that a lost or doubled piece shows.
fn pattern(length: usize) -> Vec<u8> {
    let mut value = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
