//! `tsh logout`.

use super::{Globals, entry, settings::Settings};
use crate::{
    cli::{
        Ctx,
        error::{Failure, sentence},
        output::Output,
    },
    client::kubeconfig,
};

/// Arguments of `tsh logout`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --proxy everybody is logged out of every gate; with it, everybody (or --user) of that gate.\n\nExamples:\n  tsh logout\n  tsh logout --proxy=gate.example.com:3080 --user=alice"
)]
pub(crate) struct LogoutArgs {}

impl LogoutArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        settings.refuse_identity()?;
        if settings.named_proxy().is_some() {
            return one_proxy(&settings);
        }
        if globals.user.is_some() {
            let hint = "or leave both out to log everybody out of every gate";
            return Err(Failure::usage("--user needs --proxy, to say where").hint(hint).into());
        }
        everybody(&settings)
    }
}

fn one_proxy(settings: &Settings<'_>) -> anyhow::Result<Output> {
    let target = settings.target()?;
    let users = match settings.named_user() {
        Some(user) => vec![user],
        None => settings.home.people(&target.name)?,
    };
    let mut failures = Failures::default();
    let mut said = Vec::new();
    for user in &users {
        match settings.home.remove_credentials(&target.name, user) {
            Ok(true) => said.push(format!("Logged out {user} from {}.", target.address)),
            Ok(false) => failures.add(format!("User {user} already logged out from {}.", target.address)),
            Err(reason) => failures.add(reason.to_string()),
        }
    }
    if users.is_empty() {
        failures.add(format!("Nobody is logged in at {}.", target.address));
    }
    // The entries are those of the person who logged in last.
    if users.contains(&target.profile.user) || settings.home.users(&target.name)?.is_empty() {
        failures.kubeconfig(settings, Some(&target.name));
    }
    failures.end(settings, said)
}

fn everybody(settings: &Settings<'_>) -> anyhow::Result<Output> {
    let home = &settings.home;
    let mut failures = Failures::default();
    let mut any = false;
    // Also where only keys were left, without a profile.
    let mut names = home.names()?;
    names.extend(home.key_folders());
    names.sort();
    names.dedup();
    for name in &names {
        for user in home.people(name).unwrap_or_default() {
            match home.remove_credentials(name, &user) {
                Ok(removed) => any |= removed,
                Err(reason) => failures.add(reason.to_string()),
            }
        }
    }
    failures.kubeconfig(settings, None);
    let said = if any { "Logged out all users from all proxies." } else { "All users logged out." };
    failures.end(settings, vec![said.to_owned()])
}

/// What could not be done. One failure does not keep the rest from being done.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn add(&mut self, text: String) {
        self.0.push(text);
    }

    fn kubeconfig(&mut self, settings: &Settings<'_>, profile: Option<&str>) {
        let done = settings.kubeconfig().and_then(|files| Ok(kubeconfig::logout(&files, profile)?));
        match done {
            Ok(change) => {
                entry::say(settings.ctx.console, &change);
                self.0.extend(change.failed.iter().map(ToString::to_string));
            }
            Err(reason) => self.add(sentence(&reason)),
        }
    }

    fn end(mut self, settings: &Settings<'_>, said: Vec<String>) -> anyhow::Result<Output> {
        let Some(last) = self.0.pop() else { return Ok(Output::text(said.join("\n"))) };
        for line in said.iter().chain(&self.0) {
            settings.ctx.console.status(line);
        }
        Err(Failure::new(last).into())
    }
}
