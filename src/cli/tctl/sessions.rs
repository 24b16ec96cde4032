//! `tctl sessions`: what goes on at this moment, and how to end it.

use jiff::Timestamp;

use super::{Globals, connection::Connection, credentials};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        ids::{self, Shown, Typed},
        output::{Format, Output, Table},
        tsh::{recordings::ls::what, zone::zone},
    },
    wire::recordings::{Query, Recording, State},
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
    /// Only this person's
    #[arg(long)]
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
  tctl sessions kill 7c9e6679 --reason 'the maintenance begins now'")]
pub(super) struct KillArgs {
    /// ID of the session, or how it begins
    id: String,
    /// What its user reads
    #[arg(long)]
    reason: Option<String>,
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
        Output::listed(self.format, &all, || table(&all, Timestamp::now()).render())
    }
}

fn table(all: &[Recording], now: Timestamp) -> Table {
    let mut table = Table::new(["ID", "User", "Cluster", "Pod", "Command", "Since", "From"]);
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
            let session = chosen(&gate, &self.id, ctx).await?.session;
            let id = session.id;
            gate.kill_session(id, self.reason.as_deref()).await.map_err(|e| gate.failure(e))?;
            let (user, place) = (&session.user, format!("{}/{}", session.namespace, session.pod));
            let reads = match self.reason.as_deref().filter(|reason| !reason.trim().is_empty()) {
                Some(reason) => format!("by whom, and why: {reason}"),
                None => "by whom; --reason would have said why".to_owned(),
            };
            Ok(Output::text(format!(
                "The session {id} of {user} in {} {place} has been ended. {user} reads {reads}",
                session.cluster
            )))
        })
    }
}

/// The live session that is meant.
async fn chosen(gate: &Connection, typed: &str, ctx: &Ctx) -> anyhow::Result<Recording> {
    let hint = "to see which go on: tctl sessions ls";
    let beginning = match ids::read(typed, false).map_err(|failure| failure.hint(hint))? {
        Typed::Whole(id) => return gate.recording(id).await.map_err(|e| gate.failure(e)),
        Typed::Beginning(beginning) => beginning,
    };
    let mut fitting = live(gate, None, None).await?;
    fitting.retain(|one| ids::begins(one.session.id, &beginning));
    let none = || Failure::new(format!("no live session has an ID that begins with {typed}")).hint(hint);
    Ok(ids::one(typed, fitting, &zone(&ctx.env))?.ok_or_else(none)?)
}
