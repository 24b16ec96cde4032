//! How recordings come out again, for those who may see them.

use std::io;

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::{io::AsyncReadExt, sync::broadcast};
use uuid::Uuid;

use super::{Recordings, catalogue::ListError, spool::Snapshot, vault::Vault};
use crate::{
    model::Verb,
    recording::blocks,
    server::{
        audit::{Event, RecordingEvent},
        auth::access::Rights,
        store::StoreError,
    },
    wire::recordings::{Page, Query, Recording},
};

/// How much of a file is read at a time.
const CHUNK: usize = 64 * 1024;

/// Why a recording is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none, or none that this person may see: the two are not told apart.
    #[error("there is no recording {0} that you may see; to see which there are: tsh recordings ls")]
    NotFound(Uuid),
    /// It is not live.
    #[error("session {0} is not live on this gate")]
    NotLive(Uuid),
    /// What was asked for is none that can be.
    #[error("{0}")]
    Asked(String),
    /// The store.
    #[error(transparent)]
    Store(StoreError),
    /// Where recordings are kept.
    #[error("the recording cannot be read now: {0}; try again, and tell an administrator if it lasts")]
    Unreadable(String),
}

/// Who looks, and what they may see.
#[derive(Debug, Clone)]
pub struct Viewer {
    user: String,
    /// Sessions of everybody.
    all: bool,
}

impl Viewer {
    /// By the rights of a person: own sessions always, those of others with `list` and `read` on `session`.
    pub fn new(rights: &Rights) -> Self {
        let kinds = ["session", "ssh_session"];
        let all = rights.check(&kinds, Verb::List).is_ok() && rights.check(&kinds, Verb::Read).is_ok();
        Self { user: rights.user().to_owned(), all }
    }

    /// Whether this person sees the sessions of everybody.
    pub fn sees_all(&self) -> bool {
        self.all
    }

    /// The only person whose sessions this one sees, if not those of everybody.
    fn only(&self) -> Option<&str> {
        (!self.all).then_some(&*self.user)
    }

    /// Whether this person may see a recording.
    pub fn may_see(&self, recording: &Recording) -> bool {
        self.all || recording.session.user == self.user
    }
}

/// The bytes of something, as they come.
pub type Content = BoxStream<'static, io::Result<Bytes>>;

impl Recordings {
    /// The recordings that fit a query, the newest first.
    pub async fn list(&self, viewer: &Viewer, query: &Query) -> Result<Page, ReadError> {
        Ok(self.0.catalogue.list(query, viewer.only()).await?)
    }

    /// One recording.
    pub async fn get(&self, viewer: &Viewer, id: Uuid) -> Result<Recording, ReadError> {
        let found = self.0.catalogue.get(id).await?;
        found.filter(|recording| viewer.may_see(recording)).ok_or(ReadError::NotFound(id))
    }

    /// The same for somebody who will see what is in it: that of another person is written down.
    async fn look(&self, viewer: &Viewer, id: Uuid) -> Result<Recording, ReadError> {
        let found = self.get(viewer, id).await?;
        if found.session.user != viewer.user {
            let (user, viewer) = (found.session.user.clone(), viewer.user.clone());
            self.0.audit.emit(Event::Recording(RecordingEvent::Seen { id, user, viewer })).await;
        }
        Ok(found)
    }

    /// Its sealed file; of one that is not wholly sealed, what there is so far, the rest as a frame without a seal.
    pub async fn content(&self, viewer: &Viewer, id: Uuid) -> Result<Content, ReadError> {
        self.look(viewer, id).await?;
        self.content_again(viewer, id).await
    }

    /// The same for somebody of whom it is written down already that they look.
    pub async fn content_again(&self, viewer: &Viewer, id: Uuid) -> Result<Content, ReadError> {
        self.get(viewer, id).await?;
        if let Some(snapshot) = self.0.live.snapshot(id).await {
            let (snapshot, _) = snapshot.map_err(|error| ReadError::Unreadable(error.to_string()))?;
            return content_of(snapshot);
        }
        let folder = self.0.folder(id);
        let left = tokio::task::spawn_blocking(move || super::spool::left(&folder)).await;
        match left.map_err(io::Error::other).and_then(|left| left) {
            Ok(snapshot) => content_of(snapshot),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                kept(self.0.vault.clone(), id).await.map_err(|error| ReadError::Unreadable(error.to_string()))
            }
            Err(error) => Err(ReadError::Unreadable(error.to_string())),
        }
    }

    /// The lines of a live session from its start, then those that come, until it ends.
    pub async fn follow(&self, viewer: &Viewer, id: Uuid) -> Result<Content, ReadError> {
        self.look(viewer, id).await?;
        let Some(snapshot) = self.0.live.snapshot(id).await else { return Err(ReadError::NotLive(id)) };
        let (snapshot, coming) = snapshot.map_err(|error| ReadError::Unreadable(error.to_string()))?;
        let open = Bytes::from(snapshot.open);
        let sealed = stream::iter(snapshot.parts).flat_map(|(file, length)| unpacked(file, length));
        let open = stream::once(async move { Ok(open) });
        let coming = stream::unfold(coming, |mut coming| async move {
            match coming.recv().await {
                Ok(lines) => Some((Ok(lines), coming)),
                Err(broadcast::error::RecvError::Closed) => None,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    Some((Err(io::Error::other("the session is faster than you read")), coming))
                }
            }
        });
        Ok(sealed.chain(open).chain(coming).boxed())
    }
}

impl From<ListError> for ReadError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Asked(why) => Self::Asked(why),
            ListError::Store(error) => Self::Store(error),
        }
    }
}

fn content_of(snapshot: Snapshot) -> Result<Content, ReadError> {
    let open = if snapshot.open.is_empty() {
        Bytes::new()
    } else {
        let packed = zstd::bulk::compress(&snapshot.open, 3);
        Bytes::from(packed.map_err(|error| ReadError::Unreadable(error.to_string()))?)
    };
    let sealed = stream::iter(snapshot.parts).flat_map(|(file, length)| {
        let file = tokio::fs::File::from_std(file).take(length);
        stream::try_unfold(file, |mut file| async move {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            Ok((read > 0).then(|| (Bytes::from(chunk), file)))
        })
        .boxed()
    });
    let open = stream::once(async move { Ok(open) });
    Ok(sealed.chain(open).boxed())
}

/// The lines of a part, frame by frame.
fn unpacked(file: std::fs::File, length: u64) -> Content {
    let (frames, coming) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
    tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        if let Err(error) = io::Read::read_to_end(&mut io::Read::take(file, length), &mut bytes) {
            // Whoever reads may be gone.
            let _ = frames.blocking_send(Err(error));
            return;
        }
        blocks::each(&bytes, |lines| frames.blocking_send(Ok(Bytes::copy_from_slice(lines))).is_ok());
    });
    stream::unfold(coming, |mut coming| async move { Some((coming.recv().await?, coming)) }).boxed()
}

/// What the vault has, part by part.
async fn kept(vault: Vault, id: Uuid) -> io::Result<Content> {
    let parts = vault.parts(id).await.map_err(io::Error::other)?;
    let missing = parts.iter().zip(1..).find(|(part, wanted)| *part != wanted).map(|(_, wanted)| wanted);
    if let Some(missing) = missing.or(parts.is_empty().then_some(1)) {
        return Err(io::Error::other(format!("part {missing} of it is not where it was kept")));
    }
    let content = stream::iter(parts).then(move |part| {
        let vault = vault.clone();
        async move { vault.get(id, part).await.map_err(io::Error::other) }
    });
    Ok(content.boxed())
}
