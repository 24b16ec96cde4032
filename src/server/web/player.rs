//! What the player asks: a recording's outline, its film in parts, and a live session as it goes on (see [`super::film`]).

use std::{
    cell::Cell,
    collections::HashSet,
    io::{self, Read},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery},
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use uuid::Uuid;

use super::{
    ApiError, Shared, Web,
    admin::recordings::session_id,
    api::private,
    code::Form,
    film::{Film, Line},
    outline::Outline,
    visitor::Visitor,
};
use crate::{
    recording::{Event, Header, blocks},
    server::{
        auth::session::{self, SessionKey},
        listener::Drain,
        recordings::{Content, ReadError, Viewer},
        work::{Wanted, while_wanted},
    },
};

/// How many bytes of a recording's lines are shown at a time.
const CHUNK: usize = 64 * 1024;
/// The time of a frame.
const FRAME: Duration = Duration::from_millis(33);
/// How long nothing comes once all that had been recorded was read.
const CAUGHT_UP: Duration = Duration::from_millis(100);
/// How often it is looked whether who follows may still do so.
const CHECK: Duration = Duration::from_secs(5);
/// The most views that are remembered.
const MAX_NOTED: usize = 10_000;

/// Which session of a browser has seen which recording: a film comes in parts, and is noted in the audit log once.
#[derive(Default)]
pub(super) struct Noted(Mutex<HashSet<(String, Uuid)>>);

impl Noted {
    /// Whether this is the first time.
    fn is_first(&self, session: String, id: Uuid) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MAX_NOTED {
            noted.clear();
        }
        noted.insert((session, id))
    }
}

/// The routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/web/api/recordings/{id}/outline", get(outline))
        .route("/web/api/recordings/{id}/film", get(film))
        .route("/web/api/recordings/{id}/live", get(live))
}

/// The sealed bytes of a recording, for somebody who looks at it.
pub(super) async fn opened(visitor: &Visitor, id: Uuid) -> Result<Content, ApiError> {
    note(visitor, id).await?;
    Ok(visitor.web.gate.recordings.content_again(&visitor.viewer(), id).await?)
}

/// Has it written down that somebody looks at a recording, once, however many parts of it and of what follows are asked for.
async fn note(visitor: &Visitor, id: Uuid) -> Result<(), ApiError> {
    let recordings = &visitor.web.gate.recordings;
    let viewer = visitor.viewer();
    // Only what may be seen is remembered as seen.
    recordings.get(&viewer, id).await?;
    if visitor.web.noted.is_first(visitor.key.id(), id) {
        recordings.look(&viewer, id).await?;
    }
    Ok(())
}

async fn outline(visitor: Visitor, Path(id): Path<String>) -> Result<Response, ApiError> {
    let lines = Lines::of(opened(&visitor, session_id(&id)?).await?)?;
    let place = place(&visitor).await?;
    let work = move |wanted: &Wanted| {
        let mut outline = Outline::default();
        let _place = place;
        let see = &mut |header: &_, event: &_| {
            outline.see(header, event);
            wanted.is_wanted()
        };
        read_film(lines, see, &mut |_| true, true).map(|all| outline.finish(&all))
    };
    let made = while_wanted(work).await.map_err(io::Error::other).flatten();
    Ok(private(axum::Json(made.map_err(|error| unreadable(&error))?)))
}

/// `?part=N`, from 0.
async fn film(
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let part: usize =
        form.get("part").parse().map_err(|_| ApiError::bad_request("part: a number belongs there"))?;
    let lines = Lines::of(opened(&visitor, session_id(&id)?).await?)?;
    let place = place(&visitor).await?;
    // Whole, so that a client who does not read holds no place.
    let work = move |wanted: &Wanted| {
        let _place = place;
        let mut own = String::new();
        let mut see = |new: &mut Vec<Line>| {
            let after = new.iter().any(|line| line.part > part);
            for line in new.drain(..).filter(|line| line.part == part) {
                own.push_str(&line.text);
                own.push('\n');
            }
            !after
        };
        read_film(lines, &mut |_, _| wanted.is_wanted(), &mut see, false).map(|_| own)
    };
    let made = while_wanted(work).await.map_err(io::Error::other).flatten();
    Ok(as_ndjson(private(made.map_err(|error| unreadable(&error))?)))
}

