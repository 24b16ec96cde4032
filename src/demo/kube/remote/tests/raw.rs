//! Protocols that no kubectl at hand speaks, by clients written out by hand; and requests that are refused.

use std::collections::HashMap;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role as Side;

use super::{Pod, soon, until};
use crate::streams::channels::Role;
use crate::streams::channels::status::Outcome;
use crate::streams::channels::websocket::{ChannelProtocol, Event};
use crate::streams::spdy::{Decoder, Encoder, Frame};

/// Sends a request and reads the head of its answer.
async fn ask(pod: &Pod, method: &str, path: &str, headers: &[(&str, &str)]) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(pod.address).await.unwrap();
    let mut request =
        format!("{method} /api/v1/namespaces/default/pods/web/{path} HTTP/1.1\r\nHost: pod\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("the answer's head", stream.read_u8()).await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

fn spdy(protocol: &str) -> Vec<(&str, &str)> {
    vec![("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", protocol)]
}

fn websocket(protocol: &str) -> Vec<(&str, &str)> {
    let mut headers = vec![
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    if !protocol.is_empty() {
        headers.push(("Sec-WebSocket-Protocol", protocol));
    }
    headers
}

/// Opens streams for these roles over SPDY, sends nothing, and reads all streams to their ends.
async fn over_spdy(pod: &Pod, protocol: &str, query: &str, roles: &[Role]) -> HashMap<Role, Vec<u8>> {
    let (mut stream, head) = ask(pod, "POST", &format!("exec?{query}"), &spdy(protocol)).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let mut bytes = Vec::new();
    let mut ids = HashMap::new();
    for (number, role) in roles.iter().enumerate() {
        let id = 2 * number as u32 + 1;
        ids.insert(id, *role);
        let headers = [("streamType", role.name())].into_iter().collect();
        let open = Frame::SynStream {
            stream: id,
            associated: 0,
            priority: 0,
            fin: false,
            unidirectional: false,
            headers,
        };
        encoder.encode(&open, &mut bytes).unwrap();
    }
    encoder.encode(&Frame::Ping { id: 77 }, &mut bytes).unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut read: HashMap<Role, Vec<u8>> = HashMap::new();
    let (mut pinged, mut ended) = (false, 0);
    let outputs = roles.iter().filter(|role| !matches!(role, Role::Stdin | Role::Resize)).count();
    let mut chunk = [0; 4096];
    let mut frames = Vec::new();
    while ended < outputs {
        let length = soon("more of the streams", stream.read(&mut chunk)).await.unwrap();
        assert_ne!(length, 0, "the connection ended before its streams");
        decoder.feed(&chunk[..length], &mut frames).unwrap();
        for frame in frames.drain(..) {
            match frame {
                Frame::Data { stream, fin, bytes } => {
                    read.entry(ids[&stream]).or_default().extend_from_slice(&bytes);
                    ended += usize::from(fin);
                }
                Frame::Ping { id: 77 } => pinged = true,
                Frame::SynReply { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(pinged);
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_spdy_protocols_have_text_for_a_status() {
    let pod = Pod::start().await;
    let roles = [Role::Error, Role::Stdout, Role::Stderr];
    let query = "command=sh&command=-c&command=echo+out;+exit+3&stdout=true&stderr=1&tty=false";
    for protocol in ["channel.k8s.io", "v2.channel.k8s.io", "v3.channel.k8s.io", "v4.channel.k8s.io"] {
        let read = over_spdy(&pod, protocol, query, &roles).await;
        assert_eq!(read[&Role::Stdout], b"out\n", "{protocol}");
        assert_eq!(read[&Role::Stderr], b"", "{protocol}");
        let outcome = Outcome::read(&read[&Role::Error]);
        let is_exit = matches!(outcome, Outcome::Exit { code: 3, .. });
        assert_eq!(is_exit, protocol.starts_with("v4"), "{protocol}: {outcome:?}");
        assert_ne!(outcome, Outcome::Success, "{protocol}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_without_input() {
    let pod = Pod::start().await;
    let query = "command=sh&command=-c&command=test+-t+1+%26%26+stty+size;+exit+5&stdout=true&tty=true";
    let roles = [Role::Error, Role::Stdout, Role::Resize];
    let read = over_spdy(&pod, "v4.channel.k8s.io", query, &roles).await;
    assert_eq!(read[&Role::Stdout], b"24 80\r\n");
    assert!(matches!(Outcome::read(&read[&Role::Error]), Outcome::Exit { code: 5, .. }));
}

/// Runs `head -n1` over a WebSocket, with a line of input; what came on each channel until the close.
async fn over_websocket(pod: &Pod, protocol: ChannelProtocol, name: &str) -> HashMap<u8, Vec<u8>> {
    let query = "exec?command=head&command=-n1&stdin=true&stdout=true&stderr=true";
    let (stream, head) = ask(pod, "GET", query, &websocket(name)).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    assert_eq!(head.to_ascii_lowercase().contains("sec-websocket-protocol"), !name.is_empty(), "{head}");
    let mut socket = WebSocketStream::from_raw_socket(stream, Side::Client, None).await;
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    let line = protocol.encode(0, b"a line\n");
    let line = if protocol.is_text() {
        Message::Text(String::from_utf8(line).unwrap().into())
    } else {
        Message::Binary(line.into())
    };
    socket.send(line).await.unwrap();
    let mut read: HashMap<u8, Vec<u8>> = HashMap::new();
    let mut ponged = false;
    loop {
        match soon("a message", socket.next()).await.unwrap().unwrap() {
            Message::Pong(words) => ponged = words == "are you there",
            Message::Close(frame) => {
                assert_eq!(u16::from(frame.unwrap().code), 1000);
                break;
            }
            message => {
                assert_eq!(message.is_text(), protocol.is_text());
                match protocol.decode(&message.into_data()).unwrap() {
                    Event::Data { channel, bytes } => read.entry(channel).or_default().extend(bytes),
                    Event::Close { channel } => panic!("the server closed channel {channel}"),
                }
            }
        }
    }
    assert!(ponged);
    read
}

/// A SPDY client that says what it likes.
struct Client {
    stream: TcpStream,
    encoder: Encoder,
    decoder: Decoder,
    read: Vec<Frame>,
}

impl Client {
    async fn start(pod: &Pod, query: &str) -> Self {
        let (stream, head) = ask(pod, "POST", query, &spdy("v4.channel.k8s.io")).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self { stream, encoder: Encoder::new(), decoder: Decoder::new(), read: Vec::new() }
    }

    async fn open(&mut self, stream: u32, kind: &str) {
        let headers = [("streamType", kind)].into_iter().collect();
        self.send(Frame::SynStream {
            stream,
            associated: 0,
            priority: 0,
            fin: false,
            unidirectional: false,
            headers,
        })
        .await;
    }

    async fn send(&mut self, frame: Frame) {
        let mut bytes = Vec::new();
        self.encoder.encode(&frame, &mut bytes).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// Reads until a frame like this one came, or to the end of the connection.
    async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> bool {
        let mut chunk = [0; 4096];
        while !self.read.iter().any(&wanted) {
            match soon("a frame", self.stream.read(&mut chunk)).await {
                Ok(length @ 1..) => self.decoder.feed(&chunk[..length], &mut self.read).unwrap(),
                _ => return false,
            }
        }
        true
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_heeds_windows_gets_its_credit() {
    let pod = Pod::start().await;
    let mut client = Client::start(&pod, "exec?command=wc&command=-c&stdin=true&stdout=true").await;
    for (stream, kind) in [(1, "error"), (3, "stdin"), (5, "stdout")] {
        client.open(stream, kind).await;
    }
    // Never more than the window that is open: 64 KiB at first, then what the server gives.
    let (mut window, mut credited) = (64 * 1024usize, 0);
    for _ in 0..64 {
        let bytes = vec![b'x'; 16 * 1024].into();
        while window < 16 * 1024 {
            let credit = |frame: &Frame| matches!(frame, Frame::WindowUpdate { stream: 3, .. });
            assert!(client.until(credit).await, "no credit after {credited} bytes of it");
            for frame in client.read.drain(..) {
                if let Frame::WindowUpdate { stream: 3, delta } = frame {
                    credited += delta as usize;
                    window += delta as usize;
                }
            }
        }
        client.send(Frame::Data { stream: 3, fin: false, bytes }).await;
        window -= 16 * 1024;
    }
    client.send(Frame::Data { stream: 3, fin: true, bytes: Default::default() }).await;
    assert!(client.until(|frame| matches!(frame, Frame::Data { stream: 5, fin: true, .. })).await);
    let counted = client.read.iter().find_map(|frame| match frame {
        Frame::Data { stream: 5, bytes, .. } if !bytes.is_empty() => Some(bytes.clone()),
        _ => None,
    });
    assert_eq!(counted.as_deref(), Some(&b"1048576\n"[..]));
    assert!(credited >= 1024 * 1024 - 2 * 64 * 1024, "{credited}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_nobody_asked_for_are_reset() {
    let pod = Pod::start().await;
    let mut client = Client::start(&pod, "exec?command=true&stdout=true").await;
    for (stream, kind) in [(1, "error"), (2, "stdout"), (3, "stdin"), (5, "error"), (7, "nonsense")] {
        client.open(stream, kind).await;
        let is_reset = |frame: &Frame| matches!(frame, Frame::RstStream { stream: it, .. } if *it == stream);
        assert!(stream == 1 || client.until(is_reset).await, "stream {stream}");
    }
    client.send(Frame::Data { stream: 99, fin: false, bytes: "lost".into() }).await;
    assert!(client.until(|frame| matches!(frame, Frame::RstStream { stream: 99, .. })).await);
    client.open(9, "stdout").await;
    assert!(client.until(|frame| matches!(frame, Frame::Data { stream: 1, fin: true, .. })).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_ends_the_connection_and_its_process() {
    let pod = Pod::start().await;
    let query = "exec?command=sh&command=-c&command=echo+$$;+exec+sleep+777&stdout=true";
    let mut client = Client::start(&pod, query).await;
    client.open(1, "error").await;
    client.open(3, "stdout").await;
    let is_output = |frame: &Frame| matches!(frame, Frame::Data { stream: 3, .. });
    assert!(client.until(is_output).await);
    let process = client.read.iter().find_map(|frame| match frame {
        Frame::Data { stream: 3, bytes, .. } => std::str::from_utf8(bytes).unwrap().trim().parse().ok(),
        _ => None,
    });
    let process = rustix::process::Pid::from_raw(process.unwrap()).unwrap();
    // A control frame of SPDY/2.
    client.stream.write_all(b"\x80\x02\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01").await.unwrap();
    assert!(!client.until(|_| false).await);
    until("the end of the process", || rustix::process::test_kill_process(process).is_err()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_channel_protocol() {
    use ChannelProtocol::{V1, V1Base64, V4, V4Base64, V5};
    let pod = Pod::start().await;
    for (protocol, name) in [
        (V5, V5.name()),
        (V4, V4.name()),
        (V4Base64, V4Base64.name()),
        (V1, V1.name()),
        (V1, ""),
        (V1Base64, V1Base64.name()),
    ] {
        let read = over_websocket(&pod, protocol, name).await;
        assert_eq!(read[&1], b"a line\n", "{name}");
        assert_eq!(read.get(&2), None, "{name}");
        let status = read.get(&3).map(Vec::as_slice);
        let expected = protocol.has_json_status().then_some(&br#"{"metadata":{},"status":"Success"}"#[..]);
        assert_eq!(status, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn port_forward_over_channels() {
    let pod = Pod::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    pod.listen(8080, listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(b"pong").await.unwrap();
    });
    let (stream, head) =
        ask(&pod, "GET", "portforward?ports=8080&ports=81", &websocket("v4.channel.k8s.io")).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let mut socket = WebSocketStream::from_raw_socket(stream, Side::Client, None).await;
    socket.send(Message::Binary(b"\x00ping".to_vec().into())).await.unwrap();
    let mut read: HashMap<u8, Vec<u8>> = HashMap::new();
    while let Message::Binary(bytes) = soon("a message", socket.next()).await.unwrap().unwrap() {
        read.entry(bytes[0]).or_default().extend_from_slice(&bytes[1..]);
    }
    let port = |port: u16| port.to_le_bytes().to_vec();
    assert_eq!(read[&0], [port(8080), b"pong".to_vec()].concat());
    assert_eq!(read[&1], port(8080));
    assert_eq!(read[&2], port(81));
    let words = "error forwarding port 81 to pod web: the pod listens on no such port";
    assert_eq!(read[&3], [port(81), words.as_bytes().to_vec()].concat());
}

/// The status code and `Status` of a refused request.
async fn refused(pod: &Pod, method: &str, path: &str, headers: &[(&str, &str)]) -> (u64, Value) {
    let (mut stream, head) = ask(pod, method, path, &[headers, &[("Connection", "close")]].concat()).await;
    let mut body = Vec::new();
    soon("the body", stream.read_to_end(&mut body)).await.unwrap();
    let status: Value = serde_json::from_slice(&body).unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {}", status["code"])), "{head}");
    assert_eq!(status["kind"], "Status");
    (status["code"].as_u64().unwrap(), status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused() {
    let pod = Pod::start().await;
    let exec = "exec?command=true&stdout=true";
    type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, u64, &'a str);
    let cases: [Case<'_>; 8] = [
        ("POST", exec, vec![], 400, "Upgrade request required"),
        ("DELETE", exec, spdy("v4.channel.k8s.io"), 405, "POST or GET"),
        ("POST", exec, spdy("v9.channel.k8s.io"), 403, "unable to negotiate protocol"),
        ("POST", exec, vec![("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1")], 400, "is required"),
        ("GET", exec, websocket("v9.channel.k8s.io"), 400, "none of the WebSocket subprotocols"),
        ("POST", "exec?stdout=true", spdy("v4.channel.k8s.io"), 400, "at least one command"),
        ("POST", "exec?command=true&stdin=false", spdy("v4.channel.k8s.io"), 400, "at least 1 of stdin"),
        ("GET", "portforward", websocket("v4.channel.k8s.io"), 400, "ports"),
    ];
    for (method, path, headers, code, words) in cases {
        let (got, status) = refused(&pod, method, path, &headers).await;
        assert_eq!(got, code, "{method} {path}: {status}");
        assert!(status["message"].as_str().unwrap().contains(words), "{method} {path}: {status}");
    }
}
