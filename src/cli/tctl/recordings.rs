//! `tctl recordings`: the key that signs recordings.

use super::{Globals, credentials};
use crate::cli::{
    Ctx, block_on,
    output::{Format, Output},
};

/// Recordings of sessions: the key that signs them
#[derive(Debug, clap::Subcommand)]
pub(super) enum RecordingsCommand {
    /// Make a new key that signs recordings from now on
    RotateKey(RotateKeyArgs),
}

/// Arguments of `tctl recordings rotate-key`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl recordings rotate-key
  tctl recordings rotate-key --format json && tsh recordings keys > recording-keys.pem

Sessions go on, and live ones are signed by the new key from their next checkpoint on. The private half of the old key is \
overwritten; its public half stays, so that what it signed can be verified.")]
pub(super) struct RotateKeyArgs {
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl RecordingsCommand {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        match self {
            Self::RotateKey(args) => args.run(ctx, globals),
        }
    }
}

impl RotateKeyArgs {
    fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let rotated = block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            gate.rotate_recording_key().await.map_err(|e| gate.failure(e))
        })?;
        Output::listed(self.format, &rotated, || {
            format!(
                "Recordings are signed by a new key, those of live sessions from their next checkpoint on.\nOld key: {}\nNew key: {}\n\
                 Whoever verifies without the gate needs the keys anew: tsh recordings keys > recording-keys.pem\n",
                rotated.old, rotated.new
            )
        })
    }
}
