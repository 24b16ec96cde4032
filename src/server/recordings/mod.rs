//! Recordings of sessions: begun with a session, written to a spool, sealed in parts, kept in a vault, listed in the store.
//!
//! [`live`] is what a session records to, [`writer`] the actor behind it, [`spool`] its files, [`vault`] where sealed parts are
//! kept, [`kept`] the way there, [`catalogue`] what the store knows, [`read`] how recordings come out again, [`follow`] how live
//! ones do, [`search`] what was on their screens, [`care`] what happens beside: recovery after a crash, and retention.

mod care;
mod catalogue;
mod follow;
mod kept;
mod keys;
mod live;
mod read;
mod search;
mod spool;
#[cfg(test)]
mod tests;
mod vault;
mod writer;

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
};
use uuid::Uuid;

use self::{
    catalogue::Catalogue,
    follow::Followers,
    keys::Keys,
    live::{End, Killer, Sessions},
    spool::Spool,
    vault::Vault,
    writer::{Pen, Writer},
};
pub use self::{
    keys::{KeysError, KnownKey},
    live::{Ordered, Recorder},
    read::{Content, ReadError, Viewer},
    vault::VaultError,
};
use super::{
    audit::{AuditLog, Event, RecordingEvent},
    config::{RecordingConfig, RecordingMode},
    store::{Store, StoreError},
};
use crate::{
    recording::{Header, Session},
    wire::recordings::{Copied, Recording, State},
};

/// How many parts are uploaded at a time.
const UPLOADS: usize = 4;
/// How many orders may wait at a session's actor.
const ORDERS: usize = 8;
/// How often a session is sealed.
const SEAL: Duration = Duration::from_secs(60);
/// How long the end of the gate waits for recordings that are being sealed.
const CLOSING: Duration = Duration::from_secs(10);

/// Why recordings cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The spool's folder.
    #[error("recordings cannot be written to {}: {error}", folder.display())]
    Spool {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Where they are kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The keys that sign them.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Their records.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a session may not begin: the sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// All recordings of a gate. Cheap to clone.
#[derive(Clone)]
pub struct Recordings(Arc<Inner>);

pub(super) struct Inner {
    config: RecordingConfig,
    /// One folder for each session that is not wholly in the vault.
    spool: PathBuf,
    vault: Vault,
    catalogue: Catalogue,
    keys: Keys,
    audit: AuditLog,
    live: Sessions,
    uploads: Semaphore,
    searches: Arc<Semaphore>,
    actors: Mutex<JoinSet<()>>,
    seal_every: Duration,
}

impl Recordings {
    /// Sets them up in a data directory.
    pub async fn open(
        config: &RecordingConfig,
        data_dir: &Path,
        store: Arc<dyn Store>,
        audit: AuditLog,
    ) -> Result<Self, SetupError> {
        Self::open_sealing_every(SEAL, config, data_dir, store, audit).await
    }

    async fn open_sealing_every(
        seal_every: Duration,
        config: &RecordingConfig,
        data_dir: &Path,
        store: Arc<dyn Store>,
        audit: AuditLog,
    ) -> Result<Self, SetupError> {
        let own = data_dir.join("recordings");
        let spool = own.join("spool");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&spool)
            .and_then(|()| vault::tighten(&own))
            .map_err(|error| SetupError::Spool { folder: spool.clone(), error })?;
        let vault = Vault::open(config.storage.as_ref(), &own.join("kept"))?;
        let keys = Keys::open(store.clone()).await?;
        Ok(Self(Arc::new(Inner {
            config: config.clone(),
            spool,
            vault,
            catalogue: Catalogue::open(store).await?,
            keys,
            audit,
            live: Sessions::default(),
            uploads: Semaphore::new(UPLOADS),
            searches: Arc::new(Semaphore::new(1)),
            actors: Mutex::default(),
            seal_every,
        })))
    }

    /// Begins the recording of a session. None: nothing is recorded here, or (in `best_effort`) this one cannot be.
    ///
    /// # Errors
    /// Strict mode, and it cannot be recorded: the session must not begin.
    pub async fn begin(&self, session: Session) -> Result<Option<Recorder>, Refused> {
        if self.0.config.mode == RecordingMode::Off {
            return Ok(None);
        }
        let (id, user) = (session.id, session.user.clone());
        // In a task of its own: a client that goes away meanwhile must not leave half a beginning.
        let recordings = self.clone();
        let begun = tokio::spawn(async move { recordings.try_begin(session).await }).await;
        match begun.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(recorder) => Ok(Some(recorder)),
            Err(error) => {
                let strict = self.0.config.mode == RecordingMode::Strict;
                tracing::error!(session = %id, error, "a session cannot be recorded");
                let event = RecordingEvent::Failed { id, user, error: error.clone(), ended: strict };
                self.0.audit.emit(Event::Recording(event)).await;
                if !strict {
                    return Ok(None);
                }
                Err(Refused(format!(
                    "sessions are recorded here, and this one cannot be ({error}): it does not begin; tell an administrator"
                )))
            }
        }
    }

    async fn try_begin(&self, session: Session) -> Result<Recorder, String> {
        let inner = &self.0;
        let id = session.id;
        let recording = fresh(session.clone());
        let header = Header::new(session);
        let (folder, floor) = (inner.spool.clone(), inner.config.free_space);
        let created = tokio::task::spawn_blocking(move || {
            enough_space(&folder, floor)?;
            Spool::create(&folder, id, &header).map_err(|error| error.to_string())
        });
        let spool = created.await.map_err(|error| error.to_string())??;
        if let Err(error) = inner.catalogue.put(&recording).await {
            // Nothing of it was recorded.
            let _ = inner.remove_spool(id).await;
            return Err(error.to_string());
        }
        let (orders, taken) = mpsc::channel(ORDERS);
        let (killer, end) = (Killer::new(), End::default());
        let killed = killer.listen();
        inner.live.add(id, &orders, killer.clone(), end.clone());
        let writer = Writer {
            inner: inner.clone(),
            pen: Some(Pen::new(spool)),
            began: Instant::now(),
            recording,
            followers: Followers::default(),
            killer: killer.clone(),
            end: end.clone(),
            failed: None,
            told: None,
            missed: 0,
            uploads: JoinSet::new(),
        };
        let guard = inner.clone();
        let begun = inner.spawn_thread(async move {
            if AssertUnwindSafe(writer.run(taken)).catch_unwind().await.is_err() {
                guard.broke(id).await;
            }
        });
        if let Err(error) = begun {
            // Nothing of it was recorded.
            inner.live.remove(id);
            let _ = inner.catalogue.delete(id).await;
            let _ = inner.remove_spool(id).await;
            return Err(format!("no thread for it can be had: {error}"));
        }
        Ok(Recorder::new(orders, killed, killer, end, inner.config.mode))
    }

    /// Whether sessions are recorded here.
    pub fn is_on(&self) -> bool {
        self.0.config.mode != RecordingMode::Off
    }

    /// Ends a live session; the person reads `reason`. False if it is not live here.
    pub fn kill(&self, session: Uuid, reason: String) -> bool {
        self.0.live.kill(session, reason)
    }

    /// Waits until everything of the sessions that ended is sealed and kept, for a while; the next start does the rest.
    pub async fn close(&self) {
        // The set stays where it is: whoever stops waiting here must not end the actors.
        let all = std::future::poll_fn(|cx| {
            let mut actors = self.0.lock_actors();
            while std::task::ready!(actors.poll_join_next(cx)).is_some() {}
            std::task::Poll::Ready(())
        });
        if tokio::time::timeout(CLOSING, all).await.is_err() {
            tracing::warn!("some recordings are not kept yet; the next start goes on with them");
        }
    }
}

