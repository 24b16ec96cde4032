//! Lists: which records a question reads, in which order, and where the next page begins.
//!
//! Every list has the same order, so that the ID of the last session of a page is a place in any of them.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    BATCH, Catalogue, ListError, PREFIX, decode,
    index::{BY_ID, LIVE, by_user},
    inverted, place,
};
use crate::{
    recording::id,
    server::store::{Item, StoreError},
    wire::recordings::{MAX_PAGE, PAGE, Page, Query, Recording, State},
};

/// How many records are looked at for one page.
const MAX_LOOKED: usize = 5000;
/// How many records are asked for at a time.
const AT_ONCE: usize = 16;
/// A session's ID is made a moment before the session begins; by how much at most.
const EARLIER: SignedDuration = SignedDuration::from_mins(5);

/// Which keys are read; with an owner, only those of this person.
enum Source {
    /// The records themselves.
    All,
    /// Keys that end with places.
    Index { prefix: String, owner: Option<String> },
    /// The keys of sessions whose ID begins so.
    Beginning { digits: String, owner: Option<String> },
}

impl Source {
    /// The fewest keys that hold all that fits.
    fn new(query: &Query, user: Option<&str>) -> Result<Self, ListError> {
        let owner = user.map(str::to_owned);
        let digits = query.id.as_deref().map(id::beginning).transpose();
        let digits = digits.map_err(|error| ListError::Asked(format!("id: {error}")))?;
        Ok(match (digits, query.state, user) {
            (Some(digits), ..) => Self::Beginning { digits, owner },
            (None, Some(State::Live), _) => Self::Index { prefix: LIVE.to_owned(), owner },
            (None, _, Some(user)) => Self::Index { prefix: by_user(user), owner: None },
            (None, _, None) => Self::All,
        })
    }
}

/// Some records and their places.
struct Batch {
    found: Vec<(String, Option<Recording>)>,
    /// Where the next batch begins; None at the end.
    next: Option<String>,
}

impl Catalogue {
    /// The records that fit a query, the newest first; with `only`, of this person's sessions and no others.
    pub(in super::super) async fn list(&self, query: &Query, only: Option<&str>) -> Result<Page, ListError> {
        let limit = query.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
        let mut after = begin(query)?;
        let user = match (query.user.as_deref(), only) {
            (Some(wanted), Some(only)) if wanted != only => return Ok(Page::default()),
            (wanted, only) => wanted.or(only),
        };
        let source = Source::new(query, user)?;
        let oldest =
            query.since.map(|since| inverted(since.saturating_sub(EARLIER).unwrap_or(Timestamp::MIN)));
        let about = query.about.as_deref().map(str::to_lowercase);
        let (mut page, mut looked) = (Page::default(), 0);
        // Where most of what is read fits, no more is read than fits on the page.
        let mut size = (limit + 1).clamp(AT_ONCE, BATCH);
        loop {
            let batch = self.batch(&source, after.as_deref(), size).await?;
            size = BATCH;
            for (place, recording) in batch.found {
                // What is older sorts later.
                if oldest
                    .as_deref()
                    .is_some_and(|oldest| place.as_str() > oldest && !place.starts_with(oldest))
                {
                    return Ok(page);
                }
                looked += 1;
                let fitting = recording.filter(|recording| fits(recording, query, user, about.as_deref()));
                if let Some(recording) = fitting {
                    if page.recordings.len() == limit {
                        page.next = page.recordings.last().map(|last| last.session.id.to_string());
                        return Ok(page);
                    }
                    page.recordings.push(recording);
                }
                if looked >= MAX_LOOKED {
                    page.next = id_at(&place);
                    return Ok(page);
                }
            }
            after = batch.next;
            if after.is_none() {
                return Ok(page);
            }
        }
    }

