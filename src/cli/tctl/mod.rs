//! The command line of `tctl`.

use std::path::PathBuf;

use super::{
    Ctx, Program,
    complete::{Candidate, Place},
    exit_codes,
    output::Output,
};

mod advice;
mod complete;
mod connection;
mod create;
mod credentials;
mod events;
mod get;
mod recordings;
mod reference;
mod rm;
mod sessions;
mod status;
mod table;
mod version;

/// Say who may do what: connectors, roles and users of a gate
#[derive(Debug, clap::Parser)]
#[command(
    name = "tctl",
    version,
    max_term_width = 100,
    after_help = format!("\
Examples:
  tctl create github.yaml
  tctl --config jumpgate.yaml get github

As whom it speaks: the identity file of --identity, else the gate's own administrator where the gate's data can be read (--config), \
else the person of the current tsh profile.

Environment:
  TELEPORT_CONFIG_FILE, TELEPORT_IDENTITY_FILE, TELEPORT_AUTH_SERVER  as --config, --identity, --auth-server
  TELEPORT_HOME                                                       folder of tsh profiles [default: ~/.tsh]
  NO_COLOR                                                            as everywhere

{}", exit_codes::table("tctl")),
    mut_subcommands = |sub| exit_codes::tell("tctl", sub)
)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Globals {
    /// Write what happens, each network call among it, to standard error
    #[arg(
        short,
        long,
        visible_short_alias = 'v',
        visible_alias = "verbose",
        global = true,
        help_heading = "Global options"
    )]
    pub debug: bool,
    /// On the gate's own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh
    /// login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Global options",
        value_name = "FILE",
        env = "TELEPORT_CONFIG_FILE",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// An identity file, as `tsh login --out` writes it
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Global options",
        value_name = "FILE",
        env = "TELEPORT_IDENTITY_FILE",
        hide_env_values = true
    )]
    pub identity: Option<PathBuf>,
    /// The admin API's address; needed with --identity
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        value_name = "HOST:PORT",
        env = "TELEPORT_AUTH_SERVER",
        hide_env_values = true
    )]
    pub auth_server: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create resources from files
    Create(create::CreateArgs),
    /// Show resources
    Get(get::GetArgs),
    /// Remove a resource
    #[command(alias = "del")]
    Rm(rm::RmArgs),
    /// The audit log: who did what
    #[command(
        subcommand,
        visible_alias = "audit",
        after_help = "Examples:\n  tctl events ls --since 2h\n  tctl events ls --type exec --user alice --format json"
    )]
    Events(events::EventsCommand),
    /// Recordings of sessions: the key that signs them
    #[command(
        subcommand,
        after_help = "Examples:\n  tctl recordings rotate-key\n  tctl recordings rotate-key --format json"
    )]
    Recordings(recordings::RecordingsCommand),
    /// Live sessions: list and end them
    #[command(
        subcommand,
        after_help = "Examples:\n  tctl sessions ls\n  tctl sessions kill 7c9e6679 --reason 'maintenance'"
    )]
    Sessions(sessions::SessionsCommand),
    /// Show the cluster and the pin of its CA
    Status(status::StatusArgs),
    /// Print the version
    Version(version::VersionArgs),
}

impl Program for Cli {
    const BINARY: &'static str = "tctl";

    fn names(place: &Place<'_>, ctx: &Ctx) -> Option<Vec<Candidate>> {
        complete::names(place, ctx)
    }

    fn debug(&self) -> bool {
        self.globals.debug
    }

    fn run(self, ctx: &Ctx) -> anyhow::Result<Output> {
        let globals = &self.globals;
        match self.command {
            Command::Create(args) => args.run(ctx, globals),
            Command::Get(args) => args.run(ctx, globals),
            Command::Rm(args) => args.run(ctx, globals),
            Command::Events(command) => command.run(ctx, globals),
            Command::Recordings(command) => command.run(ctx, globals),
            Command::Sessions(command) => command.run(ctx, globals),
            Command::Status(args) => args.run(ctx, globals),
            Command::Version(args) => args.run(),
        }
    }
}
