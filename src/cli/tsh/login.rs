//! `tsh login`.

use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;

use super::{
    Globals,
    entry::{self, EntryArgs},
    out::{self, Form},
    renew, repeat,
    session::{self, Session, Wish},
    settings::{Settings, Target, cluster_of, is_valid},
    status, to_agent, zone,
};
use crate::{
    cli::{
        Ctx, block_on,
        error::{self, Failure, LOGIN_NEEDED, sentence},
        output::Output,
    },
    client::{
        address::{Address, WEB_PORT},
        profile::{Credentials, Profile},
    },
};

/// Arguments of `tsh login`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh login --proxy=gate.example.com:3080\n  tsh login --proxy=gate.example.com:3080 --auth=github --ttl=60 --browser=none\n  tsh login --proxy=gate.example.com:3080 --way=code\n  tsh login --proxy=teleport.example.com:3080 --auth=local --user=alice"
)]
pub(crate) struct LoginArgs {
    /// Cluster to work with [default: the gate's own]
    cluster: Option<String>,
    /// Program that opens the address; `none` only prints it (also: TELEPORT_LOGIN_BROWSER)
    #[arg(long, value_name = "PROGRAM")]
    browser: Option<String>,
    /// Loopback address to wait for the browser on (also: TELEPORT_LOGIN_BIND_ADDR) [default: 127.0.0.1, a free port]
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    bind_addr: Option<String>,
    /// Write the login to files, for machines, instead of the profile
    #[arg(short, long, value_name = "FILE", conflicts_with = "diff")]
    out: Option<PathBuf>,
    /// Form of the files of --out
    #[arg(short, long, value_enum, default_value_t, requires = "out")]
    format: Form,
    /// Let --out replace a file that is no earlier login
    #[arg(long, requires = "out")]
    overwrite: bool,
    /// Log in again although the certificate is still valid
    #[arg(long)]
    force: bool,
    /// Get the next certificate with the one that is still valid, without a browser
    #[arg(long, conflicts_with_all = ["force", "out", "cluster"])]
    renew: bool,
    /// Give the SSH certificate and its key to the running SSH agent, until the certificate ends
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true, default_value = "no",
          default_missing_value = "yes", value_parser = ["yes", "no"])]
    add_keys_to_agent: String,
    /// Leave the kubeconfig alone
    #[arg(long, conflicts_with_all = ["embed_certs", "keep_context", "diff"])]
    no_kubeconfig: bool,
    #[command(flatten)]
    entry: EntryArgs,
}

