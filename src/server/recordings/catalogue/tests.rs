//! Lists out of a store with many records: what each question finds, and that no page costs more than it must.

mod counting;

use std::collections::HashSet;

use self::counting::Counting;
use super::*;
use crate::{
    recording::{Session, header::Kind},
    server::store::SqliteStore,
    wire::recordings::{Page, Query},
};

fn recording(second: u64, user: &str, command: &str) -> Recording {
    named(id::new(at(second)), second, user, command)
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(second).unwrap()).unwrap()
}

fn named(id: Uuid, second: u64, user: &str, command: &str) -> Recording {
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
        started: at(second),
    };
    Recording { state: State::Complete, ..super::super::fresh(session) }
}

async fn empty(folder: &std::path::Path) -> Catalogue {
    Catalogue::open(Arc::new(SqliteStore::open(folder).unwrap())).await.unwrap()
}

async fn catalogue(folder: &std::path::Path, count: u64) -> Catalogue {
    let catalogue = empty(folder).await;
    let all = (0..count).map(|n| {
        let user = if n % 10 == 0 { "bob" } else { "alice" };
        recording(1000 + n, user, &format!("cmd-{n}"))
    });
    fill(&catalogue, all).await;
    catalogue
}

/// Writes many records, as [`Catalogue::put`] does one.
async fn fill(catalogue: &Catalogue, all: impl Iterator<Item = Recording>) {
    let mut writes = Vec::new();
    for one in all {
        let session = &one.session;
        writes.extend(index::entries(session.id, &session.user, one.state == State::Live));
        writes.push((key(session.id), Some(serde_json::to_vec(&one).unwrap().into())));
        if writes.len() > 4000 {
            catalogue.store.write_all(std::mem::take(&mut writes)).await.unwrap();
        }
    }
    catalogue.store.write_all(writes).await.unwrap();
}

fn seconds(page: &Page) -> Vec<i64> {
    page.recordings.iter().map(|r| r.session.started.as_second()).collect()
}

impl Catalogue {
    /// All that is found on the pages of a question; `see` is told after each of them.
    async fn pages(&self, mut query: Query, only: Option<&str>, mut see: impl FnMut()) -> Vec<Recording> {
        let mut all = Vec::new();
        loop {
            let page = self.list(&query, only).await.unwrap();
            see();
            all.extend(page.recordings);
            query.after = page.next;
            if query.after.is_none() {
                return all;
            }
        }
    }
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest_and_miss_none() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = catalogue(folder.path(), 1203).await;
    let query = Query { limit: Some(100), ..Query::default() };
    let all = catalogue.pages(query.clone(), None, || {}).await;
    let all = Page { recordings: all, next: None };
    assert_eq!(seconds(&all), (1000..2203).rev().collect::<Vec<i64>>());
    let bobs = catalogue.pages(query, Some("bob"), || {}).await;
    let bobs = Page { recordings: bobs, next: None };
    assert_eq!(seconds(&bobs), (1000..2203).rev().filter(|n| n % 10 == 0).collect::<Vec<i64>>());
}

#[tokio::test]
async fn each_key_of_a_query_narrows() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = catalogue(folder.path(), 40).await;
    let list = async |query: Query| seconds(&catalogue.list(&query, None).await.unwrap());
    let at = |second: u64| Some(at(second));
    let bob = Some("bob".to_owned());
    assert_eq!(list(Query { user: bob.clone(), ..Query::default() }).await, [1030, 1020, 1010, 1000]);
    assert_eq!(list(Query { since: at(1037), ..Query::default() }).await, [1039, 1038, 1037]);
    assert_eq!(list(Query { user: bob, since: at(1015), until: at(1030), ..Query::default() }).await, [1020]);
    assert_eq!(list(Query { until: at(1002), ..Query::default() }).await, [1001, 1000]);
    assert_eq!(list(Query { about: Some("CMD-7".into()), ..Query::default() }).await, [1007]);
    let one = catalogue.list(&Query { limit: Some(1), ..Query::default() }, None).await.unwrap();
    let beginning = one.recordings[0].session.id.to_string()[..13].to_owned();
    assert_eq!(list(Query { about: Some(beginning), ..Query::default() }).await, [1039]);
    assert!(list(Query { state: Some(State::Live), ..Query::default() }).await.is_empty());
    assert!(list(Query { user: Some("bo".into()), ..Query::default() }).await.is_empty());
    let own = catalogue.list(&Query::default(), Some("bob")).await.unwrap();
    assert_eq!(own.recordings.len(), 4);
    let other = Query { user: Some("alice".into()), ..Query::default() };
    assert!(catalogue.list(&other, Some("bob")).await.unwrap().recordings.is_empty());
    assert_eq!(catalogue.older_than(at(1002).unwrap(), None).await.unwrap().0.len(), 2);
}

