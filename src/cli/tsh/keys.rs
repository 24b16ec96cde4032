//! `tsh keys`: where the private keys of logins are. Never the keys themselves.

use serde::Serialize;

use super::{
    Globals,
    entry::DiffArgs,
    entry_copies::{self, Owner},
    settings::{Settings, cluster_of},
};
use crate::{
    cli::{
        Ctx,
        error::{Failure, sentence},
        output::{Format, Output, Table},
    },
    client::{
        keystore::{self, Kind},
        kubeconfig,
    },
};

/// The commands below `tsh keys`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeysCommand {
    /// List each login's key store, and whether the key is there
    Ls(LsArgs),
    /// Move keys into another store
    Move(MoveArgs),
}

/// Arguments of `tsh keys ls`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tsh keys ls\n  tsh keys ls --format=json")]
pub(crate) struct LsArgs {
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `tsh keys move`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A key is written to its new store, read there, and only then removed from the old one; one that goes\nto a keyring leaves the kubeconfig, too, where --embed-certs wrote it there. Without --proxy the keys\nof all logins are moved; with it those of that gate (or of --user there).\n\nExamples:\n  tsh keys move --to=keyring\n  tsh keys move --to=file --proxy=gate.example.com:3080 --user=alice"
)]
pub(crate) struct MoveArgs {
    /// Where to: file, keyring or keyutils
    #[arg(long, value_name = "STORE", hide_possible_values = true, value_parser = super::key_store())]
    to: Kind,
    #[command(flatten)]
    diff: DiffArgs,
    /// How to write what was done
    #[arg(short, long, value_enum, default_value_t, conflicts_with = "diff")]
    format: Format,
}

/// What was done, for programs.
#[derive(Debug, Serialize)]
struct Done {
    key_store: Kind,
    moved: Vec<Moved>,
    /// The kubeconfig files that hold no copy of a key any more.
    files: Vec<String>,
}

/// A key that was moved.
#[derive(Debug, Serialize)]
struct Moved {
    profile: String,
    user: String,
    from: Kind,
    to: Kind,
}

impl Moved {
    fn told(&self) -> String {
        let Self { profile, user, from, to } = self;
        format!("Moved the key of {user} at {profile} from {from} to {to}.")
    }
}

/// One login's key, as it is shown.
#[derive(Debug, Serialize)]
struct Row {
    profile: String,
    user: String,
    key_store: Kind,
    /// SHA-256 of the public key, hexadecimal.
    public_key: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl KeysCommand {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        settings.refuse_identity()?;
        match self {
            Self::Ls(args) => args.run(&settings),
            Self::Move(args) => args.run(&settings),
        }
    }
}

impl LsArgs {
    fn run(self, settings: &Settings<'_>) -> anyhow::Result<Output> {
        let mut rows = Vec::new();
        // Each store is asked once: one that does not answer costs its whole limit.
        let mut lists = std::collections::BTreeMap::new();
        for (profile, user) in logins(settings)? {
            let Some((kind, name)) = settings.home.key_place(&profile, &user)? else { continue };
            let list = lists.entry(kind).or_insert_with(|| {
                keystore::open(kind, &settings.home).and_then(|store| store.list()).map_err(|e| e.to_string())
            });
            let (state, reason) = match list {
                Ok(names) if names.contains(&name) => ("there", None),
                Ok(_) => ("gone", None),
                Err(reason) => ("unknown", Some(reason.clone())),
            };
            rows.push(Row { profile, user, key_store: kind, public_key: name.public, state, reason });
        }
        Output::listed(self.format, &rows, || {
            if rows.is_empty() {
                return "Nobody is logged in, so there are no keys.".to_owned();
            }
            let mut table = Table::new(["Proxy", "User", "Key Store", "Key", "State"]);
            for row in &rows {
                let state = match &row.reason {
                    Some(reason) => format!("unknown: {reason}"),
                    None => row.state.to_owned(),
                };
                let short: String = row.public_key.chars().take(16).collect();
                table.row([&row.profile, &row.user, row.key_store.name(), &short, &state]);
            }
            table.render() + "\n"
        })
    }
}