impl LoginArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let mut settings = Settings::new(globals, ctx)?;
        settings.own = self.given();
        settings.refuse_identity()?;
        // What is asked of a login that is there needs one.
        let of_login = self.renew || self.entry.diff.diff;
        let target = if of_login { settings.target()? } else { self.target(&settings)? };
        if self.entry.diff.diff {
            return self.diff(&settings, &target);
        }
        if self.renew {
            settings.same_key_store(&target)?;
            let (user, credentials) = renew::now(&settings, &target)?;
            return self.finish(&settings, &target.name, &target.profile, &user, &credentials);
        }
        if let Some((user, credentials)) = self.still_valid(&settings, &target)? {
            settings.same_key_store(&target)?;
            ctx.console.status(&format!(
                "{user} is logged in at {} already; to log in anew: {}",
                target.address,
                settings.login_command_with(&target, &["--force"])
            ));
            return self.finish(&settings, &target.name, &target.profile, &user, &credentials);
        }
        let wish = Wish {
            cluster: self.cluster.clone().or_else(|| settings.env_cluster()),
            browser: settings.browser(self.browser.as_ref(), &target)?,
            bind_addr: self.bind_addr(ctx)?,
            only: settings.wanted_user(&target)?,
            keep: self.out.is_none(),
            leave_stdin: false,
        };
        if let Some(file) = &self.out {
            out::check(file, self.format, self.overwrite)
                .with_context(|| format!("--out {}", file.display()))?;
        }
        let session = block_on(session::log_in(&settings, &target, &wish))?;
        if let Some(file) = &self.out {
            let said = out::write(file, self.format, &session, self.overwrite);
            return Ok(Output::text(said.with_context(|| format!("--out {}", file.display()))?));
        }
        let (name, profile) = store(&settings, &target, &session)?;
        self.finish(&settings, &name, &profile, &session.username, &session.credentials)
    }

    /// Where to wait for the browser, if somebody says so.
    fn bind_addr(&self, ctx: &Ctx) -> anyhow::Result<Option<String>> {
        let named = ctx.env.text("TELEPORT_LOGIN_BIND_ADDR").filter(|_| self.bind_addr.is_none());
        let wrong = |reason| Failure::usage(format!("TELEPORT_LOGIN_BIND_ADDR: {reason}"));
        let named = named.as_deref().map(host_and_port).transpose().map_err(wrong)?;
        Ok(named.or_else(|| self.bind_addr.clone()))
    }

    /// The gate to log in at. Somebody who is here for the first time may have named it where a cluster's name belongs.
    fn target(&self, settings: &Settings<'_>) -> anyhow::Result<Target> {
        let error = match settings.target_of_login() {
            Ok(target) => return Ok(target),
            Err(error) => error,
        };
        let address = self.cluster.as_deref().filter(|name| name.contains(['.', ':']));
        let Some(address) = address.and_then(|name| Address::parse(name, WEB_PORT).ok()) else {
            return Err(error);
        };
        let mut given = settings.globals.given();
        given.extend(self.given().into_iter().skip(1));
        let begin = format!("{} login --proxy={address}", settings.ctx.tool("tsh"));
        let command = repeat::command(begin, given.into_iter(), &[]);
        let failure = error::failure(&error).cloned().unwrap_or_else(|| Failure::new(error.to_string()));
        Err(failure.hint(format!("if {} is the gate: {command}", address.host)).into())
    }

    /// What was given to this login itself, to say it again; `--renew` and `--diff` are no ways to log in.
    fn given(&self) -> Vec<String> {
        let mut out: Vec<String> = self.cluster.iter().cloned().collect();
        repeat::option(&mut out, "browser", self.browser.as_deref());
        repeat::option(&mut out, "bind-addr", self.bind_addr.as_deref());
        repeat::option(&mut out, "out", self.out.as_ref().map(|file| file.display().to_string()).as_deref());
        let format = repeat::named(&self.format).filter(|_| self.format != Form::default());
        repeat::option(&mut out, "format", format.as_deref());
        repeat::switch(&mut out, "overwrite", self.overwrite);
        repeat::switch(&mut out, "force", self.force);
        repeat::switch(&mut out, "add-keys-to-agent", self.add_keys_to_agent == "yes");
        repeat::switch(&mut out, "no-kubeconfig", self.no_kubeconfig);
        repeat::switch(&mut out, "embed-certs", self.entry.embed_certs);
        repeat::switch(&mut out, "keep-context", self.entry.keep_context);
        out
    }

    /// What this login would change in the kubeconfig, as far as that is known without signing in.
    fn diff(&self, settings: &Settings<'_>, target: &Target) -> anyhow::Result<Output> {
        let none = |text: String| {
            let text = format!("{text}, so --diff has no entry to show");
            Failure::new(text).hint(settings.login_command(target)).code(LOGIN_NEEDED)
        };
        let address = &target.address;
        let Some((user, credentials)) = settings.credentials(target)? else {
            return Err(none(format!("nobody is logged in at {address}")).into());
        };
        if !is_valid(&credentials, Timestamp::now()) {
            return Err(none(format!("the certificate for {address} has expired")).into());
        }
        let (name, profile) = (target.name.as_str(), &target.profile);
        if profile.kube_proxy_addr.is_empty() {
            settings
                .ctx
                .console
                .status("The gate guards no Kubernetes cluster: nothing would change in the kubeconfig.");
            return Ok(Output::nothing());
        }
        let cluster = cluster_of(profile, &credentials, name);
        if self.still_valid(settings, target)?.is_none() {
            settings
                .ctx
                .console
                .status("A login would sign in first; this is the entry of the login that is there.");
        }
        let login = entry::Login {
            name,
            profile,
            user: &user,
            cluster: &cluster,
            credentials: &credentials,
            namespace: None,
        };
        Ok(entry::write(settings, &login, &self.entry)?.unwrap_or_else(Output::nothing))
    }

    /// The login that is there, if it is what is asked for.
    fn still_valid(
        &self,
        settings: &Settings<'_>,
        target: &Target,
    ) -> anyhow::Result<Option<(String, Credentials)>> {
        if self.force || self.out.is_some() || settings.globals.ttl.is_some() {
            return Ok(None);
        }
        let Some((user, credentials)) = settings.credentials(target)? else { return Ok(None) };
        let cluster = cluster_of(&target.profile, &credentials, &target.name);
        let same = self.cluster.as_ref().is_none_or(|wanted| *wanted == cluster);
        Ok((same && is_valid(&credentials, Timestamp::now())).then_some((user, credentials)))
    }

    /// Selects the profile, writes the kubeconfig entry and shows the status.
    fn finish(
        &self,
        settings: &Settings<'_>,
        name: &str,
        profile: &Profile,
        user: &str,
        credentials: &Credentials,
    ) -> anyhow::Result<Output> {
        settings.home.select(name)?;
        if self.add_keys_to_agent == "yes" {
            to_agent::add(settings, user, credentials);
        }
        if !self.no_kubeconfig && !profile.kube_proxy_addr.is_empty() {
            let cluster = cluster_of(profile, credentials, name);
            let login = entry::Login { name, profile, user, cluster: &cluster, credentials, namespace: None };
            entry::write(settings, &login, &self.entry).map_err(|reason| {
                let text = format!("logged in, but the kubeconfig was not written: {}", sentence(&reason));
                Failure::new(text).hint(format!("when it is mended: {} kube login", settings.ctx.tool("tsh")))
            })?;
        }
        let login = status::Login::of(name, profile, user, credentials);
        let block = login.block(true, settings.ctx.debug, Timestamp::now(), &zone::zone(&settings.ctx.env));
        Ok(Output::text(block + "\n"))
    }
}

