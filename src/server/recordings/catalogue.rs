//! What the store knows of recordings: one record each, the newest first.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    server::store::{Item, Store, StoreError},
    wire::recordings::{MAX_PAGE, PAGE, Page, Query, Recording},
};

const PREFIX: &str = "/recordings/";
/// How many records are read at a time.
const BATCH: usize = 500;

/// The records of recordings.
#[derive(Clone)]
pub(super) struct Catalogue {
    store: Arc<dyn Store>,
}

impl Catalogue {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Writes a record, new or not.
    pub(super) async fn put(&self, recording: &Recording) -> Result<(), StoreError> {
        let value = serde_json::to_vec(recording).map_err(|error| StoreError::Backend(error.to_string()))?;
        self.store.put(&key(recording.session.id), Bytes::from(value), None).await.map(|_| ())
    }

    /// Reads a record.
    pub(super) async fn get(&self, session: Uuid) -> Result<Option<Recording>, StoreError> {
        let item = self.store.get(&key(session)).await?;
        item.as_ref().map(decode).transpose()
    }

    /// Removes a record.
    pub(super) async fn delete(&self, session: Uuid) -> Result<(), StoreError> {
        match self.store.delete(&key(session), None).await {
            Err(StoreError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// The records that fit a query, the newest first; `may` says which of them the asking person may see.
    pub(super) async fn list(
        &self,
        query: &Query,
        may: impl Fn(&Recording) -> bool,
    ) -> Result<Page, StoreError> {
        let limit = query.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
        let mut after = query.after.as_deref().and_then(|after| after.parse().ok()).map(key);
        if after.is_none() {
            after = query.until.map(|until| format!("{PREFIX}{}", inverted(until)));
        }
        let mut page = Page::default();
        loop {
            let items = self.store.range(PREFIX, after.as_deref(), BATCH).await?;
            let last = items.len() < BATCH;
            for item in items {
                let decoded = decode(&item);
                after = Some(item.key);
                // A record of a later version is no reason to show none.
                let Ok(recording) = decoded else { continue };
                if query.since.is_some_and(|since| recording.session.started < since) {
                    return Ok(page);
                }
                if fits(&recording, query) && may(&recording) {
                    if page.recordings.len() == limit {
                        page.next = page.recordings.last().map(|last| last.session.id.to_string());
                        return Ok(page);
                    }
                    page.recordings.push(recording);
                }
            }
            if last {
                return Ok(page);
            }
        }
    }

    /// Records that began before a time, some of them, and where the others begin.
    pub(super) async fn older_than(
        &self,
        time: Timestamp,
        after: Option<String>,
    ) -> Result<(Vec<Recording>, Option<String>), StoreError> {
        let after = after.unwrap_or_else(|| format!("{PREFIX}{}", inverted(time)));
        let items = self.store.range(PREFIX, Some(&after), BATCH).await?;
        let next = items.last().filter(|_| items.len() == BATCH).map(|item| item.key.clone());
        let all = items.iter().filter_map(|item| decode(item).ok());
        Ok((all.filter(|recording| recording.session.started < time).collect(), next))
    }
}

fn decode(item: &Item) -> Result<Recording, StoreError> {
    serde_json::from_slice(&item.value)
        .map_err(|error| StoreError::Backend(format!("the record {} does not parse: {error}", item.key)))
}

/// A session's name begins with the time at which it began (UUID version 7, RFC 9562), so that its key can be told from it. What
/// is newer sorts before what is older.
fn key(session: Uuid) -> String {
    let began = session.get_timestamp().and_then(|time| {
        let (seconds, nanos) = time.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    });
    format!("{PREFIX}{}-{session}", inverted(began.unwrap_or(Timestamp::UNIX_EPOCH)))
}

fn inverted(time: Timestamp) -> String {
    format!("{:016x}", u64::MAX - u64::try_from(time.as_millisecond()).unwrap_or(0))
}

fn fits(recording: &Recording, query: &Query) -> bool {
    let session = &recording.session;
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    let about = query.about.as_deref().map(str::to_lowercase);
    let texts = [&session.user, &session.cluster, &session.namespace, &session.pod, &session.container];
    let speaks = |about: &str| {
        texts.iter().any(|text| text.to_lowercase().contains(about))
            || session.command.join(" ").to_lowercase().contains(about)
    };
    is(&query.user, &session.user)
        && is(&query.cluster, &session.cluster)
        && query.state.is_none_or(|state| state == recording.state)
        && query.until.is_none_or(|until| session.started < until)
        && about.is_none_or(|about| speaks(&about))
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp as UuidTime};

    use super::*;
    use crate::{
        recording::{Session, header::Kind},
        server::store::SqliteStore,
        wire::recordings::State,
    };

    fn recording(second: u64, user: &str, command: &str) -> Recording {
        let id = Uuid::new_v7(UuidTime::from_unix(NoContext, second, 0));
        let session = Session {
            id,
            kind: Kind::Exec,
            user: user.into(),
            roles: vec![],
            kube_user: user.into(),
            kube_groups: vec![],
            cluster: "prod".into(),
            namespace: "default".into(),
            pod: "web".into(),
            container: String::new(),
            command: vec![command.into()],
            terminal: false,
            stdin: false,
            protocol: String::new(),
            remote: String::new(),
            started: Timestamp::from_second(second as i64).unwrap(),
        };
        Recording {
            session,
            state: State::Complete,
            ended: None,
            duration: 0,
            plain: 0,
            size: 0,
            exit: None,
            reason: None,
            lost: 0,
            last: None,
        }
    }

    async fn catalogue(folder: &std::path::Path, count: u64) -> Catalogue {
        let catalogue = Catalogue::new(Arc::new(SqliteStore::open(folder).unwrap()));
        for n in 0..count {
            let user = if n % 10 == 0 { "bob" } else { "alice" };
            catalogue.put(&recording(1000 + n, user, &format!("cmd-{n}"))).await.unwrap();
        }
        catalogue
    }

    fn seconds(page: &Page) -> Vec<i64> {
        page.recordings.iter().map(|r| r.session.started.as_second()).collect()
    }

    #[tokio::test]
    async fn pages_go_from_the_newest_to_the_oldest_and_miss_none() {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = catalogue(folder.path(), 1203).await;
        let mut query = Query { limit: Some(100), ..Query::default() };
        let mut all = Vec::new();
        loop {
            let page = catalogue.list(&query, |_| true).await.unwrap();
            all.extend(seconds(&page));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(all, (1000..2203).rev().collect::<Vec<i64>>());
    }

    #[tokio::test]
    async fn each_key_of_a_query_narrows() {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = catalogue(folder.path(), 40).await;
        let list = async |query: Query| seconds(&catalogue.list(&query, |_| true).await.unwrap());
        let at = |second: i64| Some(Timestamp::from_second(second).unwrap());
        assert_eq!(
            list(Query { user: Some("bob".into()), ..Query::default() }).await,
            [1030, 1020, 1010, 1000]
        );
        assert_eq!(list(Query { since: at(1037), ..Query::default() }).await, [1039, 1038, 1037]);
        assert_eq!(list(Query { until: at(1002), ..Query::default() }).await, [1001, 1000]);
        assert_eq!(list(Query { about: Some("CMD-7".into()), ..Query::default() }).await, [1007]);
        assert!(list(Query { state: Some(State::Live), ..Query::default() }).await.is_empty());
        let own = catalogue.list(&Query::default(), |r| r.session.user == "bob").await.unwrap();
        assert_eq!(own.recordings.len(), 4);
        assert_eq!(catalogue.older_than(at(1002).unwrap(), None).await.unwrap().0.len(), 2);
    }
}
