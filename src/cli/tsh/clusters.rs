//! `tsh clusters`.

use super::{
    Globals,
    settings::{Settings, cluster_of},
};
use crate::{
    cli::{
        Ctx, block_on,
        output::{Format, Output, Table},
        progress,
    },
    client::proxy::ProxyClient,
};

/// Arguments of `tsh clusters`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tsh clusters\n  tsh clusters -q")]
pub(crate) struct ClustersArgs {
    /// Names only, without headers
    #[arg(short, long)]
    quiet: bool,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl ClustersArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let target = settings.target()?;
        let (_, credentials) = settings.logged_in(&target)?;
        let cluster = cluster_of(&target.profile, &credentials, &target.name);
        let client =
            ProxyClient::new(&target.address, settings.trust(&target)?)?.on_slow(progress::slow(ctx.console));
        let status = match block_on(async { Ok(client.find().await?) }) {
            Ok(_) => "online",
            Err(reason) => {
                ctx.console.warn(&crate::cli::error::sentence(&reason));
                "offline"
            }
        };
        let value = serde_json::json!([{"cluster_name": cluster, "status": status, "selected": true}]);
        Output::listed(self.format, &value, || {
            if self.quiet {
                return cluster.clone();
            }
            let mut table = Table::new(["Cluster Name", "Status"]);
            table.row([&cluster, status]);
            table.render() + "\n"
        })
    }
}
