//! The way to the API server through a proxy: which one, if any, and the connection through it.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri, uri::Authority};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        proxy::{SocksV5, Tunnel},
    },
    rt::TokioIo,
};
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tower::ServiceExt;

use crate::server::listener::BoxError;

/// A proxy that opens connections for the gate.
#[derive(Clone)]
pub(super) struct Proxy {
    address: Uri,
    kind: Kind,
    login: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `CONNECT` (RFC 9110, 9.3.6).
    Http,
    /// RFC 1928; the proxy resolves names.
    Socks5,
}

impl Proxy {
    /// From an address such as `http://user:password@proxy.example.com:3128`; an error does not show the password.
    pub(super) fn new(address: &Uri) -> Result<Self, BoxError> {
        let authority = address.authority().ok_or("the proxy's address has no host")?;
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let (kind, scheme, port) = match address.scheme_str() {
            None | Some("http") => (Kind::Http, "http", 80),
            Some("socks5" | "socks5h") => (Kind::Socks5, "http", 1080),
            Some(other) => {
                return Err(format!(
                    "the proxy {other}://{host} is of a kind that is not served; name one of http:// or socks5://"
                )
                .into());
            }
        };
        let host: Authority = match address.port() {
            Some(_) => host.parse()?,
            None => format!("{}:{port}", host.trim_end_matches(':')).parse()?,
        };
        let login = authority.as_str().rsplit_once('@').map(|(login, _)| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            let plain = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
            (plain(user), plain(password))
        });
        let address = Uri::builder().scheme(scheme).authority(host).path_and_query("/").build()?;
        Ok(Self { address, kind, login })
    }

    /// Opens a connection to `server`.
    pub(super) async fn connect(&self, tcp: HttpConnector, server: Uri) -> Result<TcpStream, BoxError> {
        let proxy = self.address.authority().map_or("", Authority::as_str);
        let failed = |error: BoxError| BoxError::from(format!("through the proxy {proxy}: {error}"));
        let stream: Result<TokioIo<TcpStream>, BoxError> = match self.kind {
            Kind::Http => {
                let mut tunnel = Tunnel::new(self.address.clone(), tcp);
                if let Some((user, password)) = &self.login {
                    let basic = STANDARD.encode(format!("{user}:{password}"));
                    tunnel = tunnel.with_auth(HeaderValue::try_from(format!("Basic {basic}"))?);
                }
                tunnel.oneshot(with_port(&server)?).await.map_err(Into::into)
            }
            Kind::Socks5 => {
                let mut socks = SocksV5::new(self.address.clone(), tcp);
                if let Some((user, password)) = self.login.clone() {
                    socks = socks.with_auth(user, password);
                }
                socks.oneshot(with_port(&server)?).await.map_err(Into::into)
            }
        };
        Ok(stream.map_err(failed)?.into_inner())
    }
}

/// A proxy is always told a port.
fn with_port(server: &Uri) -> Result<Uri, BoxError> {
    if server.port().is_some() {
        return Ok(server.clone());
    }
    let host = server.host().unwrap_or_default();
    let port = if server.scheme_str() == Some("http") { 80 } else { 443 };
    let authority: Authority = format!("{host}:{port}").parse()?;
    Ok(Uri::builder().scheme("https").authority(authority).path_and_query("/").build()?)
}

/// Whether the proxy of the environment is not for this server: loopback never is reached through it, nor what `NO_PROXY` lists
/// (names with those below them, addresses, networks such as `10.0.0.0/8`, a port behind each, `*`).
pub(super) fn bypassed(server: &Uri) -> bool {
    let listed =
        ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok().filter(|l| !l.is_empty()));
    is_listed(server, listed.as_deref().unwrap_or_default())
}

fn is_listed(server: &Uri, list: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    let port = server.port_u16().unwrap_or(443);
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let (Some(address), Some((network, bits))) = (address, entry.split_once('/')) {
            return in_network(address, network, bits);
        }
        let (name, only) = match entry.rsplit_once(':') {
            Some((name, only)) if !name.contains(':') || name.ends_with(']') => (name, only.parse().ok()),
            _ => (entry, None),
        };
        let name = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .trim_start_matches("*.")
            .trim_start_matches('.');
        let named = host.eq_ignore_ascii_case(name)
            || address.is_none()
                && host.len() > name.len()
                && host[host.len() - name.len()..].eq_ignore_ascii_case(name)
                && host[..host.len() - name.len()].ends_with('.');
        named && only.is_none_or(|only: u16| only == port)
    })
}

fn in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    // A shift by all bits is none in Rust.
    bits <= width && (address ^ network).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_proxy_lists_is_reached_directly() {
        let is = |server: &str, list: &str| is_listed(&server.parse().unwrap(), list);
        for (server, list) in [
            ("https://127.0.0.1:6443", ""),
            ("https://[::1]:6443", ""),
            ("https://localhost", ""),
            ("https://api.example.com", "example.com"),
            ("https://api.example.com", "other, .EXAMPLE.com"),
            ("https://api.example.com", "*.example.com"),
            ("https://example.com:6443", "example.com:6443"),
            ("https://10.1.2.3:6443", "192.168.0.0/16,10.0.0.0/8"),
            ("https://10.1.2.3", "10.1.2.3"),
            ("https://[fd00::7]:6443", "fd00::/8"),
            ("https://[fd00::7]:6443", "0.0.0.0/0,::/0"),
            ("https://anything", "*"),
        ] {
            assert!(is(server, list), "{server} {list}");
        }
        for (server, list) in [
            ("https://10.1.2.3:6443", ""),
            ("https://badexample.com", "example.com"),
            ("https://example.com:6443", "example.com:443"),
            ("https://11.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "10.0.0.0/99,fd00::/8,nonsense/8"),
        ] {
            assert!(!is(server, list), "{server} {list}");
        }
    }

    #[test]
    fn a_proxy_has_a_kind_a_port_and_perhaps_a_login() {
        let of = |address: &str| Proxy::new(&address.parse().unwrap());
        let proxy = of("http://us%40er:pa:ss@proxy.example.com").unwrap();
        assert_eq!(proxy.address, "http://proxy.example.com:80/");
        assert_eq!(proxy.login, Some(("us@er".into(), "pa:ss".into())));
        assert_eq!(of("proxy:3128").unwrap().address, "http://proxy:3128/");
        let socks = of("socks5://[::1]").unwrap();
        assert_eq!((socks.kind, socks.address.to_string()), (Kind::Socks5, "http://[::1]:1080/".into()));
        let error = of("https://user:hunter2@proxy:1").err().unwrap().to_string();
        assert!(error.contains("https://proxy:1 is of a kind") && !error.contains("hunter2"), "{error}");
    }
}
