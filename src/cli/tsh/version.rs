//! `tsh version`.

use crate::cli::{
    Ctx,
    output::{Format, Output},
};

/// Arguments of `tsh version`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tsh version\n  tsh version --format=json")]
pub(crate) struct VersionArgs {
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl VersionArgs {
    pub(crate) fn run(self, _ctx: &Ctx) -> anyhow::Result<Output> {
        let version = env!("CARGO_PKG_VERSION");
        let value = serde_json::json!({"name": "jumpgate", "version": version});
        Output::listed(self.format, &value, || format!("Jumpgate v{version}"))
    }
}
