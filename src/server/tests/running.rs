//! A gate from start to end.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::support::Client;
use crate::{
    pki::{Authority, AuthorityKind, Certificate, Identity, KeyPair, Usage, Validity},
    server::{
        config::Config,
        start::{self, Running, StartError},
        store::OpenError,
    },
};

const SOON: Duration = Duration::from_secs(20);

fn config(dir: &Path, more: &str) -> Config {
    let text = format!(
        "teleport:\n  data_dir: {}\n  diag_addr: 127.0.0.1:0\n  shutdown_timeout: 1s\n\
         auth_service: {{listen_addr: '127.0.0.1:0', cluster_name: example}}\n\
         proxy_service:\n  web_listen_addr: 127.0.0.1:0\n  public_addr: gate.example.com:443\n{more}",
        dir.join("data").display()
    );
    Config::parse(&text, Path::new("test.yaml")).unwrap()
}

async fn start(dir: &Path, more: &str) -> Running {
    start::start(config(dir, more)).await.unwrap()
}

async fn end(mut running: Running) {
    running.drain("the test is over");
    timeout(SOON, running.wait()).await.expect("the gate ends");
}

async fn http(addr: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The public key of the certificate that a listener shows.
async fn listeners_key(addr: std::net::SocketAddr) -> Vec<u8> {
    let (_, seen) = Client::default().connect(addr).await.unwrap();
    seen.chain.lock().unwrap()[0].spki_der()
}

#[tokio::test]
async fn the_first_start_makes_everything_and_the_next_one_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path(), "").await;
    let data = dir.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in ["admin.pem", "gate.json", "gate.sqlite", "host_uuid"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert_ne!(running.bound.web.port(), 0);
    assert_eq!(running.gate().addresses.web.to_string(), "gate.example.com:443");
    assert_eq!(running.gate().addresses.admin.to_string(), running.bound.admin.to_string());
    assert!(
        running.notices.iter().any(|n| n.contains("the web port shows a certificate of the gate's own CA"))
    );
    let info: serde_json::Value = serde_json::from_slice(&fs::read(data.join("gate.json")).unwrap()).unwrap();
    assert_eq!(info["admin_addr"], running.bound.admin.to_string());
    let ca = running.gate().authorities.host.certificate().clone();
    let shown = listeners_key(running.bound.web).await;
    let Err(StartError::Store(OpenError::Locked(..))) = start::start(config(dir.path(), "")).await else {
        panic!("two gates in one directory")
    };
    end(running).await;
    assert!(!data.join("gate.json").exists());
    let running = start(dir.path(), "").await;
    assert_eq!(*running.gate().authorities.host.certificate(), ca);
    assert_eq!(listeners_key(running.bound.web).await, shown, "a client that pinned the key goes on");
    assert_eq!(listeners_key(running.bound.admin).await, shown);
    end(running).await;
    let mut other = config(dir.path(), "");
    other.cluster_name = "another".into();
    let error = start::start(other).await.err().unwrap().to_string();
    assert!(error.contains("belongs to the cluster \"example\""), "{error}");
}

#[tokio::test]
async fn the_identity_file_opens_the_admin_api_alone() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path(), "").await;
    let text = fs::read_to_string(dir.path().join("data/admin.pem")).unwrap();
    let certificates = Certificate::all_from_pem(&text[text.find("-----BEGIN CERT").unwrap()..]).unwrap();
    let gate = running.gate();
    let identity =
        Identity::verify(&[certificates[0].der()], &gate.authorities.trusted_users(), Timestamp::now())
            .unwrap();
    assert_eq!((identity.username(), identity.usage()), ("admin", Usage::Admin));
    assert_eq!(certificates[1], *gate.authorities.host.certificate());
    assert!(KeyPair::from_pem(&text[..text.find("-----BEGIN CERT").unwrap()]).is_ok());
    end(running).await;
}

#[tokio::test]
async fn the_listeners_certificate_has_every_name() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path(), "").await;
    let ca = Some(running.gate().authorities.host.certificate().clone());
    for name in [
        "gate.example.com",
        "localhost",
        "127.0.0.1",
        "teleport.cluster.local",
        "6578616d706c65.teleport.cluster.local",
        "kube-teleport-proxy-alpn.example",
    ] {
        for addr in [running.bound.web, running.bound.admin] {
            let client = Client { name, ca: ca.clone(), ..Client::default() };
            client.connect(addr).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
    end(running).await;
}

/// A gate by a clock that the test moves on, looked at often.
async fn start_in_the_future(dir: &Path) -> (Running, Arc<AtomicI64>) {
    let ahead = Arc::<AtomicI64>::default();
    let now = {
        let ahead = ahead.clone();
        move || Timestamp::now() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst))
    };
    let running = start::start_by(config(dir, ""), start::Clock::new(now, Duration::from_millis(5))).await;
    (running.unwrap(), ahead)
}

async fn until<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        if let Some(found) = ready().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const HOUR: i64 = 3600;

