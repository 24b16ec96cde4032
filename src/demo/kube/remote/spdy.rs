//! A SPDY/3.1 connection from the server's side: its streams as they are opened, and one writer for all.
//!
//! Neither kubectl's nor the kubelet's SPDY library sends WINDOW_UPDATE or heeds it; what holds a sender back there is
//! TCP alone. So credit is given to a client that waits for it, and none is waited for.

use std::collections::HashMap;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};

use super::mux::{Credit, Filler, Input, KEEP_ALIVE, LINGER, OUT_QUEUE, Out, Output, Signal};
use crate::streams::spdy::{
    Decoder, Encoder, Error, Frame, Headers, RST_INVALID_STREAM, RST_PROTOCOL_ERROR, RST_REFUSED_STREAM,
};

/// The most streams that one connection may have open.
const MAX_STREAMS: usize = 1000;
/// Streams that wait to be looked at before the connection's reader does.
const NEW_STREAMS: usize = 8;
/// Bytes read at once, and bytes after which the writer stops collecting.
const CHUNK: usize = 64 * 1024;

/// A stream that the client opened.
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) headers: Headers,
    pub(super) input: Input,
    pub(super) output: Output,
}

/// A running connection. It ends after [`Out::Finish`], or when the client does; dropping this alone doesn't end it.
pub(super) struct Connection {
    /// The streams in the order in which the client opened them.
    pub(super) streams: mpsc::Receiver<Stream>,
    /// The writer.
    pub(super) out: mpsc::Sender<Out>,
    /// The connection has ended.
    pub(super) closed: Signal,
}

/// Serves a connection in a task of its own.
pub(super) fn start<IO>(io: IO) -> Connection
where
    IO: AsyncRead + AsyncWrite + Send + 'static,
{
    let (out, queue) = mpsc::channel(OUT_QUEUE);
    let (fresh, streams) = mpsc::channel(NEW_STREAMS);
    let (trigger, closed) = Signal::new();
    let reader = Reader { open: HashMap::new(), last: 0, fresh, out: out.clone() };
    tokio::spawn(async move {
        let (from, to) = tokio::io::split(io);
        tokio::select! {
            result = reader.run(from) => if let Err(error) = result {
                tracing::debug!(%error, "demo Kubernetes: a client doesn't speak SPDY/3.1");
            },
            result = write(to, queue) => if let Err(error) = result {
                tracing::debug!(%error, "demo Kubernetes: a SPDY client is gone");
            },
        }
        drop(trigger);
    });
    Connection { streams, out, closed }
}

struct Reader {
    open: HashMap<u32, Filler>,
    last: u32,
    fresh: mpsc::Sender<Stream>,
    out: mpsc::Sender<Out>,
}

impl Reader {
    async fn run<IO: AsyncRead>(mut self, mut from: ReadHalf<IO>) -> Result<(), Error> {
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            // A read error says what an end says: the client is gone.
            let length = from.read(&mut chunk).await.unwrap_or(0);
            if length == 0 {
                return Ok(());
            }
            let result = decoder.feed(chunk.get(..length).unwrap_or_default(), &mut frames);
            for frame in frames.drain(..) {
                self.take(frame).await;
            }
            result?;
        }
    }

    async fn take(&mut self, frame: Frame) {
        match frame {
            Frame::SynStream { stream, fin, headers, .. } => self.open(stream, fin, headers).await,
            Frame::Data { stream, fin, bytes } => {
                if let Some(filler) = self.open.get_mut(&stream) {
                    filler.fill(bytes).await;
                    if fin {
                        filler.end();
                    }
                } else if stream > self.last {
                    self.reset(stream, RST_INVALID_STREAM).await;
                }
            }
            Frame::Headers { stream, fin: true, .. } => {
                if let Some(filler) = self.open.get_mut(&stream) {
                    filler.end();
                }
            }
            // Dropping the filler is what breaks the stream off.
            Frame::RstStream { stream, .. } => drop(self.open.remove(&stream)),
            Frame::Ping { id } if id % 2 == 1 => self.send(Frame::Ping { id }).await,
            _ => {}
        }
    }

    async fn open(&mut self, stream: u32, fin: bool, headers: Headers) {
        if stream.is_multiple_of(2) || stream <= self.last {
            return self.reset(stream, RST_PROTOCOL_ERROR).await;
        }
        self.last = stream;
        self.open.retain(|_, filler| !filler.is_forgotten());
        if self.open.len() >= MAX_STREAMS {
            return self.reset(stream, RST_REFUSED_STREAM).await;
        }
        let (mut filler, input) = Input::new(Some(Credit::new(stream, self.out.clone())));
        if fin {
            filler.end();
        }
        self.open.insert(stream, filler);
        // The answer goes first: a client drops the data of a stream that wasn't answered.
        self.send(Frame::SynReply { stream, fin: false, headers: Headers::new() }).await;
        let output = Output::new(stream, self.out.clone());
        if self.fresh.send(Stream { id: stream, headers, input, output }).await.is_err() {
            self.open.remove(&stream);
            self.reset(stream, RST_REFUSED_STREAM).await;
        }
    }

    async fn reset(&self, stream: u32, status: u32) {
        self.send(Frame::RstStream { stream, status }).await;
    }

    async fn send(&self, frame: Frame) {
        let _ = self.out.send(Out::Frame(frame)).await;
    }
}

async fn write<IO: AsyncWrite>(mut to: WriteHalf<IO>, mut queue: mpsc::Receiver<Out>) -> std::io::Result<()> {
    let mut encoder = Encoder::new();
    let mut bytes = Vec::with_capacity(CHUNK);
    let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    let mut ping = 0u32;
    let mut finished = false;
    while !finished {
        let mut next = tokio::select! {
            next = queue.recv() => Some(next.unwrap_or(Out::Finish)),
            _ = keep_alive.tick() => {
                ping = ping.wrapping_add(2);
                Some(Out::Frame(Frame::Ping { id: ping }))
            }
        };
        bytes.clear();
        while let Some(out) = next {
            let frame = match out {
                Out::Data(stream, bytes) => Frame::Data { stream, fin: false, bytes },
                Out::End(stream) => Frame::Data { stream, fin: true, bytes: bytes::Bytes::new() },
                Out::Frame(frame) => frame,
                Out::Finish => {
                    finished = true;
                    break;
                }
            };
            encoder.encode(&frame, &mut bytes).map_err(std::io::Error::other)?;
            next = if bytes.len() < CHUNK { queue.try_recv().ok() } else { None };
        }
        to.write_all(&bytes).await?;
        to.flush().await?;
    }
    // The reader may still have something to say; it must not wait for a writer that has gone home.
    let _ = timeout(LINGER, async { while queue.recv().await.is_some() {} }).await;
    to.shutdown().await
}
