//! Whether this client and a gate understand each other (wire facts 1.3, 1.4, 2.2).

use std::ops::RangeInclusive;

use super::proxy::ProxyError;
use crate::{
    model::text,
    wire::{SERVER_VERSION, discovery::Ping},
};

/// The major versions of gates whose web API is known.
const KNOWN: RangeInclusive<u64> = 4..=18;
/// From this one on a login brings an SSH key and a TLS key instead of one for both.
const TWO_KEYS: u64 = 17;

/// Refuses a gate that wants a newer client. Versions that do not parse are let through.
///
/// # Errors
/// [`ProxyError::TooOld`].
pub fn check(ping: &Ping) -> Result<(), ProxyError> {
    let newest = format!("{}.999.999", KNOWN.end());
    // To a gate of Teleport 4, and to one that does not say what it is, we are a client of Teleport 4.
    let as_newer = major(ping).is_some_and(|major| major > 4 && KNOWN.contains(&major));
    let ours = if as_newer { newest.as_str() } else { SERVER_VERSION };
    let wanted = &ping.min_client_version;
    match (numbers(ours), numbers(wanted)) {
        (Some(o), Some(w)) if o < w => Err(ProxyError::TooOld {
            wanted: text::clean_line(wanted).into_owned(),
            ours: if as_newer { KNOWN.end().to_string() } else { ours.to_owned() },
        }),
        _ => Ok(()),
    }
}

/// What to tell of a gate whose version this client does not know. It may work all the same.
pub fn unknown(ping: &Ping) -> Option<String> {
    let major = major(ping).filter(|major| !KNOWN.contains(major))?;
    let age = if major < *KNOWN.start() { "older" } else { "newer" };
    Some(format!(
        "the gate is of version {}, {age} than what this client knows ({} to {}); some of it may not work",
        text::clean_line(&ping.server_version),
        KNOWN.start(),
        KNOWN.end()
    ))
}

/// Whether a login at this gate has to bring two public keys, each in its own form.
pub fn wants_two_keys(ping: &Ping) -> bool {
    major(ping).is_some_and(|major| major >= TWO_KEYS)
}

fn major(ping: &Ping) -> Option<u64> {
    numbers(&ping.server_version).map(|[major, ..]| major)
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let core = version.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = core.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(server: &str, min: &str) -> Ping {
        Ping { server_version: server.into(), min_client_version: min.into(), ..Ping::default() }
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (server, min) in [
            ("", ""),
            ("4.0.2", "3.0.0"),
            ("4.3.0", "4.3.0"),
            ("4.3.0", "junk"),
            ("4.2.12", "4.2.12"),
            ("6.1.0", "5.0.0"),
            ("18.2.0", "17.0.0-aa"),
            ("v15.4.1-ent", "14.0.0-aa"),
        ] {
            assert!(check(&ping(server, min)).is_ok(), "{server} {min}");
        }
        for (server, min) in
            [("", "10.0.0"), ("4.3.0", "4.10.0-beta.1"), ("18.0.0", "19.0.0"), ("23.0.0", "22.0.0-aa")]
        {
            assert!(check(&ping(server, min)).is_err(), "{server} {min}");
        }
        let told = check(&ping("18.9.0", "19.0.0-\u{1b}")).unwrap_err().to_string();
        insta::assert_snapshot!(told, @r"the gate wants a client that speaks version 19.0.0-\u{1b} or later, this one speaks 18");
    }

    #[test]
    fn an_unknown_gate_is_told() {
        for known in ["", "junk", "4.0.2", "6.0.0", "18.9.9"] {
            assert_eq!(unknown(&ping(known, "")), None, "{known}");
        }
        let told = ["3.2.0", "23.1.0"].map(|version| unknown(&ping(version, "")).unwrap()).join("\n");
        insta::assert_snapshot!(told, @r"
        the gate is of version 3.2.0, older than what this client knows (4 to 18); some of it may not work
        the gate is of version 23.1.0, newer than what this client knows (4 to 18); some of it may not work
        ");
    }

    #[test]
    fn two_keys_from_17_on() {
        assert_eq!(
            ["", "4.3.0", "16.4.0", "17.0.0", "18.1.2"].map(|v| wants_two_keys(&ping(v, ""))),
            [false, false, false, true, true]
        );
    }
}
