//! `tsh play`: a recording as a film in the terminal, or as text.

mod controls;
mod frame;
mod keys;
mod player;
mod theatre;

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    time::Duration,
};

use super::{
    Globals,
    recordings::{forms, gate},
};
use crate::cli::{
    Ctx, block_on,
    error::Failure,
    output::{Output, stream},
    span,
};
use crate::recording::timeline::clock;

pub(super) use player::Player;
use player::Settings;
pub(super) use theatre::{Done, Feed, show};

/// Arguments of `tsh play`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tsh play 7c9e6679\n  tsh play session.cast --speed 2 --skip-idle --from 1:23\n  tsh play 7c9e6679 --format text | less\n\nKeys:\n  space            pause, go on\n  left, right      5 seconds back, forward (with shift: 1 second)\n  , and .          one event back, forward\n  + and -          faster, slower\n  0 to 9           to that tenth of the recording (home, end: to its start, its end)\n  q                quit"
)]
pub(crate) struct PlayArgs {
    /// ID of a session (or how it begins), or a file: sealed or asciicast v2; - is standard input
    #[arg(value_name = "ID|FILE")]
    what: String,
    /// How fast a film runs, from 0.5 to 16 [default: 1]
    #[arg(short, long, value_parser = speed)]
    speed: Option<f64>,
    /// In a film, cut pauses that are longer than this to so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = seconds)]
    skip_idle: Option<Duration>,
    /// Where to begin: 83, 1:23 or 1:02:03; text and JSON have what came from then on
    #[arg(long, value_name = "TIME", value_parser = span::place)]
    from: Option<Duration>,
    /// How to show it [default: pty on a terminal, else text]
    #[arg(short, long, value_enum)]
    format: Option<Form>,
}

/// How to show a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// As a film on this terminal
    Pty,
    /// What was on the screen, line by line
    Text,
    /// One JSON object an event
    Json,
}

impl PlayArgs {
    pub(crate) fn run(self, globals: &Globals, ctx: &Ctx) -> anyhow::Result<Output> {
        let terminal = io::stdout().is_terminal();
        let form = self.format.unwrap_or(if terminal { Form::Pty } else { Form::Text });
        if form == Form::Pty && !terminal {
            return Err(Failure::usage("--format pty needs a terminal on standard output").into());
        }
        if form != Form::Pty {
            self.of_films(ctx)?;
        }
        let loaded = block_on(gate::load(&self.what, globals, ctx))?;
        let timeline = gate::timeline(&loaded, form == Form::Pty, ctx)?;
        let from = self.from.unwrap_or_default();
        if form != Form::Pty && from > timeline.total() {
            ctx.console.warn(&format!(
                "--from is behind the end of the recording, which is {} long",
                clock(timeline.total())
            ));
        }
        match form {
            Form::Text => stream(|out| forms::text(&timeline, from, out))?,
            Form::Json => stream(|out| forms::json_lines(&timeline, from, loaded.goes_on(), out))?,
            Form::Pty => {
                let speed = self.speed.unwrap_or(1.0);
                let settings = Settings { speed, skip: self.skip_idle, from: self.from };
                let player = Player::new(timeline, settings);
                let (done, _) = block_on(show(player, None, ctx))?;
                return Ok(Output::nothing().with_code(done.code()));
            }
        }
        Ok(Output::nothing())
    }

    /// Options that mean something to a film alone: an error with a form that was asked for, a warning where standard output made it
    /// text.
    fn of_films(&self, ctx: &Ctx) -> Result<(), Failure> {
        let given = [("--speed", self.speed.is_some()), ("--skip-idle", self.skip_idle.is_some())];
        for (option, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
            let text = format!("{option} is for a film (--format pty): text and JSON have no pace");
            if self.format.is_some() {
                return Err(Failure::usage(text));
            }
            ctx.console.warn(&text);
        }
        Ok(())
    }
}

/// Puts the number behind `--skip-idle` to it: clap takes a value that may be left out behind `=` alone. A number of up to three
/// characters is no ID, and a file of such a name is `./2`.
pub(in crate::cli) fn with_seconds(args: Vec<OsString>) -> Vec<OsString> {
    let (mut out, mut is_play) = (Vec::<OsString>::new(), false);
    for word in args {
        let number =
            word.to_str().filter(|text| text.len() < 4 && text.parse::<f64>().is_ok_and(f64::is_finite));
        match (out.last_mut(), number) {
            (Some(last), Some(number)) if is_play && *last == "--skip-idle" => {
                last.push("=");
                last.push(number);
            }
            _ => {
                is_play |= word == "play";
                out.push(word);
            }
        }
    }
    out
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.trim_end_matches(['x', '×']).parse().ok().filter(|speed| (0.5..=16.0).contains(speed));
    speed.ok_or_else(|| "it is a number from 0.5 to 16".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "it is a number of seconds".to_owned())
}
