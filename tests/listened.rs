//! The listener on what kubectl really sends: a proxy between it and the demo's API server takes the bytes of exec and listens to
//! them as they pass. With `JUMPGATE_KEEP_STREAMS=1` it also writes them to `tests/data/streams` for the tests of `streams::exec`.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use jumpgate::{
    demo::kube::KubeDemo,
    streams::{
        channels::{ExecProtocol, Role, status::Outcome, websocket::ChannelProtocol},
        exec::{Heard, Listener},
    },
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

use crate::support::world::{Kubectl, Live, runtime};

/// What passed on one upgraded connection.
#[derive(Default)]
struct Tape {
    /// For each piece its sender, its length in 32 bits, its bytes.
    bytes: Vec<u8>,
    heard: Vec<Heard>,
    /// Whether both directions have ended.
    ended: bool,
}

type Shared = Arc<Mutex<Option<Tape>>>;

/// How a kubectl is made to speak.
struct Way {
    name: &'static str,
    kubectl: Kubectl,
    websockets: &'static str,
    listener: fn() -> Listener,
}

#[test]
fn kubectl_1_20_over_spdy_is_heard() {
    story(&Way {
        name: "old",
        kubectl: Kubectl::Spdy,
        websockets: "",
        listener: || Listener::spdy(ExecProtocol::V4),
    });
}

#[test]
fn a_current_kubectl_over_a_websocket_is_heard() {
    story(&Way {
        name: "websocket",
        kubectl: Kubectl::WebSocket,
        websockets: "true",
        listener: || Listener::websocket(ChannelProtocol::V5),
    });
}

#[test]
fn a_current_kubectl_over_spdy_is_heard() {
    story(&Way {
        name: "spdy",
        kubectl: Kubectl::WebSocket,
        websockets: "false",
        listener: || Listener::spdy(ExecProtocol::V4),
    });
}

fn story(way: &Way) {
    let folder = tempfile::tempdir().expect("a folder");
    let kube =
        runtime().block_on(KubeDemo::start(&folder.path().join("cluster"))).expect("the cluster starts");
    let shared = Shared::default();
    let address = runtime().block_on(proxy(&kube, shared.clone(), way.listener));
    let command = |args: &[&str]| {
        let mut command = std::process::Command::new(way.kubectl.path());
        command
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .env("PATH", "/usr/bin:/bin");
        command.env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", way.websockets);
        command.arg(format!("--server=http://{address}")).args(args);
        command
    };

    let mut live =
        Live::piped(command(&["exec", "-i", "shell", "--", "sh", "-c", "cat; echo err >&2; exit 3"]));
    live.send("one\n");
    live.says("one\n");
    live.send("two");
    live.close_stdin();
    live.end().fails_with(3);
    let heard = taken(&shared, way.name, "piped");
    assert_eq!(text(&heard, Role::Stdin), "one\ntwo");
    assert_eq!(text(&heard, Role::Stdout), "one\ntwo");
    assert_eq!(text(&heard, Role::Stderr), "err\n");
    assert_eq!(code(&heard), Some(3));

    let shell = command(&["exec", "-it", "shell", "--", "sh", "-c", "PS1='> ' exec sh -i"]);
    let mut live = Live::on_terminal(shell, 24, 80);
    live.says("> ");
    live.resize(41, 132);
    live.send("while [ \"$(stty size)\" != '41 132' ]; do sleep 0.05; done; echo re''sized\n");
    live.says("resized\r\n");
    live.send("exit 7\n");
    let run = live.end().fails_with(7);
    let heard = taken(&shared, way.name, "terminal");
    assert!(text(&heard, Role::Stdin).ends_with("exit 7\n"), "{heard:?}");
    let shown = text(&heard, Role::Stdout);
    assert!(shown.contains("resized\r\n") && run.stdout.starts_with(&shown), "{shown:?} of {:?}", run.stdout);
    let sizes: Vec<_> = heard
        .iter()
        .filter_map(|one| if let Heard::Resize(size) = one { Some((size.width, size.height)) } else { None })
        .collect();
    assert_eq!((sizes.first(), sizes.last()), (Some(&(80, 24)), Some(&(132, 41))));
    assert_eq!(code(&heard), Some(7));
}

