//! port-forward through the gate: 100 MB each way at once, byte for byte, and several connections at once.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::support::world::{Kubectl, Live, World};

const MUCH: usize = 100 * 1024 * 1024;
const SOME: usize = 3 * 1024 * 1024;
/// Longer than any of this takes; then a read is an error.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn port_forward_with_kubectl_that_speaks_spdy() {
    story(Kubectl::Spdy);
}

#[test]
fn port_forward_with_kubectl_that_speaks_websocket() {
    story(Kubectl::WebSocket);
}

fn story(version: Kubectl) {
    let world = World::with_connector();
    world.login();
    let echo = echo();
    let annotation = format!("demo.jumpgate.dev/port-forward=9000={echo}");
    world.kubectl(version, &["annotate", "pod", "shell", &annotation]).succeeds();

    let live = world.kubectl_live(version, &["port-forward", "pod/shell", ":9000"]);
    let local = local_address(&live);
    there_and_back(local, MUCH, 1);
    let several: Vec<_> =
        (2..8).map(|seed| thread::spawn(move || there_and_back(local, SOME, seed))).collect();
    several.into_iter().for_each(|one| one.join().expect("this connection works"));
    live.signal(Signal::INT);
    live.end();

    let all = (MUCH + 6 * SOME) as u64;
    let started = &world.events("port", 1)[0];
    let ended = &world.events("session.data", 1)[0];
    assert_eq!(started["sid"], ended["sid"]);
    assert_eq!(ended["ports"], serde_json::json!([9000]));
    for direction in ["tx", "rx"] {
        let counted = ended[direction].as_u64().expect("a number");
        assert!((all..all + all / 50).contains(&counted), "{direction} of {all}: {ended}");
    }
}

/// Where a kubectl listens for the port-forward.
pub(crate) fn local_address(live: &Live) -> SocketAddr {
    live.finds("the forwarded address", |text| {
        let rest = text.split("Forwarding from 127.0.0.1:").nth(1)?;
        rest.split_once(' ')?.0.parse().ok().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)))
    })
}

/// A server that sends back what it gets.
pub(crate) fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut back = stream.try_clone()?;
                std::io::copy(&mut &stream, &mut back)?;
                back.shutdown(Shutdown::Write)
            });
        }
    });
    address
}

/// Sends so many bytes and reads them back at the same time.
fn there_and_back(to: SocketAddr, length: usize, seed: u64) {
    let stream = TcpStream::connect(to).expect("kubectl listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
    let mut there = stream.try_clone().expect("a second handle");
    let sender = thread::spawn(move || {
        let mut bytes = Bytes::new(seed);
        let mut chunk = vec![0; 64 * 1024];
        for _ in 0..length / chunk.len() {
            bytes.fill(&mut chunk);
            there.write_all(&chunk).expect("it is taken");
        }
    });
    let mut expected = Bytes::new(seed);
    let (mut chunk, mut wanted) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    for at in 0..length / chunk.len() {
        (&stream).read_exact(&mut chunk).unwrap_or_else(|e| panic!("chunk {at} of connection {seed}: {e}"));
        expected.fill(&mut wanted);
        assert!(chunk == wanted, "chunk {at} of connection {seed} differs");
    }
    sender.join().expect("all is sent");
    stream.shutdown(Shutdown::Write).expect("an end");
    assert_eq!((&stream).read(&mut chunk).expect("an end"), 0, "nothing more comes");
}

/// Bytes that repeat nowhere (xorshift64).
struct Bytes(u64);

impl Bytes {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn fill(&mut self, chunk: &mut [u8]) {
        for word in chunk.chunks_exact_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            word.copy_from_slice(&self.0.to_le_bytes());
        }
    }
}
