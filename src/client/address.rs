//! Addresses as people type them: `host`, `host:3080`, `host:3080,3023`, `https://host:3080/`.

use std::{fmt, net::IpAddr};

use crate::wire::admin::SERVER_NAME;

/// The web port of a proxy when none is given.
pub const WEB_PORT: u16 = 3080;
/// The SSH port.
pub const SSH_PORT: u16 = 3023;
/// The Kubernetes port.
pub const KUBE_PORT: u16 = 3026;

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address; write for example gate.example.com:3080")]
pub struct BadAddress(pub String);

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name, or an IP address without brackets. Lower case.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Reads an address; `port` stands in where none is given. What follows a comma (the SSH port) is left out.
    pub fn parse(text: &str, port: u16) -> Result<Self, BadAddress> {
        let bad = || BadAddress(text.to_owned());
        let rest = text.trim();
        let rest = rest.strip_prefix("https://").unwrap_or(rest);
        let rest = rest.split(['/', ',']).next().unwrap_or_default();
        let (host, given) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (host, after) = inner.split_once(']').ok_or_else(bad)?;
                (host, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(bad)?) })
            }
            None if rest.parse::<IpAddr>().is_ok() => (rest, None),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let port = given.map_or(Ok(port), |p| p.parse().map_err(|_| bad()))?;
        let ip = host.parse::<IpAddr>().is_ok();
        let name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if port == 0 || host.is_empty() || host.starts_with(['-', '.']) || !(ip || host.chars().all(name)) {
            return Err(bad());
        }
        Ok(Self { host: host.to_lowercase(), port })
    }

    /// The name (SNI) by which a TLS handshake asks for Kubernetes at a web port with TLS routing (wire facts 5.5).
    pub fn kube_server_name(&self) -> String {
        let named = self.host != "localhost" && self.host.parse::<IpAddr>().is_err();
        format!("kube-teleport-proxy-alpn.{}", if named { &self.host } else { SERVER_NAME })
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_kubernetes_at_a_tls_routed_port() {
        let name = |text| Address::parse(text, WEB_PORT).unwrap().kube_server_name();
        assert_eq!(name("gate.example.com:443"), "kube-teleport-proxy-alpn.gate.example.com");
        for text in ["localhost", "192.0.2.1", "[::1]:443"] {
            assert_eq!(name(text), "kube-teleport-proxy-alpn.teleport.cluster.local");
        }
    }

    #[test]
    fn reads_what_people_type() {
        for (text, shown) in [
            ("gate.example.com", "gate.example.com:3080"),
            ("Gate.example.com:443", "gate.example.com:443"),
            ("gate:3080,3023", "gate:3080"),
            ("https://gate:3080/web", "gate:3080"),
            ("127.0.0.1", "127.0.0.1:3080"),
            ("::1", "[::1]:3080"),
            ("[::1]:443", "[::1]:443"),
        ] {
            assert_eq!(Address::parse(text, WEB_PORT).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", ":3080", "a b", "a:b", "a:0", "a:99999", "[::1", "[::1]x", "../x", "-x", "http://a"]
        {
            assert!(Address::parse(text, WEB_PORT).is_err(), "{text}");
        }
    }
}
