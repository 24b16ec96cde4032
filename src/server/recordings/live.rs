//! The live sessions of this gate: what a tap records to, and what those who follow read from.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};
use uuid::Uuid;

use super::{
    follow::Coming,
    spool::{Since, Snapshot},
    writer::{Done, bytes_in},
};
use crate::{recording::What, server::config::RecordingMode};

/// How long a strict session waits for its recorder.
const STRICT_PATIENCE: Duration = Duration::from_secs(10);
/// How long another one does.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the actor of a session is asked.
pub(super) enum Order {
    /// Write these down.
    Events { events: Vec<What>, done: Done },
    /// What is there so far.
    Snapshot(oneshot::Sender<std::io::Result<Snapshot>>),
    /// What came behind so many bytes of lines, and what comes if that was all.
    Since(u64, oneshot::Sender<std::io::Result<(Since, Option<Coming>)>>),
    /// The session is over; why, if the gate ended it.
    /// What could not be written before is tried again.
    Finish { reason: Option<String>, last: Vec<What> },
    /// The session never began.
    Discard,
    /// The thread with the pen panics.
    #[cfg(test)]
    Break,
}

/// Ends a session from elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Killer(watch::Sender<Option<String>>);

impl Killer {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(super) fn listen(&self) -> watch::Receiver<Option<String>> {
        self.0.subscribe()
    }

    /// The person will read `reason`. The first reason counts.
    pub(super) fn kill(&self, reason: String) {
        self.0.send_if_modified(|told| {
            let first = told.is_none();
            if first {
                *told = Some(reason);
            }
            first
        });
    }
}

#[derive(Clone)]
struct Live {
    /// Not one that keeps the actor alive: a recorder that is dropped ends its recording.
    orders: mpsc::WeakSender<Order>,
    killer: Killer,
    end: End,
}

/// When a session was over.
#[derive(Clone, Default)]
pub(super) struct End(Arc<OnceLock<Timestamp>>);

impl End {
    /// It is over now, if it was not before.
    pub(super) fn now(&self) -> Timestamp {
        *self.0.get_or_init(Timestamp::now)
    }

    fn get(&self) -> Option<Timestamp> {
        self.0.get().copied()
    }
}

/// All live sessions, and those that are over until their records say so.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Uuid, Live>>);

impl Sessions {
    pub(super) fn add(&self, id: Uuid, orders: &mpsc::Sender<Order>, killer: Killer, end: End) {
        self.lock().insert(id, Live { orders: orders.downgrade(), killer, end });
    }

    pub(super) fn remove(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    /// Those that are over, and since when.
    pub(super) fn over(&self) -> HashMap<Uuid, Timestamp> {
        let all = self.lock();
        all.iter().filter_map(|(id, live)| Some((*id, live.end.get()?))).collect()
    }

    /// Whether there was one to end.
    pub(super) fn kill(&self, id: Uuid, reason: String) -> bool {
        let found = self.lock().get(&id).filter(|live| live.end.get().is_none()).cloned();
        found.inspect(|live| live.killer.kill(reason)).is_some()
    }

    /// What a live session has so far; None if it is not live.
    pub(super) async fn snapshot(&self, id: Uuid) -> Option<std::io::Result<Snapshot>> {
        self.ask(id, Order::Snapshot).await
    }

    /// What came of a live session behind so many bytes of lines, and what comes if that was all; None if it is not live.
    pub(super) async fn since(
        &self,
        id: Uuid,
        from: u64,
    ) -> Option<std::io::Result<(Since, Option<Coming>)>> {
        self.ask(id, |answer| Order::Since(from, answer)).await
    }

    async fn ask<T>(&self, id: Uuid, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let live = self.lock().get(&id).cloned()?;
        let (answer, answered) = oneshot::channel();
        live.orders.upgrade()?.send(order(answer)).await.ok()?;
        answered.await.ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records one session. Dropping it ends the recording.
pub struct Recorder {
    orders: mpsc::Sender<Order>,
    killed: watch::Receiver<Option<String>>,
    killer: Killer,
    end: End,
    mode: RecordingMode,
    /// The actor had no place for the last events: nobody waits for one until it has. Never in strict mode.
    behind: AtomicBool,
    /// Bytes that the actor could not be told of.
    lost: AtomicU64,
}

impl Recorder {
    pub(super) fn new(
        orders: mpsc::Sender<Order>,
        killed: watch::Receiver<Option<String>>,
        killer: Killer,
        end: End,
        mode: RecordingMode,
    ) -> Self {
        Self { orders, killed, killer, end, mode, behind: AtomicBool::new(false), lost: AtomicU64::new(0) }
    }

    /// Writes events down. When this returns they are safe from the gate's death; only then may the bytes go on.
    ///
    /// # Errors
    /// Strict mode, and they could not be written: the sentence for the person. The bytes must not go on.
    pub async fn record(&self, events: Vec<What>) -> Result<(), String> {
        self.order(events).await.written().await
    }

    /// Has events written down behind those that were ordered before, without waiting until they are.
    pub async fn order(&self, events: Vec<What>) -> Ordered<'_> {
        if events.is_empty() {
            return self.ordered(Stage::Nothing, STRICT_PATIENCE);
        }
        if self.is_strict() {
            let deadline = Instant::now() + STRICT_PATIENCE;
            let (done, written) = oneshot::channel();
            let sent = timeout_at(deadline, self.orders.send(Order::Events { events, done })).await;
            let stage = match sent {
                Ok(Ok(())) => Stage::Waiting(written),
                Ok(Err(_)) => Stage::Failed(gone()),
                Err(_) => Stage::Failed(too_slow()),
            };
            return Ordered { recorder: self, stage, deadline };
        }
        self.try_order(events).await
    }

    /// Without strictness the session goes on, and what was not recorded is counted.
    async fn try_order(&self, mut events: Vec<What>) -> Ordered<'_> {
        let size = bytes_in(&events);
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let why = "the gate's disk was too slow to keep up".to_owned();
            events.insert(0, What::Lost { bytes: lost, why });
        }
        let patience = if self.behind.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        let (done, written) = oneshot::channel();
        let sent = timeout(patience, self.orders.send(Order::Events { events, done })).await;
        // What the actor has taken it will still write.
        self.behind.store(sent.is_err(), Ordering::Relaxed);
        if sent.is_err() {
            self.lost.fetch_add(lost + size, Ordering::Relaxed);
        }
        let stage = if let Ok(Ok(())) = sent { Stage::Waiting(written) } else { Stage::Nothing };
        self.ordered(stage, patience)
    }