impl Inner {
    fn lock_actors(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has work done beside, for as long as the set of actors is there.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut actors = self.lock_actors();
        // Those that are done make place.
        while actors.try_join_next().is_some() {}
        actors.spawn(work);
    }

    /// The same in a thread of its own, which may wait for the disk.
    fn spawn_thread(&self, work: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let (mut alive, over) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Handle::current();
        let work = async move {
            tokio::select! {
                biased;
                () = alive.closed() => {}
                () = work => {}
            }
        };
        std::thread::Builder::new().name("recorder".into()).spawn(move || runtime.block_on(work))?;
        self.spawn(async move { drop(over.await) });
        Ok(())
    }

    fn folder(&self, session: Uuid) -> PathBuf {
        self.spool.join(session.to_string())
    }

    /// Has it in the audit log that something is wrong with a recording.
    async fn failed(&self, id: Uuid, error: &str) {
        let known = self.catalogue.get(id).await.ok().flatten();
        let user = known.map(|recording| recording.session.user).unwrap_or_default();
        let event = RecordingEvent::Failed { id, user, error: error.to_owned(), ended: false };
        self.audit.emit(Event::Recording(event)).await;
    }

    /// The actor of a session is gone before its time.
    async fn broke(&self, id: Uuid) {
        tracing::error!(session = %id, "the recorder of a session broke");
        self.live.remove(id);
        if let Ok(Some(recording)) = self.catalogue.get(id).await
            && recording.state == State::Live
        {
            self.not_sealed(&recording, "its recorder broke").await;
        }
        self.failed(id, "its recorder broke; the next start of the gate seals what it wrote").await;
    }

    /// A session is over and its recording cannot be sealed now: nobody shall take it for a live one.
    async fn not_sealed(&self, recording: &Recording, why: &str) {
        let mut recording = recording.clone();
        recording.state = State::Partial;
        let ended = *recording.ended.get_or_insert_with(Timestamp::now);
        recording.duration = recording.duration.max(span(recording.session.started, ended));
        let before = recording.reason.take().map(|reason| format!("{reason}; ")).unwrap_or_default();
        recording.reason = Some(format!("{before}the recording is not sealed yet: {why}"));
        match self.catalogue.put(&recording).await {
            Ok(()) => self.live.remove(recording.session.id),
            Err(error) => {
                tracing::warn!(session = %recording.session.id, %error, "a recording's record cannot be written yet");
            }
        }
    }
}

/// The record of a session that begins.
fn fresh(session: Session) -> Recording {
    Recording {
        copy: Copied::of(&session),
        session,
        state: State::Live,
        ended: None,
        duration: 0,
        plain: 0,
        size: 0,
        subprotocol: None,
        exit: None,
        reason: None,
        lost: 0,
        last: None,
    }
}

/// From one time to another, in milliseconds.
fn span(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

fn enough_space(folder: &Path, floor: u64) -> Result<(), String> {
    let found = rustix::fs::statvfs(folder).map_err(|error| error.to_string())?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free < floor {
        let mib = |bytes: u64| bytes / (1024 * 1024);
        return Err(format!(
            "only {} MiB are free in the gate's data directory, and auth_service.recording.free_space wants {}",
            mib(free),
            mib(floor)
        ));
    }
    Ok(())
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
