//! `tctl version`.

use crate::cli::output::Output;

/// Print the version
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl version")]
pub(super) struct VersionArgs {}

impl VersionArgs {
    pub(super) fn run(self) -> anyhow::Result<Output> {
        Ok(Output::text(format!("Jumpgate v{}", env!("CARGO_PKG_VERSION"))))
    }
}
