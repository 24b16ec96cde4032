//! Checks across the keys of a configuration. An error is the key and a sentence with the mend.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    Config, KubeConfig, Listen, LogConfig, LogOutput, Problem, PublicAddr,
    file::{AuthKind, File, LogFormat, Proxy, SecondFactor},
    kube::clusters,
    position::Places,
    values::{ListenAddr, PublicAddrs, Switch},
};

type Wrong = (&'static str, String);

/// Where Teleport keeps its data, and so do we unless told otherwise.
const DATA_DIR: &str = "/var/lib/teleport";
const WEB_PORT: u16 = 3080;
const ADMIN_PORT: u16 = 3025;
const KUBE_PORT: u16 = 3026;
const DIAG_PORT: u16 = 3000;
/// How long open streams may go on after SIGTERM unless the file says otherwise.
const DRAIN: Duration = Duration::from_secs(30);
/// The longest time that may be set for it.
const MAX_DRAIN: Duration = Duration::from_secs(24 * 3600);

/// The longest that logins may be renewed without another sign-in.
const MAX_RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);

pub(super) fn check(file: File) -> Result<Config, Problem> {
    for (key, enabled) in [
        ("auth_service.enabled", file.auth_service.enabled),
        ("proxy_service.enabled", file.proxy_service.enabled),
    ] {
        if enabled == Some(Switch(false)) {
            let why = "a gate is always both auth_service and proxy_service; write yes or remove the key";
            return Err((key, why.into()).into());
        }
    }
    let notices = notices(&file);
    let public_names = public_names(&file);
    let nodename = file.teleport.nodename.unwrap_or_else(hostname);
    let cluster_name = cluster_name(file.auth_service.cluster_name, &nodename)?;
    let https = https(&file.proxy_service)?;
    let data_dir = file.teleport.data_dir.unwrap_or_else(|| DATA_DIR.into());
    let store_dir = file.teleport.storage.path.unwrap_or_else(|| data_dir.clone());
    let config = Config {
        store_dir,
        data_dir,
        nodename,
        public_names,
        auth_type: match file.auth_service.authentication.kind {
            AuthKind::Github => "github".into(),
            AuthKind::Local => "local".into(),
        },
        web: listen(file.proxy_service.web_listen_addr, &file.proxy_service.public_addr, WEB_PORT),
        admin: listen(file.auth_service.listen_addr, &file.auth_service.public_addr, ADMIN_PORT),
        kube: kube(file.proxy_service, &cluster_name)?,
        cluster_name,
        https,
        diagnostics: diagnostics(file.teleport.diag_addr)?,
        login_renewal: login_renewal(file.auth_service.login_renewal.map(|d| d.0))?,
        code_login: file.auth_service.code_login.is_none_or(|switch| switch.0),
        recording: file.auth_service.recording.check()?,
        drain: drain(file.teleport.shutdown_timeout.map(|d| d.0))?,
        log: LogConfig {
            output: file.teleport.log.output.map_or(LogOutput::Stderr, |o| o.0),
            level: file.teleport.log.severity.map_or(tracing::Level::INFO, |s| s.0),
            json: file.teleport.log.format == LogFormat::Json,
        },
        notices,
        // The caller knows these.
        file: PathBuf::new(),
        places: Places::default(),
    };
    no_port_twice(&config)?;
    Ok(config)
}

fn listen(addr: Option<ListenAddr>, public: &PublicAddrs, port: u16) -> Listen {
    let listen = addr.map_or(SocketAddr::from(([0, 0, 0, 0], port)), |a| a.with_default(port));
    Listen { listen, public: public.0.first().cloned() }
}

/// Without a public address of its own the Kubernetes port is reached under the host of the web port.
fn kube(proxy: Proxy, cluster_name: &str) -> Result<Option<KubeConfig>, Problem> {
    let kube = proxy.kubernetes;
    if kube.enabled != Some(Switch(true)) {
        return Ok(None);
    }
    let mut listen = listen(kube.listen_addr, &kube.public_addr, KUBE_PORT);
    if listen.public.is_none() {
        let web = proxy.public_addr.0.first();
        listen.public = web.map(|web| PublicAddr { host: web.host.clone(), port: None });
    }
    let (default, others) = clusters(kube, cluster_name)?;
    Ok(Some(KubeConfig { listen, default, others }))
}

fn https(proxy: &Proxy) -> Result<Option<(PathBuf, PathBuf)>, Wrong> {
    match (&proxy.https_key_file, &proxy.https_cert_file) {
        (Some(key), Some(cert)) => Ok(Some((key.clone(), cert.clone()))),
        (None, None) => Ok(None),
        (Some(_), None) => Err((
            "proxy_service.https_key_file",
            "a key needs its certificate; set https_cert_file too".into(),
        )),
        (None, Some(_)) => Err((
            "proxy_service.https_cert_file",
            "a certificate needs its key; set https_key_file too".into(),
        )),
    }
}