    fn ordered(&self, stage: Stage, patience: Duration) -> Ordered<'_> {
        Ordered { recorder: self, stage, deadline: Instant::now() + patience }
    }

    #[cfg(test)]
    pub(super) async fn break_pen(&self) {
        self.orders.send(Order::Break).await.expect("an actor");
    }

    /// Whether bytes that are not recorded must not go on.
    pub fn is_strict(&self) -> bool {
        self.mode == RecordingMode::Strict
    }

    /// Has the session ended; the sentence for the person.
    pub fn stop(&self, reason: String) {
        self.killer.kill(reason);
    }

    /// The session never began: nothing of it stays.
    pub async fn discard(self) {
        // An actor that is gone has nothing to forget.
        let _ = self.orders.send(Order::Discard).await;
    }

    /// Waits until somebody ends the session; the sentence for the person.
    pub fn killed(&self) -> impl Future<Output = String> + use<> {
        let mut killed = self.killed.clone();
        async move {
            match killed.wait_for(Option::is_some).await.map(|told| (*told).clone()) {
                Ok(Some(reason)) => reason,
                _ => std::future::pending().await,
            }
        }
    }

    /// The session is over; why, if the gate ended it. `last` is what came at the very end.
    pub async fn finish(self, reason: Option<String>, mut last: Vec<What>) {
        self.end.now();
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let why = "the gate's disk was too slow to keep up".to_owned();
            last.insert(0, What::Lost { bytes: lost, why });
        }
        // An actor that is gone has nothing left to seal.
        let _ = self.orders.send(Order::Finish { reason, last }).await;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end.now();
    }
}

/// Events on their way to the spool.
#[must_use = "what was ordered is not written yet"]
pub struct Ordered<'a> {
    recorder: &'a Recorder,
    stage: Stage,
    deadline: Instant,
}

enum Stage {
    Nothing,
    Waiting(oneshot::Receiver<Result<(), String>>),
    Failed(String),
}

impl Ordered<'_> {
    /// Waits until they are safe from the gate's death; only then may their bytes go on.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub async fn written(self) -> Result<(), String> {
        let strict = self.recorder.is_strict();
        let done = match self.stage {
            // Bytes of which nothing is kept must not go on either.
            Stage::Nothing => {
                let stopped = if strict { self.recorder.killed.borrow().clone() } else { None };
                return stopped.map_or(Ok(()), Err);
            }
            Stage::Failed(why) => Err(why),
            Stage::Waiting(written) => match timeout_at(self.deadline, written).await {
                Ok(done) => done.unwrap_or_else(|_| Err(gone())),
                Err(_) => Err(too_slow()),
            },
        };
        if !strict {
            return Ok(());
        }
        done.inspect_err(|why| self.recorder.killer.kill(why.clone()))
    }
}

fn too_slow() -> String {
    format!(
        "this session is recorded, and the gate's disk was too slow to keep up for {} s: it was ended, so that nothing of it goes unrecorded",
        STRICT_PATIENCE.as_secs()
    )
}

fn gone() -> String {
    "this session is recorded, and its recorder broke: it was ended, so that nothing of it goes unrecorded"
        .into()
}
