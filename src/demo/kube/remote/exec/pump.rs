//! Carrying bytes between a process and its client.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pty_process::{OwnedWritePty, Size};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::super::mux::{Input, Output, Signal};
use crate::streams::channels::resize;

/// Bytes read at once.
const CHUNK: usize = 32 * 1024;
/// How long after the exit of the process another one that it left behind may keep the output open without a word.
/// What the process itself wrote is there at once.
const AFTERGLOW: Duration = Duration::from_millis(250);
/// What a person types to end the input of a terminal.
const END_OF_INPUT: &[u8] = b"\x04";

/// Standard input over a pipe, which is closed at its end.
pub(super) async fn input<W: AsyncWrite + Unpin>(mut from: Input, mut to: W) {
    while let Some(bytes) = from.recv().await {
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// Standard input and the sizes of a terminal, until both have ended.
pub(super) async fn terminal(stdin: Option<Input>, resize: Option<Input>, mut to: OwnedWritePty) {
    let (mut stdin, mut resize) = (stdin, resize);
    let mut sizes = resize::Decoder::new();
    while stdin.is_some() || resize.is_some() {
        tokio::select! {
            bytes = next(&mut stdin) => {
                let bytes = bytes.unwrap_or_else(|| {
                    stdin = None;
                    Bytes::from_static(END_OF_INPUT)
                });
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            bytes = next(&mut resize) => {
                let mut all = Vec::new();
                let read = bytes.map(|bytes| sizes.feed(&bytes, &mut all));
                for size in all {
                    let _ = to.resize(Size::new(size.height, size.width));
                }
                if !matches!(read, Some(Ok(()))) {
                    resize = None;
                }
            }
        }
    }
}

/// The next bytes of an input; never, when there is none.
async fn next(input: &mut Option<Input>) -> Option<Bytes> {
    match input {
        Some(input) => input.recv().await,
        None => std::future::pending().await,
    }
}

/// Standard output or error, to its end; without a client's stream for it the bytes are dropped.
pub(super) async fn output<R: AsyncRead + Unpin>(mut from: R, to: Option<Output>, mut exited: Signal) {
    let mut chunk = BytesMut::new();
    loop {
        chunk.reserve(CHUNK);
        let read = if exited.is_set() {
            match timeout(AFTERGLOW, from.read_buf(&mut chunk)).await {
                Ok(read) => read,
                Err(_) => break,
            }
        } else {
            tokio::select! {
                read = from.read_buf(&mut chunk) => read,
                () = exited.wait() => continue,
            }
        };
        // A terminal ends with an error, when the last process on it has ended.
        let Ok(1..) = read else { break };
        if let Some(to) = &to
            && to.send(chunk.split().freeze()).await.is_err()
        {
            return;
        }
        chunk.clear();
    }
    if let Some(to) = to {
        to.end().await;
    }
}
