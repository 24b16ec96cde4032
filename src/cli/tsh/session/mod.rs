//! One login, from the key pair to the verified answer: through the browser, by a pasted address, by a code, by password.
//! Nothing is written to disk here.

mod browser;
mod code;
mod mend;
mod password;
mod verify;
mod way;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

pub(crate) use self::mend::mend;
pub(super) use self::verify::{Expected, Verified, verify};
use self::way::Choice;
pub(crate) use self::way::{Way, asked as asked_way};
use super::settings::{Settings, Target};
use crate::{
    cli::{error::Failure, interrupt::Interrupt, output::Console, progress},
    client::{
        address::{Address, KUBE_PORT, SSH_PORT, WEB_PORT},
        profile::Credentials,
        proxy::{self, Method, ProxyClient, ProxyError},
        sso::SsoError,
        trust::{Ground, Pin, Refusal},
        version,
    },
    pki::{Certificate, KeyPair},
    wire::discovery::Ping,
};

/// The longest that a login can take, whatever the way.
pub(crate) const LONGEST: Duration = code::LONGEST;

/// How a login is wished.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// The cluster to work with.
    pub(crate) cluster: Option<String>,
    /// `none`, or the program that opens the address.
    pub(crate) browser: Option<String>,
    /// Where to listen for the browser.
    pub(crate) bind_addr: Option<String>,
    /// The one person whose login is wanted.
    pub(crate) only: Option<String>,
    /// The result goes into the profile.
    pub(crate) keep: bool,
    /// Standard input is not for us: it may be what kubectl reads.
    pub(crate) leave_stdin: bool,
}

/// A completed login.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) username: String,
    pub(crate) cluster: String,
    pub(crate) credentials: Credentials,
    /// Host CAs, PEM.
    pub(crate) host_cas: String,
    /// SSH host CA keys: `authorized_keys` lines.
    pub(crate) ssh_host_keys: Vec<String>,
    /// Where the proxy says that its parts answer.
    pub(crate) places: Places,
    /// The profile that it belongs to.
    pub(crate) name: String,
    /// Until when the gate renews it without another sign-in.
    pub(crate) renewable_until: Option<Timestamp>,
    /// The web port's key, if nothing but `--insecure` or an earlier pin speaks for it.
    pub(crate) unverified_key: Option<Pin>,
}

/// Addresses of a proxy's parts (wire facts 1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) web: Address,
    pub(crate) ssh: Address,
    pub(crate) kube: Option<Address>,
    /// The Kubernetes port is the web port, told apart by SNI.
    pub(crate) tls_routing: bool,
}

/// A login that has begun: the gate has said how people sign in.
struct Begun<'a> {
    settings: &'a Settings<'a>,
    target: &'a Target,
    wish: &'a Wish,
    client: &'a ProxyClient,
    ping: &'a Ping,
    /// The key to certify: an `authorized_keys` line.
    public_key: String,
    /// The same in PEM.
    public_pem: String,
    /// The wished life in nanoseconds.
    ttl: i64,
}

/// Logs in. What a person has to know meanwhile goes to standard error.
pub(crate) async fn log_in(settings: &Settings<'_>, target: &Target, wish: &Wish) -> anyhow::Result<Session> {
    if wish.keep {
        settings.ready_key_store(target)?;
    }
    let connector = settings.connector(target)?;
    let client = ProxyClient::new(&target.address, settings.trust(target)?)?
        .on_slow(progress::slow(settings.ctx.console));
    let ping = client.ping(connector.as_deref()).await.map_err(|e| mend(e, settings, target))?;
    if !settings.globals.skip_version_check {
        version::check(&ping).map_err(|e| mend(e, settings, target))?;
        if let Some(line) = version::unknown(&ping) {
            settings.ctx.console.warn(&line);
        }
    }
    let places = places(&ping, &target.address)?;
    refuse_other_ca(settings, target, &client)?;
    let mut name = target.name.clone();
    if wish.keep {
        name = settings.own_name(target, &places.web, &client.seen())?;
        // A profile that cannot be written is told before a person signs in for nothing.
        drop(settings.home.lock(&name, "write")?);
    }
    let unverified_key = unverified(settings.ctx.console, &client, target, wish.keep);
    let key = Arc::new(KeyPair::generate());
    let begun = Begun {
        settings,
        target,
        wish,
        client: &client,
        ping: &ping,
        public_key: format!("{}\n", key.public().to_authorized_key()?),
        public_pem: key.public().to_pem()?,
        ttl: settings.ttl(target)?.map_or(0, |minutes| i64::from(minutes) * 60_000_000_000),
    };
    // A pin of the gate's CA that the handshake did not prove is proved by the CAs of the answer, before they are kept.
    let ca_pin = match client.seen().ground {
        Some(Ground::CaPin) => None,
        _ => settings.trust(target)?.ca_pin,
    };
    let expected = Expected { key, ca_pin, cluster: wish.cluster.clone(), only: wish.only.clone() };
    let verified = sign_in(&begun, expected).await?;
    let Verified { username, cluster, credentials, host_cas, ssh_host_keys, renewable_until } = verified;
    Ok(Session {
        username,
        cluster,
        credentials,
        host_cas,
        ssh_host_keys,
        places,
        name,
        renewable_until,
        unverified_key,
    })
}