impl MoveArgs {
    fn run(self, settings: &Settings<'_>) -> anyhow::Result<Output> {
        if self.to == Kind::None {
            return Err(Failure::usage("the key store `none` keeps no key, so none can be moved there")
                .hint(format!("to end a login: {} logout", settings.ctx.tool("tsh")))
                .into());
        }
        let logins = logins(settings)?;
        if self.diff.diff {
            let change = self.without_copies(settings, &logins)?;
            return Ok(self.diff.tell(settings.ctx.console, &change).unwrap_or_else(Output::nothing));
        }
        let to = settings.usable_store(self.to)?;
        let (mut moved, mut failed) = (Vec::new(), None);
        for (profile, user) in &logins {
            match move_one(settings, profile, user, to) {
                Ok(one) => moved.extend(one),
                Err(reason) => {
                    failed = Some(reason);
                    break;
                }
            }
        }
        // Also of those that were moved before: their copies may have come back, or not have been seen.
        let change = self.without_copies(settings, &logins).map_err(|reason| {
            let text = format!("the kubeconfig still holds a copy of the key: {}", sentence(&reason));
            let again = format!("{} keys move --to={to}", settings.ctx.tool("tsh"));
            Failure::new(text).hint(format!("when it is mended: {again}"))
        });
        for one in moved.iter().filter(|_| failed.is_some() || change.is_err()) {
            settings.ctx.console.status(&one.told());
        }
        if let Some(reason) = failed {
            return Err(reason);
        }
        let files = change?.files.iter().map(|file| file.display().to_string()).collect();
        let done = Done { key_store: to, moved, files };
        Output::listed(self.format, &done, || done.told(&settings.ctx.tool("tsh")))
    }

    /// Takes the copies of keys that are in a keyring now out of the kubeconfig; with `--diff` only looks at it, and takes the
    /// keys for moved.
    fn without_copies(
        &self,
        settings: &Settings<'_>,
        logins: &[(String, String)],
    ) -> anyhow::Result<kubeconfig::Change> {
        let mut owners = Vec::new();
        for (name, user) in logins.iter().filter(|_| self.to.is_outside()) {
            let Some(profile) = settings.home.profile(name)? else { continue };
            let is_moved = settings.home.key_place(name, user)?.is_some_and(|(kind, _)| kind == self.to);
            let certificates = settings.home.certificates(name, user)?;
            let Some(certificates) = certificates.filter(|_| is_moved || self.diff.diff) else { continue };
            let cluster = cluster_of(&profile, &certificates, name);
            owners.push(Owner::of(settings, name, &profile, user, cluster)?);
        }
        let files = entry_copies::files(settings)?;
        let files = if self.diff.diff { files.preview() } else { files };
        Ok(entry_copies::leave(&files, &owners)?)
    }
}

impl Done {
    /// What was done, for people.
    fn told(&self, tsh: &str) -> String {
        let mut said: Vec<String> = self.moved.iter().map(Moved::told).collect();
        said.extend(
            self.files
                .iter()
                .map(|file| format!("The copy of the key leaves {file}: kubectl gets it from {tsh} now.")),
        );
        if said.is_empty() {
            return format!(
                "There is no key to move: none, or all are in the key store {} already.",
                self.key_store
            );
        }
        said.join("\n")
    }
}

/// Moves one login's key, under the lock that keeps logins out meanwhile.
fn move_one(settings: &Settings<'_>, profile: &str, user: &str, to: Kind) -> anyhow::Result<Option<Moved>> {
    let home = &settings.home;
    let lock = home.lock(profile, "write")?;
    // An earlier move may have been ended before it removed the old key.
    home.settle(&lock, profile, user)?;
    let Some((from, _)) = home.key_place(profile, user)?.filter(|(from, _)| *from != to) else {
        if let Some(reason) = home.sweep_keys(&lock, profile, user)? {
            settings.ctx.console.warn(&format!("an old key of {user} is not removed yet: {reason}"));
        }
        remember(settings, profile, to)?;
        return Ok(None);
    };
    let Some(credentials) = settings.usable(profile, user)? else { return Ok(None) };
    let left = home.save_credentials_in(&lock, profile, user, &credentials, to)?;
    remember(settings, profile, to)?;
    if let Some(reason) = left {
        settings.ctx.console.warn(&format!(
            "the key of {user} is in the key store {to} now, but could not be removed from {from} yet: {reason}"
        ));
    }
    Ok(Some(Moved { profile: profile.to_owned(), user: user.to_owned(), from, to }))
}

/// Lets the next logins at a gate keep their keys in this store, too.
fn remember(settings: &Settings<'_>, profile: &str, to: Kind) -> anyhow::Result<()> {
    let store = to.is_outside().then(|| to.name().to_owned());
    if let Some(mut known) = settings.home.profile(profile)?
        && known.jumpgate_key_store != store
    {
        known.jumpgate_key_store = store;
        settings.home.save(profile, &known)?;
    }
    Ok(())
}

/// The logins that are meant: those of the named proxy and user, else all.
fn logins(settings: &Settings<'_>) -> anyhow::Result<Vec<(String, String)>> {
    let home = &settings.home;
    let profiles = match settings.named_proxy() {
        Some(_) => vec![settings.target()?.name],
        None => home.key_folders(),
    };
    let wanted = settings.named_user();
    let mut found = Vec::new();
    for profile in profiles {
        let users = home.users(&profile)?.into_iter();
        let users = users.filter(|user| wanted.as_ref().is_none_or(|wanted| wanted == user));
        found.extend(users.map(|user| (profile.clone(), user)));
    }
    Ok(found)
}
