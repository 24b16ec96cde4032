//! The kubeconfig entry of a login: cluster, user and context, all named as the cluster.

use anyhow::Context;

use super::settings::Settings;
use crate::{
    cli::{error::Failure, output::Console},
    client::{
        kubeconfig::{self, Change, Entry, Owner, UserAuth},
        profile::{Credentials, Profile},
    },
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

/// Writes the entry, and says on standard error which context is current now.
pub(crate) fn write(settings: &Settings<'_>, login: &Login<'_>, args: &EntryArgs) -> anyhow::Result<()> {
    let ca_pem = settings.host_cas(login.name)?.context("the profile holds no host CA; run: tsh login")?;
    let auth = if args.embed_certs {
        refuse_copy(settings, login)?;
        let credentials = login.credentials;
        UserAuth::Embedded { cert_pem: credentials.cert_pem.clone(), key_pem: credentials.key_pem.clone() }
    } else {
        plugin(settings, login)?
    };
    let server = format!("https://{}", login.profile.kube_proxy_addr);
    let owner = Owner { profile: login.name.to_owned() };
    let entry = Entry {
        ca_pem,
        namespace: login.namespace.clone(),
        ..Entry::new(login.cluster, &server, auth, owner)
    };
    let keep = settings.keeps_context(args.keep_context)?;
    let select = (!keep).then_some(login.cluster);
    // A profile that cannot be read is one that is there.
    let alive = |name: &str| !matches!(settings.home.profile(name), Ok(None));
    let change = kubeconfig::login_over(&settings.kubeconfig()?, &[entry], select, &alive)
        .map_err(|error| owned(settings, error))?;
    say(settings.ctx.console, &change);
    Ok(())
}

/// A key that somebody keeps in a keyring is not written into a file.
fn refuse_copy(settings: &Settings<'_>, login: &Login<'_>) -> anyhow::Result<()> {
    if settings.identity.is_some() {
        return Ok(());
    }
    match settings.home.key_place(login.name, login.user)? {
        Some((kind, _)) if kind.is_outside() => {
            let text = format!(
                "--embed-certs would write the private key, which is in the key store `{kind}`, into the kubeconfig"
            );
            let hint = format!(
                "leave it out, or first keep the key in a file: {} keys move --to=file",
                settings.ctx.tool("tsh")
            );
            Err(Failure::usage(text).hint(hint).into())
        }
        _ => Ok(()),
    }
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
pub(crate) fn say(console: Console, change: &Change) {
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
fn plugin(settings: &Settings<'_>, login: &Login<'_>) -> anyhow::Result<UserAuth> {
    let mut args: Vec<String> = Vec::new();
    if settings.ctx.binary == "jumpgate" {
        args.push("tsh".into());
    }
    args.extend(["kube".into(), "credentials".into()]);
    args.push(format!("--proxy={}", login.profile.web_proxy_addr));
    args.push(format!("--teleport-cluster={}", login.cluster));
    match &settings.identity {
        Some(identity) => args.push(format!("--identity={}", identity.path.display())),
        None => args.push(format!("--user={}", login.user)),
    }
    let mut env = Vec::new();
    if let Some(home) = settings.ctx.env.path("TELEPORT_HOME") {
        let absolute = std::path::absolute(home).context("TELEPORT_HOME")?;
        env.push(("TELEPORT_HOME".to_owned(), absolute.to_string_lossy().into_owned()));
    }
    Ok(UserAuth::Exec { command: settings.ctx.started_as()?, args, env })
}
