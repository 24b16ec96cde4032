//! exec, attach and port-forward as an API server answers them: the upgrade, then the streams over it.
//!
//! [`serve`] takes a request that was already allowed and whose target is known; it answers 101 and goes on by itself,
//! or refuses with a `Status`. SPDY/3.1 and WebSocket are spoken, the latter with channels or, for port-forward, with
//! SPDY inside. kubectl sends SPDY as POST and WebSocket as GET; either method is taken for either.

mod attach;
mod exec;
mod forward;
mod mux;
mod session;
mod spdy;
#[cfg(test)]
mod tests;
mod upgrade;
mod websocket;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::streams::channels::websocket::ChannelProtocol;
use crate::streams::channels::{ExecProtocol, PORT_FORWARD, TUNNELLED_PORT_FORWARD};

pub(crate) use attach::AttachSource;
pub(crate) use exec::Place;
pub(crate) use forward::Forward;
use session::Session;
pub(crate) use session::Streams;
use upgrade::{Refusal, Upgrade};

/// What an upgraded request is joined to.
pub(crate) enum Target {
    /// A new process.
    Exec {
        /// The streams that the client asked for.
        streams: Streams,
        /// The program and its arguments.
        command: Vec<String>,
        /// Where it runs.
        place: Place,
    },
    /// The main process of a container that waits for somebody to attach: it runs from then on.
    Main {
        /// The streams that the client asked for.
        streams: Streams,
        /// The program and its arguments.
        command: Vec<String>,
        /// Where it runs.
        place: Place,
        /// Learns its exit code.
        ended: Box<dyn FnOnce(i32) + Send>,
    },
    /// A pod's main process.
    Attach {
        /// The streams that the client asked for.
        streams: Streams,
        /// Its output and, if it takes any, its input.
        source: AttachSource,
    },
    /// A pod's ports.
    PortForward(Forward),
}

/// Answers a request for exec, attach or port-forward. After a 101 the streams run in a task of their own, for which
/// the connection must be served with upgrades. Any other answer is a JSON `Status`.
pub(crate) fn serve<B>(mut request: Request<B>, target: Target) -> Response<Full<Bytes>> {
    match answer(&mut request, target) {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

fn answer<B>(request: &mut Request<B>, target: Target) -> Result<Response<Full<Bytes>>, Refusal> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "the streams of a pod are opened by POST or GET",
        ));
    }
    let upgrade = upgrade::read(request.headers())?;
    let connection = hyper::upgrade::on(request);
    match target {
        Target::Exec { streams, command, place } => {
            if command.iter().all(String::is_empty) {
                return Err(Refusal::bad("you must specify at least one command for the container"));
            }
            let run = move |session| exec::run(session, streams, command, place);
            remote_command(upgrade, connection, streams, run)
        }
        Target::Main { streams, command, place, ended } => {
            let run = move |session| exec::run_main(session, streams, command, place, ended);
            remote_command(upgrade, connection, streams, run)
        }
        Target::Attach { streams, source } => {
            remote_command(upgrade, connection, streams, move |session| attach::run(session, source))
        }
        Target::PortForward(forward) => port_forward(upgrade, connection, forward),
    }
}

/// Answers exec or attach: agrees on a protocol, gathers the streams and hands them to `run`.
fn remote_command<F, R>(
    upgrade: Upgrade,
    connection: OnUpgrade,
    streams: Streams,
    run: F,
) -> Result<Response<Full<Bytes>>, Refusal>
where
    F: FnOnce(Session) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    if !(streams.stdin || streams.stdout || streams.stderr) {
        return Err(Refusal::bad("you must specify at least 1 of stdin, stdout, stderr"));
    }
    match upgrade {
        Upgrade::Spdy { protocols } => {
            let known = |name: &String| ExecProtocol::from_name(name);
            let accepted = [ExecProtocol::V4, ExecProtocol::V3, ExecProtocol::V2, ExecProtocol::V1];
            let protocol = protocols
                .iter()
                .find_map(known)
                .ok_or_else(|| Refusal::protocols(&protocols, &accepted.map(ExecProtocol::name)))?;
            spawn_upgraded(connection, move |io| async move {
                if let Some(session) = session::over_spdy(io, protocol, streams).await {
                    run(session).await;
                }
            });
            upgrade::switch_to_spdy(protocol.name())
        }
        Upgrade::WebSocket { key, protocols } => {
            let protocol = upgrade::channel_protocol(&protocols)?;
            spawn_upgraded(connection, move |io| async move {
                let session =
                    session::over_websocket(io, protocol.unwrap_or(ChannelProtocol::V1), streams).await;
                run(session).await;
            });
            upgrade::switch_to_websocket(&key, protocol.map(ChannelProtocol::name))
        }
    }
}

fn port_forward(
    upgrade: Upgrade,
    connection: OnUpgrade,
    forward: Forward,
) -> Result<Response<Full<Bytes>>, Refusal> {
    match upgrade {
        Upgrade::Spdy { protocols } => {
            if !protocols.iter().any(|name| name == PORT_FORWARD) {
                return Err(Refusal::protocols(&protocols, &[PORT_FORWARD]));
            }
            spawn_upgraded(connection, |io| forward::over_spdy(spdy::start(io), forward));
            upgrade::switch_to_spdy(PORT_FORWARD)
        }
        Upgrade::WebSocket { key, protocols }
            if protocols.iter().any(|name| name == TUNNELLED_PORT_FORWARD) =>
        {
            spawn_upgraded(connection, |io| async move {
                let io = websocket::tunnel(websocket::accept(io).await);
                forward::over_spdy(spdy::start(io), forward).await;
            });
            upgrade::switch_to_websocket(&key, Some(TUNNELLED_PORT_FORWARD))
        }
        Upgrade::WebSocket { key, protocols } => {
            if forward.ports.is_empty() {
                return Err(Refusal::bad("query parameter \"ports\" is required"));
            }
            let protocol = upgrade::channel_protocol(&protocols)?;
            spawn_upgraded(connection, move |io| async move {
                let socket = websocket::accept(io).await;
                forward::over_channels(socket, protocol.unwrap_or(ChannelProtocol::V1), forward).await;
            });
            upgrade::switch_to_websocket(&key, protocol.map(ChannelProtocol::name))
        }
    }
}

/// The bytes of an upgraded connection.
type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

/// Waits in a task of its own until the 101 has gone out, then runs `work` on the connection.
fn spawn_upgraded<F, R>(connection: OnUpgrade, work: F)
where
    F: FnOnce(Upgraded) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        match connection.await {
            Ok(upgraded) => work(TokioIo::new(upgraded)).await,
            Err(error) => tracing::debug!(%error, "demo Kubernetes: a client left before its upgrade"),
        }
    });
}