/// Only so many recordings are read at a time.
pub(super) async fn place(visitor: &Visitor) -> Result<tokio::sync::OwnedSemaphorePermit, ApiError> {
    let place = visitor.web.films.clone().acquire_owned().await;
    place.map_err(|error| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
}

pub(super) fn unreadable(error: &io::Error) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, format!("the recording cannot be read now: {error}"))
}

/// Shows a recording to its end, or until `see` or `frames` has enough. With `keep`, all frames come back, without their texts.
fn read_film(
    mut lines: Lines,
    see: &mut impl FnMut(&Header, &Event) -> bool,
    frames: &mut impl FnMut(&mut Vec<Line>) -> bool,
    keep: bool,
) -> io::Result<Vec<Line>> {
    let (mut film, mut new, mut all) = (Film::default(), Vec::new(), Vec::new());
    let goes_on = Cell::new(true);
    let see = &mut |header: &Header, event: &Event| {
        goes_on.set(goes_on.get() && see(header, event));
        goes_on.get()
    };
    let mut chunk = vec![0; CHUNK];
    loop {
        // A cut recording plays to the cut, a damaged one to the damage.
        let read = lines.read(&mut chunk)?;
        let damaged = film.feed(&chunk[..read], see, &mut new).is_err();
        let end = read == 0 || damaged;
        if end {
            film.finish(see, &mut new);
        }
        if !goes_on.get() {
            return Ok(all);
        }
        if keep {
            all.extend(new.iter().map(|line| Line { text: String::new(), ..*line }));
            new.clear();
        }
        if !frames(&mut new) || end {
            return Ok(all);
        }
    }
}

/// The lines of sealed bytes that come over a channel, for a thread that may wait. A cut is the end.
pub(super) struct Lines {
    decoder: zstd::Decoder<'static, io::BufReader<Arriving>>,
    failed: Arc<AtomicBool>,
}

struct Arriving {
    bytes: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
    failed: Arc<AtomicBool>,
}

