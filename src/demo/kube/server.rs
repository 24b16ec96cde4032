//! The listener: TLS, HTTP/1.1 and HTTP/2, upgrades on HTTP/1.1.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::closing::UntilClosed;
use super::{Cluster, front};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Accepts connections until the cluster closes; then all of them end.
pub(crate) async fn run(listener: TcpListener, tls: Arc<ServerConfig>, cluster: Arc<Cluster>) {
    let acceptor = TlsAcceptor::from(tls);
    let mut closing = cluster.closing.subscribe();
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            () = super::closed(&mut closing) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    connections.spawn(connection(stream, number, acceptor.clone(), cluster.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the demo Kubernetes API cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, number: u64, acceptor: TlsAcceptor, cluster: Arc<Cluster>) {
    // Small writes of a shell must not wait for each other.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let stream = UntilClosed::new(stream, cluster.closing.subscribe());
    let service = service_fn(move |request| front::answer(cluster.clone(), number, request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    if let Err(error) = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection to the demo Kubernetes API ended");
    }
}
