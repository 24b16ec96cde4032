//! Which ports a port-forward opens: SPDY as kubectl speaks it, or the same within a WebSocket. No I/O.

use std::collections::BTreeSet;

use super::{
    channels::{ForwardStream, Role},
    frames::{Kind, Reader, Sender},
    spdy::{Decoder, Frame},
};

/// The most ports that are remembered.
const MAX_PORTS: usize = 64;

/// Listens to the client's side of one connection. What it cannot read it leaves alone.
#[derive(Debug)]
pub struct Ports {
    tunnel: Option<Reader>,
    /// Gone after bytes that are no SPDY.
    spdy: Option<Decoder>,
    ports: BTreeSet<u16>,
}

impl Ports {
    /// For a connection that became SPDY/3.1.
    pub fn spdy() -> Self {
        Self { tunnel: None, spdy: Some(Decoder::new()), ports: BTreeSet::new() }
    }

    /// For a WebSocket that carries SPDY in its messages ([`super::channels::TUNNELLED_PORT_FORWARD`]).
    pub fn tunnelled() -> Self {
        Self { tunnel: Some(Reader::new(Sender::Client)), ..Self::spdy() }
    }

    /// Takes the client's next bytes.
    pub fn client(&mut self, mut bytes: &[u8]) {
        let Some(mut tunnel) = self.tunnel.take() else { return self.hear(bytes) };
        loop {
            match tunnel.next(&mut bytes) {
                Ok(Some(piece)) if piece.kind == Kind::Message => self.hear(&piece.read()),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => {
                    self.spdy = None;
                    break;
                }
            }
        }
        self.tunnel = Some(tunnel);
    }

    /// The ports so far, the lowest first.
    pub fn ports(&self) -> Vec<u16> {
        self.ports.iter().copied().collect()
    }

    fn hear(&mut self, bytes: &[u8]) {
        let Some(spdy) = &mut self.spdy else { return };
        let mut frames = Vec::new();
        if spdy.feed(bytes, &mut frames).is_err() {
            self.spdy = None;
        }
        for frame in frames {
            if let Frame::SynStream { headers, .. } = frame
                && let Ok(ForwardStream { role: Role::Data, port, .. }) = ForwardStream::read(&headers)
                && self.ports.len() < MAX_PORTS
            {
                self.ports.insert(port);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::spdy::{Encoder, Headers};

    fn opened(ports: &[u16]) -> Vec<u8> {
        let (mut encoder, mut out) = (Encoder::new(), Vec::new());
        for (n, port) in ports.iter().enumerate() {
            let mut headers = Headers::new();
            headers.push("streamType", "data");
            headers.push("port", &port.to_string());
            headers.push("requestID", &n.to_string());
            let stream = 2 * n as u32 + 1;
            let frame = Frame::SynStream {
                stream,
                associated: 0,
                priority: 0,
                fin: false,
                unidirectional: false,
                headers,
            };
            encoder.encode(&frame, &mut out).unwrap();
        }
        out
    }

    #[test]
    fn ports_are_heard_however_the_bytes_are_cut() {
        let bytes = opened(&[8080, 9000, 8080]);
        for cut in 0..bytes.len() {
            let mut ports = Ports::spdy();
            ports.client(&bytes[..cut]);
            ports.client(&bytes[cut..]);
            assert_eq!(ports.ports(), [8080, 9000]);
        }
    }

    #[test]
    fn ports_within_a_websocket_are_heard_too() {
        let spdy = opened(&[443]);
        let mut message = vec![0x82, 0x80 | spdy.len() as u8, 1, 2, 3, 4];
        assert!(spdy.len() < 126);
        message.extend(spdy.iter().zip([1, 2, 3, 4].into_iter().cycle()).map(|(byte, key)| byte ^ key));
        let mut ports = Ports::tunnelled();
        message.chunks(3).for_each(|chunk| ports.client(chunk));
        assert_eq!(ports.ports(), [443]);
        ports.client(b"no frames at all");
        assert_eq!(ports.ports(), [443]);
    }
}
