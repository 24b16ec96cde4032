//! Proxies as companies have them: HTTP `CONNECT` and SOCKS5, which know names that nobody else knows. And a plain relay.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What a proxy was asked for, in order: `host:port`.
type Asked = Arc<Mutex<Vec<String>>>;

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Asked,
}

impl Proxy {
    /// An HTTP proxy that lets in only who brings this as `Proxy-Authorization`, and leads `host` to loopback.
    pub(crate) fn http(host: &'static str, authorization: &'static str) -> Self {
        Self::start(move |client, asked| {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).ok()?;
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).ok()?;
            let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
            if !head.contains(&format!("\r\nProxy-Authorization: {authorization}\r\n")) {
                client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").ok()?;
                return None;
            }
            asked.lock().unwrap().push(target.clone());
            let (name, port) = target.rsplit_once(':')?;
            if name != host {
                client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").ok()?;
                return None;
            }
            let server = TcpStream::connect(("127.0.0.1", port.parse().ok()?)).ok()?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: a test\r\n\r\n").ok()?;
            Some(server)
        })
    }

    /// A SOCKS5 proxy that wants this user and password, and leads `host` to loopback.
    pub(crate) fn socks5(host: &'static str, user: &'static str, password: &'static str) -> Self {
        Self::start(move |client, asked| {
            let mut two = [0; 2];
            client.read_exact(&mut two).ok()?;
            let mut methods = vec![0; usize::from(two[1])];
            client.read_exact(&mut methods).ok()?;
            if two[0] != 5 || !methods.contains(&2) {
                client.write_all(&[5, 0xff]).ok()?;
                return None;
            }
            client.write_all(&[5, 2]).ok()?;
            client.read_exact(&mut [0]).ok()?;
            let (brought_user, brought_password) = (counted(client)?, counted(client)?);
            let right = brought_user == user && brought_password == password;
            client.write_all(&[1, u8::from(!right)]).ok()?;
            if !right {
                return None;
            }
            let mut request = [0; 4];
            client.read_exact(&mut request).ok()?;
            let name = match request {
                [5, 1, 0, 3] => counted(client)?,
                [5, 1, 0, 1] => {
                    let mut ip = [0; 4];
                    client.read_exact(&mut ip).ok()?;
                    std::net::Ipv4Addr::from(ip).to_string()
                }
                _ => return None,
            };
            client.read_exact(&mut two).ok()?;
            let port = u16::from_be_bytes(two);
            asked.lock().unwrap().push(format!("{name}:{port}"));
            let server = (name == host).then(|| TcpStream::connect(("127.0.0.1", port)).ok()).flatten();
            let code = if server.is_some() { 0 } else { 4 };
            client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
            server
        })
    }

    /// What it was asked for since the last question, without repeats.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.dedup();
        asked
    }

    fn start(open: impl Fn(&mut TcpStream, &Asked) -> Option<TcpStream> + Send + Sync + 'static) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = tcp.local_addr().expect("an address");
        let asked = Asked::default();
        let (open, there) = (Arc::new(open), asked.clone());
        thread::spawn(move || {
            for mut client in tcp.incoming().filter_map(Result::ok) {
                let (open, asked) = (open.clone(), there.clone());
                thread::spawn(move || {
                    if let Some(server) = open(&mut client, &asked) {
                        join(client, server);
                    }
                });
            }
        });
        Self { address, asked }
    }
}

/// Listens at this address (port 0: a free one) and leads everything to the server.
pub(crate) fn relay(listen: &str, server: SocketAddr) -> SocketAddr {
    let tcp = TcpListener::bind(listen).expect("a port");
    let address = tcp.local_addr().expect("an address");
    thread::spawn(move || {
        for client in tcp.incoming().filter_map(Result::ok) {
            let Ok(server) = TcpStream::connect(server) else { continue };
            thread::spawn(move || join(client, server));
        }
    });
    address
}

/// A text with its length before it.
fn counted(stream: &mut TcpStream) -> Option<String> {
    let mut length = [0];
    stream.read_exact(&mut length).ok()?;
    let mut text = vec![0; usize::from(length[0])];
    stream.read_exact(&mut text).ok()?;
    String::from_utf8(text).ok()
}

fn join(client: TcpStream, server: TcpStream) {
    let (Ok(mut from_client), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else { return };
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let _ = std::io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(std::net::Shutdown::Write);
}