    /// The newest sessions behind `after` whose ID begins so. Names of version 8 that begin alike are few; of version 7, all of weeks
    /// may, and each batch reads their keys anew.
    async fn fitting(
        &self,
        beginning: &str,
        owner: Option<&str>,
        after: Option<&str>,
        size: usize,
    ) -> Result<Batch, StoreError> {
        let prefix = format!("{BY_ID}{beginning}");
        let (mut places, mut more, mut from) = (BTreeSet::new(), false, None::<String>);
        loop {
            let items = self.store.range(&prefix, from.as_deref(), BATCH).await?;
            let theirs = items.iter().filter(|item| is_of(item, owner));
            let sessions = theirs.filter_map(|item| item.key.strip_prefix(BY_ID)?.parse::<Uuid>().ok());
            places
                .extend(sessions.map(place).filter(|place| after.is_none_or(|after| place.as_str() > after)));
            while places.len() > size {
                places.pop_last();
                more = true;
            }
            if items.len() < BATCH {
                break;
            }
            from = items.into_iter().last().map(|item| item.key);
        }
        let next = places.last().cloned().filter(|_| more);
        Ok(Batch { found: self.at(places.into_iter().collect()).await?, next })
    }

    async fn batch(&self, source: &Source, after: Option<&str>, size: usize) -> Result<Batch, StoreError> {
        let behind = |prefix: &str| after.map(|after| format!("{prefix}{after}"));
        match source {
            Source::All => {
                let items = self.store.range(PREFIX, behind(PREFIX).as_deref(), size).await?;
                let full = items.len() == size;
                // A record of a later version is no reason to show none.
                let found: Vec<_> = items
                    .iter()
                    .filter_map(|item| Some((item.key.strip_prefix(PREFIX)?.to_owned(), decode(item).ok())))
                    .collect();
                let next = found.last().map(|(place, _)| place.clone()).filter(|_| full);
                Ok(Batch { found, next })
            }
            Source::Index { prefix, owner } => {
                let items = self.store.range(prefix, behind(prefix).as_deref(), size).await?;
                let full = items.len() == size;
                let theirs = items
                    .iter()
                    .filter(|item| is_of(item, owner.as_deref()))
                    .filter_map(|item| item.key.strip_prefix(prefix.as_str()))
                    .map(str::to_owned)
                    .collect();
                let next = items.last().and_then(|item| item.key.strip_prefix(prefix.as_str()));
                let next = next.map(str::to_owned).filter(|_| full);
                Ok(Batch { found: self.at(theirs).await?, next })
            }
            Source::Beginning { digits, owner } => self.fitting(digits, owner.as_deref(), after, size).await,
        }
    }

    /// The records at these places.
    async fn at(&self, places: Vec<String>) -> Result<Vec<(String, Option<Recording>)>, StoreError> {
        let reading = places.into_iter().map(|place| async move {
            let item = self.store.get(&format!("{PREFIX}{place}")).await?;
            Ok((place, item.and_then(|item| decode(&item).ok())))
        });
        stream::iter(reading).buffered(AT_ONCE).try_collect().await
    }
}

/// The place behind which a list begins.
fn begin(query: &Query) -> Result<Option<String>, ListError> {
    let cursor = query.after.as_deref().map(|after| {
        let session = after.parse::<Uuid>().ok().filter(|session| id::millis(*session).is_some());
        session.map(place).ok_or_else(|| {
            let after: String = after.chars().take(64).collect();
            ListError::Asked(format!(
                "after: `{after}` is no place in a list of recordings; give the `next` of the page before, or leave it out to begin"
            ))
        })
    });
    // Both stand: the later place counts.
    Ok(cursor.transpose()?.max(query.until.map(inverted)))
}

/// Whether a key of the index is of this person.
fn is_of(item: &Item, owner: Option<&str>) -> bool {
    owner.is_none_or(|owner| item.value == owner.as_bytes())
}

/// The ID of the session at a place.
fn id_at(place: &str) -> Option<String> {
    place.split_once('-').map(|(_, session)| session.to_owned())
}

fn fits(recording: &Recording, query: &Query, user: Option<&str>, about: Option<&str>) -> bool {
    let session = &recording.session;
    let is = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
    let texts = [&session.user, &session.cluster, &session.namespace, &session.pod, &session.container];
    let speaks = |about: &str| {
        texts.iter().any(|text| text.to_lowercase().contains(about))
            || session.command.join(" ").to_lowercase().contains(about)
            || about.len() >= id::SHORTEST && session.id.to_string().starts_with(about)
    };
    is(user, &session.user)
        && is(query.cluster.as_deref(), &session.cluster)
        && query.state.is_none_or(|state| state == recording.state)
        && query.since.is_none_or(|since| session.started >= since)
        && query.until.is_none_or(|until| session.started < until)
        && about.is_none_or(speaks)
}
