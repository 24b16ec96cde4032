//! Finds what was on the screen and what was sent to commands, across sessions: the newest first, a bounded amount of them in one go.

use std::{io, sync::Arc, time::Instant};

use futures_util::TryStreamExt;
use tokio::sync::OwnedSemaphorePermit;

use super::{ReadError, Recordings, Viewer};
use crate::{
    recording::{
        blocks,
        decode::Decoder,
        event::Stream,
        input::Input,
        transcript::{Line, Transcript},
    },
    server::work::while_wanted,
    wire::recordings::{Found, Hit, LINES, MAX_LINES, Query, Recording, Untold},
};

/// After so many hits a search answers with what it has.
const MAX_HITS: usize = 200;
/// How many more lines of a session are counted than are told.
const MAX_COUNTED: u64 = 1000;
/// How long a search goes on before it answers with what it has.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(10);
/// How long one recording is searched.
const LONGEST_OF_ONE: std::time::Duration = std::time::Duration::from_secs(3);
/// How much of one recording is searched, in bytes of lines.
const MAX_PLAIN: usize = 64 * 1024 * 1024;
/// The longest line of a hit, in characters.
const MAX_LINE: usize = 400;

impl Recordings {
    /// Sessions on whose screen or in whose standard input a text was, small and capital letters alike. The query's limit is one of
    /// lines of a session.
    pub async fn search(&self, viewer: &Viewer, text: &str, query: &Query) -> Result<Found, ReadError> {
        // One at a time: a search costs memory and a processor.
        let Ok(turn) = self.0.searches.clone().acquire_owned().await else { return Ok(Found::default()) };
        let turn = Arc::new(turn);
        let begin = Instant::now();
        let limit = query.limit.unwrap_or(LINES).clamp(1, MAX_LINES);
        let mut query = Query { limit: Some(50), ..query.clone() };
        let mut found = Found::default();
        loop {
            let page = self.list(viewer, &query).await?;
            for recording in page.recordings {
                let id = recording.session.id;
                match self.search_one(viewer, &recording, text, limit, turn.clone()).await {
                    Ok(fitting) => fitting.add_to(&mut found, &recording),
                    // One that cannot be read does not hide the others.
                    Err(error) => tracing::warn!(session = %id, %error, "a recording cannot be searched"),
                }
                query.after = Some(id.to_string());
                if found.hits.len() >= MAX_HITS || begin.elapsed() > LONGEST {
                    found.next = query.after;
                    return Ok(found);
                }
            }
            if page.next.is_none() {
                return Ok(found);
            }
            query.after = page.next;
        }
    }

    async fn search_one(
        &self,
        viewer: &Viewer,
        recording: &Recording,
        text: &str,
        limit: usize,
        turn: Arc<OwnedSemaphorePermit>,
    ) -> Result<Fitting, ReadError> {
        let content = self.content(viewer, recording.session.id).await?;
        let failed = |error: io::Error| ReadError::Unreadable(error.to_string());
        let sealed: Vec<u8> = content
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
            .map_err(failed)?;
        let wanted = text.to_lowercase();
        // Who asked may be gone; the turn of the next begins when this one has ended.
        let searching = while_wanted(move |asked| {
            let (_turn, begin) = (turn, Instant::now());
            let goes_on = || asked.is_wanted() && begin.elapsed() < LONGEST_OF_ONE;
            lines_with(&sealed, &wanted, limit, goes_on)
        });
        searching.await.map_err(|error| failed(io::Error::other(error)))
    }
}

/// The lines of a session that hold a text.
struct Fitting {
    wanted: String,
    limit: usize,
    /// By time, as many as may be told.
    lines: Vec<(Stream, Line)>,
    /// How many more there are.
    more: u64,
    /// Whether that is all of them.
    all: bool,
}

impl Fitting {
    fn take(&mut self, stream: Stream, lines: Vec<Line>) {
        for line in lines.into_iter().filter(|line| line.text.to_lowercase().contains(&self.wanted)) {
            if self.lines.len() < self.limit {
                self.lines.push((stream, line));
            } else {
                self.more += 1;
            }
        }
    }

    fn add_to(self, found: &mut Found, recording: &Recording) {
        let session = &recording.session;
        let hits = self.lines.into_iter().map(|(stream, line)| Hit {
            id: session.id,
            user: session.user.clone(),
            started: session.started,
            at: u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX),
            stream: (stream == Stream::Stdin).then_some(stream),
            line: line.text.chars().take(MAX_LINE).collect(),
        });
        found.hits.extend(hits);
        if self.more > 0 || !self.all {
            found.untold.push(Untold { id: session.id, lines: self.more, all: self.all });
        }
    }
}