#[tokio::test]
async fn a_session_is_found_by_the_beginning_of_its_id_by_those_who_may_see_it() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = catalogue(folder.path(), 1000).await;
    let mut live = recording(900, "bob", "sh");
    live.state = State::Live;
    catalogue.put(&live).await.unwrap();
    let (whole, own) = (live.session.id.to_string(), Some("bob"));
    let find = async |id: &str, state: Option<State>, only: Option<&str>| {
        let query = Query { id: Some(id.into()), state, ..Query::default() };
        let page = catalogue.list(&query, only).await.unwrap();
        assert!(page.next.is_none());
        page.recordings.iter().any(|found| found.session.id == live.session.id)
    };
    for text in [&whole[..8], &whole[..8].to_uppercase(), &whole[..18], &whole, &whole[..4]] {
        for state in [None, Some(State::Live)] {
            assert!(find(text, state, None).await, "{text} {state:?}");
            assert!(find(text, state, own).await, "{text} {state:?}");
            assert!(!find(text, state, Some("alice")).await, "{text} {state:?}");
        }
        assert!(!find(text, Some(State::Complete), None).await);
    }
    for bad in ["", "3f9", "3f9x", "%", "../../users"] {
        let query = Query { id: Some(bad.into()), ..Query::default() };
        let error = catalogue.list(&query, None).await.unwrap_err();
        assert!(matches!(error, ListError::Asked(_)) && error.to_string().starts_with("id: "), "{error}");
    }
    // What is over is no longer among the live ones, and what is gone is nowhere.
    live.state = State::Complete;
    catalogue.put(&live).await.unwrap();
    assert!(!find(&whole, Some(State::Live), None).await);
    assert!(find(&whole, Some(State::Complete), None).await);
    catalogue.delete(live.session.id).await.unwrap();
    assert!(!find(&whole, None, None).await);
    let left = catalogue.store.range("/", None, usize::MAX).await.unwrap();
    assert!(!left.iter().any(|item| item.key.contains(&whole) || item.key.contains(&whole.replace('-', ""))));
}

/// Names of version 7 begin with their time: those of weeks begin alike.
#[tokio::test]
async fn old_names_that_begin_alike_come_in_pages_too() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = empty(folder.path()).await;
    let old = (0..3000_u64).map(|n| {
        let name = uuid::Builder::from_unix_timestamp_millis((1000 + n) * 1000, &[1; 10]).into_uuid();
        named(name, 1000 + n, if n % 3 == 0 { "bob" } else { "alice" }, "x")
    });
    fill(&catalogue, old).await;
    let query = Query { id: Some("0000".into()), limit: Some(70), ..Query::default() };
    let all = catalogue.pages(query.clone(), None, || {}).await;
    let all = Page { recordings: all, next: None };
    assert_eq!(seconds(&all), (1000..4000).rev().collect::<Vec<i64>>());
    assert_eq!(catalogue.pages(query, Some("bob"), || {}).await.len(), 1000);
}

#[tokio::test]
async fn a_place_in_one_list_is_one_in_every_list_and_another_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = catalogue(folder.path(), 60).await;
    let first = Query { user: Some("bob".into()), limit: Some(2), ..Query::default() };
    let next = catalogue.list(&first, None).await.unwrap().next;
    assert!(next.is_some());
    let all = Query { after: next.clone(), limit: Some(3), ..Query::default() };
    assert_eq!(seconds(&catalogue.list(&all, None).await.unwrap()), [1039, 1038, 1037]);
    let until = Query { until: Some(at(1010)), ..all.clone() };
    assert_eq!(seconds(&catalogue.list(&until, None).await.unwrap()), [1009, 1008, 1007]);
    let v4 = Uuid::new_v4().to_string();
    for bad in ["", "x", "2026-01-02T03:04:05Z|3", "../x", &v4, &Uuid::nil().to_string(), &"9".repeat(9000)] {
        for user in [None, Some("bob".to_owned())] {
            let query = Query { after: Some(bad.into()), user, ..Query::default() };
            let error = catalogue.list(&query, None).await.unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, ListError::Asked(_)) && text.starts_with("after: "), "{text}");
            assert!(text.len() < 300, "{text}");
        }
    }
}

#[tokio::test]
async fn pages_have_no_gap_and_no_repeat_while_sessions_begin_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = catalogue(folder.path(), 500).await;
    let mut query = Query { limit: Some(7), ..Query::default() };
    let (mut seen, mut n) = (Vec::new(), 0);
    loop {
        // New ones come, and the one at which a page ended goes.
        catalogue.put(&recording(5000 + n, "alice", "new")).await.unwrap();
        n += 1;
        let page = catalogue.list(&query, None).await.unwrap();
        seen.extend(seconds(&page));
        query.after = page.next;
        let Some(after) = &query.after else { break };
        catalogue.delete(after.parse().unwrap()).await.unwrap();
    }
    assert_eq!(seen, [5000].into_iter().chain((1000..1500).rev()).collect::<Vec<i64>>());
}

