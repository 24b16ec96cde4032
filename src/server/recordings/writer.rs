//! Writes one live session: an actor that owns the spool, gives every event its time, seals each minute and at the end.
//!
//! It has a thread of its own, which may wait for the disk: a session's output crosses to one thread and back, and no more.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::MissedTickBehavior,
};

use super::{
    Inner,
    follow::{Coming, Followers},
    kept::Backoff,
    live::{End, Killer, Order},
    span,
    spool::{Sealed, Since, Spool},
};
use crate::{
    recording::{Event, What, chain::Ending, encode::Encoder, event::Stream, verify::Last},
    server::{
        audit::{Event as AuditEvent, RecordingEvent},
        config::RecordingMode,
    },
    wire::recordings::{Recording, State},
};

/// How long a line may be unsynced.
const SYNC: Duration = Duration::from_secs(1);
/// Stands in the recording of a session whose connection was gone before it was over.
const GIVEN_UP: &str = "the connection was given up";
/// How many orders are taken at once.
const BATCH: usize = 16;
/// How long a session's failures are told of once, in `best_effort`: a full disk has room for a line now and then.
const TELL: Duration = Duration::from_secs(60);
/// How long the store may fail before a strict session ends.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// What works on the disk.
pub(super) struct Pen {
    pub(super) spool: Spool,
    encoder: Encoder,
    last: Duration,
}

impl Pen {
    pub(super) fn new(spool: Spool) -> Self {
        Self { spool, encoder: Encoder::default(), last: Duration::ZERO }
    }

    /// Writes events down; the answer is their lines.
    fn write(&mut self, events: Vec<What>, now: Duration) -> std::io::Result<Vec<u8>> {
        let at = now.max(self.last);
        // A line has a head, and some characters take more than one in JSON.
        let room = usize::try_from(bytes_in(&events)).unwrap_or_default();
        let mut lines = Vec::with_capacity(room + room / 8 + 256);
        let mut encoder = self.encoder.clone();
        for what in events {
            encoder.encode(&Event { at, what }, &mut lines);
        }
        self.spool.append(&lines, at)?;
        (self.encoder, self.last) = (encoder, at);
        Ok(lines)
    }
}

/// The actor of a live session.
pub(super) struct Writer {
    pub(super) inner: Arc<Inner>,
    /// Gone if it broke.
    pub(super) pen: Option<Pen>,
    pub(super) began: Instant,
    pub(super) recording: Recording,
    pub(super) followers: Followers,
    pub(super) killer: Killer,
    pub(super) end: End,
    /// Why nothing more is recorded.
    pub(super) failed: Option<String>,
    /// When a failure was told of last.
    pub(super) told: Option<Instant>,
    /// Bytes that could not be recorded since the last that could.
    pub(super) missed: u64,
    pub(super) uploads: JoinSet<bool>,
}

