//! The log on disk: a file for each UTC day, a JSON object a line (wire facts 11.7).
//!
//! One thread writes. An event counts as emitted when its line is handed to the system; it is on disk a second later at most.

mod latest;
mod read;
mod writer;

use std::{
    fs::DirBuilder,
    io,
    net::IpAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use self::{
    read::{read_folder, within},
    writer::{Order, Writer},
};
use super::{
    super::metrics::Metrics,
    Event, Outcome,
    strangers::{Admission, SUM_AFTER, Strangers},
};

/// How many events may wait before those who emit wait themselves.
const QUEUE: usize = 4096;

/// The audit log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditLog {
    target: Target,
    healthy: Arc<AtomicBool>,
    strangers: Arc<Strangers>,
}

#[derive(Debug, Clone)]
enum Target {
    Disk(Arc<Disk>),
    Memory(Arc<Mutex<Vec<Value>>>),
}

#[derive(Debug)]
struct Disk {
    folder: PathBuf,
    cluster: String,
    metrics: Arc<Metrics>,
    queue: mpsc::Sender<Order>,
}

impl AuditLog {
    /// Opens the log in a data directory: `log/<host_uuid>/<day>.00:00:00.log`, with the link `log/events.log` to today's.
    pub fn open(data_dir: &Path, host_uuid: Uuid, cluster: &str, metrics: Arc<Metrics>) -> io::Result<Self> {
        let top = data_dir.join("log");
        let folder = top.join(host_uuid.to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let (queue, orders) = mpsc::channel(QUEUE);
        let healthy = Arc::new(AtomicBool::new(true));
        // A folder that cannot be written shows itself now rather than at the first login.
        let writer = Writer::open(&folder, top.join("events.log"), healthy.clone(), metrics.clone())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new()
            .name("audit-log".into())
            .spawn(move || runtime.block_on(writer.run(orders)))?;
        let disk = Disk { folder, cluster: cluster.to_owned(), metrics, queue };
        Ok(Self { target: Target::Disk(Arc::new(disk)), healthy, strangers: Arc::default() })
    }

    /// A log that only remembers, for tests of those who emit; read it with [`Self::read`].
    pub fn memory() -> Self {
        let healthy = Arc::new(AtomicBool::new(true));
        Self { target: Target::Memory(Arc::default()), healthy, strangers: Arc::default() }
    }

    /// Writes an event down; returns when it is written, or was counted as lost.
    pub async fn emit(&self, event: Event) {
        let now = Timestamp::now();
        match &self.target {
            Target::Memory(events) => {
                let fields = complete(event.fields(), now, "memory");
                events.lock().unwrap_or_else(PoisonError::into_inner).push(Value::Object(fields));
            }
            Target::Disk(disk) => {
                disk.count(&event);
                let fields = complete(event.fields(), now, &disk.cluster);
                let mut line = serde_json::to_vec(&fields).unwrap_or_default();
                line.push(b'\n');
                let (written, done) = oneshot::channel();
                let order = Order::Line { line, day: day_of(now), written };
                if disk.queue.send(order).await.is_err() {
                    disk.metrics.audit_lost();
                    return;
                }
                // The writer answers every line, or counts it as lost.
                let _ = done.await;
            }
        }
    }

    /// Writes down what somebody without an identity caused. Of too many from one address only the number is written.
    pub async fn emit_of_stranger(&self, event: Event, address: IpAddr) {
        let admission = self.strangers.admit(address, Instant::now());
        if admission == Admission::Write {
            return self.emit(event).await;
        }
        if let Target::Disk(disk) = &self.target {
            disk.count(&event);
        }
        if admission == Admission::First {
            let log = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(SUM_AFTER).await;
                log.emit_sum().await;
            });
        }
    }

    async fn emit_sum(&self) {
        if let Some(event) = self.strangers.sum() {
            self.emit(event).await;
        }
    }

    /// False from a failed write until the next one that succeeds.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// For tests of those who look at [`Self::is_healthy`].
    #[cfg(test)]
    pub(crate) fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::Relaxed);
    }

    /// Puts everything on disk and ends the log; what is emitted later is lost.
    pub async fn close(&self) {
        self.emit_sum().await;
        if let Target::Disk(disk) = &self.target {
            let (closed, done) = oneshot::channel();
            if disk.queue.send(Order::Close(closed)).await.is_ok() {
                let _ = done.await;
            }
        }
    }

    /// Reads the events of a span of time, the oldest first, at most `limit`.
    pub async fn read(&self, from: Timestamp, to: Timestamp, limit: usize) -> io::Result<Vec<Value>> {
        match &self.target {
            Target::Memory(events) => {
                let events = events.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(events.iter().filter(|e| within(e, from, to)).take(limit).cloned().collect())
            }
            Target::Disk(disk) => {
                let folder = disk.folder.clone();
                let read = tokio::task::spawn_blocking(move || read_folder(&folder, from, to, limit));
                read.await.map_err(io::Error::other)?
            }
        }
    }
}

impl Disk {
    fn count(&self, event: &Event) {
        if let Event::Login(login) | Event::CodeLogin(login, _) = event {
            self.metrics.login(login.method, login.outcome == Outcome::Success);
        }
    }
}

/// Adds the keys that every event has. A key of the event's own is never overwritten.
fn complete(mut fields: Map<String, Value>, now: Timestamp, cluster: &str) -> Map<String, Value> {
    let mut add = |key: &str, value: Value| {
        fields.entry(key).or_insert(value);
    };
    add("time", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    add("uid", Uuid::new_v4().to_string().into());
    add("ei", 0.into());
    add("namespace", "default".into());
    add("cluster_name", cluster.into());
    fields
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn file_name(day: Date) -> String {
    format!("{day}.00:00:00.log")
}

#[cfg(test)]
mod tests;
