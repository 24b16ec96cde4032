//! `tsh recordings`: the sessions on record.

mod export;
pub(crate) mod forms;
pub(crate) mod gate;
mod head;
mod in_order;
mod keys;
pub(crate) mod ls;
mod pages;
mod search;
mod verdict;
mod verify;

use super::Globals;
use crate::cli::{Ctx, output::Output};

/// Recordings of sessions: list, search, export, verify
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RecordingsCommand {
    /// List recordings, live sessions first
    Ls(ls::LsArgs),
    /// Find a text that was on the screen or piped into a command
    Search(search::SearchArgs),
    /// Write a recording as a file for other programs
    Export(export::ExportArgs),
    /// Check that a recording is what the gate wrote
    Verify(verify::VerifyArgs),
    /// Print the public keys that sign recordings and those that did, for verify --key
    Keys(keys::KeysArgs),
}

impl RecordingsCommand {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        match self {
            Self::Ls(args) => args.run(globals, ctx),
            Self::Search(args) => args.run(globals, ctx),
            Self::Export(args) => args.run(globals, ctx),
            Self::Verify(args) => args.run(globals, ctx),
            Self::Keys(args) => args.run(globals, ctx),
        }
    }
}
