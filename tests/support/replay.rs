//! A server that says again what a stock Teleport 4.0.2 said, answer by answer.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use jumpgate::pki::{Authority, AuthorityKind};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use super::fake_gate::{CLUSTER, request, tls_for};

/// `METHOD PATH`, status and body.
pub type Answer = (&'static str, u16, &'static str);

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `METHOD PATH`.
    pub what: String,
    /// The body; null if it is no JSON.
    pub body: Value,
}

/// The running server. It answers 404 in plain text where it has no answer.
pub struct Replay {
    /// Its port on loopback.
    pub port: u16,
    /// The CA of its certificate, PEM.
    pub ca_pem: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Replay {
    /// Starts on a free port.
    pub fn start(answers: &'static [Answer]) -> Self {
        let ca = Authority::generate(AuthorityKind::Host, CLUSTER, Timestamp::now()).expect("a CA");
        let config = tls_for(&ca, &["teleport.cluster.local"]);
        let tcp = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = tcp.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in tcp.incoming().filter_map(Result::ok) {
                let (config, noted) = (config.clone(), noted.clone());
                std::thread::spawn(move || serve(stream, config, answers, &noted));
            }
        });
        Self { port, ca_pem: ca.certificate().to_pem(), asked }
    }

    /// What it was asked until now, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, answers: &[Answer], asked: &Mutex<Vec<Asked>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut stream = StreamOwned::new(connection, stream);
    while let Some((method, path, body)) = request(&mut stream) {
        let what = format!("{method} {path}");
        let (code, answer) = answers
            .iter()
            .find(|(known, ..)| *known == what)
            .map_or((404, "404 page not found\n"), |(_, code, answer)| (*code, *answer));
        let body = serde_json::from_slice(&body).unwrap_or_default();
        asked.lock().expect("no panic").push(Asked { what, body });
        let head = format!(
            "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())).is_err() {
            return;
        }
        let _ = stream.flush();
    }
}
