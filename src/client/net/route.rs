//! Which way a connection goes: straight, or through the proxy that the environment names.
//!
//! The variables are those of curl, Go's programs (kubectl) and most others: `HTTPS_PROXY`, else `ALL_PROXY`; `NO_PROXY` lists
//! what is reached without. Lower-case spellings count where the upper-case one is not set. `HTTP_PROXY` is for plain HTTP,
//! which neither `tsh` nor `tctl` speaks over a network. Loopback is never reached through a proxy.

use std::{fmt, net::IpAddr};

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::error::NetError;
use crate::client::address::Address;

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `CONNECT` over TCP.
    Http,
    /// `CONNECT` over TLS.
    Https,
    /// SOCKS5; names are looked up here.
    Socks5,
    /// SOCKS5; the proxy looks names up.
    Socks5h,
}

impl Kind {
    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }
}

/// A user and a password for a proxy. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Zeroizing<String>,
}

/// A proxy. Shown without its user and password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) kind: Kind,
    pub(super) address: Address,
    pub(super) login: Option<Login>,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.kind.scheme(), self.address)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Proxy {
    /// Reads `[scheme://][user:password@]host[:port]`. The reason of a refusal never repeats the text.
    fn parse(text: &str) -> Result<Self, String> {
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = url::Url::parse(&full).map_err(|e| e.to_string())?;
        let (kind, port) = match url.scheme() {
            "http" => (Kind::Http, 80),
            "https" => (Kind::Https, 443),
            "socks5" => (Kind::Socks5, 1080),
            "socks5h" | "socks" => (Kind::Socks5h, 1080),
            other => {
                return Err(format!(
                    "{other:?} is no kind of proxy that is known; write http://, https://, socks5:// or socks5h://"
                ));
            }
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it has no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let plain = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let named = !url.username().is_empty() || url.password().is_some();
        let login = if named {
            let bad = |_| "its user or password is not UTF-8".to_owned();
            Some(Login {
                user: plain(url.username()).map_err(bad)?,
                password: plain(url.password().unwrap_or_default()).map_err(bad)?.into(),
            })
        } else {
            None
        };
        Ok(Self { kind, address: Address { host, port: url.port().unwrap_or(port) }, login })
    }
}

/// The ways that the environment lays down.
#[derive(Clone, Default)]
pub struct Routes {
    proxy: Option<Result<Proxy, NetError>>,
    exceptions: Vec<Exception>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

impl Routes {
    /// The ways of this process.
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    /// The ways that these variables lay down.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let found = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .into_iter()
            .find_map(|name| Some((name, set(name)?)));
        let proxy = found.map(|(variable, text)| {
            Proxy::parse(text.trim()).map_err(|reason| NetError::Setting { variable, reason })
        });
        let list = set("NO_PROXY").or_else(|| set("no_proxy")).unwrap_or_default();
        let entries = list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
        Self { proxy, exceptions: entries.filter_map(Exception::parse).collect() }
    }

    /// The proxy for an address; none means straight.
    pub(super) fn to(&self, address: &Address) -> Result<Option<&Proxy>, NetError> {
        let Some(proxy) = &self.proxy else { return Ok(None) };
        if address.is_loopback() || self.exceptions.iter().any(|e| e.covers(address)) {
            return Ok(None);
        }
        proxy.as_ref().map(Some).map_err(Clone::clone)
    }
}

/// An entry of `NO_PROXY`, read as Go's programs read it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    what: What,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    All,
    /// A network; a whole address is one of all its bits.
    Net(IpAddr, u8),
    /// A domain; `true` if it counts itself and not only what is below it.
    Domain(String, bool),
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self { what: What::All, port: None });
        }
        if let Some((network, bits)) = entry.split_once('/') {
            let (network, bits): (IpAddr, u8) = (network.parse().ok()?, bits.parse().ok()?);
            let most = if network.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self { what: What::Net(network, bits), port: None });
        }
        let (host, port) = match entry.parse::<IpAddr>() {
            Ok(_) => (entry, None),
            Err(_) => match entry.rsplit_once(':') {
                Some((host, port)) => (host, Some(port.parse().ok()?)),
                None => (entry, None),
            },
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Some(Self { what: What::Net(ip, if ip.is_ipv4() { 32 } else { 128 }), port });
        }
        let host = host.trim_end_matches('.');
        let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let what = What::Domain(below.unwrap_or(host).to_owned(), below.is_none());
        Some(Self { what, port })
    }

    fn covers(&self, address: &Address) -> bool {
        if self.port.is_some_and(|port| port != address.port) {
            return false;
        }
        let host = address.host.trim_end_matches('.');
        match &self.what {
            What::All => true,
            What::Net(network, bits) => host.parse().is_ok_and(|ip| is_in(ip, *network, *bits)),
            What::Domain(domain, itself) => match host.strip_suffix(domain.as_str()) {
                Some("") => *itself,
                Some(before) => before.ends_with('.'),
                None => false,
            },
        }
    }
}

