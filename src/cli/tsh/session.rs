//! One login through the browser, from the key pair to the verified answer. Nothing is written to disk here.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::settings::{Settings, Target};
use crate::{
    cli::{
        Ctx,
        error::{self, Failure},
        output::{Console, Spinner},
        progress,
    },
    client::{
        address::{Address, KUBE_PORT, SSH_PORT, WEB_PORT},
        profile::Credentials,
        proxy::{self, Method, ProxyClient, ProxyError},
        sso::{self, Check, Listener, SsoError},
        trust::{Ground, Pin, Refusal},
        version,
    },
    pki::{Certificate, KeyPair, SshCertificate},
    wire::{
        discovery::Ping,
        login::{ConsoleRequest, HostSigner, LoginResponse},
    },
};

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

/// Logs in. What a person has to know meanwhile goes to standard error.
pub(crate) async fn log_in(settings: &Settings<'_>, target: &Target, wish: &Wish) -> anyhow::Result<Session> {
    let connector = settings.connector(&target.profile);
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
    let unverified_key = unverified(settings.ctx.console, &client, target);
    let Method::Browser { kind, connector } = proxy::method(&ping) else {
        let text = format!(
            "{} does not sign people in through a browser, and this version knows no other way",
            target.address
        );
        return Err(Failure::new(text).hint("name a connector with --auth").into());
    };

    let key = Arc::new(KeyPair::generate());
    let listener = Listener::bind(wish.bind_addr.as_deref()).await?;
    let mut request = ConsoleRequest {
        redirect_url: listener.redirect_url().to_string(),
        cert_ttl: settings.globals.ttl.map_or(0, |minutes| i64::from(minutes) * 60_000_000_000),
        connector_id: connector,
        route_to_cluster: wish.cluster.clone().unwrap_or_default(),
        ..ConsoleRequest::default()
    };
    let line = format!("{}\n", key.public().to_authorized_key()?).into();
    if version::wants_two_keys(&ping) {
        request.ssh_pub_key = line;
        request.tls_pub_key = key.public().to_pem()?.into();
    } else {
        request.public_key = line;
    }
    let answer = client.console_login(kind, &request).await.map_err(|e| refused(e, settings, target))?;
    let link = listener.link();
    let waiting = announce(settings.ctx, wish, &link);
    // A pin of the gate's CA that the handshake did not prove is proved by the CAs of the answer, before they are kept.
    let ca_pin = match client.seen().ground {
        Some(Ground::CaPin) => None,
        _ => settings.trust(target)?.ca_pin,
    };
    let expected = Expected { key, ca_pin, cluster: wish.cluster.clone(), only: wish.only.clone() };
    let check: Check<Verified> = Box::new(move |answer| verify(answer, &expected, Timestamp::now()));
    let done = listener.wait(&answer.redirect_url, |path| client.page(path), check).await;
    drop(waiting);
    let Verified { username, cluster, credentials, host_cas, ssh_host_keys, renewable_until } =
        done.map_err(|e| again(e, settings, target))?;
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

/// Says where to go, then tries the browser, which never holds anything up.
fn announce(ctx: &Ctx, wish: &Wish, link: &str) -> Spinner {
    let browser = wish.browser.clone().or_else(|| ctx.env.text("TELEPORT_LOGIN_BROWSER"));
    if browser.as_deref() == Some("none") {
        ctx.console.status(&format!("Open this address in a browser on this machine to sign in:\n  {link}"));
    } else {
        ctx.console.status(&format!(
            "A browser window opens for you to sign in. If it does not, open this address yourself:\n  {link}"
        ));
        let (link, console) = (link.to_owned(), ctx.console);
        std::thread::spawn(move || {
            let opened = match browser {
                Some(program) => open::with_detached(&link, program),
                None => open::that_detached(&link),
            };
            if let Err(reason) = opened {
                tracing::debug!(%reason, "no browser");
                console.warn("no browser could be started; open the address above yourself");
            }
        });
    }
    let seconds = sso::LIMIT.as_secs();
    ctx.console.spinner(&format!("Waiting up to {seconds} seconds for you to sign in (Ctrl-C ends it)"))
}

/// Tells the person when nothing vouches for the certificate; the key to pin then.
fn unverified(console: Console, client: &ProxyClient, target: &Target) -> Option<Pin> {
    let seen = client.seen();
    let key = seen.key?;
    match seen.ground? {
        Ground::Roots | Ground::CaPin => None,
        Ground::WebPin => Some(key),
        Ground::Insecure => {
            let fingerprint = seen.fingerprint.unwrap_or_default();
            console.warn(&format!(
                "the certificate of {} is not verified (--insecure). Its fingerprint is {fingerprint}; its key {key} is \
                 remembered, later logins need no --insecure",
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

/// What the answer to a login or a renewal has to be.
pub(super) struct Expected {
    pub(super) key: Arc<KeyPair>,
    pub(super) ca_pin: Option<Pin>,
    pub(super) cluster: Option<String>,
    pub(super) only: Option<String>,
}

/// A checked answer.
pub(super) struct Verified {
    pub(super) username: String,
    pub(super) cluster: String,
    pub(super) credentials: Credentials,
    pub(super) host_cas: String,
    pub(super) ssh_host_keys: Vec<String>,
    pub(super) renewable_until: Option<Timestamp>,
}

/// Checks what the server sent before any of it is kept; the error is a sentence.
pub(super) fn verify(answer: LoginResponse, expected: &Expected, now: Timestamp) -> Result<Verified, String> {
    let cert_pem = answer.tls_cert.as_text().ok_or("its certificate is no text")?;
    let key_pem: Zeroizing<String> = expected.key.to_pem().map_err(|e| e.to_string())?;
    let line = expected.key.public().to_authorized_key().map_err(|e| e.to_string())?;
    let ssh_cert = answer.cert.as_text().unwrap_or_default().trim().to_owned();
    if !ssh_cert.is_empty() && SshCertificate::from_line(&ssh_cert).is_err() {
        return Err("its SSH certificate does not parse".into());
    }
    let credentials = Credentials::new(key_pem, cert_pem.to_owned(), line, ssh_cert)
        .ok_or("its certificate is not for the key of this login")?;
    let certificate = credentials.certificate();
    let subject = certificate.subject().map_err(|e| format!("its certificate names nobody: {e}"))?;
    let username = subject.username;
    if certificate.is_ca() || (!answer.username.is_empty() && answer.username != username) {
        return Err("its certificate is not for the person who signed in".into());
    }
    if certificate.validity().not_after <= now {
        return Err("its certificate has expired already; is this machine's clock right?".into());
    }
    if certificate.validity().not_before > now + SignedDuration::from_mins(5) {
        return Err("its certificate is not valid yet; is this machine's clock right?".into());
    }
    if let Some(only) = expected.only.as_ref().filter(|only| **only != username) {
        return Err(format!("{username} signed in, but the login was for {only}"));
    }
    let signer = answer.host_signers.first().ok_or("it names no host CA to trust")?;
    let cluster = cluster_name(&signer.domain_name)?;
    if let Some(wanted) = expected.cluster.as_ref().filter(|wanted| **wanted != cluster) {
        return Err(format!("there is no cluster {wanted}; this gate's is {cluster}"));
    }
    let cas = host_cas(&answer.host_signers)?;
    if let Some(pin) = &expected.ca_pin
        && !cas.iter().any(|ca| ca.pin() == pin.to_string())
    {
        return Err(format!("its host CA is not the one of --ca-pin ({pin})"));
    }
    let keys = signer.checking_keys.iter().filter_map(|key| key.as_text()).map(|key| key.trim().to_owned());
    let ssh_host_keys = keys.filter(|key| !key.contains(char::is_control) && !key.is_empty()).collect();
    let host_cas = cas.iter().map(Certificate::to_pem).collect();
    let renewable_until = answer.renewable_until;
    Ok(Verified { username, cluster, credentials, host_cas, ssh_host_keys, renewable_until })
}

/// A cluster's name becomes one of a kubeconfig entry and stands in files and texts.
fn cluster_name(name: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let sane =
        !name.is_empty() && name.len() <= 253 && !name.starts_with(['.', '-']) && name.chars().all(fine);
    if sane { Ok(name.to_owned()) } else { Err(format!("its cluster name {name:?} is none")) }
}

fn host_cas(signers: &[HostSigner]) -> Result<Vec<Certificate>, String> {
    let texts = signers.iter().flat_map(|signer| &signer.tls_certs).filter_map(|pem| pem.as_text());
    let mut all = Vec::new();
    for text in texts {
        all.extend(Certificate::all_from_pem(text).map_err(|_| "its host CA does not parse")?);
    }
    if all.is_empty() || !all.iter().all(Certificate::is_ca) {
        return Err("it brings no host CA certificate to trust".into());
    }
    Ok(all)
}

/// What the gate refuses when a login begins, before any browser, is a refused login as well.
fn refused(error: ProxyError, settings: &Settings<'_>, target: &Target) -> anyhow::Error {
    match error {
        ProxyError::Refused { .. } => Failure::new(error.to_string()).code(error::REFUSED).into(),
        other => mend(other, settings, target),
    }
}

/// Adds what mends it.
fn mend(error: ProxyError, settings: &Settings<'_>, target: &Target) -> anyhow::Error {
    let login = settings.login_command(target);
    let hint = match &error {
        ProxyError::Away { .. } => format!("try again in a while: {login}"),
        ProxyError::Unreachable { .. } | ProxyError::Timeout { .. } => {
            "is the address right, and the gate's web port (usually 3080) reachable from here?".to_owned()
        }
        ProxyError::NotAGate { .. } => {
            "name the gate's web port (usually 3080) with --proxy=HOST:PORT".to_owned()
        }
        ProxyError::NoConnector { .. } => {
            "leave --auth out to sign in with the gate's own connector".to_owned()
        }
        ProxyError::Untrusted(Refusal::ChangedKey { .. }) => {
            format!("ask the gate's administrator for the new key; if it is right: {login} --insecure")
        }
        ProxyError::Untrusted(Refusal::NotThePin { .. }) => {
            "compare it with the line `CA pin` that `tctl status` prints on the gate".to_owned()
        }
        ProxyError::Untrusted(Refusal::UnknownIssuer { .. }) => format!(
            "name its CA with --ca-file, or the pin that `tctl status` prints on the gate: {login} --ca-pin=sha256:HEX"
        ),
        ProxyError::Untrusted(Refusal::WrongName { .. }) => {
            "name the host that the certificate is for with --proxy".to_owned()
        }
        ProxyError::TooOld { .. } => "install a newer version, or try --skip-version-check".to_owned(),
        _ => return error.into(),
    };
    Failure::new(error.to_string()).hint(hint).code(error::of_proxy(&error)).into()
}

/// Says how to try again.
fn again(error: SsoError, settings: &Settings<'_>, target: &Target) -> anyhow::Error {
    let code = error::of_login(&error);
    match error {
        SsoError::Timeout => Failure::new(error.to_string())
            .hint(format!("try again: {}", settings.login_command(target)))
            .code(code)
            .into(),
        SsoError::Cancelled => {
            let text = format!("{error}. To begin again run: {}", settings.login_command(target));
            Failure::new(text).code(code).into()
        }
        other => other.into(),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