fn diagnostics(addr: Option<ListenAddr>) -> Result<Option<SocketAddr>, Wrong> {
    let Some(addr) = addr.map(|a| a.with_default(DIAG_PORT)) else { return Ok(None) };
    if !addr.ip().is_loopback() {
        let why = format!(
            "{addr} can be reached from outside, and this page asks nobody who they are; write 127.0.0.1:{}",
            addr.port()
        );
        return Err(("teleport.diag_addr", why));
    }
    Ok(Some(addr))
}

fn login_renewal(time: Option<Duration>) -> Result<Duration, Wrong> {
    match time {
        Some(time) if time > MAX_RENEWAL => Err((
            "auth_service.login_renewal",
            "it is longer than 30 days, and teams are only asked for at a sign-in; write for example 24h"
                .into(),
        )),
        time => Ok(time.unwrap_or(Duration::ZERO)),
    }
}

fn drain(time: Option<Duration>) -> Result<Duration, Wrong> {
    match time {
        Some(time) if time > MAX_DRAIN => {
            Err(("teleport.shutdown_timeout", "it is longer than a day; write for example 30s".into()))
        }
        time => Ok(time.unwrap_or(DRAIN)),
    }
}

/// The name stands in certificates, kubeconfig entries and file names.
fn cluster_name(name: Option<String>, nodename: &str) -> Result<String, Wrong> {
    let name = name.unwrap_or_else(|| nodename.to_owned());
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let fits = (1..=253).contains(&name.len()) && name.chars().all(allowed);
    if fits && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(name);
    }
    let why = "a cluster's name has letters, digits, dots and dashes, at most 253; write for example gate.example.com";
    Err(("auth_service.cluster_name", why.into()))
}

fn no_port_twice(config: &Config) -> Result<(), Wrong> {
    let mut seen: Vec<(&'static str, SocketAddr)> = Vec::new();
    let kube = config.kube.as_ref().map(|k| ("proxy_service.kubernetes.listen_addr", k.listen.listen));
    let all = [
        Some(("proxy_service.web_listen_addr", config.web.listen)),
        Some(("auth_service.listen_addr", config.admin.listen)),
        kube,
        config.diagnostics.map(|d| ("teleport.diag_addr", d)),
    ];
    for (key, addr) in all.into_iter().flatten() {
        let clash = seen.iter().find(|(_, other)| overlap(*other, addr));
        if let Some((other, _)) = clash {
            return Err((
                key,
                format!("{addr} is also that of {other}; each listener needs a port of its own"),
            ));
        }
        seen.push((key, addr));
    }
    Ok(())
}

fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let everywhere = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && (everywhere || a.ip() == b.ip())
}

fn public_names(file: &File) -> Vec<String> {
    let proxy = &file.proxy_service;
    let all = [&proxy.public_addr, &file.auth_service.public_addr, &proxy.kubernetes.public_addr];
    let mut names: Vec<String> = Vec::new();
    for addr in all.into_iter().flat_map(|addrs| &addrs.0) {
        if !names.contains(&addr.host) {
            names.push(addr.host.clone());
        }
    }
    names
}

/// What the file asks for and this version does not do, one sentence each.
fn notices(file: &File) -> Vec<String> {
    let mut notices = Vec::new();
    let (global, auth, proxy) = (&file.teleport, &file.auth_service, &file.proxy_service);
    let mut ssh: Vec<&str> = Vec::new();
    if file.ssh_service.as_ref().is_some_and(|ssh| ssh.enabled != Some(Switch(false))) {
        ssh.push("ssh_service");
    }
    for (key, is_set) in [
        ("proxy_service.listen_addr", proxy.listen_addr.is_some()),
        ("proxy_service.tunnel_listen_addr", proxy.tunnel_listen_addr.is_some()),
        ("proxy_service.ssh_public_addr", !proxy.ssh_public_addr.0.is_empty()),
        ("proxy_service.tunnel_public_addr", !proxy.tunnel_public_addr.0.is_empty()),
    ] {
        if is_set {
            ssh.push(key);
        }
    }
    if !ssh.is_empty() {
        notices.push(format!("SSH is not served by this version: {} has no effect", ssh.join(", ")));
    }
    let joining = [
        ("teleport.auth_token", global.auth_token.is_some()),
        ("teleport.auth_servers", global.auth_servers.is_some()),
        ("teleport.advertise_ip", global.advertise_ip.is_some()),
        ("auth_service.tokens", auth.tokens.is_some()),
    ];
    let set: Vec<&str> = joining.iter().filter(|(_, is_set)| *is_set).map(|(key, _)| *key).collect();
    if !set.is_empty() {
        notices.push(format!("nothing joins a gate of this version: {} has no effect", set.join(", ")));
    }
    if auth.authentication.kind == AuthKind::Local || auth.authentication.second_factor != SecondFactor::Off {
        notices.push(
            "local passwords and second factors are not served by this version: logins go through GitHub"
                .into(),
        );
    }
    notices
}

/// This machine's name as the system tells it without a system call of its own.
fn hostname() -> String {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let found = read("/proc/sys/kernel/hostname")
        .or_else(|| read("/etc/hostname"))
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty());
    found.unwrap_or_else(|| "localhost".into())
}
