//! The streams of one connection, whichever protocol carries them: inputs, outputs and the two signals of an end.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::streams::spdy::Frame;

/// Messages that wait for a connection's writer before its senders have to.
pub(super) const OUT_QUEUE: usize = 8;
/// Messages of one stream that wait for their reader before the whole connection does.
const IN_QUEUE: usize = 16;
/// Bytes after which a SPDY sender is told that it may go on: half of the protocol's first window.
const CREDIT_STEP: u32 = 32 * 1024;
/// How often an idle connection is asked whether its peer still lives; this is also what notices a dead one.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a finished connection waits for its client to close it. A client that sees the end of the connection
/// before it has worked off what came earlier may drop that, so the client goes first.
pub(super) const LINGER: Duration = Duration::from_secs(10);

/// What a connection's writer does next.
pub(super) enum Out {
    /// Writes bytes of a stream.
    Data(u32, Bytes),
    /// Says that a stream has ended.
    End(u32),
    /// Writes a frame; SPDY alone.
    Frame(Frame),
    /// Ends the connection.
    Finish,
}

/// The connection is gone, and nothing can be sent any more.
#[derive(Debug)]
pub(super) struct Gone;

/// One stream towards the client.
#[derive(Clone)]
pub(super) struct Output {
    id: u32,
    out: mpsc::Sender<Out>,
}

impl Output {
    pub(super) fn new(id: u32, out: mpsc::Sender<Out>) -> Self {
        Self { id, out }
    }

    /// Sends bytes; waits while the client is slow.
    pub(super) async fn send(&self, bytes: Bytes) -> Result<(), Gone> {
        self.out.send(Out::Data(self.id, bytes)).await.map_err(|_| Gone)
    }

    /// Says that nothing more comes. A connection that is already gone needs no such word.
    pub(super) async fn end(&self) {
        let _ = self.out.send(Out::End(self.id)).await;
    }
}

/// Something that happens at most once: a stream's reset, a connection's end, a process's exit.
#[derive(Clone)]
pub(super) struct Signal(watch::Receiver<bool>);

impl Signal {
    /// A signal and its trigger: it comes when the trigger is sent `true` or dropped.
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (trigger, signal) = watch::channel(false);
        (trigger, Self(signal))
    }

    /// Waits for it.
    pub(super) async fn wait(&mut self) {
        // An error says that the trigger was dropped, which is the signal too.
        let _ = self.0.wait_for(|set| *set).await;
    }

    /// Whether it has come.
    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// One stream from the client.
pub(super) struct Input {
    bytes: mpsc::Receiver<Bytes>,
    reset: Signal,
    credit: Option<Credit>,
}

/// Tells a SPDY peer how much was taken in.
pub(super) struct Credit {
    stream: u32,
    taken: u32,
    out: mpsc::Sender<Out>,
}

impl Credit {
    pub(super) fn new(stream: u32, out: mpsc::Sender<Out>) -> Self {
        Self { stream, taken: 0, out }
    }

    async fn take(&mut self, length: usize) {
        self.taken = self.taken.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
        if self.taken < CREDIT_STEP {
            return;
        }
        let delta = std::mem::take(&mut self.taken);
        for stream in [self.stream, 0] {
            let _ = self.out.send(Out::Frame(Frame::WindowUpdate { stream, delta })).await;
        }
    }
}

impl Input {
    /// An input and the end by which the connection's reader fills it.
    pub(super) fn new(credit: Option<Credit>) -> (Filler, Self) {
        let (sender, bytes) = mpsc::channel(IN_QUEUE);
        let (trigger, reset) = Signal::new();
        (Filler { bytes: Some(sender), trigger }, Self { bytes, reset, credit })
    }

    /// The next bytes; `None` at the end of the stream.
    pub(super) async fn recv(&mut self) -> Option<Bytes> {
        let bytes = self.bytes.recv().await?;
        if let Some(credit) = &mut self.credit {
            credit.take(bytes.len()).await;
        }
        Some(bytes)
    }

    /// The signal that the client broke the stream off, or went away.
    pub(super) fn broken(&self) -> Signal {
        self.reset.clone()
    }
}

/// The connection's end of an [`Input`].
pub(super) struct Filler {
    bytes: Option<mpsc::Sender<Bytes>>,
    trigger: watch::Sender<bool>,
}

impl Filler {
    /// Passes bytes on; waits while their reader is slow, and drops them when there is none any more.
    pub(super) async fn fill(&mut self, bytes: Bytes) {
        if let Some(sender) = &self.bytes
            && !bytes.is_empty()
            && sender.send(bytes).await.is_err()
        {
            self.bytes = None;
        }
    }

    /// The client sends nothing more.
    pub(super) fn end(&mut self) {
        self.bytes = None;
    }

    /// Whether nobody looks at the stream any more.
    pub(super) fn is_forgotten(&self) -> bool {
        self.trigger.is_closed()
    }
}
