//! `tctl sessions`: what goes on at this moment, and how to end it.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Globals, connection::Connection, credentials};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        output::{Format, Output, Table},
    },
    wire::recordings::{Query, Recording, State},
};

/// The fewest characters of an ID that may stand for the whole.
const PREFIX: usize = 8;

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
    /// ID of the session, or its first 8 characters
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
    for Recording { session, .. } in all {
        let seconds = now.duration_since(session.started).as_secs().max(0);
        let command =
            if session.command.is_empty() { "(attach)".to_owned() } else { session.command.join(" ") };
        table.row([
            &session.id.to_string()[..PREFIX],
            &session.user,
            &session.cluster,
            &format!("{}/{}", session.namespace, session.pod),
            &command,
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
            let id = match self.id.parse::<Uuid>() {
                Ok(id) => id,
                Err(_) => chosen(&self.id, &live(&gate, None, None).await?)?,
            };
            gate.kill_session(id, self.reason.as_deref()).await.map_err(|e| gate.failure(e))?;
            Ok(Output::text(format!("session {id} has been ended")))
        })
    }
}

/// The live session whose ID begins so.
fn chosen(prefix: &str, all: &[Recording]) -> Result<Uuid, Failure> {
    let hint = "to see which go on: tctl sessions ls";
    let wanted = prefix.to_ascii_lowercase();
    if wanted.len() < PREFIX {
        let text = format!("{prefix:?} is too short for an ID; type its first {PREFIX} characters");
        return Err(Failure::usage(text).hint(hint));
    }
    let fitting: Vec<Uuid> =
        all.iter().map(|one| one.session.id).filter(|id| id.to_string().starts_with(&wanted)).collect();
    match fitting[..] {
        [id] => Ok(id),
        [] => Err(Failure::new(format!("no live session has an ID that begins with {prefix}")).hint(hint)),
        _ => {
            Err(Failure::new(format!("{prefix} is the beginning of several IDs; type more of it")).hint(hint))
        }
    }
}
