//! What happens beside the sessions: recovery of what a gate that died has left, and the end of what is too old.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Inner, Recordings, UPLOADS, fresh, kept::DONE, span, spool};
use crate::{
    recording::{chain::Ending, verify::Last},
    server::audit::{Event, RecordingEvent},
    wire::recordings::{MAX_PAGE, Query, Recording, State},
};

/// How often the age of recordings is looked at.
const LOOK: Duration = Duration::from_secs(3600);

impl Recordings {
    /// Seals and keeps what a gate that died has left. The folders are listed before this returns, so that no session that begins
    /// later is among them; the work goes on beside. One bad recording does not stop the others.
    pub async fn recover(&self) {
        let mut left = Vec::new();
        match tokio::fs::read_dir(&self.0.spool).await {
            Ok(mut entries) => {
                while let Ok(Some(entry)) = entries.next_entry().await {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if name.ends_with(DONE) {
                        // All of it is kept; only its removal was cut off. The next start tries again.
                        let _ = tokio::fs::remove_dir_all(entry.path()).await;
                    }
                    left.extend(name.parse::<Uuid>().ok());
                }
            }
            Err(error) => tracing::error!(%error, "what was left of recordings cannot be listed"),
        }
        let live = self.0.all_live().await;
        let inner = self.0.clone();
        self.0.spawn(async move {
            for id in left.iter().copied() {
                inner.recover_one(id).await;
            }
            for recording in live.into_iter().filter(|recording| !left.contains(&recording.session.id)) {
                inner.give_up(recording).await;
            }
        });
    }

    /// Removes what is older than the configuration wants, each hour. Ends with the gate.
    pub async fn retain(self) {
        let Some(retention) = self.0.config.retention else { return };
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            let age = SignedDuration::try_from(retention).unwrap_or(SignedDuration::MAX);
            let Ok(oldest) = Timestamp::now().checked_sub(age) else { continue };
            self.remove_older_than(oldest).await;
        }
    }

    /// Removes the recordings of sessions that began before a time. Each is tried once; one that fails keeps no other from it.
    pub(super) async fn remove_older_than(&self, oldest: Timestamp) {
        let mut after = None;
        loop {
            let (old, next) = match self.0.catalogue.older_than(oldest, after).await {
                Ok(page) => page,
                Err(error) => return tracing::error!(%error, "old recordings cannot be listed"),
            };
            // What is not kept yet comes later.
            let done = |one: &Recording| one.state != State::Live && !self.0.folder(one.session.id).exists();
            let removing = stream::iter(old).filter(|one| std::future::ready(done(one)));
            removing
                .for_each_concurrent(UPLOADS, async |recording| {
                    if let Err(error) = self.0.remove(&recording).await {
                        let session = recording.session.id;
                        tracing::error!(%session, error, "an old recording cannot be removed");
                    }
                })
                .await;
            after = next;
            if after.is_none() {
                return;
            }
        }
    }
}

impl Inner {
    /// What the store says is live; right after a start nothing is.
    async fn all_live(&self) -> Vec<Recording> {
        let mut query = Query { state: Some(State::Live), limit: Some(MAX_PAGE), ..Query::default() };
        let mut live = Vec::new();
        loop {
            match self.catalogue.list(&query, None).await {
                Ok(page) => {
                    live.extend(page.recordings);
                    query.after = page.next;
                }
                Err(error) => {
                    tracing::error!(%error, "live sessions cannot be listed");
                    return live;
                }
            }
            if query.after.is_none() {
                return live;
            }
        }
    }

    async fn recover_one(self: &Arc<Self>, id: Uuid) {
        if let Err(error) = self.try_recover(id).await {
            tracing::error!(session = %id, error, "a recording that was cut off cannot be sealed; its files stay where they are");
            let mut user = String::new();
            if let Ok(Some(mut recording)) = self.catalogue.get(id).await {
                user.clone_from(&recording.session.user);
                if recording.state == State::Live {
                    recording.state = State::Cut;
                    recording.reason =
                        Some(format!("the gate died, and what it left cannot be sealed: {error}"));
                    // It is tried again at the next start.
                    let _ = self.catalogue.put(&recording).await;
                }
            }
            let event = RecordingEvent::Failed { id, user, error, ended: false };
            self.audit.emit(Event::Recording(event)).await;
        }
    }

