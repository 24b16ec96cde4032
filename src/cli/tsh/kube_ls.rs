//! `tsh kube ls`.

use super::{
    Globals,
    entry::server,
    guarded::{self, Selector},
    kube::places,
    settings::Settings,
};
use crate::{
    cli::{
        Ctx,
        output::{Format, Output, Table},
    },
    client::kubeconfig,
};

/// Arguments of `tsh kube ls`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh kube ls\n  tsh kube ls --labels env=staging\n  tsh kube ls --format=json"
)]
pub(crate) struct LsArgs {
    /// Names only, without headers
    #[arg(short, long)]
    quiet: bool,
    /// Only clusters that have all of these labels
    #[arg(long, value_name = "KEY=VALUE[,…]")]
    labels: Option<Selector>,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl LsArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let target = places(&settings)?;
        let (_, credentials) = settings.logged_in(&target)?;
        let mut clusters = guarded::clusters(&settings, &target, &credentials)?;
        if clusters.is_empty() {
            ctx.console.status(&format!("The gate at {} guards no Kubernetes cluster.", target.address));
        }
        clusters.retain(|cluster| self.labels.as_ref().is_none_or(|labels| labels.matches(cluster)));
        let contexts = kubeconfig::contexts(&settings.kubeconfig()?)?;
        let current = contexts.into_iter().find(|context| context.current).and_then(|context| context.server);
        let mut table = Table::new(["Kube Cluster Name", "Labels", "Selected"]);
        let mut rows = vec![];
        for cluster in &clusters {
            let name = Some(cluster.name.as_str()).filter(|_| !cluster.default);
            let selected = current.as_deref() == Some(server(&target.profile, name).as_str());
            let labels: Vec<String> = cluster.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            table.row([&cluster.name, &labels.join(","), if selected { "*" } else { "" }]);
            rows.push(serde_json::json!({
                "kube_cluster_name": cluster.name, "labels": cluster.labels, "selected": selected,
            }));
        }
        Output::listed(self.format, &rows, || {
            if self.quiet {
                let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
                return names.join("\n");
            }
            table.render() + "\n"
        })
    }
}
