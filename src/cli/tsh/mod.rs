//! The command line of `tsh`.

use std::{ffi::OsString, path::PathBuf};

use clap::builder::TypedValueParser;

use super::{
    Ctx, Program,
    complete::{Candidate, Place},
    exit_codes,
    output::Output,
};
use crate::client::{keystore::Kind, settings_file::MAX_MINUTES};
pub(super) use play::with_seconds;

pub(super) mod alias;
mod choices;
mod clusters;
mod complete;
mod config;
mod context_name;
mod credentials;
mod doctor;
mod entry;
mod entry_copies;
mod entry_others;
mod env;
mod guarded;
mod identity;
mod join;
mod keys;
mod kube;
mod kube_login;
mod kube_logout;
mod kube_ls;
mod kube_shell;
mod kube_use;
mod login;
mod logout;
mod out;
mod play;
mod production;
pub(in crate::cli) mod recordings;
mod relogin;
mod renew;
mod repeat;
mod session;
mod settings;
mod status;
mod to_agent;
mod version;
pub(super) mod zone;

/// Log in to a gate through the browser, then use kubectl
#[derive(Debug, clap::Parser)]
#[command(
    name = "tsh",
    version,
    max_term_width = 100,
    after_help = format!("Examples:\n  tsh login --proxy=gate.example.com:3080\n  tsh status\n\nEnvironment:\n  TELEPORT_PROXY, TELEPORT_USER, TELEPORT_AUTH      as the options of these names\n  TELEPORT_CLUSTER (or TELEPORT_SITE)               cluster to work with\n  TELEPORT_LOGIN_BROWSER, TELEPORT_LOGIN_BIND_ADDR  as the options of login\n  JUMPGATE_LOGIN_WAY                                as --way: browser, paste or code\n  JUMPGATE_NO_LOGIN=1                               kubectl's plugin starts no login\n  JUMPGATE_KEY_STORE                                as --key-store\n  TELEPORT_HOME                                     folder of profiles [default: ~/.tsh]\n  KUBECONFIG, NO_COLOR                              as everywhere\n\n{}", exit_codes::table("tsh")),
    mut_subcommands = |sub| exit_codes::tell("tsh", sub)
)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes, before its name or after.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Globals {
    /// Address of the gate's web port: HOST or HOST:PORT
    #[arg(long, global = true, value_name = "HOST:PORT", help_heading = "Global options")]
    proxy: Option<String>,
    /// Whose login to use, or to make: a user's name at the gate
    #[arg(long, global = true, help_heading = "Global options")]
    user: Option<String>,
    /// Name of the connector to sign in with [default: the gate's own]
    #[arg(long, global = true, value_name = "CONNECTOR", help_heading = "Global options")]
    auth: Option<String>,
    /// How long the certificate shall live, at most as long as the roles allow
    #[arg(long, global = true, value_name = "MINUTES", help_heading = "Global options", value_parser = minutes)]
    ttl: Option<u32>,
    /// How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser
    /// on this machine if there is one, else a code, else pasting]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WAY",
        hide_possible_values = false,
        help_heading = "Global options"
    )]
    way: Option<session::Way>,
    /// Accept any certificate of the web port, and pin its key as unverified
    #[arg(long, global = true, help_heading = "Global options")]
    insecure: bool,
    /// Key that the gate must show at a first login; `tctl status` prints it on the gate
    #[arg(long, global = true, value_name = "sha256:HEX", help_heading = "Global options")]
    ca_pin: Option<String>,
    /// File of CAs to trust besides the system's
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    ca_file: Option<PathBuf>,
    /// Use the login in a file of `tsh login --out` instead of the profile
    #[arg(short, long, global = true, value_name = "FILE", help_heading = "Global options")]
    identity: Option<PathBuf>,
    /// Where a login keeps its private key: file, keyring (the system's), keyutils (the Linux kernel's), none (only with --out)
    #[arg(long, global = true, value_name = "STORE", help_heading = "Global options", hide_possible_values = true, value_parser = key_store())]
    key_store: Option<Kind>,
    /// Log in although the gate wants a newer client
    #[arg(long, global = true, help_heading = "Global options")]
    skip_version_check: bool,
    /// Write what happens, each network call among it, to standard error
    #[arg(
        short,
        long,
        visible_short_alias = 'v',
        visible_alias = "verbose",
        global = true,
        help_heading = "Global options"
    )]
    debug: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Log in through the browser and make kubectl work
    Login(login::LoginArgs),
    /// Forget keys and certificates, and take our entries out of the kubeconfig
    Logout(logout::LogoutArgs),
    /// Show who is logged in, where, and for how long
    Status(status::StatusArgs),
    /// List the gate's clusters
    Clusters(clusters::ClustersArgs),
    /// Kubernetes: list clusters, select one, credentials for kubectl
    #[command(
        subcommand,
        after_help = "Examples:\n  tsh kube ls\n  tsh kube login gate.example.com\n  tsh kube use staging"
    )]
    Kube(kube::KubeCommand),
    /// Recordings of sessions: list, search, export, verify
    #[command(
        subcommand,
        after_help = "Examples:\n  tsh recordings ls --since 7d\n  tsh recordings verify 7c9e6679"
    )]
    Recordings(recordings::RecordingsCommand),
    /// Play a recording
    Play(play::PlayArgs),
    /// Look on while a session goes on
    Join(join::JoinArgs),
    /// Show where the private keys of logins are, and move them
    #[command(subcommand, after_help = "Examples:\n  tsh keys ls\n  tsh keys move --to keyring")]
    Keys(keys::KeysCommand),
    /// Show and change your settings
    #[command(
        subcommand,
        after_help = "Examples:\n  tsh config view\n  tsh config set kube.keep_context true"
    )]
    Config(config::ConfigCommand),
    /// Look for what keeps a login or kubectl from working, and say what mends it
    Doctor(doctor::DoctorArgs),
    /// Print the environment variables that name the current login
    Env(env::EnvArgs),
    /// Print the version
    Version(version::VersionArgs),
}

