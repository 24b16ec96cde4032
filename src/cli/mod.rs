//! What a person types: one file a command.
//!
//! A command is a `clap::Args` struct whose `run` returns an [`output::Output`]; it never prints a result on its own.
//! [`start`] is the whole life of a binary: parse, run, print, exit code.

use std::{collections::BTreeMap, ffi::OsString, future::Future, path::PathBuf, process::ExitCode};

use anyhow::Context;

pub mod colour;
pub mod complete;
pub mod error;
mod exit_codes;
#[cfg(feature = "server")]
pub mod gate;
pub(crate) mod ids;
mod interrupt;
#[cfg(feature = "server")]
pub mod jumpgate;
pub mod output;
mod progress;
mod shell;
pub(crate) mod span;
pub mod table;
pub mod tctl;
mod terminal;
pub mod tsh;

use output::{Console, Output};

use crate::client::browser::{self, Browser};

/// The surroundings of a command: environment, console, and how the program was started.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The environment variables.
    pub env: Env,
    /// Standard error.
    pub console: Console,
    /// Whether `-d` was given.
    pub debug: bool,
    /// The binary's name: `tsh`, `tctl` or `jumpgate`.
    pub binary: &'static str,
}

impl Ctx {
    /// The surroundings of this process.
    pub fn of_process(binary: &'static str, debug: bool) -> Self {
        let env = Env::of_process();
        let console = Console::new(&env);
        Self { env, console, debug, binary }
    }

    /// How a person types a command of `tool` (`tsh`, `tctl`) with this binary: `tsh` or `jumpgate tsh`.
    pub fn tool(&self, tool: &str) -> String {
        if self.binary == "jumpgate" { format!("jumpgate {tool}") } else { tool.to_owned() }
    }

    /// The person's home directory.
    pub fn home(&self) -> anyhow::Result<PathBuf> {
        let home = self.env.path("HOME").or_else(dirs::home_dir);
        home.context("there is no home directory; set HOME, or TELEPORT_HOME for the profiles alone")
    }

    /// The browser that a login opens here; `named` by a flag or a setting.
    pub fn browser(&self, named: Option<&str>) -> Browser {
        let env = |name: &str| self.env.text(name);
        browser::find(named, &env, browser::Machine::own(&env))
    }

    /// The absolute path by which this program was started, symbolic links unresolved: an update behind a link
    /// keeps working.
    pub fn started_as(&self) -> anyhow::Result<PathBuf> {
        let current = || std::env::current_exe().context("this program's own path is unknown");
        let Some(name) = std::env::args_os().next().map(PathBuf::from) else { return current() };
        if name.components().count() > 1 {
            let path = std::path::absolute(&name)?;
            return if path.is_file() { Ok(path) } else { current() };
        }
        let path = self.env.os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|p| p.is_file());
        found.map_or_else(current, |path| Ok(std::path::absolute(path)?))
    }
}

/// The environment: a copy, so that a test can have its own.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<OsString, OsString>);

impl Env {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// An environment with these variables alone.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A variable; an empty one counts as not set.
    pub fn os(&self, name: &str) -> Option<OsString> {
        self.0.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty()).cloned()
    }

    /// A variable as a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.os(name).map(PathBuf::from)
    }

    /// A variable as a text; one that is not UTF-8 counts as not set.
    pub fn text(&self, name: &str) -> Option<String> {
        self.os(name)?.into_string().ok()
    }
}

/// What a binary's command line is: a `clap::Parser` that can run.
pub trait Program: clap::Parser {
    /// The binary's name.
    const BINARY: &'static str;

    /// Puts what an alias stands for in its place, before the command line is read.
    fn expand(args: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
        Ok(args)
    }

    /// What can stand at the cursor, for the TAB key; none where only the definition of the commands is known.
    fn names(_place: &complete::Place<'_>, _ctx: &Ctx) -> Option<Vec<complete::Candidate>> {
        None
    }

    /// Whether `-d` was given: then the log of the library goes to standard error.
    fn debug(&self) -> bool;

    /// Runs the command.
    fn run(self, ctx: &Ctx) -> anyhow::Result<Output>;
}

/// The whole life of a binary.
pub fn start<P: Program>() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(names) = complete::answer::<P>(&args) {
        // Nobody reads a complaint behind the TAB key.
        let written = output::write_stdout(&names.stdout);
        return ExitCode::from(if written.is_ok() { names.code } else { error::FAILED });
    }
    let args = match P::expand(args) {
        Ok(args) => args,
        Err(failed) => {
            return ExitCode::from(error::report(&failed, Ctx::of_process(P::BINARY, false).console));
        }
    };
    let is_short = args.iter().any(|word| word == "-h");
    let program = match P::try_parse_from(args.clone()) {
        Ok(program) => program,
        Err(complaint) => {
            let short = is_short && complaint.kind() == clap::error::ErrorKind::DisplayHelp;
            let short = if short { short_help::<P>(args) } else { None };
            output::print_clap(short.as_ref().unwrap_or(&complaint));
            return ExitCode::from(if complaint.use_stderr() { error::USAGE } else { 0 });
        }
    };
    let ctx = Ctx::of_process(P::BINARY, program.debug());
    if ctx.debug {
        log_to_stderr();
    }
    let done = program.run(&ctx).and_then(|output| {
        output::write_stdout(&output.stdout).context("standard output").map(|()| output.code)
    });
    ExitCode::from(done.unwrap_or_else(|failed| error::report(&failed, ctx.console)))
}

/// The options of a sign-in, which is not what most commands are about: `-h` leaves them to `--help`.
const OF_SIGN_IN: [&str; 8] =
    ["auth", "ttl", "way", "insecure", "ca_pin", "ca_file", "key_store", "skip_version_check"];

/// What `-h` says: what is the command's own first of all.
fn short_help<P: Program>(args: Vec<OsString>) -> Option<clap::Error> {
    let mut command = P::command();
    command.build();
    without_sign_in(command).try_get_matches_from(args).err()
}

fn without_sign_in(mut command: clap::Command) -> clap::Command {
    let below: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    if below.is_empty() && command.get_name() != "login" {
        return command.mut_args(|arg| {
            let global = arg.get_help_heading() == Some("Global options");
            let hidden = global && OF_SIGN_IN.contains(&arg.get_id().as_str());
            if hidden { arg.hide_short_help(true) } else { arg }
        });
    }
    for name in below {
        command = command.mut_subcommand(name, without_sign_in);
    }
    command
}

/// Runs a future on a runtime of its own, on this thread. Commands that need no network never call it.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime for the network")?;
    let done = runtime.block_on(future);
    // The resolver may still wait for an answer that nobody waits for any more.
    runtime.shutdown_background();
    done
}

/// What this library says on its own account. Others (HTTP, TLS) stay silent: their logs hold what may be secret.
fn log_to_stderr() {
    use tracing_subscriber::{filter::Targets, layer::SubscriberExt};
    let own = Targets::new().with_target("jumpgate", tracing::Level::DEBUG);
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(|| output::LogWriter)
        .with_ansi(false)
        .finish();
    // A second subscriber is refused; then the first one logs.
    let _ = tracing::subscriber::set_global_default(lines.with(own));
}
