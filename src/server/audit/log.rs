//! The log on disk: a file for each UTC day, a JSON object a line (wire facts 11.7).
//!
//! One thread writes. An event counts as emitted when its line is handed to the system; it is on disk a second later at most.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    super::metrics::Metrics,
    Event, Outcome,
    strangers::{Admission, SUM_AFTER, Strangers},
};

/// How many events may wait before those who emit wait themselves.
const QUEUE: usize = 4096;
/// How many events are written at once.
const BATCH: usize = 256;
/// How many bytes must find a place before a log that was full counts as good again.
const PROBE: usize = 64 * 1024;
/// How long a written line may be unsynced.
const SYNC: Duration = Duration::from_secs(1);

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

enum Order {
    Line { line: Vec<u8>, day: Date, written: oneshot::Sender<()> },
    Close(oneshot::Sender<()>),
}

impl AuditLog {
    /// Opens the log in a data directory: `log/<host_uuid>/<day>.00:00:00.log`, with the link `log/events.log` to today's.
    pub fn open(data_dir: &Path, host_uuid: Uuid, cluster: &str, metrics: Arc<Metrics>) -> io::Result<Self> {
        let top = data_dir.join("log");
        let folder = top.join(host_uuid.to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let (queue, orders) = mpsc::channel(QUEUE);
        let healthy = Arc::new(AtomicBool::new(true));
        let mut writer = Writer {
            folder: folder.clone(),
            link: top.join("events.log"),
            healthy: healthy.clone(),
            metrics: metrics.clone(),
            open: None,
            dirty: false,
        };
        // A folder that cannot be written shows itself now rather than at the first login.
        writer.day(today())?;
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

fn today() -> Date {
    day_of(Timestamp::now())
}

fn file_name(day: Date) -> String {
    format!("{day}.00:00:00.log")
}

struct Writer {
    folder: PathBuf,
    link: PathBuf,
    healthy: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    open: Option<(Date, File)>,
    dirty: bool,
}

impl Writer {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut sync = tokio::time::interval(SYNC);
        sync.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                _ = sync.tick() => {
                    self.sync();
                    self.probe();
                }
                count = orders.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break self.sync();
                    }
                    if let Some(closed) = self.obey(batch.drain(..)) {
                        self.sync();
                        // Whoever asked may have stopped waiting.
                        let _ = closed.send(());
                        break;
                    }
                }
            }
        }
    }

    /// Writes the lines of a batch; the answer is that of a wish to close.
    fn obey(&mut self, batch: impl Iterator<Item = Order>) -> Option<oneshot::Sender<()>> {
        let mut lines: Vec<(Date, Vec<u8>)> = Vec::new();
        let (mut answers, mut close) = (Vec::new(), None);
        for order in batch {
            match order {
                Order::Line { line, day, written } => {
                    answers.push(written);
                    match lines.last_mut() {
                        Some((last, text)) if *last == day => text.extend(line),
                        _ => lines.push((day, line)),
                    }
                }
                Order::Close(closed) => close = Some(closed),
            }
        }
        for (day, text) in lines {
            let result = self.write(day, &text);
            self.judge(result, text.iter().filter(|b| **b == b'\n').count());
        }
        for answer in answers {
            let _ = answer.send(());
        }
        close
    }

    fn write(&mut self, day: Date, text: &[u8]) -> io::Result<()> {
        let file = self.day(day)?;
        let before = file.seek(SeekFrom::End(0))?;
        if let Err(error) = file.write_all(text) {
            // Half a line would spoil the next one too. If even this fails, the reader skips that line.
            let _ = file.set_len(before);
            return Err(error);
        }
        self.dirty = true;
        Ok(())
    }

    fn sync(&mut self) {
        if let Some((_, file)) = &self.open
            && std::mem::take(&mut self.dirty)
        {
            let result = file.sync_data();
            self.judge(result, 0);
        }
    }

    /// While nothing can be written, the gate is not ready and so hears of no events: the log itself tries whether it is over.
    fn probe(&mut self) {
        if self.healthy.load(Ordering::Relaxed) {
            return;
        }
        let mut write = || -> io::Result<()> {
            let file = self.day(today())?;
            let before = file.seek(SeekFrom::End(0))?;
            let written = file.write_all(&[b'\n'; PROBE]).and_then(|()| file.sync_data());
            file.set_len(before)?;
            written
        };
        let result = write();
        self.judge(result, 0);
    }

    /// Logs once when writing begins to fail and once when it works again.
    fn judge(&self, result: io::Result<()>, events: usize) {
        match result {
            Ok(()) => {
                if !self.healthy.swap(true, Ordering::Relaxed) {
                    tracing::info!("the audit log can be written again");
                }
            }
            Err(error) => {
                (0..events).for_each(|_| self.metrics.audit_lost());
                if self.healthy.swap(false, Ordering::Relaxed) {
                    let folder = self.folder.display();
                    tracing::error!(%folder, %error, "the audit log cannot be written; events are lost until it can");
                }
            }
        }
    }

    /// The day's file, opened if it is not; the link shows the newest.
    fn day(&mut self, day: Date) -> io::Result<&mut File> {
        let current = self.open.as_ref().map(|(open, _)| *open);
        if current != Some(day) {
            self.sync();
            let path = self.folder.join(file_name(day));
            let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(&path)?;
            end_torn_line(&mut file)?;
            self.point_link(&path)?;
            self.open = Some((day, file));
        }
        match &mut self.open {
            Some((_, file)) => Ok(file),
            None => Err(io::Error::other("no file of the day")),
        }
    }

    fn point_link(&self, path: &Path) -> io::Result<()> {
        let top = self.link.parent().unwrap_or(Path::new("."));
        let target = path.strip_prefix(top).unwrap_or(path);
        let temporary = self.link.with_extension("new");
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::os::unix::fs::symlink(target, &temporary)?;
        fs::rename(&temporary, &self.link)
    }
}

/// A gate that was killed may have left half a line; the next one must not be glued to it.
fn end_torn_line(file: &mut File) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    Ok(())
}

fn read_folder(folder: &Path, from: Timestamp, to: Timestamp, limit: usize) -> io::Result<Vec<Value>> {
    let (first, last) = (file_name(day_of(from)), file_name(day_of(to)));
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // The names sort as their days do.
        if name.ends_with(".log") && name >= first && name <= last {
            names.push(name);
        }
    }
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let reader = io::BufReader::new(File::open(folder.join(name))?);
        for line in io::BufRead::split(reader, b'\n') {
            if found.len() >= limit {
                return Ok(found);
            }
            // A torn line is one that a killed gate never finished.
            match serde_json::from_slice::<Value>(&line?) {
                Ok(event) if within(&event, from, to) => found.push(event),
                _ => {}
            }
        }
    }
    Ok(found)
}

fn within(event: &Value, from: Timestamp, to: Timestamp) -> bool {
    let time = event.get("time").and_then(Value::as_str).and_then(|t| t.parse::<Timestamp>().ok());
    time.is_some_and(|t| t.as_second() >= from.as_second() && t <= to)
}

mod latest;
#[cfg(test)]
mod tests;
