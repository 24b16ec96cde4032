//! `tctl sessions`: what goes on at this moment, and how to end it.

use jiff::Timestamp;

use super::{Globals, connection::Connection, credentials};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        ids::{self, Shown, Typed},
        output::{Format, Output, Table},
        tsh::{
            recordings::ls::{self, what},
            zone::zone,
        },
    },
    model::text,
    recording::Session,
    wire::recordings::{MAX_REASON, Query, Recording, State},
};

/// Live sessions: list and end them
#[derive(Debug, clap::Subcommand)]
pub(super) enum SessionsCommand {
    /// List the sessions that go on at this moment
    Ls(LsArgs),
    /// End a session; its user reads why
    Kill(KillArgs),
}

/// Arguments of `tctl sessions ls`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl sessions ls
  tctl sessions ls --user alice --format json")]
pub(super) struct LsArgs {
    /// Only sessions of this person
    #[arg(long, value_name = "PERSON")]
    user: Option<String>,
    /// Only those in this cluster
    #[arg(long)]
    cluster: Option<String>,
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `tctl sessions kill`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tctl sessions kill 7c9e6679
  tctl sessions kill 7c9e6679 --reason 'the maintenance begins now'

A tsh login is enough: one's own sessions anybody may end, those of others who has `delete` on `session`. On the gate's own machine \
it is the gate's administrator who ends it.")]
pub(super) struct KillArgs {
    /// ID of the session, or how it begins
    id: String,
    /// What its user reads, in one line of at most 512 bytes
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How to write what was done
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl SessionsCommand {
    pub(super) fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        match self {
            Self::Ls(args) => args.run(ctx, globals),
            Self::Kill(args) => args.run(ctx, globals),
        }
    }
}

async fn live(
    gate: &Connection,
    user: Option<String>,
    cluster: Option<String>,
) -> anyhow::Result<Vec<Recording>> {
    let query = Query { state: Some(State::Live), user, cluster, ..Query::default() };
    gate.all_recordings(query, usize::MAX).await.map_err(|e| gate.failure(e))
}

impl LsArgs {
    fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        let all = block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            live(&gate, self.user, self.cluster).await
        })?;
        if all.is_empty() && self.format == Format::Text {
            ctx.console.status("No session goes on at this moment.");
            return Ok(Output::nothing());
        }
        let values = all.iter().map(ls::value).collect::<Result<Vec<_>, _>>()?;
        Output::listed(self.format, &values, || table(&all, Timestamp::now()).render())
    }
}

fn table(all: &[Recording], now: Timestamp) -> Table {
    let mut table = Table::new(["ID", "User", "Cluster", "Pod", "Command", "Since", "From"])
        .whole([0])
        .dispensable([6, 2, 5, 3, 4, 1]);
    let shown = Shown::of(all.iter().map(|one| one.session.id));
    for recording in all {
        let session = &recording.session;
        let seconds = now.duration_since(session.started).as_secs().max(0);
        table.row([
            &shown.id(session.id),
            &session.user,
            &session.cluster,
            &format!("{}/{}", session.namespace, session.pod),
            &what(recording),
            &format!("{}m{:02}s", seconds / 60, seconds % 60),
            &session.remote,
        ]);
    }
    table
}

impl KillArgs {
    fn run(self, ctx: &Ctx, globals: &Globals) -> anyhow::Result<Output> {
        block_on(async {
            let gate = credentials::connect(ctx, globals).await?;
            let found = chosen(&gate, &self.id, ctx).await?;
            if found.state != State::Live {
                return Err(over(&found, ctx).into());
            }
            let session = found.session;
            let id = session.id;
            let reason = self.reason.as_deref().map(one_line).filter(|reason| !reason.is_empty());
            gate.kill_session(id, reason.as_deref()).await.map_err(|e| gate.failure(e))?;
            let done = serde_json::json!({
                "id": id, "user": session.user, "cluster": session.cluster, "namespace": session.namespace,
                "pod": session.pod, "reason": reason, "result": "ended",
            });
            Output::listed(self.format, &done, || ended(&session, reason.as_deref()))
        })
    }
}

/// What was done, for people.
fn ended(session: &Session, reason: Option<&str>) -> String {
    let Session { id, user, cluster, namespace, pod, .. } = session;
    let reads = match reason {
        Some(reason) => format!("by whom, and why: {reason}"),
        None => "by whom; --reason would have said why".to_owned(),
    };
    format!("The session {id} of {user} in {cluster} {namespace}/{pod} has been ended. {user} reads {reads}")
}

/// A reason as its user reads it: one line without control characters, and no longer than the gate takes it.
fn one_line(reason: &str) -> String {
    let words = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = text::clean_line(&words);
    if clean.len() <= MAX_REASON {
        return clean.into_owned();
    }
    const MARK: &str = "…";
    format!("{}{MARK}", &clean[..clean.floor_char_boundary(MAX_REASON - MARK.len())])
}

/// What to say of a session that cannot be ended any more.
fn over(found: &Recording, ctx: &Ctx) -> Failure {
    let Recording { session, ended, exit, reason, .. } = found;
    let when = ended.map_or_else(String::new, |at| {
        format!(" since {}", at.to_zoned(zone(&ctx.env)).strftime("%Y-%m-%d %H:%M:%S"))
    });
    let how = match (exit, reason) {
        (_, Some(reason)) => format!(": {reason}"),
        (Some(code), None) => format!(": exit code {code}"),
        (None, None) => String::new(),
    };
    Failure::new(format!("the session {} of {} is over already{when}{how}", session.id, session.user))
        .hint("to see which go on: tctl sessions ls")
}

/// The session that is meant: of those that begin so, a live one before all others.
async fn chosen(gate: &Connection, typed: &str, ctx: &Ctx) -> anyhow::Result<Recording> {
    let hint = "to see which go on: tctl sessions ls";
    let beginning = match ids::read(typed, false).map_err(|failure| failure.hint(hint))? {
        Typed::Whole(id) => return gate.recording(id).await.map_err(|e| gate.failure(e)),
        Typed::Beginning(beginning) => beginning,
    };
    let mut fitting = live(gate, None, None).await?;
    fitting.retain(|one| ids::begins(one.session.id, &beginning));
    if let Some(live) = ids::one(typed, fitting, &zone(&ctx.env))? {
        return Ok(live);
    }
    let query = Query { id: Some(beginning), ..Query::default() };
    let others = gate.all_recordings(query, 2).await.map_err(|e| gate.failure(e))?;
    let none = || Failure::new(format!("no live session has an ID that begins with {typed}")).hint(hint);
    match others.len() {
        1 => Ok(others.into_iter().next().ok_or_else(none)?),
        _ => Err(none().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_bounded_line() {
        assert_eq!(one_line("noon\r\n  and\tlater \n"), "noon and later");
        assert_eq!(one_line("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(one_line(" \n"), "");
        let long = one_line(&"日".repeat(400));
        assert!(long.len() <= MAX_REASON && long.ends_with("日…"), "{long}");
    }
}
