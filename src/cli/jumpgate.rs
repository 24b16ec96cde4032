//! The command line of `jumpgate`: the gate's commands, and `tsh` and `tctl` in one binary.

use super::{
    Ctx, Program,
    complete::{Candidate, Place},
    exit_codes,
    gate::{configure, demo, generate, start},
    output::Output,
    tctl, tsh,
};

/// Short-lived, recorded access to Kubernetes: the gate, and its two tools in one binary
#[derive(Debug, clap::Parser)]
#[command(
    name = "jumpgate",
    version,
    max_term_width = 100,
    after_help = format!("\
Examples:
  jumpgate demo --tour
  jumpgate start --config jumpgate.yaml

{}", exit_codes::table("jumpgate")),
    mut_subcommands = |sub| exit_codes::tell("jumpgate", sub)
)]
pub struct Cli {
    /// Write what happens to standard error; of `start`, to its log
    #[arg(
        short,
        long,
        visible_short_alias = 'v',
        visible_alias = "verbose",
        global = true,
        help_heading = "Global options"
    )]
    debug: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Start(start::StartArgs),
    Configure(configure::ConfigureArgs),
    Demo(demo::DemoArgs),
    /// The client: log in, then use kubectl
    Tsh(Box<tsh::Cli>),
    /// The admin tool: say who may do what
    Tctl(tctl::Cli),
    #[command(hide = true)]
    Generate(generate::GenerateArgs),
}

impl Program for Cli {
    const BINARY: &'static str = "jumpgate";

    fn expand(args: Vec<std::ffi::OsString>) -> anyhow::Result<Vec<std::ffi::OsString>> {
        // A word before it can only be `-v`.
        let is_flag = |word: &std::ffi::OsString| word.to_string_lossy().starts_with('-');
        match args.iter().skip(1).position(|word| !is_flag(word)) {
            Some(flags) if args.get(flags + 1).is_some_and(|word| word == "tsh") => {
                tsh::alias::expand(args, flags + 2).map(tsh::with_seconds)
            }
            _ => Ok(args),
        }
    }

    fn names(place: &Place<'_>, ctx: &Ctx) -> Option<Vec<Candidate>> {
        let (tool, rest) = place.path.split_first()?;
        let inner = Place { path: rest.to_vec(), ..place.clone() };
        match *tool {
            "tsh" => tsh::Cli::names(&inner, ctx),
            "tctl" => tctl::Cli::names(&inner, ctx),
            _ => None,
        }
    }

    fn debug(&self) -> bool {
        match &self.command {
            Command::Tsh(tsh) => self.debug || tsh.debug(),
            Command::Tctl(tctl) => self.debug || tctl.debug(),
            // It has a log of its own.
            Command::Start(_) => false,
            Command::Configure(_) | Command::Demo(_) | Command::Generate(_) => self.debug,
        }
    }

    fn run(self, ctx: &Ctx) -> anyhow::Result<Output> {
        match self.command {
            Command::Start(args) => args.run(ctx, self.debug),
            Command::Configure(args) => args.run(ctx),
            Command::Demo(args) => args.run(ctx),
            Command::Tsh(tsh) => tsh.run(ctx),
            Command::Tctl(tctl) => tctl.run(ctx),
            Command::Generate(args) => args.run(),
        }
    }
}
