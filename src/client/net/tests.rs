//! Retries, limits and proxies, against real sockets.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    client::{
        address::Address,
        trust::{Gatekeeper, Trust},
    },
    pki::{Authority, AuthorityKind, KeyPair, Validity},
};

fn short() -> Limits {
    let limit = Duration::from_secs(1);
    Limits { lookup: limit, connect: limit, proxy: limit, tls: limit, answer: limit, ..Limits::default() }
}

fn tls_server() -> tokio_rustls::TlsAcceptor {
    tls_server_of(&[])
}

fn tls_server_of(protocols: &[&str]) -> tokio_rustls::TlsAcceptor {
    use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
    let ca = Authority::generate(AuthorityKind::Host, "net.test", jiff::Timestamp::now()).unwrap();
    let key = KeyPair::generate();
    let validity = Validity::starting(jiff::Timestamp::now(), jiff::SignedDuration::from_hours(1));
    let leaf = ca.sign_host(&["127.0.0.1".to_owned()], &key.public(), validity).unwrap();
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().to_vec().into()],
                PrivateKeyDer::from_pem_slice(key.to_pem().unwrap().as_bytes()).unwrap(),
            )
            .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

/// A server that gives the answers of a list, a connection for each, and then ends the connection. `None` ends it unanswered.
struct Script {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Script {
    async fn start(answers: &[Option<&'static str>]) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (answers, count, acceptor) = (answers.to_vec(), asked.clone(), tls_server());
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = tcp.accept().await.unwrap();
                let mut stream = acceptor.accept(stream).await.unwrap();
                let mut seen = vec![0; 4096];
                let read = stream.read(&mut seen).await.unwrap();
                count.fetch_add(usize::from(read > 0), Ordering::Relaxed);
                if let Some(text) = answer {
                    stream.write_all(text.as_bytes()).await.unwrap();
                    let _ = stream.shutdown().await;
                }
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn client(to: &str, limits: Limits, routes: Routes) -> HttpClient {
    let trust = Trust { insecure: true, ..Trust::default() };
    let mut tls = Gatekeeper::new(trust).unwrap().client_config().unwrap();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let address = Address::parse(to, 1).unwrap();
    HttpClient::new(Connector::new(&address, tls).limits(limits).routes(routes), 1024)
}

fn straight(to: SocketAddr, limits: Limits) -> HttpClient {
    client(&to.to_string(), limits, Routes::default())
}

async fn get(client: &HttpClient) -> Result<Answer, NetError> {
    client.send(Method::GET, "/x", None::<&()>).await
}

async fn post(client: &HttpClient) -> Result<Answer, NetError> {
    client.send(Method::POST, "/x", Some("body")).await
}

const OK: Option<&str> = Some("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
const AWAY: Option<&str> = Some("HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
const LATER: Option<&str> =
    Some("HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
const MUCH_LATER: Option<&str> =
    Some("HTTP/1.1 503 X\r\nRetry-After: 600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

#[tokio::test]
async fn a_get_is_tried_three_times() {
    for (answers, status, asked) in [
        (&[AWAY, AWAY, OK][..], Some(200), 3),
        (&[None, AWAY, OK][..], Some(200), 3),
        (&[AWAY, AWAY, AWAY, OK][..], Some(503), 3),
        (&[None, None, None, OK][..], None, 3),
        (&[MUCH_LATER, OK][..], Some(503), 1),
    ] {
        let server = Script::start(answers).await;
        let answer = get(&straight(server.address, Limits::default())).await;
        assert_eq!(answer.as_ref().ok().map(|a| a.status.as_u16()), status, "{answers:?} {answer:?}");
        assert_eq!(server.asked(), asked, "{answers:?}");
    }
}

#[tokio::test]
async fn the_server_s_own_pause_is_kept() {
    let server = Script::start(&[LATER, OK]).await;
    let began = Instant::now();
    assert_eq!(get(&straight(server.address, Limits::default())).await.unwrap().status, StatusCode::OK);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_post_that_may_have_been_read_is_sent_once() {
    for answers in [&[None, OK][..], &[AWAY, OK][..], &[LATER, OK][..]] {
        let server = Script::start(answers).await;
        let answer = post(&straight(server.address, Limits::default())).await;
        assert!(answer.is_err() || answer.unwrap().status == StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(server.asked(), 1, "{answers:?}");
    }
}

#[tokio::test]
async fn a_post_that_never_arrived_is_tried_again() {
    // The port is bound, so that nobody else takes it, but does not listen before the first try has failed.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let tcp = socket.listen(8).unwrap();
        let (stream, _) = tcp.accept().await.unwrap();
        let mut stream = tls_server().accept(stream).await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(OK.unwrap().as_bytes()).await.unwrap();
        let _ = stream.shutdown().await;
    });
    assert_eq!(post(&straight(address, Limits::default())).await.unwrap().status, StatusCode::OK);
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let server = Script::start(&[Some("HTTP/1.1 200 OK\r\n\r\n0123456789")]).await;
    let mut client = straight(server.address, Limits::default());
    client.limit_answers(5);
    assert_eq!(get(&client).await.unwrap_err(), NetError::TooLong);
}

/// What a request to a server with this behaviour says.
async fn said<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let server = async move {
        loop {
            serve(tcp.accept().await.unwrap().0).await;
        }
    };
    let client = straight(address, short());
    tokio::select! {
        () = server => unreachable!("it serves for ever"),
        done = get(&client) => done.unwrap_err().to_string(),
    }
}

#[tokio::test]
async fn each_step_fails_in_its_own_words() {
    let mut lines = Vec::new();
    let hold = |stream| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(stream);
    };
    lines.push(said(hold).await);
    lines.push(
        said(|stream| async move {
            let mut stream = tls_server().accept(stream).await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        })
        .await,
    );
    lines.push(said(|stream| async move { drop(stream) }).await);
    lines.push(
        said(|mut stream| async move {
            let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n").await;
            let _ = stream.read(&mut [0; 4096]).await;
        })
        .await,
    );
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    lines.push(get(&straight(free, short())).await.unwrap_err().to_string());
    let resolver = |text: &str| {
        let error = std::io::Error::other(format!("failed to lookup address information: {text}"));
        NetError::of_lookup("gate.test", &error).to_string()
    };
    lines.push(resolver("Name or service not known"));
    lines.push(resolver("Temporary failure in name resolution"));
    lines.push(NetError::Timeout { phase: Phase::Lookup, seconds: 10 }.to_string());
    lines.push(NetError::Timeout { phase: Phase::Connect, seconds: 10 }.to_string());
    lines.push(
        said(|stream| async move {
            let _ = tls_server_of(&["h2"]).accept(stream).await;
        })
        .await,
    );
    insta::assert_snapshot!(lines.join("\n"), @r#"
    the TLS handshake took longer than 1 seconds
    the answer took longer than 1 seconds
    it ended the connection during the TLS handshake
    it does not speak TLS
    the connection was refused; nothing listens there
    there is no host of the name "gate.test"
    the name "gate.test" could not be looked up (Temporary failure in name resolution); does this machine's DNS work?
    the look-up of its name took longer than 10 seconds
    the connection took longer than 10 seconds
    it speaks TLS, but not HTTP/1.1 in it
    "#);
}

#[tokio::test]
async fn the_person_is_told_of_a_slow_network_and_only_then() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let slow = |told: &Arc<Mutex<Vec<String>>>| -> Slow {
        let told = told.clone();
        Arc::new(move |line| {
            told.lock().unwrap().push(line.to_owned());
            Box::new(())
        })
    };
    let server = Script::start(&[OK, LATER, OK]).await;
    let mut client =
        straight(server.address, Limits { slow: Duration::from_millis(500), ..Limits::default() });
    client.on_slow(slow(&told));
    get(&client).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "{told:?}");
    get(&client).await.unwrap();
    let expected = format!("Waiting for an answer from {} …", server.address);
    assert_eq!(*told.lock().unwrap(), [expected]);
}

/// A proxy that answers what it was asked with a text, once; what it was asked.
async fn proxy_that_says(answer: &'static [u8]) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = tcp.accept().await.unwrap();
        let mut seen = vec![0; 4096];
        let read = stream.read(&mut seen).await.unwrap();
        stream.write_all(answer).await.unwrap();
        let _ = stream.read(&mut [0; 16]).await;
        String::from_utf8_lossy(&seen[..read]).into_owned()
    });
    (address, asked)
}

#[tokio::test]
async fn what_a_proxy_says_is_told_as_the_proxy_s_and_without_the_password() {
    let mut lines = Vec::new();
    for (scheme, answer) in [
        ("http", &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..]),
        ("http", b"HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n"),
        ("http", b"SSH-2.0-OpenSSH\r\n\r\n"),
        ("http", b""),
        ("socks5h", b"\x05\xff"),
        ("socks5h", b"\x05\x00\x05\x02\x00\x01\0\0\0\0\0\0"),
        ("socks5h", b"\x05\x00\x05\x04\x00\x01\0\0\0\0\0\0"),
        ("socks5h", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks5", b""),
    ] {
        let (address, _) = proxy_that_says(answer).await;
        let url = format!("{scheme}://alice:hunter2@{address}");
        let routes = Routes::of(|name| (name == "HTTPS_PROXY").then(|| url.clone()));
        let goal = if scheme == "socks5" { "192.0.2.1:9" } else { "gate.invalid:3080" };
        let told = get(&client(goal, short(), routes)).await.unwrap_err().to_string();
        assert!(!told.contains("hunter2") && !told.contains("alice"), "{told}");
        lines.push(told.replace(&address.to_string(), "PROXY"));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    the proxy http://PROXY does not accept the user and password that are set for it
    the proxy http://PROXY opens no way there: it answered 403 Forbidden
    the proxy http://PROXY does not answer as an HTTP proxy does
    the proxy http://PROXY opened no way there within 1 seconds
    the proxy socks5h://PROXY does not sign in anybody by user and password
    the proxy socks5h://PROXY opens no way there: its rules do not allow it
    the proxy socks5h://PROXY opens no way there: the host is not known to it or not reachable from it
    the proxy socks5h://PROXY does not answer as a SOCKS5 proxy does
    the proxy socks5://PROXY opened no way there within 1 seconds
    ");
}

#[tokio::test]
async fn an_http_proxy_gets_the_name_and_the_password() {
    let (address, asked) = proxy_that_says(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let routes =
        Routes::of(|name| (name == "HTTPS_PROXY").then(|| format!("http://alice:s%3Acret@{address}")));
    get(&client("gate.invalid:3080", short(), routes)).await.unwrap_err();
    let asked = asked.await.unwrap();
    let expected = "CONNECT gate.invalid:3080 HTTP/1.1\r\nHost: gate.invalid:3080\r\n\
                    Proxy-Authorization: Basic YWxpY2U6czpjcmV0\r\n\r\n";
    assert_eq!(asked, expected);
}
