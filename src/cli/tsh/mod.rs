//! The command line of `tsh`.

use super::{Ctx, Program, output::Output};

mod version;

/// Log in to a gate through the browser, then use kubectl
#[derive(Debug, clap::Parser)]
#[command(name = "tsh", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Globals {
    /// Write what happens to standard error
    #[arg(short, long, global = true)]
    pub debug: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the version
    Version(version::VersionArgs),
}

impl Program for Cli {
    const BINARY: &'static str = "tsh";

    fn debug(&self) -> bool {
        self.globals.debug
    }

    fn run(self, ctx: &Ctx) -> anyhow::Result<Output> {
        match self.command {
            Command::Version(args) => args.run(ctx),
        }
    }
}
