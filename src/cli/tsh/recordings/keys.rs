//! `tsh recordings keys`.

use super::gate;
use crate::cli::{
    Ctx, block_on,
    output::{Format, Output},
    tsh::Globals,
};

/// Arguments of `tsh recordings keys`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings keys > recording-keys.pem\n  tsh recordings keys --proxy gate.example.com > recording-keys.pem\n  tsh recordings verify session.jgr --key recording-keys.pem"
)]
pub(crate) struct KeysArgs {
    /// How to write them; text is PEM
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl KeysArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let keys = block_on(async {
            let gate = gate::connect(globals, ctx).await?;
            gate.recording_keys().await.map_err(gate::failure)
        })?;
        Output::listed(self.format, &keys, || keys.keys.concat())
    }
}
