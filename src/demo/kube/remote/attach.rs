//! attach: what a pod's main process writes from now on, and its input if it takes any.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::mux::Input;
use super::session::Session;
use crate::streams::channels::status::Outcome;

/// A pod's main process, as far as a client may touch it.
pub(crate) struct AttachSource {
    /// What it writes from now on. When the sender is dropped the process has ended, and well; when the receiver is,
    /// the client has gone.
    pub(crate) output: mpsc::Receiver<Bytes>,
    /// Its standard input, if it takes any.
    pub(crate) stdin: Option<mpsc::Sender<Bytes>>,
}

/// Joins a session to a main process, to the end of either.
pub(super) async fn run(session: Session, source: AttachSource) {
    let Session { stdin, stdout, stderr, resize, mut closed, ending } = session;
    // There is no terminal whose size could change; nobody reads the stream, and the connection goes on without.
    drop(resize);
    let AttachSource { mut output, stdin: into } = source;
    let from_client = async {
        if let (Some(stdin), Some(into)) = (stdin, into) {
            carry(stdin, into).await;
        }
        // The client's input may end long before the process does.
        std::future::pending::<()>().await;
    };
    let to_client = async {
        while let Some(bytes) = output.recv().await {
            if let Some(stdout) = &stdout
                && stdout.send(bytes).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = from_client => {}
        () = to_client => {}
        () = closed.wait() => return,
    }
    for stream in [stdout, stderr].into_iter().flatten() {
        stream.end().await;
    }
    ending.finish(&Outcome::Success).await;
}

async fn carry(mut from: Input, into: mpsc::Sender<Bytes>) {
    while let Some(bytes) = from.recv().await {
        if into.send(bytes).await.is_err() {
            return;
        }
    }
}