/// The lines that hold a text in small letters, so many of them; of the others the number. `goes_on` is asked before each event: a
/// few bytes may keep a terminal busy for long.
fn lines_with(sealed: &[u8], wanted: &str, limit: usize, mut goes_on: impl FnMut() -> bool) -> Fitting {
    let mut fitting = Fitting { wanted: wanted.to_owned(), limit, lines: Vec::new(), more: 0, all: true };
    let (mut decoder, mut shown) = (Decoder::default(), None);
    let (mut plain, mut in_time) = (0, true);
    blocks::each(sealed, |lines| {
        // What comes before a damaged line can be searched.
        let readable = decoder.feed(lines).is_ok();
        let Some(header) = decoder.header() else { return false };
        let (input, transcript) = shown.get_or_insert_with(|| (Input::new(header), Transcript::new(header)));
        while let Some(event) = decoder.next_event() {
            in_time = goes_on();
            if !in_time {
                break;
            }
            input.push(&event);
            transcript.push(&event);
        }
        fitting.take(Stream::Stdin, input.take());
        fitting.take(Stream::Stdout, transcript.take());
        plain += lines.len();
        fitting.all = readable && in_time && plain < MAX_PLAIN && fitting.more < MAX_COUNTED;
        fitting.all
    });
    if let Some((mut input, transcript)) = shown {
        fitting.take(Stream::Stdin, input.finish());
        fitting.take(Stream::Stdout, transcript.finish());
    }
    fitting.lines.sort_by_key(|(stream, line)| (line.at, *stream));
    fitting
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recording::{Event, Header, What, encode, pack::Packer};

    /// A session without a terminal: a frame for each of these.
    fn sealed(frames: &[Vec<What>]) -> Vec<u8> {
        let mut session = crate::server::recordings::tests::session("alice");
        session.terminal = false;
        let (mut packer, header) = (Packer::new(session.id), Header::new(session));
        let (mut encoder, mut lines, mut at) =
            (encode::Encoder::default(), encode::header(&header), Duration::ZERO);
        let mut all = Vec::new();
        for frame in frames {
            let from = at;
            for what in frame {
                encoder.encode(&Event { at, what: what.clone() }, &mut lines);
                at += Duration::from_secs(1);
            }
            all.extend(packer.pack(&lines, from, at).unwrap());
            lines.clear();
        }
        all
    }

    fn out(n: usize) -> What {
        What::Bytes(Stream::Stdout, format!("line {n}\n").into_bytes())
    }

    fn texts(fitting: &Fitting) -> Vec<&str> {
        fitting.lines.iter().map(|(_, line)| &*line.text).collect()
    }

    #[test]
    fn e2_33_output_that_keeps_a_terminal_busy_is_left_within_its_frame() {
        let sealed = sealed(&[(0..10).map(out).collect()]);
        assert_eq!(lines_with(&sealed, "line", 20, || true).lines.len(), 10);
        let mut left = 3;
        let found = lines_with(&sealed, "line", 20, || {
            left -= 1;
            left >= 0
        });
        assert_eq!((found.lines.len(), found.all), (3, false), "{:?}", texts(&found));
        assert_eq!(left, -1, "nobody is asked again");
    }

    #[test]
    fn lines_that_are_not_told_are_counted_to_the_end() {
        let all = sealed(&[(0..50).map(out).collect(), (50..100).map(out).collect()]);
        let found = lines_with(&all, "line", 20, || true);
        assert_eq!((found.lines.len(), found.more, found.all), (20, 80, true));
        assert_eq!(texts(&found)[..2], ["line 0", "line 1"]);
        let found = lines_with(&all, "line 7", 20, || true);
        assert_eq!((found.lines.len(), found.more, found.all), (11, 0, true));
        // Of very many it is told that there are more than were counted.
        let many: Vec<Vec<What>> =
            (0..4).map(|frame| (0..1000).map(|n| out(frame * 1000 + n)).collect()).collect();
        let found = lines_with(&sealed(&many), "line", 1, || true);
        assert!(!found.all && (MAX_COUNTED..3000).contains(&found.more), "{}", found.more);
    }

    #[test]
    fn what_was_sent_to_a_command_is_found_as_such() {
        let input = |text: &str| What::Bytes(Stream::Stdin, text.into());
        let all = sealed(&[vec![input("rm /tmp/x\r: hid"), input("den\nlast rm")], vec![out(1)]]);
        let found = lines_with(&all, "rm", 20, || true);
        assert_eq!(texts(&found), ["rm /tmp/x\\u{d}: hidden", "last rm"]);
        assert!(found.lines.iter().all(|(stream, _)| *stream == Stream::Stdin));
        let mut told = Found::default();
        let session = crate::server::recordings::tests::session("alice");
        found.add_to(&mut told, &crate::server::recordings::fresh(session));
        assert_eq!((told.hits[0].at, told.hits[0].stream, told.untold.len()), (1000, Some(Stream::Stdin), 0));
    }
}
