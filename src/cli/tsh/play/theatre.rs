//! Plays a film on the viewer's terminal: time, keys, signals, and what a live session sends.

use std::{
    future,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    controls::Tty,
    frame::Canvas,
    keys::{self, Key},
    player::Player,
};
use crate::{
    cli::{Ctx, tsh::recordings::gate},
    client::recordings::LiveLines,
    recording::{Event, Header, decode::Decoder},
};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// The longest time in which the clock in the status line stands still while the film plays.
const TICK: Duration = Duration::from_millis(250);

/// How a film ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// The viewer quit.
    Quit,
    /// Ctrl-C or a signal of this number.
    Signal(u8),
    /// The live session is over.
    Over,
}

impl Done {
    /// The exit code, as a shell has it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Quit | Self::Over => 0,
            Self::Signal(number) => 128 + number,
        }
    }
}

/// What happens in a live session, as it happens.
pub(crate) struct Feed<'a> {
    lines: LiveLines<'a>,
    decoder: Decoder,
}

impl<'a> Feed<'a> {
    /// Of lines of which none has been read.
    pub(crate) fn new(lines: LiveLines<'a>) -> Self {
        Self { lines, decoder: Decoder::default() }
    }

    /// The first line, and what happened before anybody looked.
    pub(crate) async fn begin(&mut self) -> anyhow::Result<(Header, Vec<Event>)> {
        let mut events = Vec::new();
        while self.decoder.header().is_none() {
            match self.next().await? {
                Some(more) => events.extend(more),
                None => break,
            }
        }
        let header = self.decoder.header().cloned().context("the gate sent nothing of this session")?;
        Ok((header, events))
    }

    /// What happens next; none when the session is over.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<Event>>> {
        let Some(bytes) = self.lines.chunk().await.map_err(gate::failure)? else {
            self.decoder.finish();
            let rest: Vec<Event> = std::iter::from_fn(|| self.decoder.next_event()).collect();
            return Ok((!rest.is_empty()).then_some(rest));
        };
        self.decoder.feed(&bytes).context("the gate's lines of this session cannot be read")?;
        Ok(Some(std::iter::from_fn(|| self.decoder.next_event()).collect()))
    }
}

/// Plays until the viewer quits or a live session is over. The terminal is as before then.
pub(crate) async fn show(
    mut player: Player,
    mut feed: Option<Feed<'_>>,
    ctx: &Ctx,
) -> anyhow::Result<(Done, Player)> {
    let mut resized = signal(SignalKind::window_change())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let colours = ctx.env.os("NO_COLOR").is_none();
    let mut tty = Tty::take().context("the terminal cannot be used")?;
    let (mut canvas, mut typed) = (Canvas::default(), Vec::new());
    let mut last = Instant::now();
    loop {
        tty.write(canvas.draw(&player, tty.size(), colours).as_bytes()).context("the terminal")?;
        let wait = player.until_next().map(|wait| wait.clamp(FRAME, TICK));
        let sleep = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => future::pending().await,
            }
        };
        let news = async {
            match &mut feed {
                Some(feed) => feed.next().await,
                None => future::pending().await,
            }
        };
        let (mut pressed, mut came) = (vec![], None);
        tokio::select! {
            biased;
            _ = terminate.recv() => return Ok((Done::Signal(15), player)),
            _ = hangup.recv() => return Ok((Done::Signal(1), player)),
            _ = interrupt.recv() => return Ok((Done::Signal(2), player)),
            bytes = tty.typed() => match bytes {
                Some(bytes) => {
                    typed.extend(bytes);
                    pressed = keys::take(&mut typed);
                }
                None => return Ok((Done::Signal(1), player)),
            },
            _ = resized.recv() => {}
            news = news => came = Some(news?),
            () = sleep => {}
        }
        let now = Instant::now();
        player.elapse(now - last);
        last = now;
        match came {
            Some(Some(events)) => player.push(events),
            Some(None) => return Ok((Done::Over, player)),
            None => {}
        }
        for key in pressed {
            match key {
                Key::Quit => return Ok((Done::Quit, player)),
                Key::Interrupt => return Ok((Done::Signal(2), player)),
                Key::Suspend => {
                    tty.suspend().context("the terminal")?;
                    canvas = Canvas::default();
                    last = Instant::now();
                }
                other => player.press(other),
            }
        }
    }
}
