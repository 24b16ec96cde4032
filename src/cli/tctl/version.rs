//! `tctl version`.

use crate::cli::output::{Format, Output};

/// Print the version
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl version
  tctl version --format=json")]
pub(super) struct VersionArgs {
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl VersionArgs {
    pub(super) fn run(self) -> anyhow::Result<Output> {
        let version = env!("CARGO_PKG_VERSION");
        let value = serde_json::json!({"name": "jumpgate", "version": version});
        Output::listed(self.format, &value, || format!("Jumpgate v{version}"))
    }
}
