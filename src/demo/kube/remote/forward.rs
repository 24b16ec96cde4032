//! port-forward: connections to a pod's ports.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::mux::{Input, Out, Output, Signal};
use super::spdy::{Connection, Stream};
use super::websocket::{self, Socket};
use crate::streams::channels::websocket::ChannelProtocol;
use crate::streams::channels::{ForwardStream, Role};
use crate::streams::spdy::{Frame, RST_PROTOCOL_ERROR, RST_REFUSED_STREAM};

/// How long one of a connection's two streams waits for the other.
const PAIRING: Duration = Duration::from_secs(30);
/// The most streams that wait so.
const MAX_WAITING: usize = 256;
/// The most ports that one WebSocket with channels can carry: two channels for each, and a channel is one byte.
const MAX_PORTS: usize = 100;
/// Bytes read at once from a target.
const CHUNK: usize = 32 * 1024;

/// What a port-forward needs to know of a pod.
pub(crate) struct Forward {
    /// The pod's name, for messages.
    pub(crate) pod: String,
    /// The ports of the query; only WebSocket channels need them.
    pub(crate) ports: Vec<u16>,
    /// The ports on which the pod listens and where they really are; the first entry of a port counts.
    pub(crate) listening: Vec<(u16, SocketAddr)>,
}

impl Forward {
    /// Opens a connection to a port.
    async fn connect(&self, port: u16) -> Result<TcpStream, String> {
        let failed =
            |why: &dyn std::fmt::Display| format!("error forwarding port {port} to pod {}: {why}", self.pod);
        let there = self.listening.iter().find(|(have, _)| *have == port);
        let (_, address) = there.ok_or_else(|| failed(&"the pod listens on no such port"))?;
        let stream = TcpStream::connect(address).await.map_err(|error| failed(&error))?;
        // Small messages go at once; that this fails hurts nobody.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// The two streams of one forwarded connection, on their way to be complete.
struct Waiting {
    since: Instant,
    stream: Stream,
    what: ForwardStream,
}

/// Serves the connections that a client opens over SPDY.
pub(super) async fn over_spdy(connection: Connection, forward: Forward) {
    let Connection { mut streams, out, mut closed } = connection;
    let forward = Arc::new(forward);
    let mut waiting: HashMap<String, Waiting> = HashMap::new();
    let mut running = JoinSet::new();
    loop {
        let stream = tokio::select! {
            stream = streams.recv() => stream,
            () = closed.wait() => None,
            Some(_) = running.join_next() => continue,
        };
        let Some(stream) = stream else { return };
        for late in take_late(&mut waiting) {
            let _ = out.send(Out::Frame(Frame::RstStream { stream: late, status: RST_REFUSED_STREAM })).await;
        }
        let what = match ForwardStream::read(&stream.headers) {
            Ok(what) if waiting.len() < MAX_WAITING => what,
            other => {
                let status = if other.is_ok() { RST_REFUSED_STREAM } else { RST_PROTOCOL_ERROR };
                let _ = out.send(Out::Frame(Frame::RstStream { stream: stream.id, status })).await;
                continue;
            }
        };
        match waiting.remove(&what.request) {
            Some(other) if other.what.role != what.role && other.what.port == what.port => {
                let (data, error) =
                    if what.role == Role::Data { (stream, other.stream) } else { (other.stream, stream) };
                let forward = Arc::clone(&forward);
                let joined =
                    Joined { input: data.input, output: data.output, error: error.output, half_close: true };
                running.spawn(async move { joined.run(&forward, what.port).await });
            }
            Some(other) => {
                // The same half twice: neither can be meant.
                for id in [other.stream.id, stream.id] {
                    let reset = Frame::RstStream { stream: id, status: RST_PROTOCOL_ERROR };
                    let _ = out.send(Out::Frame(reset)).await;
                }
            }
            None => {
                waiting.insert(what.request.clone(), Waiting { since: Instant::now(), stream, what });
            }
        }
    }
}

/// Takes out the streams that have waited too long.
fn take_late(waiting: &mut HashMap<String, Waiting>) -> Vec<u32> {
    waiting.extract_if(|_, one| one.since.elapsed() > PAIRING).map(|(_, one)| one.stream.id).collect()
}

/// Serves one connection for each port of the query over WebSocket channels: 2n is the n-th port's data, 2n+1 its
/// errors, and the first message on either is the port, little-endian.
pub(super) async fn over_channels(socket: Socket, protocol: ChannelProtocol, forward: Forward) {
    let ports: Vec<(u8, u16)> =
        (0u8..).step_by(2).zip(forward.ports.iter().copied().take(MAX_PORTS)).collect();
    let wanted: Vec<u8> = ports.iter().map(|(channel, _)| *channel).collect();
    let websocket::Channels { mut inputs, out, mut closed } = websocket::start(socket, protocol, &wanted);
    let forward = Arc::new(forward);
    let mut running = JoinSet::new();
    for (channel, port) in ports {
        let Some(input) = inputs.remove(&channel) else { continue };
        let output = Output::new(u32::from(channel), out.clone());
        let error = Output::new(u32::from(channel) + 1, out.clone());
        for stream in [&output, &error] {
            let _ = stream.send(Bytes::copy_from_slice(&port.to_le_bytes())).await;
        }
        let forward = Arc::clone(&forward);
        // A channel has no end of its own, so a connection is over when its target says so.
        let joined = Joined { input, output, error, half_close: false };
        running.spawn(async move { joined.run(&forward, port).await });
    }
    tokio::select! {
        () = async { while running.join_next().await.is_some() {} } => {}
        () = closed.wait() => {}
    }
    let _ = out.send(Out::Finish).await;
}

/// One forwarded connection.
struct Joined {
    input: Input,
    output: Output,
    error: Output,
    /// The client can say that it sends nothing more.
    half_close: bool,
}

impl Joined {
    async fn run(self, forward: &Forward, port: u16) {
        let Self { input, output, error, half_close } = self;
        let target = match forward.connect(port).await {
            Ok(target) => target,
            Err(message) => {
                let _ = error.send(Bytes::from(message)).await;
                error.end().await;
                output.end().await;
                return;
            }
        };
        let (from, to) = target.into_split();
        let broken = input.broken();
        tokio::select! {
            () = carry(input, from, to, &output, &error, half_close) => {}
            () = wait(broken) => {}
        }
        // Said twice it does no harm, and a client waits for both.
        output.end().await;
        error.end().await;
    }
}

async fn wait(mut signal: Signal) {
    signal.wait().await;
}

/// Carries bytes both ways; each way has its own end.
async fn carry(
    mut input: Input,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    output: &Output,
    error: &Output,
    half_close: bool,
) {
    let up = async {
        while let Some(bytes) = input.recv().await {
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    };
    let down = async {
        let mut chunk = BytesMut::new();
        loop {
            chunk.reserve(CHUNK);
            let Ok(1..) = from.read_buf(&mut chunk).await else { break };
            if output.send(chunk.split().freeze()).await.is_err() {
                break;
            }
        }
        // A client closes its connection when both streams have ended, so neither may wait for the other way.
        output.end().await;
        error.end().await;
    };
    if half_close {
        tokio::join!(up, down);
    } else {
        tokio::select! {
            () = down => {}
            () = async { up.await; std::future::pending::<()>().await } => {}
        }
    }
}
