//! A WebSocket from the server's side: with Kubernetes' channels in it, or with SPDY.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::Upgraded;
use super::mux::{Filler, Input, KEEP_ALIVE, LINGER, OUT_QUEUE, Out, Signal};
use crate::streams::channels::websocket::{ChannelProtocol, Event};

/// The longest message that is read, in bytes. kubectl's have 32 KiB; other clients pass on what they are given.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// Bytes read at once from what goes through a tunnel.
const CHUNK: usize = 32 * 1024;

/// A WebSocket on an upgraded connection.
pub(super) type Socket = WebSocketStream<Upgraded>;

/// Takes over a connection after its 101.
pub(super) async fn accept(io: Upgraded) -> Socket {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .max_write_buffer_size(MAX_MESSAGE);
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}

/// A running WebSocket with channels. It ends after [`Out::Finish`], or when the client does.
pub(super) struct Channels {
    /// The channels from the client that were asked for.
    pub(super) inputs: HashMap<u8, Input>,
    /// The writer; the numbers of its outputs are channels.
    pub(super) out: mpsc::Sender<Out>,
    /// The connection has ended.
    pub(super) closed: Signal,
}

/// Serves a WebSocket in a task of its own; bytes for channels other than `wanted` are dropped.
pub(super) fn start(socket: Socket, protocol: ChannelProtocol, wanted: &[u8]) -> Channels {
    let (out, queue) = mpsc::channel(OUT_QUEUE);
    let (trigger, closed) = Signal::new();
    let mut inputs = HashMap::new();
    let mut fillers = HashMap::new();
    for channel in wanted {
        let (filler, input) = Input::new(None);
        inputs.insert(*channel, input);
        fillers.insert(*channel, filler);
    }
    tokio::spawn(async move {
        let (sink, stream) = socket.split();
        tokio::select! {
            () = read(stream, protocol, fillers) => {}
            result = write(sink, protocol, queue) => if let Err(error) = result {
                tracing::debug!(%error, "demo Kubernetes: a WebSocket client is gone");
            },
        }
        drop(trigger);
    });
    Channels { inputs, out, closed }
}

async fn read(mut stream: SplitStream<Socket>, protocol: ChannelProtocol, mut fillers: HashMap<u8, Filler>) {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Binary(_) | Message::Text(_) => match protocol.decode(&message.into_data()) {
                Ok(Event::Data { channel, bytes }) => {
                    if let Some(filler) = fillers.get_mut(&channel) {
                        filler.fill(bytes.into()).await;
                    }
                }
                Ok(Event::Close { channel }) => {
                    if let Some(filler) = fillers.get_mut(&channel) {
                        filler.end();
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "demo Kubernetes: a WebSocket client breaks its protocol");
                    return;
                }
            },
            // The library answers pings and a close by itself, as long as it is read from.
            Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

async fn write(
    mut sink: SplitSink<Socket, Message>,
    protocol: ChannelProtocol,
    mut queue: mpsc::Receiver<Out>,
) -> Result<(), Error> {
    let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    loop {
        let mut next = tokio::select! {
            next = queue.recv() => Some(next.unwrap_or(Out::Finish)),
            _ = keep_alive.tick() => {
                sink.feed(Message::Ping(Bytes::new())).await?;
                None
            }
        };
        while let Some(out) = next {
            match out {
                Out::Data(channel, bytes) => {
                    // Channel numbers come from a byte.
                    sink.feed(message(protocol, channel as u8, &bytes)?).await?;
                }
                // Only a client ends a channel; the server's end with the connection.
                Out::End(_) | Out::Frame(_) => {}
                Out::Finish => return close(sink).await,
            }
            next = queue.try_recv().ok();
        }
        sink.flush().await?;
    }
}

fn message(protocol: ChannelProtocol, channel: u8, bytes: &[u8]) -> Result<Message, Error> {
    let message = protocol.encode(channel, bytes);
    if protocol.is_text() {
        return Ok(Message::Text(
            Utf8Bytes::try_from(message).map_err(|error| Error::Utf8(error.to_string()))?,
        ));
    }
    Ok(Message::Binary(message.into()))
}

/// Says that all is well and over, and gives the client time to go first.
async fn close(mut sink: SplitSink<Socket, Message>) -> Result<(), Error> {
    let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
    sink.send(Message::Close(Some(frame))).await?;
    tokio::time::sleep(LINGER).await;
    Ok(())
}

/// The bytes that a WebSocket's binary messages carry, as one stream. Where a message ends means nothing.
pub(super) fn tunnel(socket: Socket) -> DuplexStream {
    let (near, far) = tokio::io::duplex(4 * CHUNK);
    tokio::spawn(async move {
        let (sink, stream) = socket.split();
        let (from, to) = tokio::io::split(far);
        tokio::select! {
            () = tunnel_in(stream, to) => {}
            result = tunnel_out(from, sink) => if let Err(error) = result {
                tracing::debug!(%error, "demo Kubernetes: a WebSocket client is gone");
            },
        }
    });
    near
}

async fn tunnel_in(mut stream: SplitStream<Socket>, mut to: WriteHalf<DuplexStream>) {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Binary(bytes) => {
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Message::Text(_) => return,
            Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

async fn tunnel_out(
    mut from: ReadHalf<DuplexStream>,
    mut sink: SplitSink<Socket, Message>,
) -> Result<(), Error> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return close(sink).await;
        }
        let bytes = Bytes::copy_from_slice(chunk.get(..length).unwrap_or_default());
        sink.send(Message::Binary(bytes)).await?;
    }
}
