//! Following a live session. Whoever reads as fast as it goes gets its lines from a queue of bounded length; whoever is slower gets
//! what did not fit from the files, where they stopped. A follower who does not read at all costs no more than that queue.

use std::{
    collections::VecDeque,
    io::{self, Read, Seek},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    Inner, ReadError, Recordings, Viewer,
    read::Content,
    spool::{self, Part, Since},
};
use crate::{
    recording::blocks::{self, BlockError, Blocks, Piece},
    wire::recordings::State,
};

/// How many bytes of lines wait for one who follows.
const QUEUED: usize = 1024 * 1024;
/// How much of a part is read to find a frame in it, at first.
const PIECE: u64 = 256 * 1024;
/// How often it is looked whether a session that is over is sealed.
const SEALED: Duration = Duration::from_millis(200);

/// All who follow a session. Dropping it tells them that this was the end.
#[derive(Default)]
pub(super) struct Followers(Vec<Arc<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Bytes>,
    bytes: usize,
    behind: bool,
    over: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followers {
    /// Hands lines to everybody who has place for them.
    pub(super) fn send(&mut self, lines: &Bytes) {
        // Who is behind comes again with a new queue.
        self.0.retain(|queue| Arc::strong_count(queue) > 1 && !queue.lock().behind);
        for queue in &self.0 {
            let mut waiting = queue.lock();
            if waiting.bytes + lines.len() > QUEUED {
                *waiting = Waiting { behind: true, ..Waiting::default() };
            } else {
                waiting.bytes += lines.len();
                waiting.lines.push_back(lines.clone());
            }
            queue.changed.notify_one();
        }
    }

    /// One more follower, from now on.
    pub(super) fn subscribe(&mut self) -> Coming {
        let queue = Arc::new(Queue::default());
        self.0.push(queue.clone());
        Coming(queue)
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        for queue in &self.0 {
            queue.lock().over = true;
            queue.changed.notify_one();
        }
    }
}

/// What comes of a session, for one who follows.
pub(super) struct Coming(Arc<Queue>);

enum Next {
    Lines(Bytes),
    /// Lines did not fit; they are in the files.
    Behind,
    Over,
}

impl Coming {
    async fn next(&self) -> Next {
        loop {
            {
                let mut waiting = self.0.lock();
                if waiting.behind {
                    return Next::Behind;
                }
                if let Some(lines) = waiting.lines.pop_front() {
                    waiting.bytes -= lines.len();
                    return Next::Lines(lines);
                }
                if waiting.over {
                    return Next::Over;
                }
            }
            self.0.changed.notified().await;
        }
    }
}

impl Recordings {
    /// The lines of a live session from its start, then those that come, until it ends.
    pub async fn follow(&self, viewer: &Viewer, id: Uuid) -> Result<Content, ReadError> {
        self.look(viewer, id).await?;
        self.follow_again(viewer, id).await
    }

    /// The same for somebody of whom it is written down already that they look.
    pub async fn follow_again(&self, viewer: &Viewer, id: Uuid) -> Result<Content, ReadError> {
        self.get(viewer, id).await?;
        let Some(begun) = self.0.live.since(id, 0).await else { return Err(ReadError::NotLive(id)) };
        let begun = begun.map_err(|error| ReadError::Unreadable(error.to_string()))?;
        let follower = Follower { inner: self.0.clone(), id, given: 0, stage: Stage::of(begun, 0) };
        let lines = stream::try_unfold(follower, |mut follower| async move {
            Ok(follower.next().await?.map(|lines| (lines, follower)))
        });
        Ok(lines.boxed())
    }
}

/// One who follows.
struct Follower {
    inner: Arc<Inner>,
    id: Uuid,
    /// How many bytes of lines they were given.
    given: u64,
    stage: Stage,
}

enum Stage {
    Sealed(Sealed),
    /// Lines that are not sealed, and what comes behind them.
    Open(Bytes, Coming),
    Coming(Coming),
    Over,
}

/// What is sealed, read frame by frame. Nothing is held open in between: a reader may take as long as it likes.
struct Sealed {
    parts: VecDeque<Part>,
    /// What is read, and from where on.
    reading: Option<(Part, Source, u64)>,
    /// Where in the lines the next frame begins.
    at: u64,
    /// What had been given when this began.
    began: u64,
    /// The session is over: nothing comes behind these.
    over: bool,
}

/// Where the bytes of a part are.
#[derive(Clone)]
pub(super) enum Source {
    /// A file, and how much of it counts.
    File(PathBuf, u64),
    /// All of them.
    Kept(Bytes),
}

impl Stage {
    fn of((since, coming): (Since, Option<Coming>), given: u64) -> Self {
        match (since, coming) {
            (Since::Open(lines), Some(coming)) => Self::Open(lines.into(), coming),
            (Since::Sealed(parts), _) => Self::sealed(parts, given, false),
            (Since::Open(_), None) => Self::Over,
        }
    }

    fn sealed(parts: Vec<Part>, began: u64, over: bool) -> Self {
        Self::Sealed(Sealed { parts: parts.into(), reading: None, at: 0, began, over })
    }
}

impl Follower {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match &mut self.stage {
                Stage::Sealed(sealed) => {
                    if let Some(lines) = sealed.next(&self.inner, self.id, &mut self.given).await? {
                        return Ok(Some(lines));
                    }
                    if sealed.over {
                        self.stage = Stage::Over;
                    } else if sealed.began == self.given {
                        return Err(io::Error::other("the recording of this session is damaged"));
                    } else {
                        self.stage = self.again().await?;
                    }
                }
                Stage::Open(..) => {
                    let Stage::Open(lines, coming) = std::mem::replace(&mut self.stage, Stage::Over) else {
                        continue;
                    };
                    self.stage = Stage::Coming(coming);
                    if !lines.is_empty() {
                        self.given += lines.len() as u64;
                        return Ok(Some(lines));
                    }
                }
                Stage::Coming(coming) => match coming.next().await {
                    Next::Lines(lines) => {
                        self.given += lines.len() as u64;
                        return Ok(Some(lines));
                    }
                    Next::Behind => self.stage = self.again().await?,
                    Next::Over => self.stage = Stage::Over,
                },
                Stage::Over => return Ok(None),
            }
        }
    }

    /// What comes behind what was given.
    async fn again(&self) -> io::Result<Stage> {
        match self.inner.live.since(self.id, self.given).await {
            Some(since) => Ok(Stage::of(since?, self.given)),
            None => Ok(Stage::sealed(self.inner.sealed_parts(self.id).await?, self.given, true)),
        }
    }
}