impl Writer {
    /// Works until the session ends, then seals and uploads what is left.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut sync = tokio::time::interval(SYNC);
        let every = self.inner.seal_every;
        let mut seal = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        seal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        let (reason, last) = 'live: loop {
            tokio::select! {
                count = orders.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break (Some(GIVEN_UP.to_owned()), vec![]);
                    }
                    for order in batch.drain(..) {
                        match order {
                            Order::Events { events, done } => {
                                // Whoever asked may have stopped waiting.
                                let _ = done.send(self.write(events).await);
                            }
                            Order::Snapshot(answer) => {
                                let _ = answer.send(self.with_pen(|pen| pen.spool.snapshot()));
                            }
                            Order::Since(from, answer) => {
                                let _ = answer.send(self.since(from));
                            }
                            Order::Finish { reason, last } => break 'live (reason, last),
                            Order::Discard => return self.discard().await,
                            #[cfg(test)]
                            Order::Break => drop(self.with_pen(|_| -> std::io::Result<()> { panic!("a broken pen") })),
                        }
                    }
                }
                _ = sync.tick() => self.sync().await,
                _ = seal.tick() => self.seal_or_end().await,
            }
        };
        // Whoever asks from now on reads the files.
        drop(orders);
        self.finish(reason, last).await;
    }

    async fn write(&mut self, events: Vec<What>) -> Result<(), String> {
        let size = bytes_in(&events);
        if let Some(why) = &self.failed
            && self.inner.config.mode == RecordingMode::Strict
        {
            return Err(why.clone());
        }
        let complete = self.recording.lost == 0;
        self.note(&events);
        if complete && self.recording.lost > 0 {
            self.tell("parts of it could not be recorded", false).await;
        }
        let now = self.began.elapsed();
        let mut all = events;
        if self.missed > 0 {
            let why = self.failed.clone().unwrap_or_default();
            all.insert(0, What::Lost { bytes: self.missed, why });
        }
        let written = self.with_pen(|pen| {
            let lines = pen.write(all, now)?;
            Ok((lines, pen.spool.is_full()))
        });
        match written {
            Ok((lines, full)) => {
                (self.missed, self.failed) = (0, None);
                self.followers.send(&Bytes::from(lines));
                if full {
                    self.seal_or_end().await;
                }
                Ok(())
            }
            Err(error) => {
                // In strict mode they are not shown either.
                if self.inner.config.mode != RecordingMode::Strict {
                    self.missed += size;
                    self.recording.lost += size;
                }
                self.fail(&error.to_string()).await
            }
        }
    }

    /// Takes note of how the command ended.
    fn note(&mut self, events: &[What]) {
        for event in events {
            match event {
                What::Protocol(name) => self.recording.subprotocol = Some(name.clone()),
                What::Exit(code) => self.recording.exit = Some(*code),
                What::Failed(why) | What::Ended(why) => self.recording.reason = Some(why.clone()),
                What::Lost { bytes, .. } => self.recording.lost += bytes,
                What::File { bytes, .. } => {
                    if let Some(copy) = &mut self.recording.copy {
                        copy.bytes = Some(*bytes);
                    }
                }
                _ => {}
            }
        }
    }

    /// Something could not be written: in strict mode that is the end.
    async fn fail(&mut self, error: &str) -> Result<(), String> {
        let strict = self.inner.config.mode == RecordingMode::Strict;
        let why = if strict {
            format!(
                "this session is recorded, and the gate cannot write its recording now ({error}): it was ended, so that nothing of it goes unrecorded"
            )
        } else {
            error.to_owned()
        };
        if self.failed.is_none() {
            self.tell(error, strict).await;
        }
        self.failed = Some(why.clone());
        if strict { Err(why) } else { Ok(()) }
    }

    /// Has it in the logs that something cannot be recorded, unless that was told just now.
    async fn tell(&mut self, error: &str, ended: bool) {
        if !ended && self.told.is_some_and(|told| told.elapsed() < TELL) {
            return;
        }
        self.told = Some(Instant::now());
        let session = &self.recording.session;
        tracing::error!(session = %session.id, error, "a recording cannot be written");
        let (id, user) = (session.id, session.user.clone());
        let event = RecordingEvent::Failed { id, user, error: error.to_owned(), ended };
        self.inner.audit.emit(AuditEvent::Recording(event)).await;
    }

    async fn sync(&mut self) {
        if self.failed.is_some() && self.inner.config.mode == RecordingMode::Strict {
            return;
        }
        if let Err(error) = self.with_pen(|pen| pen.spool.sync())
            && let Err(why) = self.fail(&error.to_string()).await
        {
            self.killer.kill(why);
        }
    }

    /// Seals what there is; a strict session that can't be sealed ends.
    async fn seal_or_end(&mut self) {
        if let Err(error) = self.seal(None).await
            && let Err(why) = self.fail(&error).await
        {
            self.killer.kill(why);
        }
    }

    async fn seal(&mut self, end: Option<Ending>) -> Result<(), String> {
        let key = self.inner.keys.signing().await;
        let sealed = self.with_pen(|pen| {
            let sealed = pen.spool.checkpoint(&key, Timestamp::now(), end)?;
            Ok((sealed, pen.spool.plain(), pen.spool.sealed(), pen.last))
        });
        let (sealed, plain, size, last) = sealed.map_err(|error| error.to_string())?;
        let Some(Sealed { part, checkpoint }) = sealed else { return Ok(()) };
        self.recording.plain = plain;
        self.recording.size = size;
        let lived = u64::try_from(last.as_millis()).unwrap_or(u64::MAX);
        self.recording.duration = self.recording.duration.max(lived);
        self.recording.last = Some(Last { number: checkpoint.number, chain: checkpoint.chain });
        let (inner, id) = (self.inner.clone(), self.recording.session.id);
        self.uploads.spawn(async move { inner.upload(id, part).await });
        if end.is_some() {
            return Ok(());
        }
        let deadline = Instant::now() + STORE_PATIENCE;
        loop {
            match self.inner.catalogue.put(&self.recording).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error.to_string()),
                Err(_) => tokio::time::sleep(STORE_PATIENCE / 10).await,
            }
        }
    }

    /// What came behind a place, and what comes if that was all.
    fn since(&mut self, from: u64) -> std::io::Result<(Since, Option<Coming>)> {
        let since = self.with_pen(|pen| pen.spool.since(from))?;
        let coming = matches!(since, Since::Open(_)).then(|| self.followers.subscribe());
        Ok((since, coming))
    }

    /// The end: seals, uploads and forgets the spool. What fails is tried again for as long as the gate runs; the next start
    /// does the rest.
    async fn finish(mut self, reason: Option<String>, mut last: Vec<What>) {
        if let Some(reason) = reason {
            self.recording.reason = Some(reason.clone());
            last.push(What::Ended(reason));
        }
        self.note(&last);
        let mut written = self.write_last(&mut last);
        // Whoever follows has heard why, and learns that this is the end.
        self.followers = Followers::default();
        let ended = self.end.now();
        self.recording.ended = Some(ended);
        self.recording.duration = span(self.recording.session.started, ended);
        self.recording.state = if self.recording.lost > 0 { State::Partial } else { State::Complete };
        let mut pause = Backoff::default();
        while let Err(error) = written {
            if !self.not_yet(&error.to_string()).await {
                return;
            }
            pause.wait().await;
            written = self.write_last(&mut last);
        }
        while let Err(error) = self.seal(Some(Ending::Complete)).await {
            if !self.not_yet(&error).await {
                return;
            }
            pause.wait().await;
        }
        // That may last, and needs no thread.
        let inner = self.inner.clone();
        inner.spawn(self.inner.keep(self.recording, self.uploads));
    }

    /// The session is over and cannot be sealed now: its record says so. False if it never will before the next start.
    async fn not_yet(&mut self, error: &str) -> bool {
        tracing::warn!(session = %self.recording.session.id, error, "the end of a recording cannot be sealed yet");
        let inner = self.inner.clone();
        inner.not_sealed(&self.recording, error).await;
        self.tell(&format!("its end cannot be sealed yet: {error}"), false).await;
        self.pen.is_some()
    }

    /// Writes what came at the very end; what is written is not tried again.
    fn write_last(&mut self, last: &mut Vec<What>) -> std::io::Result<()> {
        let mut events = last.clone();
        if self.missed > 0 {
            events.insert(0, What::Lost { bytes: self.missed, why: self.failed.clone().unwrap_or_default() });
        }
        if events.is_empty() {
            return Ok(());
        }
        let now = self.began.elapsed();
        let lines = self.with_pen(|pen| pen.write(events, now))?;
        self.followers.send(&Bytes::from(lines));
        self.missed = 0;
        last.clear();
        Ok(())
    }

    /// Nothing of a session that never began stays.
    async fn discard(self) {
        let id = self.recording.session.id;
        self.inner.live.remove(id);
        if let Err(error) = self.inner.catalogue.delete(id).await {
            tracing::warn!(session = %id, %error, "the record of a session that never began cannot be removed");
        }
        if let Err(error) = self.inner.remove_spool(id).await {
            tracing::warn!(session = %id, %error, "the spool of a session that never began cannot be removed");
        }
    }

    /// Works with the pen. One that panics in its work is not used again.
    fn with_pen<T>(&mut self, work: impl FnOnce(&mut Pen) -> std::io::Result<T>) -> std::io::Result<T> {
        let broke = || std::io::Error::other("the recorder broke");
        let mut pen = self.pen.take().ok_or_else(broke)?;
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut pen))).map_err(|_| broke())?;
        self.pen = Some(pen);
        done
    }
}

/// How many bytes of streams are in events.
pub(super) fn bytes_in(events: &[What]) -> u64 {
    let bytes = events.iter().map(|what| match what {
        What::Bytes(Stream::Stdin | Stream::Stdout | Stream::Stderr, bytes) => bytes.len() as u64,
        _ => 0,
    });
    bytes.sum()
}

/// Answers an order, for those who wait.
pub(super) type Done = oneshot::Sender<Result<(), String>>;
