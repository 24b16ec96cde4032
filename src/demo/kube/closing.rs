//! A connection that breaks when the cluster closes, whoever holds it by then: an upgraded one outlives its HTTP server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// A stream until the cluster closes.
pub(crate) struct UntilClosed<S> {
    stream: S,
    closing: watch::Receiver<bool>,
    over: bool,
    closed: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S> UntilClosed<S> {
    /// Wraps a stream.
    pub(crate) fn new(stream: S, closing: watch::Receiver<bool>) -> Self {
        let mut bell = closing.clone();
        let closed = Box::pin(async move { super::closed(&mut bell).await });
        Self { stream, closing, over: false, closed }
    }

    fn check(&self) -> io::Result<()> {
        if self.over || *self.closing.borrow() { Err(broken()) } else { Ok(()) }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the demo Kubernetes is closing")
}

impl<S: AsyncRead + Unpin> AsyncRead for UntilClosed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Only the reading side waits for the end; it is the one that is always there.
        self.check()?;
        if self.closed.as_mut().poll(cx).is_ready() {
            self.over = true;
            return Poll::Ready(Err(broken()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for UntilClosed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
