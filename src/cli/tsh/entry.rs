//! The kubeconfig entry of a login: cluster, user and context, all named as the cluster.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Serialize;

use super::{
    entry_others::{self, KUBE_CLUSTER},
    settings::Settings,
};
use crate::{
    cli::{
        Ctx,
        error::{Failure, LOGIN_NEEDED},
        output::{Console, Output},
    },
    client::{
        keystore::Kind,
        kubeconfig::{self, Change, Entry, Files, Owner, UserAuth},
        profile::{Credentials, Profile},
    },
    wire::kube_clusters::PREFIX,
};

/// How the entry is wished.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct EntryArgs {
    /// Write key and certificate into the kubeconfig instead of the command that fetches them
    #[arg(long)]
    pub(crate) embed_certs: bool,
    /// Leave the current context as it is (also: JUMPGATE_KEEP_CONTEXT=1, kube.keep_context)
    #[arg(long)]
    pub(crate) keep_context: bool,
    #[command(flatten)]
    pub(crate) diff: DiffArgs,
}

/// For every command that writes the kubeconfig.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct DiffArgs {
    /// Show what would change in the kubeconfig, and change nothing
    #[arg(long)]
    pub(crate) diff: bool,
}

impl DiffArgs {
    /// The kubeconfig files, which a command with `--diff` leaves as they are.
    pub(crate) fn files(&self, settings: &Settings<'_>) -> anyhow::Result<Files> {
        let files = settings.kubeconfig()?;
        Ok(if self.diff { files.preview() } else { files })
    }

    /// What a change would be, if it was only to be looked at; otherwise it was made, and is told on standard error.
    pub(crate) fn tell(&self, console: Console, change: &Change) -> Option<Output> {
        if !self.diff {
            say(console, change);
            return None;
        }
        if change.previews.is_empty() {
            console.status("Nothing would change in the kubeconfig.");
        }
        Some(Output::text(change.diff()))
    }
}

/// What became of the kubeconfig, for programs.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Written {
    /// The files that were written.
    files: Vec<String>,
    contexts_removed: Vec<String>,
    /// The current context before, and now.
    context_before: Option<String>,
    context: Option<String>,
}

impl From<&Change> for Written {
    fn from(change: &Change) -> Self {
        let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        Self {
            files: change.files.iter().map(|file| file.display().to_string()).collect(),
            contexts_removed: change.removed.clone(),
            context_before: named(&change.old_context),
            context: named(&change.new_context),
        }
    }
}

/// One login, as its entry needs it.
pub(crate) struct Login<'a> {
    pub(crate) name: &'a str,
    pub(crate) profile: &'a Profile,
    pub(crate) user: &'a str,
    pub(crate) cluster: &'a str,
    pub(crate) credentials: &'a Credentials,
    pub(crate) namespace: Option<String>,
}

/// A profile without the CAs of its gate: nothing of the gate's can be trusted.
pub(crate) fn no_host_ca(ctx: &Ctx) -> Failure {
    Failure::new("the profile holds no host CA")
        .hint(format!("log in again with: {} login --force", ctx.tool("tsh")))
        .code(LOGIN_NEEDED)
}

/// One of the clusters behind the gate, as its entry is wished. The default one says nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Its name, if it is not the default one.
    pub(crate) kube: Option<String>,
    /// The name of the context, if it is not that of the entry.
    pub(crate) context: Option<String>,
    /// Its labels, if they are known.
    pub(crate) labels: Option<BTreeMap<String, String>>,
    /// How kubectl gets its certificate.
    pub(crate) way: Way,
}

/// How kubectl gets a certificate by an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// As the command line says: from the plugin, or with `--embed-certs` out of the entry.
    #[default]
    AsAsked,
    /// From the plugin, whatever the command line says of others.
    Plugin,
    /// Out of the entry, whatever the command line says of others.
    Embedded,
}

impl Wanted {
    /// The name of its cluster and user entries: the gate's cluster for the default one, as stock tsh has it.
    pub(super) fn entry_name(&self, login: &Login<'_>) -> String {
        match &self.kube {
            None => login.cluster.to_owned(),
            Some(kube) => format!("{}-{kube}", login.cluster),
        }
    }

    /// The name of its context.
    pub(crate) fn context_name(&self, login: &Login<'_>) -> String {
        self.context.clone().unwrap_or_else(|| self.entry_name(login))
    }
}

/// Where kubectl reaches a cluster behind a gate; without a name the default one.
pub(crate) fn server(profile: &Profile, kube: Option<&str>) -> String {
    let base = format!("https://{}", profile.kube_proxy_addr);
    match kube {
        None => base,
        Some(kube) => format!("{base}/{PREFIX}/{kube}"),
    }
}

/// Writes the entry of the default cluster and selects it. Entries of the gate's other clusters are brought up to date with it.
pub(crate) fn write(
    settings: &Settings<'_>,
    login: &Login<'_>,
    args: &EntryArgs,
) -> anyhow::Result<Option<Output>> {
    let mut wanted = vec![Wanted::default()];
    wanted.extend(entry_others::outdated(settings, login, &args.diff.files(settings)?)?);
    let change = write_all(settings, login, &wanted, Some(login.cluster), args)?;
    Ok(args.diff.tell(settings.ctx.console, &change))
}

