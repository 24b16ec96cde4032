//! The live sessions of this gate: what a tap records to, and what those who follow read from.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use uuid::Uuid;

use super::{spool::Snapshot, writer::Done};
use crate::{recording::What, server::config::RecordingMode};

/// How long a strict session waits for its recorder.
const STRICT_PATIENCE: Duration = Duration::from_secs(10);
/// How long another one does.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the actor of a session is asked.
pub(super) enum Order {
    /// Write these down.
    Events { events: Vec<What>, done: Done },
    /// What is there so far, and what comes.
    Snapshot(oneshot::Sender<std::io::Result<(Snapshot, broadcast::Receiver<Bytes>)>>),
    /// The session is over; why, if the gate ended it.
    Finish { reason: Option<String> },
    /// The session never began.
    Discard,
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
    orders: mpsc::Sender<Order>,
    killer: Killer,
}

/// All live sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Uuid, Live>>);

impl Sessions {
    pub(super) fn add(&self, id: Uuid, orders: mpsc::Sender<Order>, killer: Killer) {
        self.lock().insert(id, Live { orders, killer });
    }

    pub(super) fn remove(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    /// Whether there was one to end.
    pub(super) fn kill(&self, id: Uuid, reason: String) -> bool {
        let found = self.lock().get(&id).cloned();
        found.inspect(|live| live.killer.kill(reason)).is_some()
    }

    /// What a live session has so far, and what comes; None if it is not live.
    pub(super) async fn snapshot(
        &self,
        id: Uuid,
    ) -> Option<std::io::Result<(Snapshot, broadcast::Receiver<Bytes>)>> {
        let live = self.lock().get(&id).cloned()?;
        let (answer, answered) = oneshot::channel();
        live.orders.send(Order::Snapshot(answer)).await.ok()?;
        answered.await.ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records one session. Dropping it ends the recording.
pub struct Recorder {
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) killed: watch::Receiver<Option<String>>,
    pub(super) killer: Killer,
    pub(super) mode: RecordingMode,
}

impl Recorder {
    /// Writes events down. When this returns they are safe from the gate's death; only then may the bytes go on.
    ///
    /// # Errors
    /// Strict mode, and they could not be written: the sentence for the person. The bytes must not go on.
    pub async fn record(&self, events: Vec<What>) -> Result<(), String> {
        if events.is_empty() {
            return Ok(());
        }
        let (done, written) = oneshot::channel();
        let strict = self.mode == RecordingMode::Strict;
        let patience = if strict { STRICT_PATIENCE } else { PATIENCE };
        let order = async {
            self.orders.send(Order::Events { events, done }).await.map_err(|_| gone())?;
            written.await.unwrap_or_else(|_| Err(gone()))
        };
        let written = match tokio::time::timeout(patience, order).await {
            Ok(written) => written,
            Err(_) => Err(format!(
                "this session is recorded, and the gate's disk was too slow to keep up for {} s: it was ended, so that nothing of it goes unrecorded",
                patience.as_secs()
            )),
        };
        match written {
            Err(why) if strict => {
                self.killer.kill(why.clone());
                Err(why)
            }
            _ => Ok(()),
        }
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

    /// The session is over; why, if the gate ended it.
    pub async fn finish(self, reason: Option<String>) {
        // An actor that is gone has nothing left to seal.
        let _ = self.orders.send(Order::Finish { reason }).await;
    }
}

fn gone() -> String {
    "this session is recorded, and its recorder broke: it was ended, so that nothing of it goes unrecorded"
        .into()
}
