//! The streams of one exec or attach, gathered from whichever protocol carries them.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::mux::{Input, Out, Output, Signal};
use super::{Upgraded, spdy, websocket};
use crate::streams::channels::status::Outcome;
use crate::streams::channels::websocket::ChannelProtocol;
use crate::streams::channels::{ExecProtocol, Role};
use crate::streams::spdy::{Frame, RST_PROTOCOL_ERROR};

/// How long a SPDY client has to open the streams that it asked for.
const OPENING: Duration = Duration::from_secs(30);

/// Which streams a client of exec or attach asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Streams {
    /// The client sends standard input.
    pub(crate) stdin: bool,
    /// The client takes standard output.
    pub(crate) stdout: bool,
    /// The client takes standard error; never together with a terminal, which mixes both.
    pub(crate) stderr: bool,
    /// The process shall have a terminal.
    pub(crate) tty: bool,
}

/// The streams of one exec or attach: those that the client asked for, and no others.
pub(super) struct Session {
    pub(super) stdin: Option<Input>,
    pub(super) stdout: Option<Output>,
    pub(super) stderr: Option<Output>,
    pub(super) resize: Option<Input>,
    /// The client is gone.
    pub(super) closed: Signal,
    pub(super) ending: Ending,
}

/// What is needed to end a session.
pub(super) struct Ending {
    error: Output,
    json: bool,
    out: mpsc::Sender<Out>,
}

impl Ending {
    /// Tells the client how it ended and ends the connection. The other outputs must have been ended before.
    pub(super) async fn finish(self, outcome: &Outcome) {
        let status = if self.json { outcome.to_json() } else { outcome.to_text() };
        if !status.is_empty() {
            let _ = self.error.send(Bytes::from(status)).await;
        }
        self.error.end().await;
        let _ = self.out.send(Out::Finish).await;
    }
}

/// Gathers the streams that a SPDY client opens. `None` when it doesn't open them in time or leaves.
pub(super) async fn over_spdy<IO>(io: IO, protocol: ExecProtocol, streams: Streams) -> Option<Session>
where
    IO: AsyncRead + AsyncWrite + Send + 'static,
{
    let spdy::Connection { streams: mut opened, out, closed } = spdy::start(io);
    let wanted: Vec<Role> = [
        (Role::Error, true),
        (Role::Stdin, streams.stdin),
        (Role::Stdout, streams.stdout),
        (Role::Stderr, streams.stderr && !streams.tty),
        (Role::Resize, streams.tty && protocol >= ExecProtocol::V3),
    ]
    .into_iter()
    .filter_map(|(role, wanted)| wanted.then_some(role))
    .collect();
    let mut have: HashMap<Role, spdy::Stream> = HashMap::new();
    let gathered = timeout(OPENING, async {
        while have.len() < wanted.len() {
            let stream = opened.recv().await?;
            match Role::of(&stream.headers) {
                Some(role) if wanted.contains(&role) && !have.contains_key(&role) => {
                    have.insert(role, stream);
                }
                _ => {
                    let reset = Frame::RstStream { stream: stream.id, status: RST_PROTOCOL_ERROR };
                    out.send(Out::Frame(reset)).await.ok()?;
                }
            }
        }
        Some(())
    });
    if gathered.await.ok().flatten().is_none() {
        tracing::debug!("demo Kubernetes: a client didn't open the streams that it asked for");
        let _ = out.send(Out::Finish).await;
        return None;
    }
    let mut output = |role| have.remove(&role).map(|stream| stream.output);
    let (stdout, stderr, error) = (output(Role::Stdout), output(Role::Stderr), output(Role::Error)?);
    let mut input = |role| have.remove(&role).map(|stream| stream.input);
    let (stdin, resize) = (input(Role::Stdin), input(Role::Resize));
    let ending = Ending { error, json: protocol >= ExecProtocol::V4, out };
    Some(Session { stdin, stdout, stderr, resize, closed, ending })
}

/// Takes the channels of a WebSocket as streams.
pub(super) async fn over_websocket(io: Upgraded, protocol: ChannelProtocol, streams: Streams) -> Session {
    let number = |role: Role| role.channel().unwrap_or_default();
    let mut wanted = Vec::new();
    if streams.stdin {
        wanted.push(number(Role::Stdin));
    }
    if streams.tty {
        wanted.push(number(Role::Resize));
    }
    let socket = websocket::accept(io).await;
    let websocket::Channels { mut inputs, out, closed } = websocket::start(socket, protocol, &wanted);
    let output = |role| Output::new(u32::from(number(role)), out.clone());
    let stdout = streams.stdout.then(|| output(Role::Stdout));
    let stderr = (streams.stderr && !streams.tty).then(|| output(Role::Stderr));
    let error = output(Role::Error);
    // As an API server does: an empty message tells a waiting client that the connection stands.
    let first = stdout.as_ref().or(stderr.as_ref()).unwrap_or(&error);
    let _ = first.send(Bytes::new()).await;
    Session {
        stdin: inputs.remove(&number(Role::Stdin)),
        resize: inputs.remove(&number(Role::Resize)),
        stdout,
        stderr,
        closed,
        ending: Ending { error, json: protocol.has_json_status(), out },
    }
}