/// The sign-in itself, in the way that the gate and this machine have.
async fn sign_in(begun: &Begun<'_>, expected: Expected) -> anyhow::Result<Verified> {
    let address = &begun.target.address;
    let (kind, connector) = match proxy::method(begun.ping) {
        Method::Browser { kind, connector } => (kind, connector),
        Method::Password => return password::sign_in(begun, expected).await,
        Method::Unknown(kind) => {
            let text = format!("{address} signs people in by {kind:?}, which this version does not know");
            return Err(Failure::new(text).hint("name a connector with --auth").into());
        }
    };
    let Choice { way, why } = way::choose(begun)?;
    // Before a person reads anything: whoever presses Ctrl-C at once is heard, too.
    let mut interrupt = Interrupt::listen()?;
    if let Some(why) = why {
        begun.settings.ctx.console.status(&why);
    }
    let signed_in = async {
        match way {
            Way::Browser => browser::sign_in(begun, expected, kind, connector, None).await,
            Way::Paste => {
                let lines = browser::lines(begun.wish)?;
                browser::sign_in(begun, expected, kind, connector, Some(lines)).await
            }
            Way::Code => code::sign_in(begun, &expected, connector).await,
        }
    };
    tokio::select! {
        signed_in = signed_in => signed_in,
        () = interrupt.came() => Err(mend::again(SsoError::Cancelled, begun.settings, begun.target)),
    }
}

/// Where the parts of a gate are, without a login.
pub(crate) async fn ask_places(settings: &Settings<'_>, target: &Target) -> anyhow::Result<Places> {
    let client = ProxyClient::new(&target.address, settings.trust(target)?)?
        .on_slow(progress::slow(settings.ctx.console));
    let ping = client.ping(None).await.map_err(|e| mend(e, settings, target))?;
    places(&ping, &target.address)
}

/// Refuses a `--ca-pin` that is none of the CAs learnt at this gate, when the gate still shows one of those: its answer
/// would be refused in any case, after a person had signed in.
fn refuse_other_ca(settings: &Settings<'_>, target: &Target, client: &ProxyClient) -> anyhow::Result<()> {
    let seen = client.seen();
    let Some(expected) = settings.trust(target)?.ca_pin.filter(|_| seen.ground == Some(Ground::Roots)) else {
        return Ok(());
    };
    let pem = settings.home.host_cas(&target.name)?.unwrap_or_default();
    let learnt: Vec<String> =
        Certificate::all_from_pem(&pem).unwrap_or_default().iter().map(Certificate::pin).collect();
    let shown = seen.ca_keys().into_iter().find(|key| learnt.contains(&key.to_string()));
    match shown {
        Some(shown) if !learnt.contains(&expected.to_string()) => {
            let refusal =
                Refusal::NotThePin { server: target.address.to_string(), expected, seen: shown.to_string() };
            Err(mend(ProxyError::Untrusted(refusal), settings, target))
        }
        _ => Ok(()),
    }
}

