//! `tsh recordings ls`.

use std::{collections::HashSet, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use super::{forms, gate, pages::Pages};
use crate::{
    cli::{
        Ctx, block_on,
        ids::Shown,
        output::{Format, Output, Table},
        span,
        tsh::{Globals, zone::zone},
    },
    recording::{Session, event::Direction},
    wire::recordings::{PAGE, Query, Recording, State},
};

/// Arguments of `tsh recordings ls`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh recordings ls\n  tsh recordings ls --since 7d --user alice\n  tsh recordings ls --state live --format json"
)]
pub(crate) struct LsArgs {
    /// Begun since then: 30m, 2h or 7d ago, a day, or an instant
    #[arg(long, value_name = "TIME", value_parser = span::instant)]
    since: Option<Timestamp>,
    /// Begun before then
    #[arg(long, value_name = "TIME", value_parser = span::instant)]
    until: Option<Timestamp>,
    /// Only sessions of this person; who asks is another matter: the current login, or TELEPORT_USER's
    #[arg(long, value_name = "PERSON")]
    user: Option<String>,
    /// In this cluster
    #[arg(long)]
    cluster: Option<String>,
    /// In this state
    #[arg(long, value_enum, hide_possible_values = false)]
    state: Option<StateName>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = PAGE, value_parser = span::count)]
    limit: usize,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// The names of states.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum StateName {
    /// It goes on
    Live,
    /// It is over and all of it is there
    Complete,
    /// The gate died meanwhile
    Cut,
    /// Something of it could not be recorded
    Partial,
}

impl From<StateName> for State {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Live => Self::Live,
            StateName::Complete => Self::Complete,
            StateName::Cut => Self::Cut,
            StateName::Partial => Self::Partial,
        }
    }
}

impl LsArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        span::check(self.since, self.until, &zone(&ctx.env))?;
        let query = Query {
            since: self.since,
            until: self.until,
            user: self.user,
            cluster: self.cluster,
            state: self.state.map(State::from),
            ..Query::default()
        };
        // --user asks whose recordings; who asks is the current login.
        let globals = Globals { user: None, ..globals.clone() };
        let mut pages = Pages::new(self.format, zone(&ctx.env));
        let cut = block_on(async {
            let gate = gate::connect(&globals, ctx).await?;
            // Live ones first, however long they have been going on.
            let states = query.state.map_or(vec![Some(State::Live), None], |state| vec![Some(state)]);
            let (mut live, mut cut) = (HashSet::new(), false);
            for state in states {
                let (mut query, mut more) = (Query { state, ..query.clone() }, true);
                while more && pages.count < self.limit {
                    let page;
                    (page, more) =
                        gate.next_page(&mut query, self.limit - pages.count).await.map_err(gate::failure)?;
                    let new = |one: &Recording| !live.contains(&one.session.id);
                    let new: Vec<Recording> = page.into_iter().filter(new).collect();
                    if state == Some(State::Live) {
                        live.extend(new.iter().map(|one| one.session.id));
                    }
                    if !pages.write(&new)? {
                        return Ok(false);
                    }
                }
                cut |= more;
            }
            anyhow::Ok(cut)
        })?;
        if pages.count == 0 && self.format == Format::Text {
            ctx.console.status("There are no such recordings, or none that you may see.");
        }
        let count = pages.count;
        pages.finish()?;
        if cut {
            ctx.console.status(&format!(
                "These are the first {count}; there may be older ones: see more with --limit, or those before a time with --until."
            ));
        }
        Ok(Output::nothing())
    }
}

/// A recording for programs: its times have their unit in their name.
pub(crate) fn value(recording: &Recording) -> serde_json::Result<serde_json::Value> {
    let mut value = serde_json::to_value(recording)?;
    if let Some(keys) = value.as_object_mut() {
        keys.remove("duration");
        let seconds = forms::seconds(Duration::from_millis(recording.duration));
        keys.insert("duration_seconds".into(), seconds.into());
    }
    Ok(value)
}

/// The table of recordings. The ID comes first: other commands take its beginning.
pub(crate) fn table(all: &[Recording], zone: &TimeZone) -> Table {
    let shown = Shown::of(all.iter().map(|one| one.session.id));
    let mut table = Table::new(["ID", "Started", "User", "Cluster", "Pod", "Command", "Duration", "State"])
        .whole([0, 1])
        .dispensable([6, 3, 4, 7, 5, 2, 1]);
    for recording in all {
        let session = &recording.session;
        let started = session.started.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        table.row([
            &shown.id(session.id),
            &started,
            &session.user,
            &session.cluster,
            &pod(session),
            &what(recording),
            &length(recording),
            &state(recording),
        ]);
    }
    table
}

/// `namespace/pod`, and the container if one was named.
pub(crate) fn pod(session: &Session) -> String {
    let container =
        if session.container.is_empty() { String::new() } else { format!(" ({})", session.container) };
    format!("{}/{}{container}", session.namespace, session.pod)
}

/// What a session did: a copy by what it copied, else its command.
pub(crate) fn what(recording: &Recording) -> String {
    let Some(copy) = &recording.copy else { return command(&recording.session) };
    let way = if copy.direction == Direction::Up { "into" } else { "out of" };
    let size = copy.bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
    format!("cp {way} the container{size}: {}", copy.path)
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    let unit = ["KiB", "MiB", "GiB", "TiB"]
        .iter()
        .zip(1..)
        .take_while(|(_, power)| bytes >> (10 * power) > 0)
        .last();
    unit.map_or_else(
        || format!("{bytes} B"),
        |(unit, power)| format!("{:.1} {unit}", bytes as f64 / f64::from(1024_u32).powi(power)),
    )
}

/// The command, or that there was none.
pub(crate) fn command(session: &Session) -> String {
    if session.command.is_empty() { "(attach)".to_owned() } else { session.command.join(" ") }
}

fn length(recording: &Recording) -> String {
    let millis = match recording.state {
        State::Live => Timestamp::now().duration_since(recording.session.started).as_millis(),
        _ => i128::from(recording.duration),
    };
    let tenths = millis.max(0) / 100;
    match tenths {
        0..600 => format!("{}.{} s", tenths / 10, tenths % 10),
        600..36_000 => format!("{}m{:02}s", tenths / 600, tenths / 10 % 60),
        _ => format!("{}h{:02}m", tenths / 36_000, tenths / 600 % 60),
    }
}

fn state(recording: &Recording) -> String {
    let state = match recording.state {
        State::Live => "live",
        State::Ended => "ended, being closed",
        State::Complete => "complete",
        State::Cut => "cut",
        State::Partial => "partial",
    };
    match (recording.exit, &recording.reason) {
        (Some(code), _) => format!("{state}, exit {code}"),
        (None, Some(reason)) => {
            format!("{state}, {}", reason.strip_prefix("this session was ").unwrap_or(reason))
        }
        (None, None) => state.to_owned(),
    }
}
