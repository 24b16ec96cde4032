//! The values of a configuration that have a form of their own, so that a mistake in one is reported with its place.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, de};

use super::{LogOutput, PublicAddr};

/// A value read from one text.
macro_rules! from_text {
    ($($kind:ty: $expected:literal),* $(,)?) => {
        $(impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $kind;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$kind, E> {
                        text.parse().map_err(|reason: String| E::custom(reason))
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        })*
    };
}

from_text! {
    ListenAddr: "an address to listen on, such as 0.0.0.0:3080",
    Severity: "a severity: DEBUG, INFO, WARN or ERROR",
    Output: "stderr, stdout or a file name",
}

/// Yes or no in any of YAML's spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Switch(pub(super) bool);

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Switch;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("yes or no")
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Switch, E> {
                Ok(Switch(value))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Switch, E> {
                match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "true" | "y" => Ok(Switch(true)),
                    "no" | "off" | "false" | "n" => Ok(Switch(false)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Where to listen; without a port, the listener's usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListenAddr {
    /// The address.
    pub(super) ip: std::net::IpAddr,
    /// The port, if given.
    pub(super) port: Option<u16>,
}

impl ListenAddr {
    pub(super) fn with_default(self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip, self.port.unwrap_or(port))
    }
}

impl FromStr for ListenAddr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = split(text)?;
        let ip = match host {
            "" => Ok(std::net::Ipv4Addr::UNSPECIFIED.into()),
            "localhost" => Ok(std::net::Ipv4Addr::LOCALHOST.into()),
            _ => host.parse(),
        };
        let ip = ip.map_err(|_| {
            format!(
                "`{text}` is not an address to listen on; write an IP address and a port, such as 0.0.0.0:3080"
            )
        })?;
        Ok(Self { ip, port })
    }
}

impl FromStr for PublicAddr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return Err(format!(
                "`{text}` is a URL; write a host and perhaps a port, such as gate.example.com:3080"
            ));
        }
        let (host, port) = split(text)?;
        let name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_name = !host.is_empty() && host.len() <= 253 && host.chars().all(name);
        if !is_name && host.parse::<std::net::IpAddr>().is_err() {
            return Err(format!("`{text}` is not a host; write for example gate.example.com:3080"));
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
fn split(text: &str) -> Result<(&str, Option<u16>), String> {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => {
            inner.split_once(']').ok_or_else(|| format!("`{text}` has a bracket that is not closed"))?
        }
        None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
    };
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok((host, None)),
        Some(port) => match port.parse() {
            Ok(port) => Ok((host, Some(port))),
            Err(_) => Err(format!("`{text}` has no port between 0 and 65535 behind its colon")),
        },
        None => Err(format!("`{text}` is not a host with a port")),
    }
}

/// One or several public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PublicAddrs(pub(super) Vec<PublicAddr>);

impl<'de> Deserialize<'de> for PublicAddrs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = PublicAddrs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a host with or without a port, such as gate.example.com:3080, or a list of them")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<PublicAddrs, E> {
                text.parse().map(|one| PublicAddrs(vec![one])).map_err(E::custom)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<PublicAddrs, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = seq.next_element::<String>()? {
                    all.push(text.parse().map_err(de::Error::custom)?);
                }
                Ok(PublicAddrs(all))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// How severe a log line must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Severity(pub(super) tracing::Level);

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use tracing::Level;
        match text.to_ascii_lowercase().as_str() {
            "trace" => Ok(Self(Level::TRACE)),
            "debug" => Ok(Self(Level::DEBUG)),
            "info" | "" => Ok(Self(Level::INFO)),
            "warn" | "warning" => Ok(Self(Level::WARN)),
            "error" | "err" => Ok(Self(Level::ERROR)),
            _ => Err(format!("`{text}` is not a severity; write DEBUG, INFO, WARN or ERROR")),
        }
    }
}

/// Where logs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output(pub(super) LogOutput);

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stderr" | "error" | "2" | "" => Ok(Self(LogOutput::Stderr)),
            "stdout" | "out" | "1" => Ok(Self(LogOutput::Stdout)),
            "syslog" => {
                Err("syslog is not served; write stderr, which systemd and Kubernetes collect".into())
            }
            file => Ok(Self(LogOutput::File(PathBuf::from(file)))),
        }
    }
}
