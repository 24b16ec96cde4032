//! `tsh join`: looks on while a session goes on.

use std::io::{self, IsTerminal};

use super::{
    Globals,
    play::{Done, Feed, Player, show},
    recordings::{forms, gate, ls},
};
use crate::{
    cli::{
        Ctx, block_on,
        error::Failure,
        ids,
        output::{Output, write_more},
    },
    recording::{Event, Header, Session, telling::Telling, timeline::Timeline},
    wire::recordings::State,
};

/// Arguments of `tsh join`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh join 7c9e6679 --mode=observer\n  tsh join 7c9e6679 --mode=observer | tee session.txt\n\nKeys: as in tsh play; q leaves the session to itself. Which sessions go on: tsh recordings ls --state live"
)]
pub(crate) struct JoinArgs {
    /// ID of the session, or how it begins
    id: String,
    /// As what: an observer sees what happens and changes nothing
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
}

/// As what a person joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Mode {
    /// Sees what happens
    #[default]
    Observer,
}

impl JoinArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let Mode::Observer = self.mode;
        ids::read(&self.id, false)?;
        block_on(async {
            let gate = gate::connect(globals, ctx).await?;
            let known = gate::find(&gate, &self.id, true, ctx).await?;
            let id = known.session.id;
            if known.state != State::Live {
                let text = format!("the session {id} is over");
                return Err(Failure::new(text)
                    .hint(format!("to see it: {} play {id}", ctx.tool("tsh")))
                    .into());
            }
            let mut feed = Feed::new(gate.recording_live(id).await.map_err(gate::failure)?);
            let (header, events) = feed.begin().await?;
            let ending = if io::stdout().is_terminal() {
                let mut timeline = Timeline::new(header);
                events.into_iter().for_each(|event| timeline.push(event));
                let (done, player) = show(Player::of_live(timeline), Some(feed), ctx).await?;
                if done != Done::Over {
                    return Ok(Output::nothing().with_code(done.code()));
                }
                player.timeline().ending().and_then(forms::ending)
            } else {
                match tell(feed, &header, events).await? {
                    Some(ending) => ending,
                    None => return Ok(Output::nothing()),
                }
            };
            ctx.console.status(&over(&known.session, ending));
            Ok(Output::nothing())
        })
    }
}

/// Prints each line when it is whole, without a terminal to show a film on. None: the reader went away.
async fn tell(
    mut feed: Feed<'_>,
    header: &Header,
    mut events: Vec<Event>,
) -> anyhow::Result<Option<Option<String>>> {
    let mut telling = Telling::new(header);
    let mut ending = None;
    loop {
        let mut text = String::new();
        for event in &events {
            text.push_str(&telling.push(event));
            ending = forms::ending(&event.what).or(ending);
        }
        if !write_more(&text)? {
            return Ok(None);
        }
        match feed.next().await? {
            Some(more) => events = more,
            None => break,
        }
    }
    Ok(write_more(&telling.finish())?.then_some(ending))
}

fn over(session: &Session, ending: Option<String>) -> String {
    let why = ending.map_or_else(String::new, |ending| format!(": {ending}"));
    format!("The session of {} in {} {} is over{why}.", session.user, session.cluster, ls::pod(session))
}
