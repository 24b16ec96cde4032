//! `tsh env`.

use super::{
    Globals,
    settings::{Settings, cluster_of},
};
use crate::cli::{
    Ctx,
    output::{Format, Output},
};

/// Arguments of `tsh env`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  eval \"$(tsh env)\"\n  eval \"$(tsh env --unset)\"")]
pub(crate) struct EnvArgs {
    /// Print commands that unset the variables
    #[arg(long)]
    unset: bool,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl EnvArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        if self.unset {
            return Ok(Output::text("unset TELEPORT_PROXY\nunset TELEPORT_CLUSTER"));
        }
        let settings = Settings::new(globals, ctx)?;
        let target = settings.target()?;
        let (_, credentials) = settings.logged_in(&target)?;
        let proxy = target.address.to_string();
        let cluster = cluster_of(&target.profile, &credentials, &target.name);
        let value = serde_json::json!({"TELEPORT_PROXY": proxy, "TELEPORT_CLUSTER": cluster});
        Output::listed(self.format, &value, || {
            format!("export TELEPORT_PROXY={}\nexport TELEPORT_CLUSTER={}", quoted(&proxy), quoted(&cluster))
        })
    }
}

/// A value as a POSIX shell reads it back.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_shell_reads_it_back() {
        assert_eq!(super::quoted("gate.example.com:3080"), "gate.example.com:3080");
        assert_eq!(super::quoted("a'$(id)"), r"'a'\''$(id)'");
    }
}