/// Tells the person when nothing vouches for the certificate; the key to pin then.
fn unverified(console: Console, client: &ProxyClient, target: &Target, keep: bool) -> Option<Pin> {
    let seen = client.seen();
    let key = seen.key?;
    match seen.ground? {
        Ground::Roots | Ground::CaPin => None,
        Ground::WebPin => Some(key),
        Ground::Insecure => {
            let fingerprint = seen.fingerprint.unwrap_or_default();
            // Nothing is kept of a login that is denied.
            let then = if keep {
                "; once the login is done, it is remembered, and later logins need no --insecure"
            } else {
                ""
            };
            console.warn(&format!(
                "the certificate of {} is not verified (--insecure). Its fingerprint is {fingerprint}, its key {key}{then}",
                target.address
            ));
            if let Some(old) =
                target.profile.jumpgate_web_pin.as_deref().filter(|old| *old != key.to_string())
            {
                console.warn(&format!("the key has changed: it was {old} at the last login"));
            }
            Some(key)
        }
    }
}

/// Where the parts of the proxy answer.
fn places(ping: &Ping, typed: &Address) -> anyhow::Result<Places> {
    let read = |text: &str, port: u16| {
        Address::parse(text, port).map_err(|e| {
            Failure::new(format!("the gate's answer names an address that is none: {e}"))
                .hint("its administrator has to set public_addr in the gate's configuration")
        })
    };
    let filled = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    let ssh = &ping.proxy.ssh;
    let web =
        filled(&ssh.public_addr).map(|t| read(&t, WEB_PORT)).transpose()?.unwrap_or_else(|| typed.clone());
    let ssh_addr = match (filled(&ssh.ssh_public_addr), filled(&ssh.listen_addr)) {
        (Some(public), _) => read(&public, SSH_PORT)?,
        (None, Some(listen)) => Address { host: web.host.clone(), port: read(&listen, SSH_PORT)?.port },
        (None, None) => Address { host: web.host.clone(), port: SSH_PORT },
    };
    let kube = &ping.proxy.kube;
    let kube_addr = match (kube.enabled, filled(&kube.public_addr), filled(&kube.listen_addr)) {
        (false, ..) => None,
        _ if ping.proxy.tls_routing_enabled => Some(web.clone()),
        (true, Some(public), _) => Some(read(&public, KUBE_PORT)?),
        (true, None, Some(listen)) => {
            let mut listen = read(&listen, KUBE_PORT)?;
            // "Every address of the gate" is none to connect to.
            if matches!(listen.host.as_str(), "0.0.0.0" | "::") {
                listen.host = typed.host.clone();
            }
            Some(listen)
        }
        (true, None, None) => Some(Address { host: typed.host.clone(), port: KUBE_PORT }),
    };
    Ok(Places { web, ssh: ssh_addr, kube: kube_addr, tls_routing: ping.proxy.tls_routing_enabled })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_the_gate_says_and_filled_as_teleport_does() {
        let typed = Address::parse("gate.example.com:3080", WEB_PORT).unwrap();
        let of = |json: &str| {
            let ping = serde_json::from_str(&format!(r#"{{"proxy":{json}}}"#)).unwrap();
            let p = places(&ping, &typed).unwrap();
            let kube = p.kube.map_or("-".into(), |k| k.to_string());
            format!("{} {} {kube}", p.web, p.ssh)
        };
        assert_eq!(of("{}"), "gate.example.com:3080 gate.example.com:3023 -");
        assert_eq!(
            of(r#"{"kube":{"enabled":true},"ssh":{"listen_addr":"0.0.0.0:4023"}}"#),
            "gate.example.com:3080 gate.example.com:4023 gate.example.com:3026"
        );
        assert_eq!(
            of(
                r#"{"kube":{"enabled":true,"public_addr":"kube.example.com"},"ssh":{"public_addr":"p:443","ssh_public_addr":"s:1"}}"#
            ),
            "p:443 s:1 kube.example.com:3026"
        );
        assert!(
            of(r#"{"kube":{"enabled":true,"listen_addr":"0.0.0.0:4026"}}"#)
                .ends_with(" gate.example.com:4026")
        );
        let bad: Ping =
            serde_json::from_str(r#"{"proxy":{"kube":{"enabled":true,"public_addr":"a b"}}}"#).unwrap();
        assert!(places(&bad, &typed).is_err());
    }
}