    async fn try_recover(self: &Arc<Self>, id: Uuid) -> Result<(), String> {
        let known = self.catalogue.get(id).await.map_err(|error| error.to_string())?;
        let (key, keys) = self.keys.all().await.map_err(|error| error.to_string())?;
        let (folder, record) = (self.folder(id), known.clone());
        let sealing = tokio::task::spawn_blocking(move || {
            let known = spool::Known {
                id,
                session: record.as_ref().map(|record| &record.session),
                last: record.as_ref().and_then(|record| record.last.as_ref()),
                key: &key,
                keys: &keys,
            };
            let recovered = spool::recover(&folder, &known, Timestamp::now())?;
            let parts = spool::parts(&folder)?;
            std::io::Result::Ok((recovered, parts))
        });
        let (recovered, parts) =
            sealing.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let Some(recovered) = recovered else {
            // Not even the header was written: nothing of the session was shown.
            if let Some(mut recording) = known {
                recording.state = State::Cut;
                recording.reason = Some("the gate died before anything of it was on disk".into());
                self.catalogue.put(&recording).await.map_err(|error| error.to_string())?;
            }
            return self.remove_spool(id).await.map_err(|error| error.to_string());
        };
        let session = recovered.header.session.ok_or("its header names no session")?;
        let (checkpoint, told) = (recovered.checkpoint, recovered.told);
        let mut recording = known.unwrap_or_else(|| fresh(session));
        let complete = checkpoint.end == Some(Ending::Complete);
        recording.state = match complete {
            true if told.lost > 0 => State::Partial,
            true => State::Complete,
            false => State::Cut,
        };
        // When a gate died nobody knows: it lived at the last event.
        let lived = SignedDuration::try_from(recovered.to)
            .ok()
            .and_then(|to| recording.session.started.checked_add(to).ok());
        let ended = if complete { Some(checkpoint.signed) } else { lived };
        recording.ended = recording.ended.or(ended);
        (recording.exit, recording.reason, recording.lost) = (told.exit, told.reason, told.lost);
        recording.subprotocol = told.subprotocol;
        let lived = u64::try_from(recovered.to.as_millis()).unwrap_or(u64::MAX);
        let whole = recording.ended.map_or(0, |ended| span(recording.session.started, ended));
        recording.duration = lived.max(whole);
        if let Some(copy) = &mut recording.copy {
            copy.bytes = told.copied.or(copy.bytes);
        }
        recording.plain = recovered.plain;
        recording.size = recovered.sealed;
        recording.last = Some(Last { number: checkpoint.number, chain: checkpoint.chain });
        self.catalogue.put(&recording).await.map_err(|error| error.to_string())?;
        tracing::info!(session = %id, state = ?recording.state, "a recording that a gate left was sealed");
        let inner = self.clone();
        self.spawn(async move {
            for part in parts {
                if !inner.upload(id, part).await {
                    return;
                }
            }
            inner.uploaded(&recording).await;
        });
        Ok(())
    }

    /// A live session of which this gate has nothing any more.
    async fn give_up(&self, mut recording: Recording) {
        recording.state = State::Cut;
        recording.reason = Some("the gate died, and the rest of the recording is gone".into());
        if let Err(error) = self.catalogue.put(&recording).await {
            tracing::error!(session = %recording.session.id, %error, "the record of a lost session cannot be written");
        }
    }

    async fn remove(&self, recording: &Recording) -> Result<(), String> {
        let session = &recording.session;
        self.vault.delete(session.id).await.map_err(|error| error.to_string())?;
        let event =
            RecordingEvent::Deleted { id: session.id, user: session.user.clone(), started: session.started };
        // Before the record goes, so that it is told even if the gate dies here.
        self.audit.emit(Event::Recording(event)).await;
        self.catalogue.delete(session.id).await.map_err(|error| error.to_string())
    }
}
