//! What runs: each pod has a folder, and each of its containers a log that grows and is kept in a ring.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::store::Store;

/// Annotation: seconds between two lines of the log; 0 keeps it silent.
pub(crate) const LOG_EVERY: &str = "demo.jumpgate.dev/log-every";
/// Lines kept of each log.
const LINES: usize = 4096;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// When it was written.
    pub(crate) at: Timestamp,
    /// Without its line end.
    pub(crate) text: String,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Line>,
    /// Number of the first line that is kept.
    first: u64,
    closed: bool,
}

/// The log of a container.
#[derive(Debug)]
pub(crate) struct Log {
    ring: Mutex<Ring>,
    bell: watch::Sender<u64>,
}

impl Log {
    /// An empty log.
    pub(crate) fn new() -> Self {
        Self { ring: Mutex::default(), bell: watch::Sender::new(0) }
    }

    /// Adds a line.
    pub(crate) fn push(&self, text: impl Into<String>) {
        let mut ring = lock(&self.ring);
        ring.lines.push_back(Line { at: Timestamp::now(), text: text.into() });
        if ring.lines.len() > LINES {
            ring.lines.pop_front();
            ring.first += 1;
        }
        drop(ring);
        self.bell.send_modify(|rung| *rung += 1);
    }

    /// The container ended; readers that follow come to their end.
    pub(crate) fn close(&self) {
        lock(&self.ring).closed = true;
        self.bell.send_modify(|rung| *rung += 1);
    }

    /// Lines from a number on, the number after the last one, and whether no more will come.
    pub(crate) fn read(&self, from: u64) -> (Vec<Line>, u64, bool) {
        let ring = lock(&self.ring);
        let skip = usize::try_from(from.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        let next = ring.first + ring.lines.len() as u64;
        (ring.lines.iter().skip(skip).cloned().collect(), next, ring.closed)
    }

    /// Rings when there is something new.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }
}

/// A pod that runs.
#[derive(Debug)]
pub(crate) struct Pod {
    uid: String,
    /// Its folder, the working folder of what is executed in it; it has a `tmp`, where people copy things to.
    pub(crate) dir: PathBuf,
    containers: Mutex<BTreeMap<String, Arc<Log>>>,
}

impl Pod {
    /// The log of a container; a container that was added later gets one when it is asked for.
    pub(crate) fn log(&self, container: &str) -> Arc<Log> {
        let mut containers = lock(&self.containers);
        containers
            .entry(container.into())
            .or_insert_with(|| {
                let log = Log::new();
                log.push(format!("{container} started"));
                Arc::new(log)
            })
            .clone()
    }

    fn close(&self) {
        lock(&self.containers).values().for_each(|log| log.close());
    }
}

/// All pods that run.
#[derive(Debug)]
pub(crate) struct Runtime {
    dir: PathBuf,
    pods: Mutex<BTreeMap<(String, String), Arc<Pod>>>,
}

impl Runtime {
    /// A runtime whose pods have their folders below this one.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.join("pods"), pods: Mutex::default() }
    }

    /// The running side of a pod object; starts it where it does not run yet.
    pub(crate) fn pod(&self, object: &Value) -> std::io::Result<Arc<Pod>> {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or("").to_owned();
        let (namespace, name, uid) = (text("namespace"), text("name"), text("uid"));
        let mut pods = lock(&self.pods);
        let key = (namespace, name);
        if let Some(pod) = pods.get(&key)
            && pod.uid == uid
        {
            return Ok(pod.clone());
        }
        let dir = self.dir.join(&key.0).join(&key.1);
        if let Some(old) = pods.remove(&key) {
            old.close();
            remove_folder(&old.dir)?;
        }
        std::fs::create_dir_all(dir.join("tmp"))?;
        let pod = Arc::new(Pod { uid, dir, containers: Mutex::default() });
        for container in object["spec"]["containers"].as_array().into_iter().flatten() {
            pod.log(container["name"].as_str().unwrap_or(""));
        }
        pods.insert(key, pod.clone());
        Ok(pod)
    }

    /// Once a second: starts what is new, ends what is gone, lets each main process say a line. Runs until `closing`.
    pub(crate) async fn run(self: Arc<Self>, store: Arc<Store>, mut closing: watch::Receiver<bool>) {
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut second = 0_u64;
        loop {
            tokio::select! {
                () = super::closed(&mut closing) => break,
                _ = clock.tick() => {}
            }
            second += 1;
            let objects: Vec<Arc<Value>> =
                store.read(|all| all.list("pods", "").map(|(_, o)| o.clone()).collect());
            self.end_missing(&objects);
            for object in objects {
                match self.pod(&object) {
                    Ok(pod) => speak(&pod, &object, second),
                    Err(error) => tracing::warn!(%error, "the folder of a demo pod cannot be made"),
                }
            }
        }
        lock(&self.pods).values().for_each(|pod| pod.close());
    }

    fn end_missing(&self, objects: &[Arc<Value>]) {
        let there: std::collections::HashSet<&str> =
            objects.iter().filter_map(|object| object["metadata"]["uid"].as_str()).collect();
        lock(&self.pods).retain(|_, pod| {
            let stays = there.contains(pod.uid.as_str());
            if !stays {
                pod.close();
                if let Err(error) = remove_folder(&pod.dir) {
                    tracing::warn!(%error, "the folder of a demo pod cannot be removed");
                }
            }
            stays
        });
    }
}

fn speak(pod: &Pod, object: &Value, second: u64) {
    let every = object["metadata"]["annotations"][LOG_EVERY].as_str();
    let every: u64 = every.map_or(1, |text| text.parse().unwrap_or(0));
    if every == 0 || !second.is_multiple_of(every) {
        return;
    }
    let containers: Vec<_> =
        lock(&pod.containers).iter().map(|(name, log)| (name.clone(), log.clone())).collect();
    for (name, log) in containers {
        log.push(format!("{name}: GET /healthz 200 #{second}"));
    }
}

fn remove_folder(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_log_keeps_its_last_lines_under_their_numbers() {
        let log = Log::new();
        (0..LINES + 10).for_each(|n| log.push(format!("{n}")));
        let (lines, next, closed) = log.read(0);
        assert_eq!(
            (lines.len(), lines[0].text.as_str(), next, closed),
            (LINES, "10", LINES as u64 + 10, false)
        );
        let (tail, ..) = log.read(next - 1);
        assert_eq!(tail.len(), 1);
        assert!(log.read(next).0.is_empty());
        log.close();
        assert!(log.read(next).2);
    }

    #[test]
    fn a_pod_of_the_same_name_starts_afresh() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new(dir.path());
        let object = |uid: &str| json!({"metadata": {"name": "a", "namespace": "d", "uid": uid}, "spec": {"containers": [{"name": "c"}]}});
        let first = runtime.pod(&object("1")).unwrap();
        std::fs::write(first.dir.join("file"), "x").unwrap();
        assert!(Arc::ptr_eq(&first, &runtime.pod(&object("1")).unwrap()));
        let log = first.log("c");
        let second = runtime.pod(&object("2")).unwrap();
        assert!(log.read(0).2, "the first one's log ended");
        assert!(!second.dir.join("file").exists());
        runtime.end_missing(&[]);
        assert!(!second.dir.exists());
    }
}