impl Sealed {
    /// The next lines that were not given yet.
    async fn next(&mut self, inner: &Inner, id: Uuid, given: &mut u64) -> io::Result<Option<Bytes>> {
        loop {
            let Some((part, source, from)) = self.reading.take() else {
                let Some(part) = self.parts.pop_front() else { return Ok(None) };
                self.at = part.begin.unwrap_or(self.at);
                let source = inner.source(id, &part).await?;
                self.reading = Some((part, source, 0));
                continue;
            };
            let again = source.clone();
            let found = tokio::task::spawn_blocking(move || again.frame(from)).await;
            let found = match found.map_err(io::Error::other)? {
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound && matches!(source, Source::File(..)) =>
                {
                    // The session ended meanwhile, and its folder went: all of it is kept.
                    let source = inner.source(id, &part).await?;
                    self.reading = Some((part, source, from));
                    continue;
                }
                found => found?,
            };
            let Some((lines, next)) = found else { continue };
            self.reading = Some((part, source, next));
            let (begin, end) = (self.at, self.at + lines.len() as u64);
            self.at = end;
            if end > *given {
                let lines = Bytes::from(lines);
                let new = lines.slice(usize::try_from(*given - begin.min(*given)).unwrap_or(0)..);
                *given = end;
                return Ok(Some(new));
            }
        }
    }
}