/// What was heard on the connection that has just ended; the next one begins anew.
fn taken(shared: &Shared, way: &str, what: &str) -> Vec<Heard> {
    let tape = crate::support::world::wait_for("the end of the connection", || {
        let mut tape = shared.lock().expect("no panic");
        tape.take_if(|tape| tape.ended)
    });
    if std::env::var_os("JUMPGATE_KEEP_STREAMS").is_some() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/streams");
        std::fs::write(folder.join(format!("{way}-{what}.tape")), &tape.bytes).expect("it is written");
    }
    tape.heard
}

fn text(heard: &[Heard], wanted: Role) -> String {
    let all = heard.iter().filter_map(|one| match one {
        Heard::Bytes(role, bytes) if *role == wanted => Some(&bytes[..]),
        _ => None,
    });
    String::from_utf8(all.flatten().copied().collect()).expect("text")
}

fn code(heard: &[Heard]) -> Option<i32> {
    heard.iter().find_map(|one| match one {
        Heard::Outcome(Outcome::Exit { code, .. }) => Some(*code),
        _ => None,
    })
}

/// Takes kubectl's plain HTTP to the demo's API server, as the gate does: for alice of system:masters.
async fn proxy(kube: &KubeDemo, shared: Shared, listener: fn() -> Listener) -> SocketAddr {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(kube.ca_pem().as_bytes()).expect("PEM")).expect("a CA");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = TlsConnector::from(Arc::new(config));
    let (server, token) = (kube.addr, kube.gate_token());
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = tcp.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = tcp.accept().await {
            let (tls, token, shared) = (tls.clone(), token.clone(), shared.clone());
            tokio::spawn(async move {
                let stream = TcpStream::connect(server).await.ok()?;
                let name = ServerName::try_from("127.0.0.1").ok()?;
                let stream = tls.connect(name, stream).await.ok()?;
                pass(client, stream, &token, &shared, listener).await
            });
        }
    });
    address
}

/// Passes requests on with the token until one of them becomes a tunnel, and then all that it carries.
async fn pass(
    mut client: TcpStream,
    mut server: tokio_rustls::client::TlsStream<TcpStream>,
    token: &str,
    shared: &Shared,
    listener: fn() -> Listener,
) -> Option<()> {
    let first = head(&mut client).await?;
    let tunnel = first.to_ascii_lowercase().contains("\r\nupgrade: ");
    let who = format!(
        "\r\nAuthorization: Bearer {token}\r\nImpersonate-User: alice\r\nImpersonate-Group: system:masters\r\n"
    );
    let authorized = |head: &str| head.replacen("\r\n", &who, 1);
    if !tunnel {
        // One request a connection is enough, and the answer ends with it.
        let alone = authorized(&first).replacen("\r\n", "\r\nConnection: close\r\n", 1);
        server.write_all(alone.as_bytes()).await.ok()?;
        tokio::io::copy(&mut server, &mut client).await.ok()?;
        return client.shutdown().await.ok();
    }
    server.write_all(authorized(&first).as_bytes()).await.ok()?;
    let answer = head(&mut server).await?;
    client.write_all(answer.as_bytes()).await.ok()?;
    *shared.lock().expect("no panic") = Some(Tape::default());
    let listener = Mutex::new(listener());
    let (client_in, client_out) = client.split();
    let (server_in, server_out) = tokio::io::split(server);
    let up = carry(client_in, server_out, |bytes| hear(shared, &listener, b'c', bytes));
    let down = carry(server_in, client_out, |bytes| hear(shared, &listener, b's', bytes));
    tokio::join!(up, down);
    let mut tape = shared.lock().expect("no panic");
    let tape = tape.as_mut()?;
    listener.lock().expect("no panic").finish(&mut tape.heard);
    tape.ended = true;
    Some(())
}

fn hear(shared: &Shared, listener: &Mutex<Listener>, sender: u8, bytes: &[u8]) {
    let mut tape = shared.lock().expect("no panic");
    let tape = tape.as_mut().expect("the story waits for the end");
    tape.bytes.push(sender);
    tape.bytes.extend((bytes.len() as u32).to_be_bytes());
    tape.bytes.extend(bytes);
    let mut listener = listener.lock().expect("no panic");
    let heard = &mut tape.heard;
    if sender == b'c' { listener.client(bytes, heard) } else { listener.server(bytes, heard) }
        .expect("kubectl and the API server are understood");
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, hear: impl Fn(&[u8])) {
    let mut chunk = vec![0; 32 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        hear(&chunk[..read]);
        if to.write_all(&chunk[..read]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    // The other side may be gone already.
    let _ = to.shutdown().await;
}

/// The head of a request or an answer, with the empty line.
async fn head(from: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
