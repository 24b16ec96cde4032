//! port-forward with real kubectls.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::{Kubectl, Pod, pattern, soon};

/// Bytes of the long transfers.
const LONG: usize = 100_000_000;

/// A kubectl that forwards `port` of the pod; its address on this machine.
async fn forward(pod: &Pod, kubectl: Kubectl, port: u16) -> (Child, SocketAddr) {
    let arguments = ["port-forward", "web", &format!(":{port}"), "--address=127.0.0.1"];
    let mut command = Command::from(pod.command(kubectl, &arguments));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = soon("the address of kubectl", lines.next_line()).await.unwrap().unwrap();
    let address = line.strip_prefix("Forwarding from ").and_then(|rest| rest.split(' ').next());
    let address = address.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    // kubectl says a line for each connection; someone must read them.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

/// Something that listens behind the pod's port: it takes all that comes, then sends `answer`, then closes.
async fn listen<F, R>(pod: &Pod, port: u16, serve: F)
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    pod.listen(port, listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_come_byte_for_byte() {
    let pod = Pod::start().await;
    listen(&pod, 8080, |mut stream| async move { stream.write_all(&pattern(LONG)).await.unwrap() }).await;
    for kubectl in Kubectl::BOTH {
        let (_child, address) = forward(&pod, kubectl, 8080).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut bytes = Vec::with_capacity(LONG);
        soon("the end of the download", stream.read_to_end(&mut bytes)).await.unwrap();
        assert_eq!(bytes.len(), LONG, "{kubectl:?}");
        assert!(bytes == pattern(LONG), "{kubectl:?}: the bytes differ");
    }
    let expected = [("SPDY/3.1", "portforward.k8s.io"), ("websocket", "SPDY/3.1+portforward.k8s.io")];
    assert_eq!(pod.seen(), expected.map(|(upgrade, protocol)| (upgrade.to_owned(), protocol.to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_go_byte_for_byte() {
    let pod = Pod::start().await;
    listen(&pod, 8080, |mut stream| async move {
        let mut bytes = vec![0; LONG];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_u8(u8::from(bytes == pattern(LONG))).await.unwrap();
    })
    .await;
    for kubectl in Kubectl::BOTH {
        let (_child, address) = forward(&pod, kubectl, 8080).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        soon("the end of the upload", stream.write_all(&pattern(LONG))).await.unwrap();
        assert_eq!(soon("the answer", stream.read_u8()).await.unwrap(), 1, "{kubectl:?}: the bytes differ");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_side_may_end_first_and_many_go_at_once() {
    let pod = Pod::start().await;
    listen(&pod, 8080, |mut stream| async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes.reverse();
        stream.write_all(&bytes).await.unwrap();
    })
    .await;
    listen(&pod, 9090, |mut stream| async move { stream.write_all(b"bye").await.unwrap() }).await;
    for kubectl in Kubectl::BOTH {
        let (_child, address) = forward(&pod, kubectl, 8080).await;
        let mut all = tokio::task::JoinSet::new();
        for number in 0..30u32 {
            all.spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let bytes = pattern(10_000 + number as usize);
                stream.write_all(&bytes).await.unwrap();
                stream.shutdown().await.unwrap();
                let mut back = Vec::new();
                soon("the answer", stream.read_to_end(&mut back)).await.unwrap();
                back.reverse();
                assert!(back == bytes, "connection {number}: {} of {} bytes", back.len(), bytes.len());
            });
        }
        while let Some(one) = all.join_next().await {
            one.unwrap();
        }
        let (_child, address) = forward(&pod, kubectl, 9090).await;
        for _ in 0..5 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let mut back = Vec::new();
            soon("the end that the pod makes", stream.read_to_end(&mut back)).await.unwrap();
            assert_eq!(back, b"bye", "{kubectl:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_on_which_nothing_listens_says_so() {
    let pod = Pod::start().await;
    for kubectl in Kubectl::BOTH {
        let (mut child, address) = forward(&pod, kubectl, 81).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut back = Vec::new();
        let _ = soon("the end of the connection", stream.read_to_end(&mut back)).await;
        assert!(back.is_empty(), "{kubectl:?}");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = soon("kubectl's word", lines.next_line()).await.unwrap().unwrap();
        let words = "error forwarding port 81 to pod web: the pod listens on no such port";
        assert!(line.contains(words), "{kubectl:?}: {line}");
    }
}