/// Writes entries in one change of the kubeconfig and selects a context, unless told to keep the current one. With `--diff`
/// the change is only to be looked at.
pub(crate) fn write_all(
    settings: &Settings<'_>,
    login: &Login<'_>,
    wanted: &[Wanted],
    select: Option<&str>,
    args: &EntryArgs,
) -> anyhow::Result<Change> {
    let ca_pem = settings.host_cas(login.name)?.ok_or_else(|| no_host_ca(settings.ctx))?;
    let asks = plugin(settings, login.profile, login.user, login.cluster)?;
    if args.embed_certs {
        refuse_copy(settings, login)?;
    }
    let entry = |wanted: &Wanted| {
        let credentials = login.credentials;
        let is_embedded = wanted.way == Way::Embedded || wanted.way == Way::AsAsked && args.embed_certs;
        let mut auth = match is_embedded {
            false => asks.clone(),
            true => UserAuth::Embedded {
                cert_pem: credentials.cert_pem.clone(),
                key_pem: credentials.key_pem.clone(),
            },
        };
        if let (UserAuth::Exec { args, .. }, Some(kube)) = (&mut auth, &wanted.kube) {
            args.push(format!("{KUBE_CLUSTER}{kube}"));
        }
        let server = server(login.profile, wanted.kube.as_deref());
        let owner = Owner { profile: login.name.to_owned() };
        Entry {
            ca_pem: ca_pem.clone(),
            context_name: wanted.context.clone(),
            namespace: login.namespace.clone(),
            tls_server_name: login.profile.kube_server_name(),
            labels: wanted.labels.clone(),
            ..Entry::new(&wanted.entry_name(login), &server, auth, owner)
        }
    };
    let entries: Vec<Entry> = wanted.iter().map(entry).collect();
    let keep = keeps(settings, args)?;
    let select = select.filter(|_| !keep);
    // A profile that cannot be read is one that is there.
    let alive = |name: &str| !matches!(settings.home.profile(name), Ok(None));
    kubeconfig::login_over(&args.diff.files(settings)?, &entries, select, &alive)
        .map_err(|error| owned(settings, error))
}

/// Whether the current context is to stay.
pub(crate) fn keeps(settings: &Settings<'_>, args: &EntryArgs) -> anyhow::Result<bool> {
    settings.keeps_context(args.keep_context)
}

/// A key that somebody keeps in a keyring is not written into a file.
fn refuse_copy(settings: &Settings<'_>, login: &Login<'_>) -> anyhow::Result<()> {
    match key_outside(settings, login.name, login.user)? {
        Some(kind) => {
            let text = format!(
                "--embed-certs would write the private key, which is in the key store `{kind}`, into the kubeconfig"
            );
            let hint = format!(
                "leave it out, or first keep the key in a file: {} keys move --to=file",
                settings.ctx.tool("tsh")
            );
            Err(Failure::usage(text).hint(hint).into())
        }
        None => Ok(()),
    }
}

/// The store outside the files in which a login's key is, if it is in one.
pub(super) fn key_outside(
    settings: &Settings<'_>,
    profile: &str,
    user: &str,
) -> anyhow::Result<Option<Kind>> {
    if settings.identity.is_some() {
        return Ok(None);
    }
    let place = settings.home.key_place(profile, user)?;
    Ok(place.map(|(kind, _)| kind).filter(|kind| kind.is_outside()))
}

/// Names the gate that an entry belongs to, and how it lets go of it.
fn owned(settings: &Settings<'_>, error: kubeconfig::Error) -> anyhow::Error {
    let kubeconfig::Error::Owned { path, name, profile } = &error else { return error.into() };
    let Ok(Some(theirs)) = settings.home.profile(profile) else { return error.into() };
    let address = if theirs.web_proxy_addr.is_empty() { profile } else { &theirs.web_proxy_addr };
    let user = if theirs.user.is_empty() { String::new() } else { format!(" --user={}", theirs.user) };
    Failure::new(format!(
        "the entry {name:?} in {path} belongs to the gate at {address}, which has a cluster of the same name; to free \
         it run: {} logout --proxy={address}{user}",
        settings.ctx.tool("tsh")
    ))
    .into()
}

/// One line for the current context, if it is another one now; one for each that went.
fn say(console: Console, change: &Change) {
    for name in &change.removed {
        console.status(&format!("context {name} removed"));
    }
    for file in &change.closed {
        console.status(&format!(
            "{} holds your private key now; other people's rights to read it were taken away",
            file.display()
        ));
    }
    if change.old_context != change.new_context {
        let shown = |name: &Option<String>| match name.as_deref() {
            None | Some("") => "(none)".to_owned(),
            Some(name) => name.to_owned(),
        };
        console.status(&format!("context: {} → {}", shown(&change.old_context), shown(&change.new_context)));
    }
}

/// The command that kubectl runs. All that changes who one is stands in its arguments and environment.
pub(crate) fn plugin(
    settings: &Settings<'_>,
    profile: &Profile,
    user: &str,
    cluster: &str,
) -> anyhow::Result<UserAuth> {
    let mut args: Vec<String> = Vec::new();
    if settings.ctx.binary == "jumpgate" {
        args.push("tsh".into());
    }
    args.extend(["kube".into(), "credentials".into()]);
    args.push(format!("--proxy={}", profile.web_proxy_addr));
    args.push(format!("--teleport-cluster={cluster}"));
    match &settings.identity {
        Some(identity) => args.push(format!("--identity={}", identity.path.display())),
        None => args.push(format!("--user={user}")),
    }
    let mut env = Vec::new();
    if let Some(home) = settings.ctx.env.path("TELEPORT_HOME") {
        let absolute = std::path::absolute(home).context("TELEPORT_HOME")?;
        env.push(("TELEPORT_HOME".to_owned(), absolute.to_string_lossy().into_owned()));
    }
    Ok(UserAuth::Exec { command: settings.ctx.started_as()?, args, env })
}
