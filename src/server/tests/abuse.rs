//! HTTP/2 clients that want to wear a listener out.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
    time::timeout,
};

use super::{frames, support::Client};
use crate::{
    pki::{Authority, AuthorityKind, KeyPair},
    server::{
        certificates::host_certificate,
        listener::{self, Drain, DrainSwitch, Handler, Limits, Port},
        metrics::Metrics,
        tls::{ServerCertificate, Tls},
    },
};

const SOON: Duration = Duration::from_secs(30);

/// A port whose requests are never answered: how many came, and how many are open.
struct Served {
    addr: SocketAddr,
    came: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    _switch: DrainSwitch,
    _running: JoinHandle<()>,
}

/// Counts itself while it lives.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(web: bool) -> Served {
    let ca = Authority::generate(AuthorityKind::Host, "example", Timestamp::now()).unwrap();
    let key = KeyPair::generate();
    let shown = || {
        ServerCertificate::new(host_certificate(&ca, &key, &["localhost".into()], Timestamp::now()).unwrap())
    };
    let tls = if web { Tls::web(shown(), shown()) } else { Tls::mutual(shown()) };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    let (switch, drain) = Drain::new();
    let [came, open, most] = [(); 3].map(|()| Arc::<AtomicUsize>::default());
    let handler: Handler = {
        let (came, most) = (came.clone(), most.clone());
        Arc::new(move |_, _| {
            let (came, open, most) = (came.clone(), open.clone(), most.clone());
            Box::pin(async move {
                came.fetch_add(1, Ordering::SeqCst);
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _open = Open(open);
                std::future::pending().await
            })
        })
    };
    let metrics = Arc::<Metrics>::default();
    let limits = Limits::new(SOON);
    let port =
        Port { name: "test", socket, tls: tls.unwrap(), limits, drain, handler, metrics: metrics.clone() };
    let running = tokio::spawn(listener::serve(port));
    Served { addr, came, most, metrics, _switch: switch, _running: running }
}

async fn connect(addr: SocketAddr) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let client = Client { alpn: vec![b"h2"], ..Client::default() };
    let (mut stream, _) = client.connect(addr).await.unwrap();
    stream.write_all(&frames::hello()).await.unwrap();
    stream
}

fn streams() -> impl Iterator<Item = u32> {
    (1..).step_by(2)
}

#[tokio::test]
async fn e2_16_requests_that_are_reset_in_the_same_breath_end_the_connection() {
    for web in [true, false] {
        let served = serve(web).await;
        let (mut read, mut write) = tokio::io::split(connect(served.addr).await);
        let flood = tokio::spawn(async move {
            let pairs =
                streams().take(50_000).flat_map(|id| [frames::get(id, "/"), frames::reset(id)]).flatten();
            // An error is what we want.
            let _ = write.write_all(&pairs.collect::<Vec<u8>>()).await;
        });
        let mut told = Vec::new();
        timeout(SOON, read.read_to_end(&mut told)).await.expect("the connection is ended").ok();
        flood.abort();
        assert!(served.came.load(Ordering::SeqCst) < 1000, "{}", served.came.load(Ordering::SeqCst));
        timeout(SOON, Client::default().connect(served.addr)).await.unwrap().expect("others are served");
    }
}

#[tokio::test]
async fn e2_16_requests_that_are_reset_once_they_are_handled_end_the_connection_too() {
    for web in [true, false] {
        let served = serve(web).await;
        let (mut read, mut write) = tokio::io::split(connect(served.addr).await);
        let came = served.came.clone();
        let flood = tokio::spawn(async move {
            for (n, id) in streams().take(5_000).enumerate() {
                if write.write_all(&frames::get(id, "/")).await.is_err() || write.flush().await.is_err() {
                    return;
                }
                while came.load(Ordering::SeqCst) <= n {
                    tokio::time::sleep(Duration::from_micros(100)).await;
                }
                if write.write_all(&frames::reset(id)).await.is_err() {
                    return;
                }
            }
        });
        let mut told = Vec::new();
        timeout(SOON, read.read_to_end(&mut told)).await.expect("the connection is ended").ok();
        flood.abort();
        let came = served.came.load(Ordering::SeqCst);
        assert!((250..1000).contains(&came), "{came}");
        assert!(served.metrics.to_text().contains("reason=\"cancelled requests\""));
    }
}

#[tokio::test]
async fn e2_16_a_connection_has_a_bounded_number_of_requests_open() {
    for web in [true, false] {
        let served = serve(web).await;
        let (mut read, mut write) = tokio::io::split(connect(served.addr).await);
        let many = |from: u32, count: usize| -> Vec<u8> {
            (from..).step_by(2).take(count).flat_map(|id| frames::get(id, "/")).collect()
        };
        write.write_all(&many(1, 250)).await.unwrap();
        write.flush().await.unwrap();
        let begin = std::time::Instant::now();
        while served.came.load(Ordering::SeqCst) < 250 {
            assert!(begin.elapsed() < SOON, "as many as are allowed are handled");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What goes beyond is refused, and who goes on asking is sent away.
        let _ = write.write_all(&many(501, 2_000)).await;
        let mut told = Vec::new();
        timeout(SOON, read.read_to_end(&mut told)).await.expect("the connection is ended").ok();
        assert_eq!(served.came.load(Ordering::SeqCst), 250);
        assert_eq!(served.most.load(Ordering::SeqCst), 250);
    }
}
