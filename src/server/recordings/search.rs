//! Finds what was on the screen, across sessions: the newest first, a bounded amount of them in one go.

use std::{io, sync::Arc, time::Instant};

use futures_util::TryStreamExt;
use tokio::sync::OwnedSemaphorePermit;

use super::{ReadError, Recordings, Viewer};
use crate::{
    recording::{blocks, decode::Decoder, transcript::Transcript},
    server::work::while_wanted,
    wire::recordings::{Found, Hit, Query, Recording},
};

/// The most hits of one search.
const MAX_HITS: usize = 200;
/// The most hits in one session; who wants more looks at it.
const MAX_HITS_OF_ONE: usize = 20;
/// How long a search goes on before it answers with what it has.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(10);
/// How long one recording is searched.
const LONGEST_OF_ONE: std::time::Duration = std::time::Duration::from_secs(3);
/// How much of one recording is searched, in bytes of lines.
const MAX_PLAIN: usize = 64 * 1024 * 1024;
/// The longest line of a hit, in characters.
const MAX_LINE: usize = 400;

impl Recordings {
    /// Sessions on whose screen a text was, small and capital letters alike.
    pub async fn search(&self, viewer: &Viewer, text: &str, query: &Query) -> Result<Found, ReadError> {
        // One at a time: a search costs memory and a processor.
        let Ok(turn) = self.0.searches.clone().acquire_owned().await else { return Ok(Found::default()) };
        let turn = Arc::new(turn);
        let begin = Instant::now();
        let mut query = Query { limit: Some(50), ..query.clone() };
        let mut found = Found::default();
        loop {
            let page = self.list(viewer, &query).await?;
            for recording in page.recordings {
                let id = recording.session.id;
                match self.search_one(viewer, recording, text, turn.clone()).await {
                    Ok(hits) => found.hits.extend(hits),
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
        recording: Recording,
        text: &str,
        turn: Arc<OwnedSemaphorePermit>,
    ) -> Result<Vec<Hit>, ReadError> {
        let id = recording.session.id;
        let content = self.content(viewer, id).await?;
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
            lines_with(&sealed, &wanted, || asked.is_wanted() && begin.elapsed() < LONGEST_OF_ONE)
        });
        let lines = searching.await.map_err(|error| failed(io::Error::other(error)))?;
        let session = &recording.session;
        let hits = lines.into_iter().map(|(at, line)| Hit {
            id,
            user: session.user.clone(),
            started: session.started,
            at,
            line,
        });
        Ok(hits.collect())
    }
}

/// The lines that hold a text in small letters, with their times in milliseconds. `goes_on` is asked before each event: a few bytes
/// may keep a terminal busy for long.
fn lines_with(sealed: &[u8], wanted: &str, mut goes_on: impl FnMut() -> bool) -> Vec<(u64, String)> {
    let (mut decoder, mut transcript) = (Decoder::default(), None);
    let (mut hits, mut plain, mut in_time) = (Vec::new(), 0, true);
    blocks::each(sealed, |lines| {
        // What comes before a damaged line can be searched.
        let readable = decoder.feed(lines).is_ok();
        let Some(header) = decoder.header() else { return false };
        let transcript = transcript.get_or_insert_with(|| Transcript::new(header));
        while let Some(event) = decoder.next_event() {
            in_time = goes_on();
            if !in_time {
                break;
            }
            transcript.push(&event);
        }
        hits.extend(transcript.take().into_iter().filter(|line| line.text.to_lowercase().contains(wanted)));
        plain += lines.len();
        readable && in_time && hits.len() < MAX_HITS_OF_ONE && plain < MAX_PLAIN
    });
    if let Some(transcript) = transcript {
        let rest = transcript.finish().into_iter();
        hits.extend(rest.filter(|line| line.text.to_lowercase().contains(wanted)));
    }
    hits.truncate(MAX_HITS_OF_ONE);
    let hits = hits.into_iter().map(|line| {
        let at = u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX);
        (at, line.text.chars().take(MAX_LINE).collect())
    });
    hits.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recording::{Event, Header, What, encode, event::Stream, pack::Packer};

    #[test]
    fn e2_33_output_that_keeps_a_terminal_busy_is_left_within_its_frame() {
        let header = Header::new(crate::server::recordings::tests::session("alice"));
        let mut encoder = encode::Encoder::default();
        let mut lines = encode::header(&header);
        for n in 0..10 {
            let what = What::Bytes(Stream::Stdout, format!("line {n}\r\n").into_bytes());
            encoder.encode(&Event { at: Duration::from_secs(n), what }, &mut lines);
        }
        let mut packer = Packer::new(header.session.as_ref().unwrap().id);
        let sealed = packer.pack(&lines, Duration::ZERO, Duration::from_secs(9)).unwrap();
        assert_eq!(lines_with(&sealed, "line", || true).len(), 10);
        let mut left = 3;
        let found = lines_with(&sealed, "line", || {
            left -= 1;
            left >= 0
        });
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(left, -1, "nobody is asked again");
    }
}
