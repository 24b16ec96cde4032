//! `tctl status`: the cluster, its version, and the pin that makes a first login safe.

use super::{Globals, credentials};
use crate::cli::{
    Ctx, block_on,
    output::{Format, Output},
};

/// Show the cluster and the pin of its CA
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl status
  tsh login --proxy=teleport.example.com:3080 --ca-pin=\"$(tctl status --format json | jq -r .ca_pin)\"")]
pub(super) struct StatusArgs {
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl StatusArgs {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let status = block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            gate.status().await.map_err(|e| gate.failure(e))
        })?;
        Output::listed(self.format, &status, || {
            let rows = [
                ("Cluster", &status.cluster),
                ("Version", &status.version),
                ("Web", &status.web_addr),
                ("User CA", &status.user_ca),
                ("CA pin", &status.ca_pin),
            ];
            rows.iter().map(|(label, value)| format!("{label:<8} {value}\n")).collect()
        })
    }
}
