//! `tctl events`: the audit log, for those who may read it.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{Globals, credentials};
use crate::{
    cli::{
        Ctx, block_on,
        output::{Format, Output, Table},
        span,
        tsh::zone::zone,
    },
    client::events::time,
};

/// How far back it is looked where nobody says.
const SPAN: SignedDuration = SignedDuration::from_hours(24);
/// Keys that stand in columns of their own, or say nothing to a person.
const PLAIN: [&str; 11] = [
    "event",
    "time",
    "user",
    "uid",
    "ei",
    "code",
    "namespace",
    "cluster_name",
    "login",
    "proto",
    "addr.local",
];
/// Keys that a person looks for first.
const FIRST: [&str; 3] = ["error", "command", "kubernetes_pod_name"];
/// How many keys a row tells.
const TOLD: usize = 5;
/// The types that a gate writes, for the TAB key.
pub(super) const TYPES: [&str; 23] = [
    "auth",
    "cert.create",
    "exec",
    "github.created",
    "github.deleted",
    "kube.request",
    "port",
    "role.created",
    "role.deleted",
    "session",
    "session.data",
    "session.end",
    "session.killed",
    "session.recording",
    "session.recording.access",
    "session.recording.deleted",
    "session.recording.failed",
    "session.recording.key_rotated",
    "session.start",
    "session.upload",
    "user",
    "user.delete",
    "user.login",
];

/// The audit log
#[derive(Debug, clap::Subcommand)]
pub(super) enum EventsCommand {
    /// List events of the audit log, the oldest first
    Ls(LsArgs),
}

/// Arguments of `tctl events ls`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl events ls --since 7d --type session.recording
  tctl events ls --since 2026-11-24 --until 2026-11-25 --user alice --limit 100000 --format json

A row tells some keys of an event; JSON and YAML have all of them. It needs `list` on `event`, which the role auditor gives.")]
pub(super) struct LsArgs {
    /// From then on: 30m, 2h or 7d ago, a day, or an instant [default: 24h ago]
    #[arg(long, value_name = "TIME", value_parser = span::instant)]
    since: Option<Timestamp>,
    /// Before then [default: now]
    #[arg(long, value_name = "TIME", value_parser = span::instant)]
    until: Option<Timestamp>,
    /// Only of this type, such as exec, or of those below it: session has session.start too; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only what this person did
    #[arg(long, value_name = "PERSON")]
    user: Option<String>,
    /// At most so many: the last ones
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = span::count)]
    limit: usize,
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl EventsCommand {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        match self {
            Self::Ls(args) => args.run(ctx, globals),
        }
    }
}

impl LsArgs {
    fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let zone = zone(&ctx.env);
        let until = self.until.unwrap_or_else(Timestamp::now);
        let since = self.since.unwrap_or_else(|| until.checked_sub(SPAN).unwrap_or(Timestamp::MIN));
        span::check(Some(since), Some(until), &zone)?;
        let (mut last, mut count, mut skipped) = (VecDeque::new(), 0_usize, None);
        block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            let mut events = gate.events(since, until);
            while let Some(page) = events.next().await.map_err(|e| gate.failure(e))? {
                for event in page.into_iter().filter(|event| self.fits(event)) {
                    count += 1;
                    if last.len() == self.limit {
                        last.pop_front();
                    }
                    last.push_back(event);
                }
            }
            skipped = events.skipped();
            anyhow::Ok(())
        })?;
        if let Some(second) = skipped {
            ctx.console.warn(&format!(
                "the gate has more events of {second} than it tells at once: some of them are missing here"
            ));
        }
        if last.is_empty() && self.format == Format::Text {
            ctx.console.status("There are no such events in this time.");
            return Ok(Output::nothing());
        }
        if count > last.len() {
            ctx.console.status(&format!(
                "These are the last {} of {count}: see more with --limit, or earlier ones with --until.",
                last.len()
            ));
        }
        let last = Vec::from(last);
        Output::listed(self.format, &last, || table(&last, &zone).render())
    }

    fn fits(&self, event: &Value) -> bool {
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        let is_type = |wanted: &String| {
            let rest = text("event").strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        (self.types.is_empty() || self.types.iter().any(is_type))
            && self.user.as_deref().is_none_or(|user| user == text("user"))
    }
}

fn table(all: &[Value], zone: &TimeZone) -> Table {
    let mut table = Table::new(["Time", "Event", "User", "What"]).whole([0, 1]).dispensable([2]);
    for event in all {
        let at = time(event).map_or_else(String::new, |at| {
            at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
        });
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        table.row([&at, text("event"), text("user"), &summary(event)]);
    }
    table
}

/// The keys that tell a person what happened.
fn summary(event: &Value) -> String {
    let Some(keys) = event.as_object() else { return String::new() };
    // The HTTP method says less than the verb of Kubernetes, and both would be called so.
    let is_told = |key: &str, value: &Value| {
        let plain = PLAIN.contains(&key) || (key == "verb" && keys.contains_key("kubernetes_verb"));
        !plain && !value.is_object() && !value.is_array() && !value.is_null() && *value != ""
    };
    let mut told: Vec<(&String, &Value)> = keys.iter().filter(|(key, value)| is_told(key, value)).collect();
    told.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    let one = |(key, value): &(&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}: {text}", key.strip_prefix("kubernetes_").unwrap_or(key))
    };
    told.iter().take(TOLD).map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_chosen_by_type_and_person() {
        let args = |types: &[&str], user: Option<&str>| LsArgs {
            since: None,
            until: None,
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            user: user.map(str::to_owned),
            limit: 1,
            format: Format::Text,
        };
        let event = json!({ "event": "session.start", "user": "alice" });
        for (types, user, fits) in [
            (&[][..], None, true),
            (&["session.start"], Some("alice"), true),
            (&["exec", "session"], None, true),
            (&["sess"], None, false),
            (&["session.start.more"], None, false),
            (&[], Some("alic"), false),
        ] {
            assert_eq!(args(types, user).fits(&event), fits, "{types:?} {user:?}");
        }
    }

    #[test]
    fn a_row_tells_what_matters_and_is_clean() {
        let events = [
            json!({ "event": "exec", "user": "alice", "time": "2026-11-24T19:00:00Z", "uid": "u", "sid": "7c9e", "verb": "POST",
                "kubernetes_verb": "exec", "kubernetes_pod_name": "web", "command": "sh -c \u{1b}[31m", "addr.local": "x" }),
            json!({ "event": "auth", "time": "2026-11-24T19:00:01Z", "error": "no", "count": 2 }),
        ];
        insta::assert_snapshot!(table(&events, &TimeZone::UTC).fitted(None), @r"
        Time                Event User  What
        ------------------- ----- ----- ---------------------------------------------------------------
        2026-11-24 19:00:00 exec  alice command: sh -c \u{1b}[31m, pod_name: web, sid: 7c9e, verb: exec
        2026-11-24 19:00:01 auth        error: no, count: 2
        ");
    }
}
