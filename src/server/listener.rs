//! TLS listeners: accept, shake hands within limits, serve HTTP/1.1 and HTTP/2, drain.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

/// An error of any kind, on its way to a log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;
/// What a listener does with a request.
pub type Handler =
    Arc<dyn Fn(Request<Incoming>, Arc<Peer>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Who is at the other end of a connection. The certificates proved in the handshake that the peer holds their key; nothing
/// else about them is checked yet: see [`crate::pki::Identity::verify`].
#[derive(Debug, Clone)]
pub struct Peer {
    /// The client's address.
    pub addr: SocketAddr,
    /// Our address.
    pub local: SocketAddr,
    /// Certificates as shown, in DER, the leaf first.
    pub certificates: Vec<Vec<u8>>,
    /// The protocol chosen by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// The name that the client asked for by SNI.
    pub server_name: Option<String>,
}

impl Peer {
    /// The certificates as [`crate::pki::Identity::verify`] takes them.
    pub fn chain(&self) -> Vec<&[u8]> {
        self.certificates.iter().map(Vec::as_slice).collect()
    }
}

/// Tells listeners and open streams that the gate ends.
#[derive(Debug, Clone)]
pub struct Drain(tokio::sync::watch::Receiver<Option<Arc<str>>>);

/// The other end of [`Drain`].
#[derive(Debug)]
pub struct DrainSwitch(tokio::sync::watch::Sender<Option<Arc<str>>>);

impl Drain {
    /// A drain and its switch.
    pub fn new() -> (DrainSwitch, Self) {
        let (sender, receiver) = tokio::sync::watch::channel(None);
        (DrainSwitch(sender), Self(receiver))
    }

    /// Waits until the gate begins to end; the reason is a sentence for people.
    pub async fn started(&mut self) -> Arc<str> {
        match self.0.wait_for(Option::is_some).await {
            Ok(reason) => reason.as_deref().unwrap_or_default().into(),
            Err(_) => "the gate ended".into(),
        }
    }

    /// Whether the gate is about to end.
    pub fn is_started(&self) -> bool {
        self.0.borrow().is_some()
    }
}

impl DrainSwitch {
    /// Begins the end, with a sentence for the people whose streams are open.
    pub fn start(&self, reason: &str) {
        self.0.send_replace(Some(reason.into()));
    }
}
