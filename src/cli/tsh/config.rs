//! `tsh config`: a person's settings, `config/config.yaml` in the folder of profiles.

use super::{Globals, alias, settings::Settings};
use crate::{
    cli::{
        Ctx,
        error::Failure,
        output::{Format, Output},
    },
    client::settings_file::{SettingsError, SettingsFile},
};

/// The commands below `tsh config`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the settings, checked
    View(ViewArgs),
    /// Change one setting; comments in the file stay
    Set(SetArgs),
    /// Take one setting away
    Unset(UnsetArgs),
}

/// Arguments of `tsh config view`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tsh config view\n  tsh config view --format=json")]
pub(crate) struct ViewArgs {
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `tsh config set`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Settings: key_store, kube.keep_context, aliases.NAME, defaults.KEY and proxies.HOST.KEY, with KEY one of\nuser, auth, ttl, browser, way, key_store. A flag or an environment variable goes before a setting, one of a\nproxy before one of defaults.\n\nExamples:\n  tsh config set key_store keyring\n  tsh config set proxies.gate.example.com.auth github\n  tsh config set aliases.k \"kube login --namespace=web\""
)]
pub(crate) struct SetArgs {
    /// Name of the setting
    key: String,
    /// Its value
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// How to write what was done
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `tsh config unset`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tsh config unset key_store\n  tsh config unset aliases.k")]
pub(crate) struct UnsetArgs {
    /// Name of the setting
    key: String,
    /// How to write what was done
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl ConfigCommand {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        let home = &settings.home;
        match self {
            Self::View(args) => args.run(&settings),
            Self::Set(SetArgs { key, value, format }) => {
                SettingsFile::set(home, &key, &value, alias::check).map_err(wrong)?;
                let file = SettingsFile::path(home);
                let done = serde_json::json!({"key": key, "value": value, "file": file});
                Output::listed(format, &done, || format!("{key} is set in {}.", file.display()))
            }
            Self::Unset(UnsetArgs { key, format }) => {
                if SettingsFile::unset(home, &key).map_err(wrong)? {
                    let done = serde_json::json!({"key": key, "file": SettingsFile::path(home)});
                    return Output::listed(format, &done, || format!("{key} is not set any more."));
                }
                Err(Failure::new(format!("{key} is not set in {}", SettingsFile::path(home).display()))
                    .into())
            }
        }
    }
}

/// A name or a value that no setting has was typed wrongly; all else failed.
fn wrong(error: SettingsError) -> anyhow::Error {
    match error {
        SettingsError::UnknownKey(_) | SettingsError::BadValue { .. } => {
            Failure::usage(error.to_string()).into()
        }
        other => other.into(),
    }
}

impl ViewArgs {
    fn run(self, settings: &Settings<'_>) -> anyhow::Result<Output> {
        let file = settings.file()?;
        let path = SettingsFile::path(&settings.home);
        alias::check(file).map_err(|reason| Failure::new(format!("{}: {reason}", path.display())))?;
        let yaml = serde_yaml::to_string(file)?;
        Output::listed(self.format, file, || {
            if *file == SettingsFile::default() {
                format!("# {}: nothing is set", path.display())
            } else {
                format!("# {}\n{yaml}", path.display())
            }
        })
    }
}
