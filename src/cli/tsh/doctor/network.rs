//! The way to the gate: its name, TLS, what answers, and its clock.

use std::{
    net::{IpAddr, ToSocketAddrs},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{finding::Finding, pending::Pending};
use crate::{
    cli::block_on,
    client::{
        address::Address,
        net::Limits,
        proxy::{ProxyClient, ProxyError},
        trust::{Ground, Refusal, Seen, Trust},
        version,
    },
    model::text,
    pki::Certificate,
    wire::discovery::Ping,
};

/// How long the gate may take for all of it.
const LIMIT: Duration = Duration::from_secs(4);
/// How long one step of it may take.
const STEP: Duration = Duration::from_secs(3);
/// From how much on a clock is wrong: certificates are made valid a minute early, and no more.
const WRONG: SignedDuration = SignedDuration::from_secs(60);
/// Up to how much nobody notices.
const RIGHT: SignedDuration = SignedDuration::from_secs(10);

/// The questions that are under way.
pub(super) struct Asked {
    address: Address,
    names: Pending<Result<Vec<IpAddr>, String>>,
    gate: Pending<Answered>,
}

/// What came back from the gate.
struct Answered {
    said: Result<Ping, ProxyError>,
    seen: Seen,
    /// By how much this machine's clock is behind the other end's (negative: ahead), and whether that end is the gate.
    behind: Option<(SignedDuration, bool)>,
}

/// What is known of the way to the gate.
pub(super) struct Way {
    pub(super) clock: Finding,
    pub(super) dns: Finding,
    pub(super) tls: Finding,
    /// What the gate said, for whoever knows what mends it.
    pub(super) proxy: Result<Finding, ProxyError>,
    pub(super) refused: Option<Refusal>,
}

/// Begins to ask.
pub(super) fn ask(address: &Address, trust: Trust) -> Asked {
    let (host, port, gate) = (address.host.clone(), address.port, address.clone());
    let names = Pending::start(STEP, move || {
        let found = (host.as_str(), port).to_socket_addrs().map_err(|e| e.to_string())?;
        Ok(found.map(|address| address.ip()).collect())
    });
    let gate = Pending::start(LIMIT, move || probe(&gate, trust));
    Asked { address: address.clone(), names, gate }
}

fn probe(address: &Address, trust: Trust) -> Answered {
    let (said, seen, behind) = once(address, trust);
    if let (Err(ProxyError::Untrusted(_)), None) = (&said, &behind) {
        // A certificate is refused for a wrong clock as well: the time alone is asked without looking at it.
        let (_, _, behind) = once(address, Trust { insecure: true, ..Trust::default() });
        return Answered { said, seen, behind: behind.map(|behind| (behind, false)) };
    }
    Answered { said, seen, behind: behind.map(|behind| (behind, true)) }
}

type Once = (Result<Ping, ProxyError>, Seen, Option<SignedDuration>);

fn once(address: &Address, trust: Trust) -> Once {
    let limits = Limits {
        lookup: STEP,
        connect: STEP,
        proxy: STEP,
        tls: STEP,
        answer: STEP,
        tries: Duration::ZERO,
        ..Limits::default()
    };
    let client = match ProxyClient::over(address, trust, |connector| connector.limits(limits)) {
        Ok(client) => client,
        Err(error) => return (Err(error), Seen::default(), None),
    };
    let before = Timestamp::now();
    let asked = block_on(async { Ok(client.probe().await) });
    let after = Timestamp::now();
    match asked {
        Ok(Ok((ping, date))) => {
            // A date is of whole seconds, so half a second more is likelier.
            let middle = before + before.duration_until(after) / 2;
            let behind = date.map(|date| middle.duration_until(date + SignedDuration::from_millis(500)));
            (Ok(ping), client.seen(), behind)
        }
        Ok(Err(error)) => (Err(error), client.seen(), None),
        Err(error) => (Err(ProxyError::Tls(error.to_string())), Seen::default(), None),
    }
}

impl Asked {
    /// What was found.
    pub(super) fn get(self) -> Way {
        let address = &self.address;
        let dns = dns(address, self.names.get());
        let Some(answered) = self.gate.get() else {
            let late = ProxyError::Unreachable {
                address: address.to_string(),
                reason: format!("no answer within {} seconds", LIMIT.as_secs()),
            };
            let (clock, tls) = (Finding::skipped("clock", SILENT), Finding::skipped("tls", SILENT));
            return Way { clock, dns, tls, proxy: Err(late), refused: None };
        };
        let clock = clock(address, answered.behind);
        let tls = tls(address, &answered.seen);
        let refused = answered.seen.refusal.clone();
        let proxy = match answered.said {
            Ok(ping) => proxy(address, &ping),
            Err(ProxyError::Untrusted(_)) => {
                Ok(Finding::skipped("proxy", "not asked anything, since its certificate is refused"))
            }
            Err(error) => Err(error),
        };
        Way { clock, dns, tls, proxy, refused }
    }
}

const SILENT: &str = "not known, since the gate does not answer";

fn dns(address: &Address, found: Option<Result<Vec<IpAddr>, String>>) -> Finding {
    let host = &address.host;
    if host.parse::<IpAddr>().is_ok() {
        return Finding::ok("dns", format!("{host} is an address, so no name is looked up"));
    }
    let mend = "is the name right, and this machine on the network (or the VPN) that knows it?";
    match found {
        Some(Ok(mut all)) if !all.is_empty() => {
            all.dedup();
            let shown: Vec<String> = all.iter().take(4).map(ToString::to_string).collect();
            Finding::ok("dns", format!("{host} is {}", shown.join(", ")))
        }
        Some(Ok(_)) => Finding::failed("dns", format!("{host} has no address")).mend(mend),
        Some(Err(reason)) => {
            let reason = reason.rsplit(": ").next().unwrap_or(&reason).to_owned();
            Finding::failed("dns", format!("{host} has no address: {reason}")).mend(mend)
        }
        None => {
            let found = format!("nobody said within {} seconds where {host} is", STEP.as_secs());
            Finding::failed("dns", found).mend("is the name server of this machine (or the VPN) reachable?")
        }
    }
}

fn clock(address: &Address, behind: Option<(SignedDuration, bool)>) -> Finding {
    let Some((behind, verified)) = behind else { return Finding::skipped("clock", SILENT) };
    let by = if verified {
        format!("{address}'s")
    } else {
        format!("that of {address}, whose certificate is refused")
    };
    let off = behind.abs();
    if off <= RIGHT {
        return Finding::ok("clock", format!("agrees with {by}"));
    }
    let side = if behind.is_negative() { "ahead of" } else { "behind" };
    let shown = if off.as_secs() < 120 {
        format!("{} s", off.as_secs())
    } else {
        format!("{} min", off.as_secs() / 60)
    };
    let found = format!("this machine is {shown} {side} {by}");
    let finding =
        if off > WRONG { Finding::failed("clock", found) } else { Finding::warning("clock", found) };
    finding.mend("set this machine's clock, best by NTP; certificates are refused by a wrong one")
}

fn tls(address: &Address, seen: &Seen) -> Finding {
    if let Some(refusal) = &seen.refusal {
        return Finding::failed("tls", refusal.to_string());
    }
    let Some(ground) = seen.ground else { return Finding::skipped("tls", "no connection to look at") };
    let leaf = seen.chain.first().and_then(|der| Certificate::from_der(der).ok());
    let until = leaf.map_or(String::new(), |leaf| format!(", valid until {}", leaf.validity().not_after));
    let unverified = "log in once with --ca-pin or --ca-file, and it is verified from then on";
    match ground {
        Ground::Roots => Finding::ok("tls", format!("the certificate of {address} is trusted{until}")),
        Ground::CaPin => Finding::ok("tls", format!("the certificate of {address} holds the pinned key{until}")),
        Ground::WebPin => Finding::warning(
            "tls",
            format!("nobody vouches for the certificate of {address}; its key is the one of the first login with --insecure{until}"),
        )
        .mend(unverified),
        Ground::Insecure => {
            Finding::warning("tls", format!("the certificate of {address} is accepted because of --insecure alone"))
                .mend(unverified)
        }
    }
}

fn proxy(address: &Address, ping: &Ping) -> Result<Finding, ProxyError> {
    version::check(ping)?;
    let version = text::clean_line(&ping.server_version);
    let named =
        if version.is_empty() { "an unknown version".to_owned() } else { format!("version {version}") };
    if let Some(strange) = version::unknown(ping) {
        return Ok(Finding::warning("proxy", format!("{address}: {strange}")));
    }
    Ok(Finding::ok("proxy", format!("{address} answers, {named}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tsh::doctor::finding::Status;

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off() {
        let address = Address::parse("gate.example.com", 3080).unwrap();
        let at = |seconds| clock(&address, Some((SignedDuration::from_secs(seconds), true)));
        for (seconds, status) in [
            (0, Status::Ok),
            (-10, Status::Ok),
            (11, Status::Warning),
            (-60, Status::Warning),
            (61, Status::Failed),
            (-86_400, Status::Failed),
        ] {
            assert_eq!(at(seconds).status, status, "{seconds}");
        }
        assert_eq!(at(-86_400).found, "this machine is 1440 min ahead of gate.example.com:3080's");
        assert_eq!(clock(&address, None).status, Status::Skipped);
    }
}
