//! kill -9 at any moment loses nothing acknowledged: this test binary starts itself again as a writer and kills it in
//! mid-write, some hundred times, on one and the same store.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::{SqliteStore, Store};

/// Tells the writer where its store is.
const DIR: &str = "JUMPGATE_KILL_TEST_DIR";
/// Tells the writer its round, so that its keys are new.
const ROUND: &str = "JUMPGATE_KILL_TEST_ROUND";
const ROUNDS: usize = 200;
const TASKS: usize = 6;

/// The writer. Without its environment it is no test at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let (Some(dir), Some(round)) = (std::env::var_os(DIR), std::env::var(ROUND).ok()) else { return };
    let store = Arc::new(SqliteStore::open(Path::new(&dir)).unwrap());
    let tasks: Vec<_> =
        (0..TASKS).map(|task| tokio::spawn(write(store.clone(), round.clone(), task))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Counts a key up, leaves new keys behind, and takes every other one of them away again; says so after each answer.
async fn write(store: Arc<SqliteStore>, round: String, task: usize) {
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
    };
    for n in 1_u64.. {
        let value = Bytes::from(format!("{round} {n}"));
        store.put(&format!("/count/{task}"), value.clone(), None).await.unwrap();
        say(format!("ack count {task} {n}\n"));
        let key = format!("/new/{round}/{task}/{n:08}");
        store.create(&key, value, None).await.unwrap();
        say(format!("ack new {task} {n}\n"));
        if n % 2 == 0 {
            assert!(store.take(&key).await.unwrap().is_some());
            say(format!("ack take {task} {n}\n"));
        }
    }
}

/// What the writer said before it died: the last number of each operation of each task.
type Said = BTreeMap<(String, usize), u64>;

fn spawn(dir: &Path, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "server::store::kill::writer", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the writer some lines after its first answer; each round dies at another place.
fn run_and_kill(dir: &Path, round: usize) -> Said {
    let mut child = spawn(dir, round);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut said = Said::new();
    let (mut lines, deadly) = (0, 1 + (round * 37) % 60);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).unwrap() == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        // Half a line is no answer; libtest's own lines are none either.
        let Some(rest) = text.split_once("ack ").map(|(_, rest)| rest).filter(|r| r.ends_with('\n')) else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let [operation, task, n] = words[..] else { continue };
        said.insert((operation.to_owned(), task.parse().unwrap()), n.parse().unwrap());
        lines += 1;
        if lines == deadly {
            // It goes on writing while this signal is on its way.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(lines >= deadly, "round {round}: the writer ended by itself after {lines} answers");
    said
}

async fn check(store: &SqliteStore, round: usize, said: &Said) {
    for ((operation, task), n) in said {
        match operation.as_str() {
            "count" => {
                let item =
                    store.get(&format!("/count/{task}")).await.unwrap().expect("a counted key is there");
                let text = String::from_utf8(item.value.to_vec()).unwrap();
                let (of_round, count) = text.split_once(' ').unwrap();
                assert_eq!(of_round, round.to_string());
                assert!(
                    count.parse::<u64>().unwrap() >= *n,
                    "round {round}: {text} but {n} was acknowledged"
                );
            }
            "new" => {
                let taken = said.get(&("take".to_owned(), *task)).copied().unwrap_or(0);
                for m in 1..=*n {
                    let there = store.get(&format!("/new/{round}/{task}/{m:08}")).await.unwrap().is_some();
                    // The last even one may be taken without that we heard of it.
                    let known = m % 2 == 1 || m <= taken;
                    assert!(
                        !known || there == (m % 2 == 1),
                        "round {round}, task {task}: key {m} is {there}"
                    );
                }
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn kill_9_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut revision = 0;
    for round in 0..ROUNDS {
        let path = dir.path().to_owned();
        let said = tokio::task::spawn_blocking(move || run_and_kill(&path, round)).await.unwrap();
        // The lock went with the process; the kernel may take a moment.
        let store = open(dir.path()).await;
        check(&store, round, &said).await;
        let next = store.put("/parent", Bytes::new(), None).await.unwrap();
        assert!(next > revision, "revisions never go back");
        revision = next;
    }
    let connection = rusqlite::Connection::open(dir.path().join("gate.sqlite")).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

async fn open(dir: &Path) -> SqliteStore {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        match SqliteStore::open(dir) {
            Ok(store) => return store,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