/// Reads the life of a certificate.
fn minutes(text: &str) -> Result<u32, String> {
    let minutes = text.parse().ok().filter(|minutes| (1..=MAX_MINUTES).contains(minutes));
    minutes.ok_or_else(|| format!("write a number of minutes from 1 to {MAX_MINUTES}"))
}

/// Reads the name of a key store.
pub(crate) fn key_store() -> impl clap::builder::TypedValueParser<Value = Kind> {
    clap::builder::PossibleValuesParser::new(Kind::NAMES).try_map(|name| name.parse::<Kind>())
}

impl Program for Cli {
    const BINARY: &'static str = "tsh";

    fn expand(args: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
        alias::expand(args, 1).map(with_seconds)
    }

    fn names(place: &Place<'_>, ctx: &Ctx) -> Option<Vec<Candidate>> {
        complete::names(place, ctx)
    }

    fn debug(&self) -> bool {
        self.globals.debug
    }

    fn run(self, ctx: &Ctx) -> anyhow::Result<Output> {
        let globals = &self.globals;
        match self.command {
            Command::Login(args) => args.run(globals, ctx),
            Command::Logout(args) => args.run(globals, ctx),
            Command::Status(args) => args.run(globals, ctx),
            Command::Clusters(args) => args.run(globals, ctx),
            Command::Kube(command) => command.run(globals, ctx),
            Command::Recordings(command) => command.run(globals, ctx),
            Command::Play(args) => args.run(globals, ctx),
            Command::Join(args) => args.run(globals, ctx),
            Command::Keys(command) => command.run(globals, ctx),
            Command::Config(command) => command.run(globals, ctx),
            Command::Doctor(args) => args.run(globals, ctx),
            Command::Env(args) => args.run(globals, ctx),
            Command::Version(args) => args.run(ctx),
        }
    }
}
