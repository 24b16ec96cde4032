//! `tsh logout`.

use serde::Serialize;

use super::{
    Globals,
    entry::{DiffArgs, Written},
    settings::Settings,
    to_agent,
};
use crate::{
    cli::{
        Ctx,
        error::{Failure, sentence},
        output::{Format, Output},
    },
    client::{kubeconfig, profile::shells},
};

/// Arguments of `tsh logout`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --proxy everybody is logged out of every gate; with it, everybody (or --user) of that gate.\n\nExamples:\n  tsh logout\n  tsh logout --proxy=gate.example.com:3080 --user=alice"
)]
pub(crate) struct LogoutArgs {
    /// Leave the kubeconfig as it is: kubectl then says that a login is needed
    #[arg(long, conflicts_with = "diff")]
    keep_contexts: bool,
    #[command(flatten)]
    diff: DiffArgs,
    /// How to write what was done
    #[arg(short, long, value_enum, default_value_t, conflicts_with = "diff")]
    format: Format,
}

/// What was done, for programs.
#[derive(Default, Serialize)]
struct Done {
    logged_out: Vec<Person>,
    /// Nothing with `--keep-contexts`.
    #[serde(flatten)]
    kubeconfig: Option<Written>,
}

/// A login that is no more.
#[derive(Serialize)]
struct Person {
    profile: String,
    user: String,
}

impl Done {
    fn person(&mut self, profile: &str, user: &str) {
        self.logged_out.push(Person { profile: profile.to_owned(), user: user.to_owned() });
    }
}

impl LogoutArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let settings = Settings::new(globals, ctx)?;
        settings.refuse_identity()?;
        shells::sweep(settings.home.folder());
        if self.diff.diff {
            return self.preview(&settings);
        }
        if settings.named_proxy().is_some() {
            return self.one_proxy(&settings);
        }
        if globals.user.is_some() {
            let hint = "or leave both out to log everybody out of every gate";
            return Err(Failure::usage("--user needs --proxy, to say where").hint(hint).into());
        }
        self.everybody(&settings)
    }

    /// What this logout would take out of the kubeconfig.
    fn preview(&self, settings: &Settings<'_>) -> anyhow::Result<Output> {
        let named = if settings.named_proxy().is_some() { Some(settings.target()?) } else { None };
        // The entries are those of the person who logged in last.
        let last = |user| named.as_ref().is_none_or(|target| target.profile.user == user);
        if !settings.named_user().is_none_or(last) {
            settings.ctx.console.status("Nothing would change in the kubeconfig.");
            return Ok(Output::nothing());
        }
        let name = named.as_ref().map(|target| target.name.as_str());
        let change =
            kubeconfig::logout_here(&self.diff.files(settings)?, name, &|home| settings.is_here(home))?;
        let shown = self.diff.tell(settings.ctx.console, &change).unwrap_or_else(Output::nothing);
        change.failed.iter().for_each(|reason| settings.ctx.console.warn(&reason.to_string()));
        Ok(shown.with_code(u8::from(!change.failed.is_empty())))
    }

    fn one_proxy(&self, settings: &Settings<'_>) -> anyhow::Result<Output> {
        let target = settings.target()?;
        let users = match settings.named_user() {
            Some(user) => vec![user],
            None => settings.home.people(&target.name)?,
        };
        let (mut done, mut failures) = (Done::default(), Failures::default());
        let mut said = Vec::new();
        for user in &users {
            from_agent(settings, &target.name, user);
            match settings.home.remove_credentials(&target.name, user) {
                Ok(true) => {
                    done.person(&target.name, user);
                    said.push(format!("Logged out {user} from {}.", target.address));
                }
                Ok(false) => failures.add(format!("User {user} already logged out from {}.", target.address)),
                Err(reason) => failures.add(reason.to_string()),
            }
        }
        if users.is_empty() {
            failures.add(format!("Nobody is logged in at {}.", target.address));
        }
        // The entries are those of the person who logged in last.
        let theirs = users.contains(&target.profile.user) || settings.home.users(&target.name)?.is_empty();
        if theirs && !self.keep_contexts {
            done.kubeconfig = failures.kubeconfig(settings, Some(&target.name));
        }
        failures.end(settings, said, &done, self.format)
    }

    fn everybody(&self, settings: &Settings<'_>) -> anyhow::Result<Output> {
        let home = &settings.home;
        let (mut done, mut failures) = (Done::default(), Failures::default());
        let mut removed = Vec::new();
        // Also where only keys were left, without a profile.
        let mut names = home.names()?;
        names.extend(home.key_folders());
        names.sort();
        names.dedup();
        for name in &names {
            for user in home.people(name).unwrap_or_default() {
                from_agent(settings, name, &user);
                match home.remove_credentials(name, &user) {
                    Ok(true) => {
                        done.person(name, &user);
                        removed.push(format!("Logged out {user} from {name}."));
                    }
                    Ok(false) => {}
                    Err(reason) => failures.add(reason.to_string()),
                }
            }
        }
        let said = match (failures.0.is_empty(), removed.is_empty()) {
            (true, true) => vec!["All users logged out.".to_owned()],
            (true, false) => vec!["Logged out all users from all proxies.".to_owned()],
            // Not all of them: each one that is.
            (false, _) => removed,
        };
        if !self.keep_contexts {
            done.kubeconfig = failures.kubeconfig(settings, None);
        }
        failures.end(settings, said, &done, self.format)
    }
}

/// Takes a login out of the SSH agent, where it was given to one.
fn from_agent(settings: &Settings<'_>, name: &str, user: &str) {
    if let Ok(Some(certificates)) = settings.home.certificates(name, user) {
        to_agent::remove(settings.ctx, &certificates);
    }
}

/// What could not be done. One failure does not keep the rest from being done.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn add(&mut self, text: String) {
        self.0.push(text);
    }

    fn kubeconfig(&mut self, settings: &Settings<'_>, profile: Option<&str>) -> Option<Written> {
        let here = |home: Option<&str>| settings.is_here(home);
        let done =
            settings.kubeconfig().and_then(|files| Ok(kubeconfig::logout_here(&files, profile, &here)?));
        match done {
            Ok(change) => {
                DiffArgs::default().tell(settings.ctx.console, &change);
                self.0.extend(change.failed.iter().map(ToString::to_string));
                Some(Written::from(&change))
            }
            Err(reason) => {
                self.add(sentence(&reason));
                None
            }
        }
    }

    /// In any form, what was done of a logout that failed is told on standard error.
    fn end(
        mut self,
        settings: &Settings<'_>,
        said: Vec<String>,
        done: &Done,
        format: Format,
    ) -> anyhow::Result<Output> {
        let Some(last) = self.0.pop() else { return Output::listed(format, done, || said.join("\n")) };
        for line in said.iter().chain(&self.0) {
            settings.ctx.console.status(line);
        }
        Err(Failure::new(last).into())
    }
}
