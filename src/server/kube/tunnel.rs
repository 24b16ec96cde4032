//! The bytes of a tunnel, both ways, counted, until both sides or the person's time are over.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::oneshot,
};

use super::{farewell::Farewell, lifetime::Ended, recorded, tap::Tap};

/// How much is read at a time.
const CHUNK: usize = 32 * 1024;
/// How long the end of a tunnel may take once the gate decided it.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long the client is still listened to after the last word.
const LISTEN: Duration = Duration::from_millis(250);
/// How long one direction may go on after the other ended.
const LINGER: Duration = Duration::from_secs(60);

/// Bytes that went through a tunnel.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// From the client to the pod.
    pub(super) tx: AtomicU64,
    /// From the pod to the client.
    pub(super) rx: AtomicU64,
}

/// Carries bytes both ways until both sides ended, each end passed on as it comes, or until `end`; then the client is told why,
/// where the protocol allows it. What a tap listens to goes on only once it is written down. Returns why the gate ended it, if it did.
pub(super) async fn tunnel<C, S>(
    client: &mut C,
    server: &mut S,
    counters: &Counters,
    farewell: &Mutex<Farewell>,
    tap: Option<&Tap>,
    end: impl Future<Output = Ended>,
) -> (io::Result<()>, Option<Ended>)
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (client_in, client_out) = tokio::io::split(client);
    let (server_in, server_out) = tokio::io::split(server);
    let (tell, told) = oneshot::channel();
    let up = pump_up(client_in, server_out, &counters.tx, farewell, tap);
    let rx = &counters.rx;
    let down = async {
        match tap {
            Some(tap) => recorded::pump_down(server_in, client_out, rx, farewell, tap, told).await,
            None => pump_down(server_in, client_out, rx, farewell, told).await,
        }
    };
    let mut carrying = std::pin::pin!(both(up, down));
    tokio::select! {
        done = &mut carrying => (done, None),
        ended = end => {
            // The other half is gone only if both directions are done.
            let _ = tell.send(ended.clone());
            // Whoever does not read any more is left.
            let done = tokio::time::timeout(GOODBYE, carrying).await.unwrap_or(Ok(()));
            (done, Some(ended))
        }
    }
}

/// Why nothing more goes to the client.
pub(super) enum Down {
    ServerEnded,
    /// The gate has said its last word.
    Told,
}

async fn both(
    up: impl Future<Output = io::Result<()>>,
    down: impl Future<Output = io::Result<Down>>,
) -> io::Result<()> {
    let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "one side ended and the other did not");
    tokio::select! {
        done = &mut up => {
            done?;
            tokio::time::timeout(LINGER, down).await.map_err(late)?.map(|_| ())
        }
        done = &mut down => match done? {
            Down::ServerEnded => tokio::time::timeout(LINGER, up).await.map_err(late)?,
            // Closing while the client still sends would reset the connection and could take the last word with it.
            Down::Told => tokio::time::timeout(LISTEN, up).await.unwrap_or(Ok(())),
        },
    }
}

async fn pump_up<R, W>(
    mut from: R,
    mut to: W,
    count: &AtomicU64,
    farewell: &Mutex<Farewell>,
    tap: Option<&Tap>,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        listen(farewell).hear_client(&chunk[..read]);
        if let Some(tap) = tap
            && tap.client(&chunk[..read]).await.is_err()
        {
            // The session is being ended; the other direction says why.
            return std::future::pending().await;
        }
        pass_on(&mut to, &chunk[..read], count).await?;
    }
}

async fn pump_down<R, W>(
    mut from: R,
    mut to: W,
    count: &AtomicU64,
    farewell: &Mutex<Farewell>,
    mut told: oneshot::Receiver<Ended>,
) -> io::Result<Down>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut chunk = vec![0; CHUNK];
    loop {
        let may_speak = listen(farewell).may_speak();
        let read = tokio::select! {
            biased;
            Ok(ended) = &mut told, if may_speak => return last_word(to, farewell, &ended).await,
            read = from.read(&mut chunk) => read?,
        };
        if read == 0 {
            to.shutdown().await?;
            return Ok(Down::ServerEnded);
        }
        pass_on(&mut to, &chunk[..read], count).await?;
        listen(farewell).hear_server(&chunk[..read]);
    }
}

/// Tells the client why it ends, if that is possible now.
pub(super) async fn last_word<W: AsyncWrite + Unpin>(
    mut to: W,
    farewell: &Mutex<Farewell>,
    ended: &Ended,
) -> io::Result<Down> {
    let last = {
        let farewell = listen(farewell);
        if farewell.may_speak() { farewell.say(ended) } else { vec![] }
    };
    to.write_all(&last).await?;
    to.flush().await?;
    to.shutdown().await?;
    Ok(Down::Told)
}

pub(super) async fn pass_on(
    to: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    count: &AtomicU64,
) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await?;
    count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    Ok(())
}

/// The lock is never held across a wait.
pub(super) fn listen(farewell: &Mutex<Farewell>) -> MutexGuard<'_, Farewell> {
    farewell.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_ends_are_passed_on_and_all_bytes_counted() {
        let (mut client, mut gate_client) = tokio::io::duplex(64);
        let (mut pod, mut gate_pod) = tokio::io::duplex(64);
        let counters = std::sync::Arc::new(Counters::default());
        let running = tokio::spawn({
            let counters = counters.clone();
            async move {
                let never = std::future::pending();
                tunnel(&mut gate_client, &mut gate_pod, &counters, &Mutex::new(Farewell::None), None, never)
                    .await
            }
        });
        let echo = tokio::spawn(async move {
            let mut all = Vec::new();
            pod.read_to_end(&mut all).await.unwrap();
            pod.write_all(&all[..1000]).await.unwrap();
            pod.shutdown().await.unwrap();
        });
        client.write_all(&[7; 100_000]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut back = Vec::new();
        client.read_to_end(&mut back).await.unwrap();
        assert_eq!(back.len(), 1000);
        echo.await.unwrap();
        assert!(matches!(running.await.unwrap(), (Ok(()), None)));
        assert_eq!(counters.tx.load(Ordering::Relaxed), 100_000);
        assert_eq!(counters.rx.load(Ordering::Relaxed), 1000);
    }
}