impl Lines {
    pub(super) fn of(mut content: Content) -> Result<Self, ApiError> {
        let (sender, bytes) = mpsc::channel(4);
        tokio::spawn(async move {
            while let Some(piece) = content.next().await {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        let failed = Arc::new(AtomicBool::new(false));
        let arriving = Arriving { bytes, current: Bytes::new(), failed: failed.clone() };
        let decoder = blocks::decoder(io::BufReader::new(arriving)).map_err(|error| unreadable(&error))?;
        Ok(Self { decoder, failed })
    }

    /// The next lines; none at the end.
    pub(super) fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        match self.decoder.read(chunk) {
            Err(error) if self.failed.load(Ordering::Relaxed) => Err(error),
            Err(_) => Ok(0),
            read => read,
        }
    }
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.bytes.blocking_recv() {
                None => return Ok(0),
                Some(Ok(bytes)) => self.current = bytes,
                Some(Err(error)) => {
                    self.failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        let length = self.current.len().min(into.len());
        into[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}

/// The film of a live session from now on, and how it ends.
async fn live(visitor: Visitor, Path(id): Path<String>) -> Result<Response, ApiError> {
    let gate = visitor.web.gate.clone();
    let id = session_id(&id)?;
    note(&visitor, id).await?;
    let content = gate.recordings.follow_again(&visitor.viewer(), id).await?;
    let (out, taken) = mpsc::channel(16);
    let follow = Follow { film: Film::default(), begun: false, out };
    tokio::spawn(async move {
        let ends = until_nobody_may(&visitor.web, visitor.key.clone(), id, gate.drain.clone());
        tokio::select! {
            // Whoever follows comes again if it was not the end.
            _ = follow.run(content) => {}
            () = ends => {}
        }
    });
    Ok(ndjson(taken))
}

/// Waits until the session of the browser or the gate ends, or the person may no longer see this one.
async fn until_nobody_may(web: &Web, key: SessionKey, id: Uuid, mut drain: Drain) {
    let mut check = tokio::time::interval(CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = drain.started() => return,
            _ = check.tick() => {}
        }
        match session::resume(&web.gate, &key).await {
            Ok(Some(session)) => {
                let may = web.gate.recordings.get(&Viewer::new(&session.rights), id).await;
                if matches!(may, Err(ReadError::NotFound(_))) {
                    return;
                }
            }
            Ok(None) | Err(_) => return,
        }
    }
}

struct Follow {
    film: Film,
    /// Whether all that had been recorded was read, and a key screen sent.
    begun: bool,
    out: mpsc::Sender<io::Result<Bytes>>,
}

impl Follow {
    /// None when nobody takes it any more.
    async fn run(mut self, mut content: Content) -> Option<()> {
        let mut new = Vec::new();
        let mut last = Instant::now();
        loop {
            let due = last + if self.begun { FRAME } else { CAUGHT_UP };
            let waits = !self.begun || self.film.is_dirty();
            tokio::select! {
                piece = content.next() => {
                    let piece = match piece {
                        Some(Ok(piece)) => piece,
                        Some(Err(_)) => return None,
                        None => break,
                    };
                    self = self.feed(piece, &mut new).await?;
                    if !self.begun {
                        last = Instant::now();
                    }
                }
                () = tokio::time::sleep_until(due), if waits => {
                    last = Instant::now();
                    if self.begun {
                        self.film.flush(&mut new);
                    } else if let Some(key) = self.film.key() {
                        self.begun = true;
                        new = vec![key];
                    }
                }
                () = self.out.closed() => return None,
            }
            self.send(&mut new).await?;
        }
        if !self.begun {
            new.extend(self.film.key());
            self.begun = true;
        }
        self.film.finish(&mut |_, _| true, &mut new);
        self.send(&mut new).await
    }

    /// Shows a piece, in a thread that may take its time: the first ones are all that was recorded so far.
    async fn feed(mut self, piece: Bytes, new: &mut Vec<Line>) -> Option<Self> {
        let work = move |wanted: &Wanted| {
            let mut lines = Vec::new();
            let fed = self.film.feed(&piece, &mut |_, _| wanted.is_wanted(), &mut lines);
            fed.is_ok().then_some((self, lines))
        };
        let (this, lines) = while_wanted(work).await.ok().flatten()?;
        if this.begun {
            new.extend(lines);
        }
        Some(this)
    }

    async fn send(&self, new: &mut Vec<Line>) -> Option<()> {
        let text: String = new.drain(..).map(|line| line.text + "\n").collect();
        if text.is_empty() {
            return Some(());
        }
        self.out.send(Ok(Bytes::from(text))).await.ok()
    }
}

fn ndjson(taken: mpsc::Receiver<io::Result<Bytes>>) -> Response {
    let lines =
        stream::unfold(taken, |mut taken| async move { taken.recv().await.map(|piece| (piece, taken)) });
    as_ndjson(private(Body::from_stream(lines)))
}

fn as_ndjson(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn e2_33_a_frame_that_wants_much_memory_is_not_read() {
        let packed = |window: u32| {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(window).unwrap();
            encoder.write_all(b"lines of a recording").unwrap();
            // Without its length, which would make the window small.
            encoder.finish().unwrap()
        };
        for (window, readable) in [(20, true), (27, false)] {
            let content = stream::iter([Ok(Bytes::from(packed(window)))]).boxed();
            let mut lines = Lines::of(content).unwrap();
            let read = tokio::task::spawn_blocking(move || lines.read(&mut [0; 64])).await.unwrap();
            assert_eq!(read.unwrap() > 0, readable, "{window}");
        }
    }
}
