//! The way through a proxy: HTTP `CONNECT` (RFC 9110, section 9.3.6) and SOCKS5 (RFC 1928, RFC 1929).

use std::{io, net::IpAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::route::Login;
use crate::client::address::Address;

/// The largest answer to `CONNECT` that is read, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Why a proxy opened no way, as words that follow its name.
pub(super) type Refusal = String;

/// Asks an HTTP proxy for a way to an address.
pub(super) async fn http_connect(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    to: &Address,
    login: Option<&Login>,
) -> Result<(), Refusal> {
    let mut request = Zeroizing::new(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n"));
    if let Some(Login { user, password }) = login {
        let pair = Zeroizing::new(format!("{user}:{}", &**password));
        let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&encoded);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(broke)?;
    let head = read_head(stream).await?;
    let mut words = head.lines().next().unwrap_or_default().splitn(3, ' ');
    let protocol = words.next().unwrap_or_default();
    let code = words.next().and_then(|code| code.parse::<u16>().ok());
    let Some(code) = code.filter(|_| protocol.starts_with("HTTP/1.")) else {
        return Err("does not answer as an HTTP proxy does".into());
    };
    match code {
        200..=299 => Ok(()),
        407 if login.is_some() => Err("does not accept the user and password that are set for it".into()),
        407 => Err("wants a user and a password; write them as http://USER:PASSWORD@HOST:PORT".into()),
        _ => Err(format!("opens no way there: it answered {}", status(code))),
    }
}

fn status(code: u16) -> String {
    http::StatusCode::from_u16(code).map_or_else(|_| code.to_string(), |status| status.to_string())
}

/// The head of the answer, byte by byte: what follows belongs to the tunnel.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<String, Refusal> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.map_err(broke)?;
        head.push(byte);
        if head.len() > MAX_HEAD {
            return Err("does not answer as an HTTP proxy does".into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Where a SOCKS5 proxy shall connect to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal<'a> {
    /// An address that was looked up here.
    Ip(IpAddr),
    /// A name that the proxy looks up.
    Name(&'a str),
}

/// Asks a SOCKS5 proxy for a way.
pub(super) async fn socks5(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    goal: Goal<'_>,
    port: u16,
    login: Option<&Login>,
) -> Result<(), Refusal> {
    greet(stream, login).await?;
    let mut request = vec![5, 1, 0];
    match goal {
        Goal::Ip(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        Goal::Ip(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        Goal::Name(name) => {
            let length = u8::try_from(name.len()).map_err(|_| "takes no name of more than 255 bytes")?;
            request.extend([3, length]);
            request.extend(name.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    stream.write_all(&request).await.map_err(broke)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.map_err(broke)?;
    let [version, code, _, kind] = answer;
    if version != 5 {
        return Err(no_socks());
    }
    if code != 0 {
        return Err(format!("opens no way there: {}", told(code)));
    }
    // The address from which the proxy connects; nobody needs it, but it has to be read.
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await.map_err(broke)?),
        _ => return Err(no_socks()),
    };
    let mut bound = vec![0; length + 2];
    stream.read_exact(&mut bound).await.map_err(broke)?;
    Ok(())
}

/// Agrees on how to sign in, and signs in.
async fn greet(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    login: Option<&Login>,
) -> Result<(), Refusal> {
    let offer: &[u8] = if login.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    stream.write_all(offer).await.map_err(broke)?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice).await.map_err(broke)?;
    match (choice, login) {
        ([5, 0], _) => Ok(()),
        ([5, 2], Some(login)) => sign_in(stream, login).await,
        ([5, _], Some(_)) => Err("does not sign in anybody by user and password".into()),
        ([5, _], None) => {
            Err("wants a user and a password; write them as socks5h://USER:PASSWORD@HOST:PORT".into())
        }
        _ => Err(no_socks()),
    }
}

/// RFC 1929.
async fn sign_in(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), login: &Login) -> Result<(), Refusal> {
    let mut request = Zeroizing::new(vec![1]);
    for part in [login.user.as_bytes(), login.password.as_bytes()] {
        request
            .push(u8::try_from(part.len()).map_err(|_| "takes no user or password of more than 255 bytes")?);
        request.extend_from_slice(part);
    }
    stream.write_all(&request).await.map_err(broke)?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await.map_err(broke)?;
    if answer[1] == 0 {
        Ok(())
    } else {
        Err("does not accept the user and password that are set for it".into())
    }
}

/// What a SOCKS5 answer other than 0 means (RFC 1928, section 6).
fn told(code: u8) -> &'static str {
    match code {
        2 => "its rules do not allow it",
        3 => "the network is not reachable from it",
        4 => "the host is not known to it or not reachable from it",
        5 => "the connection was refused",
        6 => "there was no answer in time",
        7 | 8 => "it does not connect to such addresses",
        _ => "it failed for a reason that it does not name",
    }
}

fn no_socks() -> Refusal {
    "does not answer as a SOCKS5 proxy does".into()
}

fn broke(error: io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "ended the connection instead of opening a way".into()
        }
        _ => format!("cannot be talked to: {error}"),
    }
}