/// Checks the form of an address, before anything else is done.
fn host_and_port(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match parts.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is no address to wait on; write HOST:PORT, such as 127.0.0.1:8400")),
    }
}

/// Keeps a login in the profile of its proxy. The profile's name and what stands in it now.
pub(crate) fn store(
    settings: &Settings<'_>,
    target: &Target,
    session: &Session,
) -> anyhow::Result<(String, Profile)> {
    let home = &settings.home;
    let name = session.name.clone();
    let kind = settings.ready_key_store(target)?;
    let lock = home.lock(&name, "write")?;
    // The gate may call itself otherwise than the person did: then what is known stands under its own name.
    let mut profile = home.profile(&name)?.unwrap_or_else(|| target.profile.clone());
    profile.web_proxy_addr = session.places.web.to_string();
    profile.ssh_proxy_addr = session.places.ssh.to_string();
    profile.kube_proxy_addr = session.places.kube.as_ref().map(ToString::to_string).unwrap_or_default();
    profile.tls_routing_enabled = session.places.tls_routing;
    profile.user = session.username.clone();
    profile.cluster = session.cluster.clone();
    if let Some(connector) = settings.connector(target)? {
        profile.auth_type = connector;
    }
    profile.jumpgate_renewable_until = session.renewable_until;
    profile.jumpgate_web_pin = session.unverified_key.as_ref().map(ToString::to_string);
    if let Some(file) = &settings.globals.ca_file {
        profile.jumpgate_ca_file = Some(std::path::absolute(file)?.to_string_lossy().into_owned());
    }
    profile.jumpgate_key_store = kind.is_outside().then(|| kind.name().to_owned());
    home.save_host_cas(&name, &session.host_cas)?;
    if !learnt_elsewhere(settings, &name, &session.cluster)? {
        home.save_known_hosts(&session.cluster, &session.ssh_host_keys)?;
    }
    let left = home.save_credentials_in(&lock, &name, &session.username, &session.credentials, kind)?;
    if let Some(reason) = left {
        settings.ctx.console.warn(&format!("the key of the login before is not removed yet: {reason}"));
    }
    home.save(&name, &profile)?;
    // Of two gates behind one typed name the first keeps it; a name that led to another gate follows only a gate whose
    // certificate was good.
    let typed = &target.address;
    let may_take = |known: &str| -> anyhow::Result<bool> {
        let there = home.resolve(known);
        Ok(session.unverified_key.is_none() || there == name || home.profile(&there)?.is_none())
    };
    if may_take(&target.name)? {
        // At a port of its own it is another gate, and the host's short name may still be the first one's.
        if may_take(&typed.host)? {
            home.alias(&typed.host, &name)?;
        }
        if settings.profile_name(typed)? != name {
            home.alias(&format!("{}_{}", typed.host, typed.port), &name)?;
        }
    }
    Ok((name, profile))
}

/// Whether the SSH keys of a cluster's name are another gate's: they stay as they are then.
fn learnt_elsewhere(settings: &Settings<'_>, name: &str, cluster: &str) -> anyhow::Result<bool> {
    for other in settings.home.names()?.iter().filter(|other| *other != name) {
        // One that does not parse says nothing of any cluster.
        if settings.home.profile(other).ok().flatten().is_some_and(|p| p.cluster == cluster) {
            return Ok(true);
        }
    }
    Ok(false)
}
