//! The way of sealed parts into the vault, and the end of a session's folder.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Inner, spool, vault::PutError};
use crate::{
    server::audit::{Event, RecordingEvent},
    wire::recordings::Recording,
};

/// The end of the name of a spool that is being removed.
pub(super) const DONE: &str = ".done";

impl Inner {
    /// Puts a part into the vault, however often that fails. False if another one is there in its place: then it stays in the
    /// spool, and an event says so.
    pub(super) async fn upload(&self, session: Uuid, part: u64) -> bool {
        let mut pause = Backoff::default();
        loop {
            let Ok(place) = self.uploads.acquire().await else { return false };
            match self.try_upload(session, part).await {
                Ok(()) => return true,
                Err(error) => {
                    let (vault, taken) = (self.vault.place(), matches!(error, PutError::Taken { .. }));
                    if taken {
                        tracing::error!(%session, part, vault, %error, "a part of a recording cannot be kept");
                        self.failed(session, &format!("in {vault}: {error}")).await;
                        return false;
                    }
                    tracing::warn!(%session, part, vault, %error, "a part of a recording is not kept yet");
                }
            }
            drop(place);
            pause.wait().await;
        }
    }

    async fn try_upload(&self, session: Uuid, part: u64) -> Result<(), PutError> {
        let path = spool::part_path(&self.folder(session), part);
        self.vault.put(session, part, tokio::fs::read(path).await?.into()).await
    }

    /// A session is over and sealed: has its record written and its folder removed once all parts are in the vault.
    pub(super) async fn keep(self: Arc<Self>, recording: Recording, mut uploads: JoinSet<bool>) {
        let mut pause = Backoff::default();
        while let Err(error) = self.catalogue.put(&recording).await {
            tracing::warn!(session = %recording.session.id, %error, "a recording's record cannot be written yet");
            pause.wait().await;
        }
        self.live.remove(recording.session.id);
        let mut kept = true;
        while let Some(done) = uploads.join_next().await {
            kept &= done.unwrap_or(false);
        }
        if kept {
            self.uploaded(&recording).await;
        }
    }

    /// Removes a session's folder. It gets another name first, so that half of it is never taken for a recording.
    pub(super) async fn remove_spool(&self, session: Uuid) -> std::io::Result<()> {
        let done = self.spool.join(format!("{session}{DONE}"));
        tokio::fs::rename(self.folder(session), &done).await?;
        tokio::fs::remove_dir_all(done).await
    }

    /// All parts of an ended session are kept: its folder can go.
    pub(super) async fn uploaded(&self, recording: &Recording) {
        let session = &recording.session;
        if let Err(error) = self.remove_spool(session.id).await {
            tracing::warn!(session = %session.id, %error, "the spool of a recording cannot be removed");
        }
        let place = format!("{}/{}", self.vault.place().trim_end_matches('/'), session.id);
        let event = RecordingEvent::Kept { id: session.id, user: session.user.clone(), place };
        self.audit.emit(Event::Recording(event)).await;
    }
}

/// Pauses that grow from a second to a minute.
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(Duration::from_secs(1))
    }
}

impl Backoff {
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(60));
    }
}