#[tokio::test]
async fn records_of_an_earlier_version_are_put_into_the_index_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let mut ids = Vec::new();
    for n in 0..1100_u64 {
        let name = uuid::Builder::from_unix_timestamp_millis((1000 + n) * 1000, &[n as u8; 10]).into_uuid();
        let mut one = named(name, 1000 + n, if n < 3 { "bob" } else { "alice" }, "x");
        if n == 1 {
            one.state = State::Live;
        }
        ids.push(name);
        store.put(&key(name), serde_json::to_vec(&one).unwrap().into(), None).await.unwrap();
    }
    let broken = id::new(at(1));
    store.put(&key(broken), "of a later version".into(), None).await.unwrap();
    let catalogue = Catalogue::open(store.clone()).await.unwrap();
    let list = async |query: Query, only: Option<&str>| seconds(&catalogue.list(&query, only).await.unwrap());
    assert_eq!(list(Query::default(), Some("bob")).await, [1002, 1001, 1000]);
    assert_eq!(list(Query { state: Some(State::Live), ..Query::default() }, None).await, [1001]);
    assert_eq!(list(Query { id: Some(ids[7].to_string()), ..Query::default() }, None).await, [1007]);
    // Once; and what is not in it can be removed all the same.
    let late = named(id::new(at(2)), 2, "alice", "x");
    let value = serde_json::to_vec(&late).unwrap();
    store.put(&key(late.session.id), value.into(), None).await.unwrap();
    let again = Catalogue::open(store).await.unwrap();
    assert!(again.owner(late.session.id).await.unwrap().is_none());
    again.delete(late.session.id).await.unwrap();
    assert!(again.get(late.session.id).await.unwrap().is_none());
}

/// A person with ten sessions among very many gets them at once, as does everybody a page; also when nothing fits.
#[tokio::test]
async fn no_page_costs_more_because_there_are_many_sessions() {
    let count = std::env::var("JUMPGATE_TEST_RECORDINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let folder = tempfile::tempdir().unwrap();
    let store = Counting::new(SqliteStore::open(folder.path()).unwrap());
    let catalogue = Catalogue::open(store.clone()).await.unwrap();
    let user = |n: u64| if n.is_multiple_of(count / 10) { "few" } else { "many" };
    fill(&catalogue, (0..count).map(|n| recording(1_700_000_000 + n, user(n), "kubectl"))).await;
    let mut wanted = recording(1_700_000_000, "many", "live");
    wanted.state = State::Live;
    catalogue.put(&wanted).await.unwrap();
    let page = Query::default;
    let short = Some(id::short(wanted.session.id));
    let nothing = Query { about: Some("no such text".into()), ..page() };
    // Of an index, a key and a record for each session; of the records, a batch more than the page shows.
    let (index, page_of) = (|n: usize| 2 * n, |n: usize| n + 1 + BATCH);
    let looked = 2 * (5000 + BATCH);
    for (name, query, only, expected, most) in [
        ("own, of ten", page(), Some("few"), 10, index(10)),
        ("--user, of ten", Query { user: Some("few".into()), ..page() }, None, 10, index(10)),
        ("live", Query { state: Some(State::Live), ..page() }, None, 1, index(1)),
        ("own live, none", Query { state: Some(State::Live), ..page() }, Some("few"), 0, index(1)),
        ("by the ID", Query { id: short.clone(), ..page() }, None, 1, index(2)),
        ("by the ID, not to be seen", Query { id: short, ..page() }, Some("few"), 0, index(2)),
        ("all, 100 a page", page(), None, count as usize + 1, page_of(100)),
        ("all, 1000 a page", Query { limit: Some(1000), ..page() }, None, count as usize + 1, page_of(1000)),
        ("own, of nearly all", page(), Some("many"), count as usize + 1 - 10, 2 * page_of(100)),
        ("a text that is nowhere", nothing.clone(), None, 0, looked),
        ("a text that is nowhere, own", nothing, Some("many"), 0, looked),
    ] {
        store.read();
        let mut longest = 0;
        let found = catalogue.pages(query, only, || longest = longest.max(store.read())).await;
        let ids: HashSet<Uuid> = found.iter().map(|one| one.session.id).collect();
        assert_eq!((found.len(), ids.len()), (expected, expected), "{name}");
        assert!(longest <= most, "{name}: {longest} were read for a page, {most} are enough");
    }
}
