//! exec, attach and port-forward.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use super::respond::{self, Body};
use super::runtime::Log;
use super::status::ApiError;

/// The pod that a stream goes to.
#[derive(Debug)]
#[allow(dead_code)]
pub(crate) struct PodPlace {
    /// Namespace.
    pub(crate) namespace: String,
    /// Name, which is its host name too.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) dir: PathBuf,
}

/// What a stream does there.
#[derive(Debug)]
#[allow(dead_code)]
pub(crate) enum Action {
    /// Runs a command.
    Exec { container: String, command: Vec<String>, stdin: bool, stdout: bool, stderr: bool, tty: bool },
    /// Listens to the main process.
    Attach { log: Arc<Log>, container: String, stdin: bool, stdout: bool, stderr: bool, tty: bool },
    /// Connects to ports.
    PortForward { forwards: Vec<(u16, SocketAddr)> },
}

/// A stream's target.
#[derive(Debug)]
#[allow(dead_code)]
pub(crate) struct Target {
    /// Where.
    pub(crate) place: PodPlace,
    /// What.
    pub(crate) action: Action,
}

/// Answers the upgrade. (A stand-in until the streams land.)
pub(crate) async fn serve(_request: Request<Incoming>, _target: Target) -> Response<Body> {
    respond::failure(&ApiError::new(501, "NotImplemented", "streams are not served yet"))
}
