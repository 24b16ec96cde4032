//! The bytes of a recorded session on their way to the client: what comes is given to the recorder at once, and goes on once it is
//! written down. The next bytes are read and heard meanwhile.

use std::{
    io,
    sync::{Mutex, atomic::AtomicU64},
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
};

use super::{
    farewell::Farewell,
    lifetime::Ended,
    tap::{Stopped, Tap},
    tunnel::{Down, last_word, listen, pass_on},
    whole::Whole,
};
use crate::server::recordings::Ordered;

/// How much of a frame that is not whole is held back from the client.
const HELD: usize = 256 * 1024;
/// How much of what has come meanwhile is recorded at a time: each time waits for the spool once.
const PIECE: usize = 64 * 1024;

/// Bytes that have come, and their recording.
struct Piece<'a> {
    bytes: Bytes,
    ordered: Result<Ordered<'a>, Stopped>,
    /// What came behind the bytes, other than more of them.
    failed: Option<io::Error>,
}

/// Carries bytes from the server to the client as soon as `tap` has them written down, until one side ends or `told` says why the
/// gate ends it.
pub(super) async fn pump_down<R, W>(
    from: R,
    to: W,
    count: &AtomicU64,
    farewell: &Mutex<Farewell>,
    tap: &Tap,
    told: oneshot::Receiver<Ended>,
) -> io::Result<Down>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    // One that waits for the spool, one that is read: no session may hold more.
    let (give, pieces) = mpsc::channel(1);
    let mut taking = std::pin::pin!(take(from, tap, give).fuse());
    let mut passing = std::pin::pin!(pass(to, count, farewell, Held::new(tap.whole()), pieces, told));
    loop {
        tokio::select! {
            biased;
            done = &mut passing => return done,
            () = &mut taking => {}
        }
    }
}

/// Reads pieces and has them recorded until the server has no more.
async fn take<'a, R: AsyncRead + Unpin>(mut from: R, tap: &'a Tap, give: mpsc::Sender<Piece<'a>>) {
    loop {
        let mut bytes = BytesMut::with_capacity(PIECE);
        let failed = match from.read_buf(&mut (&mut bytes).limit(PIECE)).await {
            Ok(0) => return,
            Ok(_) => read_more(&mut from, &mut bytes, PIECE),
            Err(error) => Some(error),
        };
        let ordered = tap.server(&bytes).await;
        let last = failed.is_some() || ordered.is_err();
        // Perhaps whoever passes them on has ended.
        let gone = give.send(Piece { bytes: bytes.freeze(), ordered, failed }).await.is_err();
        if last || gone {
            return;
        }
    }
}

/// Reads what is there already behind the first bytes, up to so many in all, without waiting. The answer is an error that came
/// behind it; an end comes again with the next read.
fn read_more<R: AsyncRead + Unpin>(from: &mut R, bytes: &mut BytesMut, most: usize) -> Option<io::Error> {
    while bytes.len() < most {
        let left = most - bytes.len();
        match from.read_buf(&mut bytes.limit(left)).now_or_never() {
            Some(Ok(1..)) => {}
            Some(Err(error)) => return Some(error),
            Some(Ok(0)) | None => break,
        }
    }
    None
}

/// Passes on what is written down, until there is no more or the gate has said its last word.
async fn pass<W: AsyncWrite + Unpin>(
    mut to: W,
    count: &AtomicU64,
    farewell: &Mutex<Farewell>,
    mut held: Held,
    mut pieces: mpsc::Receiver<Piece<'_>>,
    mut told: oneshot::Receiver<Ended>,
) -> io::Result<Down> {
    loop {
        let may_speak = listen(farewell).may_speak();
        let piece = tokio::select! {
            biased;
            Ok(ended) = &mut told, if may_speak => return last_word(to, farewell, &ended).await,
            piece = pieces.recv() => piece,
        };
        let Some(Piece { bytes, ordered, failed }) = piece else {
            pass_on(&mut to, &held.take(), count).await?;
            to.shutdown().await?;
            return Ok(Down::ServerEnded);
        };
        let written = match ordered {
            Ok(ordered) => ordered.written().await.is_ok(),
            Err(Stopped) => false,
        };
        if !written {
            // Nothing goes on that is not written down; the person learns why.
            let Ok(ended) = told.await else { return Ok(Down::ServerEnded) };
            return last_word(to, farewell, &ended).await;
        }
        let whole = held.whole(&bytes);
        let bytes = whole.as_deref().unwrap_or(&bytes);
        pass_on(&mut to, bytes, count).await?;
        listen(farewell).hear_server(bytes);
        if let Some(error) = failed {
            return Err(error);
        }
    }
}

/// What is held back until its frame is whole.
struct Held {
    frames: Whole,
    bytes: Vec<u8>,
}

impl Held {
    fn new(frames: Whole) -> Self {
        Self { frames, bytes: vec![] }
    }

    /// What goes on now that `chunk` has come; None: all of it, and nothing else.
    fn whole(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let whole = self.frames.feed(chunk);
        if self.bytes.is_empty() && whole == chunk.len() {
            return None;
        }
        self.bytes.extend_from_slice(chunk);
        let rest = chunk.len() - whole;
        if whole == 0 && self.bytes.len() <= HELD {
            return Some(vec![]);
        }
        let rest = if whole == 0 { 0 } else { rest };
        let rest = self.bytes.split_off(self.bytes.len() - rest);
        Some(std::mem::replace(&mut self.bytes, rest))
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::Pin, task};

    use super::*;

    /// A connection that is reset.
    struct Reset;

    impl AsyncRead for Reset {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> task::Poll<io::Result<()>> {
            task::Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }

    #[tokio::test]
    async fn what_is_there_already_is_read_at_once_and_an_error_behind_it_is_kept() {
        let (mut pod, mut gate) = tokio::io::duplex(64);
        pod.write_all(b"first ").await.unwrap();
        pod.write_all(b"and more").await.unwrap();
        let mut bytes = BytesMut::new();
        gate.read_buf(&mut (&mut bytes).limit(6)).await.unwrap();
        assert!(read_more(&mut gate, &mut bytes, 10).is_none());
        assert_eq!(&bytes[..], b"first and ");
        bytes.clear();
        assert!(read_more(&mut gate, &mut bytes, 10).is_none());
        assert_eq!(&bytes[..], b"more");
        let mut broken = (&b"abcd"[..]).chain(Reset);
        bytes.clear();
        let error = read_more(&mut broken, &mut bytes, 10);
        assert_eq!(
            (&bytes[..], error.map(|error| error.kind())),
            (&b"abcd"[..], Some(io::ErrorKind::ConnectionReset))
        );
    }
}