#[tokio::test]
async fn the_listeners_certificates_are_renewed_each_day_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (running, ahead) = start_in_the_future(dir.path()).await;
    let shown = async |addr| {
        let (_, seen) = Client::default().connect(addr).await.unwrap();
        seen.chain.lock().unwrap()[0].clone()
    };
    let (web, admin) = (running.bound.web, running.bound.admin);
    let first = shown(web).await;
    assert_eq!(shown(admin).await, first);
    let (stream, _) = Client::default().connect(web).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut open, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let mut ping = async || {
        let request = http::Request::get("/webapi/ping").header("host", "x");
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        let answer = open.send_request(request).await.unwrap();
        http_body_util::BodyExt::collect(answer.into_body()).await.unwrap();
    };
    ping().await;
    // Before its day is over nothing happens; the identity file's renewal shows that the clock was looked at.
    let identity = || fs::read(dir.path().join("data/admin.pem")).unwrap();
    let before = identity();
    ahead.store(23 * HOUR, Ordering::SeqCst);
    until("another identity file", async || (identity() != before).then_some(())).await;
    assert_eq!(shown(web).await, first);
    ahead.store(24 * HOUR, Ordering::SeqCst);
    let second = until("another certificate", async || Some(shown(web).await).filter(|c| *c != first)).await;
    assert_eq!(shown(admin).await, second);
    assert_eq!(second.spki_der(), first.spki_der(), "who pinned the key goes on");
    let day = second.validity().not_after.duration_since(first.validity().not_after);
    assert!((day - SignedDuration::from_hours(24)).abs() < SignedDuration::from_secs(60), "{day}");
    ping().await;
    end(running).await;
}

#[tokio::test]
async fn the_identity_file_is_replaced_before_it_ends_and_is_never_half_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let (running, ahead) = start_in_the_future(dir.path()).await;
    let data = dir.path().join("data");
    let file = data.join("admin.pem");
    let ends = |text: &str| {
        let (key, certificates) = text.split_at(text.find("-----BEGIN CERT").unwrap());
        let certificates = Certificate::all_from_pem(certificates).unwrap();
        let key = KeyPair::from_pem(key).unwrap().public().spki_der().unwrap();
        assert_eq!(certificates[0].spki_der(), key, "key and certificate are always a pair");
        certificates[0].validity().not_after
    };
    let stop = Arc::<std::sync::atomic::AtomicBool>::default();
    let reader = {
        let (file, stop) = (file.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut reads = 0;
            while !stop.load(Ordering::SeqCst) {
                ends(&fs::read_to_string(&file).unwrap());
                reads += 1;
            }
            reads
        })
    };
    let mut last = ends(&fs::read_to_string(&file).unwrap());
    for hour in 1..=30 {
        ahead.store(hour * HOUR, Ordering::SeqCst);
        last = until(&format!("the identity of hour {hour}"), async || {
            Some(ends(&fs::read_to_string(&file).unwrap())).filter(|end| *end > last)
        })
        .await;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // What cannot be written is tried again; until then the last one stays, a day long.
    fs::create_dir_all(data.join("admin.new/in-the-way")).unwrap();
    ahead.store(31 * HOUR, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ends(&fs::read_to_string(&file).unwrap()), last);
    fs::remove_dir_all(data.join("admin.new")).unwrap();
    until("a later identity", async || {
        Some(ends(&fs::read_to_string(&file).unwrap())).filter(|end| *end > last)
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    assert!(reader.join().unwrap() > 0);
    end(running).await;
}

/// Writes a self-made certificate as https files and returns it.
fn https_files(dir: &Path) -> Certificate {
    let ca = Authority::generate(AuthorityKind::Host, "elsewhere", Timestamp::now()).unwrap();
    let key = KeyPair::generate();
    let validity = Validity::starting(Timestamp::now(), jiff::SignedDuration::from_hours(1));
    let certificate = ca.sign_host(&["localhost".into()], &key.public(), validity).unwrap();
    fs::write(dir.join("tls.key"), key.to_pem().unwrap().as_bytes()).unwrap();
    fs::write(dir.join("tls.crt"), certificate.to_pem()).unwrap();
    certificate
}

#[tokio::test]
async fn https_files_are_read_again_and_bad_ones_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files =
        format!("  https_key_file: {0}/tls.key\n  https_cert_file: {0}/tls.crt\n", dir.path().display());
    let error = start::start(config(dir.path(), &files)).await.err().unwrap().to_string();
    assert!(error.contains("line 10, column 20: key proxy_service.https_cert_file: cannot read "), "{error}");
    let first = https_files(dir.path());
    let running = start(dir.path(), &files).await;
    let shown = async |name| {
        let (_, seen) = Client { name, ..Client::default() }.connect(running.bound.web).await.unwrap();
        seen.chain.lock().unwrap()[0].clone()
    };
    assert_eq!(shown("localhost").await, first);
    // The admin API on the web port is one of our own CA all the same.
    assert_ne!(shown("x.teleport.cluster.local").await, first);
    let second = https_files(dir.path());
    assert_eq!(shown("localhost").await, first);
    running.reload();
    assert_eq!(shown("localhost").await, second);
    fs::write(dir.path().join("tls.key"), KeyPair::generate().to_pem().unwrap().as_bytes()).unwrap();
    running.reload();
    assert_eq!(shown("localhost").await, second);
    end(running).await;
}

#[tokio::test]
async fn diagnostics_tell_health_readiness_and_figures() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path(), "").await;
    let addr = running.bound.diagnostics.unwrap();
    assert!(http(addr, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(http(addr, "/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(http(addr, "/metrics").await.contains("jumpgate_audit_events_lost_total 0"));
    assert!(http(addr, "/").await.starts_with("HTTP/1.1 404"));
    running.drain("the test is over");
    let ending = http(addr, "/readyz").await;
    assert!(ending.starts_with("HTTP/1.1 503") && ending.contains("the gate is ending"), "{ending}");
    end(running).await;
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(dir.path(), "");
    config.web.listen = taken.local_addr().unwrap();
    let error = start::start(config).await.err().unwrap().to_string();
    assert!(error.contains("(proxy_service.web_listen_addr)"), "{error}");
}
