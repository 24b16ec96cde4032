//! How recordings come out again, for those who may see them.

use std::{collections::HashMap, io, sync::Arc};

use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::{Inner, Recordings, catalogue::ListError, follow::Source, span, spool::Snapshot, vault::Vault};
use crate::{
    model::Verb,
    server::{
        audit::{Event, RecordingEvent},
        auth::access::Rights,
        store::StoreError,
    },
    wire::recordings::{Copied, Page, Query, Recording, State},
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

/// The present, for what the store cannot know. It is taken before the store is asked: what is over then is there as over, or here.
struct Now {
    time: Timestamp,
    /// The sessions that are over and whose records do not say so yet.
    over: HashMap<Uuid, Timestamp>,
}

impl Now {
    fn of(inner: &Inner) -> Self {
        Self { time: Timestamp::now(), over: inner.live.over() }
    }

    /// What there is to say of a record at this time.
    fn tell(&self, recording: &mut Recording) {
        if recording.state == State::Live
            && let Some(ended) = self.over.get(&recording.session.id)
        {
            (recording.state, recording.ended) = (State::Ended, Some(*ended));
        }
        let until = recording.ended.or((recording.state == State::Live).then_some(self.time));
        // Earlier gates wrote the time of the last event.
        if let Some(until) = until {
            recording.duration = recording.duration.max(span(recording.session.started, until));
        }
        if recording.copy.is_none() {
            recording.copy = Copied::of(&recording.session);
        }
    }
}

/// The bytes of something, as they come.
pub type Content = BoxStream<'static, io::Result<Bytes>>;

impl Recordings {
    /// The recordings that fit a query, the newest first.
    pub async fn list(&self, viewer: &Viewer, query: &Query) -> Result<Page, ReadError> {
        let now = Now::of(&self.0);
        // What is being closed stands in the store as live.
        let stored = query.state.map(|state| if state == State::Ended { State::Live } else { state });
        let asked = Query { state: stored, ..query.clone() };
        let mut page = self.0.catalogue.list(&asked, viewer.only()).await?;
        page.recordings.iter_mut().for_each(|recording| now.tell(recording));
        page.recordings.retain(|recording| query.state.is_none_or(|state| state == recording.state));
        Ok(page)
    }

    /// One recording.
    pub async fn get(&self, viewer: &Viewer, id: Uuid) -> Result<Recording, ReadError> {
        let now = Now::of(&self.0);
        let found = self.0.catalogue.get(id).await?;
        let mut found = found.filter(|recording| viewer.may_see(recording)).ok_or(ReadError::NotFound(id))?;
        now.tell(&mut found);
        Ok(found)
    }

    /// The same for somebody who will see what is in it: that of another person is written down.
    pub async fn look(&self, viewer: &Viewer, id: Uuid) -> Result<Recording, ReadError> {
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
            let snapshot = snapshot.map_err(|error| ReadError::Unreadable(error.to_string()))?;
            return content_of(self.0.clone(), id, snapshot);
        }
        let folder = self.0.folder(id);
        let left = tokio::task::spawn_blocking(move || super::spool::left(&folder)).await;
        match left.map_err(io::Error::other).and_then(|left| left) {
            Ok(snapshot) => content_of(self.0.clone(), id, snapshot),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                kept(self.0.vault.clone(), id).await.map_err(|error| ReadError::Unreadable(error.to_string()))
            }
            Err(error) => Err(ReadError::Unreadable(error.to_string())),
        }
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

/// The parts one after another, so that only one is open at a time, then what is not sealed.
fn content_of(inner: Arc<Inner>, id: Uuid, snapshot: Snapshot) -> Result<Content, ReadError> {
    let open = if snapshot.open.is_empty() {
        Bytes::new()
    } else {
        let packed = zstd::bulk::compress(&snapshot.open, 3);
        Bytes::from(packed.map_err(|error| ReadError::Unreadable(error.to_string()))?)
    };
    let sealed = stream::iter(snapshot.parts)
        .then(move |part| {
            let inner = inner.clone();
            async move { inner.source(id, &part).await.map(bytes_of) }
        })
        .try_flatten();
    let open = stream::once(async move { Ok(open) });
    Ok(sealed.chain(open).boxed())
}

/// The bytes of a part, a chunk at a time.
fn bytes_of(source: Source) -> Content {
    let (path, length) = match source {
        Source::Kept(bytes) => return stream::once(async move { Ok(bytes) }).boxed(),
        Source::File(path, length) => (path, length),
    };
    let open = async move { tokio::fs::File::open(path).await.map(|file| file.take(length)) };
    let chunks = stream::once(open).map_ok(|file| {
        stream::try_unfold(file, |mut file| async move {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            Ok((read > 0).then(|| (Bytes::from(chunk), file)))
        })
    });
    chunks.try_flatten().boxed()
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