impl Source {
    /// The lines of the first frame from a byte on, and where the next one begins.
    fn frame(&self, from: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
        match self {
            Self::Kept(bytes) => {
                let rest = bytes.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
                Ok(first_frame(rest)?.map(|(lines, length)| (lines, from + length)))
            }
            Self::File(path, length) => {
                let mut file = std::fs::File::open(path)?;
                let (mut size, left) = (PIECE, length.saturating_sub(from));
                loop {
                    file.seek(io::SeekFrom::Start(from))?;
                    let mut bytes = Vec::new();
                    (&mut file).take(size.min(left)).read_to_end(&mut bytes)?;
                    match first_frame(&bytes) {
                        // Perhaps it goes on behind this piece.
                        Ok(None) | Err(_) if size < left => size *= 4,
                        found => return Ok(found?.map(|(lines, length)| (lines, from + length))),
                    }
                }
            }
        }
    }
}

/// The lines of the first frame, and how many bytes it and what stands before it have.
fn first_frame(bytes: &[u8]) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut all = Blocks::new(bytes);
    while let Some(block) = all.next() {
        match block {
            Ok(block) => {
                if let Piece::Frame { body, .. } = block.what {
                    return Ok(Some((blocks::unpack(body)?, all.position() as u64)));
                }
            }
            Err(error @ (BlockError::Cut(_) | BlockError::Foreign(_))) => {
                return Err(io::Error::other(error));
            }
        }
    }
    Ok(None)
}

impl Inner {
    /// Where a part is: in the session's folder, or kept already.
    pub(super) async fn source(&self, id: Uuid, part: &Part) -> io::Result<Source> {
        let path = spool::part_path(&self.folder(id), part.number);
        match tokio::fs::metadata(&path).await {
            Ok(found) => Ok(Source::File(path, part.length.unwrap_or(found.len()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = self.vault.get(id, part.number).await.map_err(io::Error::other)?;
                let length = part.length.and_then(|length| usize::try_from(length).ok());
                Ok(Source::Kept(bytes.slice(..length.unwrap_or(bytes.len()).min(bytes.len()))))
            }
            Err(error) => Err(error),
        }
    }

    /// All parts of a session that is over, as soon as it is sealed.
    async fn sealed_parts(&self, id: Uuid) -> io::Result<Vec<Part>> {
        loop {
            match self.catalogue.get(id).await.map_err(io::Error::other)? {
                Some(recording) if recording.state == State::Live => tokio::time::sleep(SEALED).await,
                Some(_) => break,
                None => return Err(io::Error::other("the recording of this session was removed")),
            }
        }
        let folder = self.folder(id);
        let listed = tokio::task::spawn_blocking(move || spool::parts(&folder)).await;
        let numbers = match listed.map_err(io::Error::other)? {
            Ok(numbers) => numbers,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.vault.parts(id).await.map_err(io::Error::other)?
            }
            Err(error) => return Err(error),
        };
        Ok(numbers.into_iter().map(|number| Part { number, length: None, begin: None }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_does_not_read_is_behind_and_holds_nothing() {
        let mut followers = Followers::default();
        let (idle, reading) = (followers.subscribe(), followers.subscribe());
        let lines = Bytes::from(vec![b'x'; QUEUED / 4]);
        for _ in 0..400 {
            followers.send(&lines);
            assert!(matches!(reading.next().await, Next::Lines(got) if got == lines));
            assert!(idle.0.lock().bytes <= QUEUED);
        }
        assert!(idle.0.lock().lines.is_empty());
        assert!(matches!(idle.next().await, Next::Behind));
        drop(followers);
        assert!(matches!(reading.next().await, Next::Over));
    }
}
