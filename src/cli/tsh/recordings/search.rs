//! `tsh recordings search`.

use std::time::Duration;

use jiff::Timestamp;

use super::{forms, gate};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        ids::{self, Shown, Typed},
        output::{Format, Output, Table},
        span,
        tsh::{Globals, zone::zone},
    },
    recording::{event::Stream, telling::marked, timeline::clock},
    wire::recordings::{Found, LINES, Query, Untold},
};

/// Arguments of `tsh recordings search`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings search 'permission denied'\n  tsh recordings search passwd --since 7d --user alice\n  tsh recordings search passwd --session 7c9e6679 --limit 1000\n\nA line that was sent to a command's standard input begins with [stdin]. To see a line where it was: tsh play ID --from TIME"
)]
pub(crate) struct SearchArgs {
    /// The text; upper and lower case are the same
    text: String,
    /// In sessions begun since then: 30m, 2h or 7d ago, a day, or an instant
    #[arg(long, value_name = "TIME", value_parser = span::instant)]
    since: Option<Timestamp>,
    /// In sessions begun before then
    #[arg(long, value_name = "TIME", value_parser = span::instant)]
    until: Option<Timestamp>,
    /// Only in sessions of this person; who asks is another matter: the current login, or TELEPORT_USER's
    #[arg(long, value_name = "PERSON")]
    user: Option<String>,
    /// In sessions of this cluster
    #[arg(long)]
    cluster: Option<String>,
    /// In this session alone: its ID, or how that begins
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Name at most so many lines of a session
    #[arg(long, value_name = "COUNT", default_value_t = LINES, value_parser = span::count)]
    limit: usize,
    /// Go on where an earlier search stopped
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

impl SearchArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        if self.text.trim().is_empty() {
            return Err(Failure::usage("the text to search for is empty: name what was on the screen").into());
        }
        span::check(self.since, self.until, &zone(&ctx.env))?;
        let session = self.session.as_deref().map(|typed| ids::read(typed, false)).transpose()?;
        let query = Query {
            id: session.map(|typed| match typed {
                Typed::Whole(id) => id.simple().to_string(),
                Typed::Beginning(digits) => digits,
            }),
            limit: Some(self.limit),
            since: self.since,
            until: self.until,
            user: self.user.clone(),
            cluster: self.cluster,
            after: self.after,
            ..Query::default()
        };
        // --user says whose recordings; who asks is the current login.
        let globals = Globals { user: None, ..globals.clone() };
        let found: Found = block_on(async {
            let gate = gate::connect(&globals, ctx).await?;
            gate.search_recordings(&self.text, &query).await.map_err(gate::failure)
        })?;
        if self.format == Format::Text {
            if let Some(next) = &found.next {
                ctx.console.status(&format!(
                    "There are older sessions that were not searched; to go on: --after {next}"
                ));
            }
            if let Some(hint) = untold(&found, self.limit) {
                ctx.console.status(&hint);
            }
            if found.hits.is_empty() {
                ctx.console.status(&format!(
                    "{:?} was not on the screen of these sessions, nor piped into a command.",
                    self.text
                ));
                return Ok(Output::nothing());
            }
        }
        let zone = zone(&ctx.env);
        Output::listed(self.format, &value(&found)?, || {
            let mut table =
                Table::new(["ID", "Time", "Started", "User", "Line"]).whole([0, 1, 2]).dispensable([3, 2]);
            let shown = Shown::of(found.hits.iter().map(|hit| hit.id));
            for (n, hit) in found.hits.iter().enumerate() {
                let started = hit.started.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
                let at = clock(Duration::from_millis(hit.at));
                let line = marked(hit.stream.unwrap_or(Stream::Stdout), hit.line.trim());
                table.row([&shown.id(hit.id), &at, &started, &hit.user, &line]);
                let last = found.hits.get(n + 1).is_none_or(|next| next.id != hit.id);
                let rest = found.untold.iter().find(|untold| last && untold.id == hit.id);
                if let Some(rest) = rest.and_then(more) {
                    table.row([&shown.id(hit.id), "", "", &hit.user, &rest]);
                }
            }
            table.render()
        })
    }
}

/// What was found, for programs: its times have their unit in their name.
fn value(found: &Found) -> serde_json::Result<serde_json::Value> {
    let mut value = serde_json::to_value(found)?;
    let hits = value.get_mut("hits").and_then(|hits| hits.as_array_mut());
    for (one, hit) in hits.into_iter().flatten().zip(&found.hits) {
        if let Some(keys) = one.as_object_mut() {
            keys.remove("at");
            keys.insert("at_seconds".into(), forms::seconds(Duration::from_millis(hit.at)).into());
        }
    }
    Ok(value)
}

/// How many lines of a session are not told, behind those that are.
fn more(untold: &Untold) -> Option<String> {
    let least = if untold.all { "" } else { "at least " };
    let lines = if untold.lines == 1 { "line" } else { "lines" };
    (untold.lines > 0).then(|| format!("… and {least}{} more {lines} of this session", untold.lines))
}

/// What to do about lines that are not told.
fn untold(found: &Found, limit: usize) -> Option<String> {
    let mut hints = Vec::new();
    if let Some(most) = found.untold.iter().map(|untold| untold.lines).filter(|lines| *lines > 0).max() {
        let limit = most.saturating_add(limit as u64);
        hints.push(format!(
            "Not all lines are named; to see those of one session: --session ID --limit {limit}"
        ));
    }
    let partly: Vec<String> =
        found.untold.iter().filter(|untold| !untold.all).map(|untold| untold.id.to_string()).collect();
    if !partly.is_empty() {
        hints.push(format!(
            "Not searched to the end, for there is too much: {}; all of one: tsh play ID --format text",
            partly.join(", ")
        ));
    }
    (!hints.is_empty()).then(|| hints.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_unit_in_their_name() {
        let found = serde_json::json!({ "hits": [{
            "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "user": "alice", "started": "2026-11-24T19:00:00Z", "at": 83_500, "line": "x",
        }] });
        let value = value(&serde_json::from_value(found).unwrap()).unwrap();
        assert_eq!((&value["hits"][0]["at_seconds"], value["hits"][0].get("at")), (&83.5.into(), None));
    }

    #[test]
    fn it_is_said_what_is_not_told() {
        let id = "7c9e6679-7425-80de-944b-e07fc1f90ae7".parse().unwrap();
        let found = |lines, all| Found { untold: vec![Untold { id, lines, all }], ..Found::default() };
        assert_eq!(more(&found(1, true).untold[0]).as_deref(), Some("… and 1 more line of this session"));
        assert_eq!(
            more(&found(9, false).untold[0]).as_deref(),
            Some("… and at least 9 more lines of this session")
        );
        assert_eq!(more(&found(0, false).untold[0]), None);
        let hint = untold(&found(9, true), 20).unwrap();
        assert!(hint.ends_with("--session ID --limit 29") && !hint.contains("to the end"), "{hint}");
        assert!(untold(&found(0, false), 20).unwrap().contains("7c9e6679-7425-80de-944b-e07fc1f90ae7"));
        assert_eq!(untold(&Found::default(), 20), None);
    }
}
