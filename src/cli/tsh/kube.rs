//! `tsh kube …`.

use super::{
    Globals, credentials,
    entry::{self, EntryArgs},
    kube_logout, kube_shell, kube_use, session,
    settings::{Settings, Target, cluster_of},
};
use crate::cli::{
    Ctx, block_on,
    error::Failure,
    output::{Format, Output, Table},
};

/// The commands below `tsh kube`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KubeCommand {
    /// List the Kubernetes clusters behind the gate
    Ls(LsArgs),
    /// Write the kubeconfig entry of a cluster and select its context
    Login(KubeLoginArgs),
    /// Select a context, or list them
    Use(kube_use::UseArgs),
    /// Run a shell or a program that sees one context alone
    Shell(kube_shell::ShellArgs),
    /// Take contexts out of the kubeconfig; the login stays
    Logout(kube_logout::KubeLogoutArgs),
    /// Print credentials for kubectl, which calls this by itself
    Credentials(credentials::CredentialsArgs),
}

/// Arguments of `tsh kube ls`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tsh kube ls\n  tsh kube ls --format=json")]
pub(crate) struct LsArgs {
    /// Names only, without headers
    #[arg(short, long)]
    quiet: bool,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `tsh kube login`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh kube login\n  tsh kube login gate.example.com --namespace=web\n  tsh kube login --diff"
)]
pub(crate) struct KubeLoginArgs {
    /// Name of the Kubernetes cluster [default: the gate's own]
    cluster: Option<String>,
    /// Namespace of the context [default: what it has]
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    entry: EntryArgs,
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

impl LsArgs {
    fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let target = places(&settings)?;
        let (_, credentials) = settings.logged_in(&target)?;
        let name = cluster_of(&target.profile, &credentials, &target.name);
        let current = settings.kubeconfig()?.current_context()?;
        let selected = current.as_deref() == Some(&name);
        let guarded = !target.profile.kube_proxy_addr.is_empty();
        let mut rows = vec![];
        if guarded {
            rows.push(serde_json::json!({"kube_cluster_name": name, "labels": {}, "selected": selected}));
        } else {
            ctx.console.status(&format!("The gate at {} guards no Kubernetes cluster.", target.address));
        }
        Output::listed(self.format, &rows, || {
            if self.quiet {
                return if guarded { name.clone() } else { String::new() };
            }
            let mut table = Table::new(["Kube Cluster Name", "Selected"]);
            if guarded {
                table.row([&name, if selected { "*" } else { "" }]);
            }
            table.render() + "\n"
        })
    }
}

/// The target; an identity file does not say where the Kubernetes port is, so the gate is asked then.
fn places(settings: &Settings<'_>) -> anyhow::Result<Target> {
    let mut target = settings.target()?;
    if let Some(identity) = &settings.identity {
        let proxy = target.address.to_string();
        if identity.credentials.valid_until() <= jiff::Timestamp::now() {
            return Err(identity.expired(&settings.ctx.tool("tsh"), &proxy).into());
        }
        let found = block_on(session::ask_places(settings, &target))?;
        target.profile.kube_proxy_addr = found.kube.map(|kube| kube.to_string()).unwrap_or_default();
        target.profile.tls_routing_enabled = found.tls_routing;
    }
    Ok(target)
}

impl KubeLoginArgs {
    fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let target = places(&settings)?;
        let (user, credentials) = settings.logged_in(&target)?;
        let name = cluster_of(&target.profile, &credentials, &target.name);
        let wanted = self.cluster.as_deref().unwrap_or(&name);
        let list = format!("{} kube ls", ctx.tool("tsh"));
        if target.profile.kube_proxy_addr.is_empty() || wanted != name {
            let text = format!("the gate at {} guards no Kubernetes cluster {wanted:?}", target.address);
            return Err(Failure::new(text).hint(format!("to see which it guards: {list}")).into());
        }
        let login = entry::Login {
            name: &target.name,
            profile: &target.profile,
            user: &user,
            cluster: &name,
            credentials: &credentials,
            namespace: self.namespace,
        };
        if let Some(diff) = entry::write(&settings, &login, &self.entry)? {
            return Ok(diff);
        }
        Ok(Output::text(format!("kubectl now reaches the Kubernetes cluster {name:?}. Try: kubectl version")))
    }
}
