//! `tsh recordings search`.

use std::time::Duration;

use jiff::Timestamp;

use super::{forms, gate};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        ids::Shown,
        output::{Format, Output, Table},
        span,
        tsh::{Globals, zone::zone},
    },
    recording::timeline::clock,
    wire::recordings::{Found, Query},
};

/// Arguments of `tsh recordings search`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings search 'permission denied'\n  tsh recordings search passwd --since 7d --user alice\n\nTo see a line where it was: tsh play ID --from TIME"
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
        let query = Query {
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
            if found.hits.is_empty() {
                ctx.console.status(&format!("{:?} was not on the screen of these sessions.", self.text));
                return Ok(Output::nothing());
            }
        }
        let zone = zone(&ctx.env);
        Output::listed(self.format, &value(&found)?, || {
            let mut table =
                Table::new(["ID", "Time", "Started", "User", "Line"]).whole([0, 1, 2]).dispensable([3, 2]);
            let shown = Shown::of(found.hits.iter().map(|hit| hit.id));
            for hit in &found.hits {
                let started = hit.started.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
                let at = clock(Duration::from_millis(hit.at));
                table.row([&shown.id(hit.id), &at, &started, &hit.user, hit.line.trim()]);
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
}
