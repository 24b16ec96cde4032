//! `tsh kube …`.

use super::{
    Globals, credentials, kube_login, kube_logout, kube_ls, kube_shell, kube_use, session,
    settings::{Settings, Target, is_valid},
};
use crate::cli::{Ctx, block_on, output::Output};

/// The commands below `tsh kube`.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Examples:\n  tsh kube ls\n  tsh kube login\n  kubectl get pods")]
pub(crate) enum KubeCommand {
    /// List the Kubernetes clusters behind the gate
    Ls(kube_ls::LsArgs),
    /// Write the kubeconfig entries of clusters, and select the context of a single one
    Login(kube_login::KubeLoginArgs),
    /// Select a context, or list them
    Use(kube_use::UseArgs),
    /// Run a shell or a program that sees one context alone
    Shell(kube_shell::ShellArgs),
    /// Take contexts out of the kubeconfig; the login stays
    Logout(kube_logout::KubeLogoutArgs),
    /// Print credentials for kubectl, which calls this by itself
    Credentials(credentials::CredentialsArgs),
}

impl KubeCommand {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        match self {
            Self::Ls(args) => args.run(globals, ctx),
            Self::Login(args) => args.run(globals, ctx),
            Self::Use(args) => args.run(globals, ctx),
            Self::Shell(args) => args.run(globals, ctx),
            Self::Logout(args) => args.run(globals, ctx),
            Self::Credentials(args) => args.run(globals, ctx),
        }
    }
}

/// The target; an identity file does not say where the Kubernetes port is, so the gate is asked then.
pub(super) fn places(settings: &Settings<'_>) -> anyhow::Result<Target> {
    let mut target = settings.target()?;
    if let Some(identity) = &settings.identity {
        let proxy = target.address.to_string();
        if !is_valid(&identity.credentials, jiff::Timestamp::now()) {
            return Err(identity.expired(&settings.ctx.tool("tsh"), &proxy).into());
        }
        let found = block_on(session::ask_places(settings, &target))?;
        target.profile.kube_proxy_addr = found.kube.map(|kube| kube.to_string()).unwrap_or_default();
        target.profile.tls_routing_enabled = found.tls_routing;
    }
    Ok(target)
}
