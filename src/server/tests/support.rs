//! A TLS client that shows what it is told to and remembers what it saw.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::{SignedDuration, Timestamp};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    pki::{Authority, Certificate, KeyPair, Subject, Validity},
    server::tls::provider,
};

/// A client to be.
#[derive(Clone)]
pub(super) struct Client {
    /// The name it asks for.
    pub(super) name: &'static str,
    /// What it offers by ALPN.
    pub(super) alpn: Vec<&'static [u8]>,
    /// TLS 1.2 instead of 1.3.
    pub(super) old: bool,
    /// What it shows if it is asked.
    pub(super) certificate: Option<Arc<CertifiedKey>>,
    /// The CA that it knows; without one it takes any.
    pub(super) ca: Option<Certificate>,
}

impl Default for Client {
    fn default() -> Self {
        Self { name: "localhost", alpn: vec![b"http/1.1"], old: false, certificate: None, ca: None }
    }
}

/// What the client saw in the handshake.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) asked: AtomicBool,
    pub(super) chain: Mutex<Vec<Certificate>>,
}

impl Client {
    pub(super) async fn connect(
        &self,
        addr: SocketAddr,
    ) -> std::io::Result<(TlsStream<TcpStream>, Arc<Seen>)> {
        let seen = Arc::new(Seen::default());
        let versions: &[_] = if self.old { &[&rustls::version::TLS12] } else { &[&rustls::version::TLS13] };
        let builder =
            ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
        let mut config = match &self.ca {
            Some(ca) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(CertificateDer::from(ca.der().to_vec())).unwrap();
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            None => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone)).with_no_client_auth()
            }
        };
        config.client_auth_cert_resolver = Arc::new(Shows(self.certificate.clone(), seen.clone()));
        config.alpn_protocols = self.alpn.iter().map(|p| p.to_vec()).collect();
        let stream = TcpStream::connect(addr).await?;
        let name = ServerName::try_from(self.name).unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        *seen.chain.lock().unwrap() = chain.iter().map(|c| Certificate::from_der(c).unwrap()).collect();
        Ok((stream, seen))
    }

    /// Connects and asks once over HTTP/1.1, or HTTP/2 where that was agreed upon.
    pub(super) async fn get(&self, addr: SocketAddr, path: &str) -> (http::StatusCode, String, Arc<Seen>) {
        let (stream, seen) = self.connect(addr).await.unwrap();
        let request = Request::get(path).header("host", self.name).body(Empty::<Bytes>::new()).unwrap();
        let response = ask(stream, request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap(), seen)
    }
}

/// Sends a request over a fresh connection, which goes on in the background.
pub(super) async fn ask(
    stream: TlsStream<TcpStream>,
    request: Request<Empty<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    if is_h2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await
    }
}

/// A user's certificate of a CA, valid around `now`.
pub(super) fn user(ca: &Authority, name: &str, now: Timestamp) -> Arc<CertifiedKey> {
    let key = KeyPair::generate();
    shown(ca, name, now, &key, &key)
}

/// A certificate for one key shown together with another one.
pub(super) fn stolen(ca: &Authority, name: &str) -> Arc<CertifiedKey> {
    shown(ca, name, Timestamp::now(), &KeyPair::generate(), &KeyPair::generate())
}

fn shown(ca: &Authority, name: &str, now: Timestamp, of: &KeyPair, with: &KeyPair) -> Arc<CertifiedKey> {
    let subject = Subject { username: name.into(), roles: vec!["access".into()], ..Subject::default() };
    let validity = Validity::starting(now, SignedDuration::from_hours(1));
    let certificate = ca.sign_user(&subject, &of.public(), validity).unwrap();
    let key = PrivateKeyDer::from_pem_slice(with.to_pem().unwrap().as_bytes()).unwrap();
    let signing = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    Arc::new(CertifiedKey::new(vec![CertificateDer::from(certificate.der().to_vec())], signing))
}

#[derive(Debug)]
struct Shows(Option<Arc<CertifiedKey>>, Arc<Seen>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.1.asked.store(true, Ordering::Relaxed);
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