fn is_in(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (ip, network, all) = match (ip.to_canonical(), network.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    // A shift by all bits of the type is none: everything is in a network of no bits.
    let away = all - u32::from(bits).min(all);
    ip.checked_shr(away).unwrap_or(0) == network.checked_shr(away).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(pairs: &[(&str, &str)]) -> Routes {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        Routes::of(move |name| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()))
    }

    fn way(routes: &Routes, address: &str) -> String {
        let address = Address::parse(address, 3080).unwrap();
        routes.to(&address).unwrap().map_or("straight".to_owned(), ToString::to_string)
    }

    #[test]
    fn the_variables_in_their_order() {
        let gate = "gate.example.com";
        for (set, expected) in [
            (&[][..], "straight"),
            (&[("HTTP_PROXY", "http://a:1")][..], "straight"),
            (&[("ALL_PROXY", "socks5://a")][..], "socks5://a:1080"),
            (&[("all_proxy", "socks5h://a:9")][..], "socks5h://a:9"),
            (&[("ALL_PROXY", "a:1"), ("https_proxy", "b:2")][..], "http://b:2"),
            (&[("HTTPS_PROXY", "https://c"), ("https_proxy", "b:2")][..], "https://c:443"),
            (&[("HTTPS_PROXY", " "), ("https_proxy", "[::1]:3128")][..], "http://[::1]:3128"),
        ] {
            assert_eq!(way(&routes(set), gate), expected, "{set:?}");
        }
    }

    #[test]
    fn what_no_proxy_covers() {
        let list = "example.com, .corp.test,*.wild.test,10.0.0.0/8 fd00::/8,192.0.2.7,port.test:3080,[2001:db8::1]:3080,junk/x";
        let routes = routes(&[("HTTPS_PROXY", "p:1"), ("NO_PROXY", list)]);
        for inside in [
            "example.com",
            "gate.EXAMPLE.com",
            "a.corp.test",
            "a.wild.test",
            "10.1.2.3",
            "[fd12::1]:3080",
            "192.0.2.7",
            "port.test:3080",
            "2001:db8::1",
            "localhost",
            "127.3.4.5",
            "::1",
        ] {
            assert_eq!(way(&routes, inside), "straight", "{inside}");
        }
        for outside in [
            "badexample.com",
            "corp.test",
            "wild.test",
            "11.0.0.1",
            "[2001:db8::2]:3080",
            "192.0.2.8",
            "port.test:443",
            "example.org",
        ] {
            assert_eq!(way(&routes, outside), "http://p:1", "{outside}");
        }
        let all = super::Routes::of(|name| (name != "no_proxy").then(|| "*".to_owned()));
        assert_eq!(way(&all, "example.com"), "straight");
    }

    #[test]
    fn a_password_is_read_and_never_shown() {
        let routes = routes(&[("HTTPS_PROXY", "http://al%40ice:s%3Acret@proxy.test:3128")]);
        let gate = Address::parse("gate.test", 3080).unwrap();
        let proxy = routes.to(&gate).unwrap().unwrap();
        let login = proxy.login.as_ref().unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("al@ice", "s:cret"));
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy.test:3128 http://proxy.test:3128");
        assert!(!format!("{routes:?}").contains("cret"));
        for bad in
            ["ftp://u:secret@h:1", "http://u:secret@h:99999", "http://u:secret@", "socks4://u:secret@h"]
        {
            let routes = Routes::of(|name| (name == "HTTPS_PROXY").then(|| bad.to_owned()));
            let told = routes.to(&gate).unwrap_err().to_string();
            assert!(told.contains("HTTPS_PROXY") && !told.contains("secret"), "{told}");
        }
    }
}
