//! What no well-behaved client does: requests written byte by byte, and certificates that the gate never issued.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use jumpgate::pki::{Authority, AuthorityKind, Certificate, KeyPair};
use p256::ecdsa::signature::Signer;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use super::{Gate, World};

/// A certificate with its key, PEM each.
#[derive(Clone)]
pub struct Shown {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

impl Shown {
    /// What a login left in a person's profile.
    pub fn of_profile(world: &World, user: &str) -> Self {
        let folder = world.home().join(".tsh/keys/127.0.0.1");
        let read = |name: String| std::fs::read_to_string(folder.join(name)).expect("a login's file");
        Self { cert: read(format!("{user}-x509.pem")), key: read(user.to_owned()) }
    }

    /// The gate's own administrator.
    pub fn of_administrator(world: &World) -> Self {
        let text = std::fs::read_to_string(world.gate.data().join("admin.pem")).expect("admin.pem");
        let blocks = pem::parse_many(text).expect("PEM");
        let block = |end: &str| blocks.iter().find(|b| b.tag().ends_with(end)).expect("a block").to_string();
        Self { cert: block("CERTIFICATE"), key: block("PRIVATE KEY") }
    }

    /// The same certificate with bytes of its inner part replaced by as many others, signed anew by a CA's key.
    pub fn forged(&self, ca: &KeyPair, changes: &[(&[u8], &[u8])]) -> Self {
        let der = Certificate::from_pem(&self.cert).expect("a certificate").der().to_vec();
        let inner = &der[header(&der)..];
        let (tbs, rest) = inner.split_at(header(inner) + content(inner));
        let algorithm = &rest[..header(rest) + content(rest)];
        let mut tbs = tbs.to_vec();
        for (from, to) in changes {
            assert_eq!(from.len(), to.len());
            let at = tbs.windows(from.len()).position(|w| w == *from).expect("the bytes are there");
            tbs[at..at + to.len()].copy_from_slice(to);
        }
        let key = ca.to_pem().expect("PEM");
        let secret = p256::SecretKey::from_sec1_pem(&key).expect("a key");
        let signature: p256::ecdsa::DerSignature = p256::ecdsa::SigningKey::from(&secret).sign(&tbs);
        let bits = [&[0], signature.as_bytes()].concat();
        let whole = tlv(0x30, &[&tbs, algorithm, &tlv(0x03, &bits)[..]].concat());
        Self { cert: Certificate::from_der(&whole).expect("a certificate").to_pem(), key: self.key.clone() }
    }

    /// The same with another time in which it is valid.
    pub fn valid(&self, ca: &KeyPair, from: Timestamp, until: Timestamp) -> Self {
        let now = Certificate::from_pem(&self.cert).expect("a certificate").validity();
        let utc = |t: Timestamp| t.strftime("%y%m%d%H%M%SZ").to_string().into_bytes();
        let (old, new) = ([utc(now.not_before), utc(now.not_after)], [utc(from), utc(until)]);
        self.forged(ca, &[(&old[0], &new[0]), (&old[1], &new[1])])
    }

    /// Writes the certificate into the person's profile.
    pub fn write_to_profile(&self, world: &World, user: &str) {
        let file = world.home().join(".tsh/keys/127.0.0.1").join(format!("{user}-x509.pem"));
        std::fs::write(file, &self.cert).expect("a profile's file");
    }
}

/// The length of the header of a DER value.
fn header(der: &[u8]) -> usize {
    if der[1] < 0x80 { 2 } else { 2 + usize::from(der[1] & 0x7f) }
}

/// The length of its content.
fn content(der: &[u8]) -> usize {
    if der[1] < 0x80 {
        return der[1].into();
    }
    der[2..header(der)].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short value").to_be_bytes();
    let head = match content.len() {
        short @ ..0x80 => vec![tag, short as u8],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, content.to_vec()].concat()
}

impl Gate {
    /// A CA of the gate with its key, out of the store.
    pub fn authority(&self, kind: AuthorityKind) -> Authority {
        let file = self.data().join("gate.sqlite");
        let store = rusqlite::Connection::open(file).expect("the gate's store");
        let key = format!("/authorities/{}", kind.name());
        let value: Vec<u8> = store
            .query_row("SELECT value FROM item WHERE key = ?1", [key], |row| row.get(0))
            .expect("the CA is in the store");
        let value: serde_json::Value = serde_json::from_slice(&value).expect("JSON");
        let text = |name: &str| value[name].as_str().expect("a text").to_owned();
        Authority::from_pem(kind, &text("cluster"), &text("key"), &text("cert")).expect("a CA")
    }

    /// Sends a request as it is over TLS with HTTP/1.1 and reads all that comes back: status and body.
    pub fn raw(&self, to: SocketAddr, name: &str, shown: Option<&Shown>, request: &str) -> (u16, String) {
        self.try_raw(to, name, shown, request).expect("an HTTP answer")
    }

    /// The same; None if the gate hangs up without an answer.
    fn try_raw(
        &self,
        to: SocketAddr,
        name: &str,
        shown: Option<&Shown>,
        request: &str,
    ) -> Option<(u16, String)> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.host_ca().as_bytes()).expect("a CA")).expect("a CA");
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match shown {
            Some(shown) => {
                let chain = CertificateDer::pem_slice_iter(shown.cert.as_bytes()).map(|c| c.expect("PEM"));
                let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).expect("a key");
                builder.with_client_auth_cert(chain.collect(), key).expect("a pair")
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("TLS");
        let tcp = TcpStream::connect(to).expect("the gate listens");
        tcp.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
        let mut stream = StreamOwned::new(connection, tcp);
        // The gate may have answered, or hung up, before it has read all.
        let sent = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != ErrorKind::UnexpectedEof && sent.is_ok() => {
                panic!("no answer: {error}")
            }
            _ => {}
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok())?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        Some((status, body))
    }

    /// As [`Gate::raw`], of the Kubernetes port: a request line and headers, one a line.
    pub fn raw_kube(&self, shown: &Shown, head: &str) -> (u16, String) {
        self.try_raw_kube(shown, head).expect("an HTTP answer")
    }

    /// The same; None if the gate hangs up without an answer.
    pub fn try_raw_kube(&self, shown: &Shown, head: &str) -> Option<(u16, String)> {
        let lines = head.replace('\n', "\r\n");
        let request = format!("{lines}\r\nHost: {}\r\nConnection: close\r\n\r\n", self.kube);
        self.try_raw(self.kube, "127.0.0.1", Some(shown), &request)
    }

    /// As [`Gate::raw`], of the admin API on a port, with a body.
    pub fn raw_admin(&self, to: SocketAddr, shown: Option<&Shown>, first: &str, body: &str) -> (u16, String) {
        let request = format!(
            "{first} HTTP/1.1\r\nHost: teleport.cluster.local\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        self.raw(to, "teleport.cluster.local", shown, &request)
    }

    /// As [`Gate::raw`], of the web port as a browser or `tsh` sees it.
    pub fn raw_web(&self, first: &str, body: &str) -> (u16, String) {
        let request = format!(
            "{first} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.web,
            body.len()
        );
        self.raw(self.web, "127.0.0.1", None, &request)
    }
}
