//! The store in a SQLite file: one thread writes, one reads.
//!
//! Writes that queue up while a commit is under way share the next transaction, and each is answered only after that
//! transaction is on disk (WAL with `synchronous=FULL`).

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::{
    Change, Item, Revision, Store, StoreError, StoreResult, Watch,
    sqlite_rows::{self as rows, WriteOp, Written},
};

/// The store's file in the data directory.
const FILE: &str = "gate.sqlite";
/// Held by the running gate.
const LOCK: &str = "gate.lock";
/// How many requests may wait before callers wait themselves.
const QUEUE: usize = 1024;
/// How many writes share a transaction at most.
const BATCH: usize = 128;
/// How many changes a watcher may lag behind.
const WATCH_BUFFER: usize = 4096;
/// How often expired items are swept out.
const SWEEP: Duration = Duration::from_secs(1);
/// How long SQLite waits for another process (a backup, say) that holds the file.
const BUSY: Duration = Duration::from_secs(10);

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "another jumpgate{0} already uses the data directory {1}; stop it, or give this one another data_dir"
    )]
    Locked(String, PathBuf),
    /// No permission, no space.
    #[error("cannot use the data directory {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// Not a database, damaged.
    #[error("cannot use the store {0}: {1}")]
    Sqlite(PathBuf, rusqlite::Error),
    /// Written by a later version.
    #[error("the store {0} was written by a later version of jumpgate; start that version or a later one")]
    Newer(PathBuf),
}

/// A write that waits for its transaction.
struct Queued {
    op: WriteOp,
    answer: Answer<Written>,
}

/// What the writing thread is asked to do.
enum Asked {
    Write(Queued),
    Scrub(Answer<()>),
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

enum ReadOp {
    Get(String, oneshot::Sender<Result<Option<Item>, StoreError>>),
    Range {
        prefix: String,
        after: Option<String>,
        limit: usize,
        answer: oneshot::Sender<Result<Vec<Item>, StoreError>>,
    },
}

/// The store in a SQLite file. Dropping it finishes what is queued and closes the file.
pub struct SqliteStore {
    writes: Option<mpsc::Sender<Asked>>,
    reads: Option<mpsc::Sender<ReadOp>>,
    changes: broadcast::Sender<Change>,
    threads: Vec<JoinHandle<()>>,
    _lock: File,
}

impl SqliteStore {
    /// Opens or creates the store in a directory (made with mode 0700), which no other process may use meanwhile.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let io = |e| OpenError::Io(dir.to_owned(), e);
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io)?;
        let lock = lock(dir)?;
        let path = dir.join(FILE);
        // SQLite gives its -wal and -shm files the mode of this one.
        let options = OpenOptions::new().create(true).append(true).mode(0o600).to_owned();
        options.open(&path).map_err(io)?;
        File::open(dir).and_then(|d| d.sync_all()).map_err(io)?;

        let sqlite = |e| OpenError::Sqlite(path.clone(), e);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut writer = Connection::open_with_flags(&path, flags).map_err(sqlite)?;
        writer.busy_timeout(BUSY).map_err(sqlite)?;
        if !rows::prepare(&mut writer).map_err(sqlite)? {
            return Err(OpenError::Newer(path));
        }
        let revision = rows::revision(&writer).map_err(sqlite)?;
        let reader = open_reader(&path).map_err(sqlite)?;

        let (writes, write_queue) = mpsc::channel(QUEUE);
        let (reads, read_queue) = mpsc::channel(QUEUE);
        let changes = broadcast::Sender::new(WATCH_BUFFER);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(io)?;
        let writer = Writer { connection: writer, revision, changes: changes.clone() };
        let threads = vec![
            thread("store-write", move || runtime.block_on(writer.run(write_queue))).map_err(io)?,
            thread("store-read", move || serve_reads(&reader, read_queue)).map_err(io)?,
        ];
        Ok(Self { writes: Some(writes), reads: Some(reads), changes, threads, _lock: lock })
    }

    /// Reads all items below a prefix from the store in a directory, also while a gate runs there; changes nothing.
    pub fn peek(dir: &Path, prefix: &str) -> Result<Vec<Item>, OpenError> {
        let path = dir.join(FILE);
        let sqlite = |e| OpenError::Sqlite(path.clone(), e);
        let connection = open_reader(&path).map_err(sqlite)?;
        rows::range(&connection, prefix, None, usize::MAX, Timestamp::now()).map_err(sqlite)
    }

    async fn write(&self, op: WriteOp) -> Result<Written, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.writes.as_ref().ok_or_else(closed)?;
        queue.send(Asked::Write(Queued { op, answer })).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    async fn read<T>(
        &self,
        op: ReadOp,
        answered: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.reads.as_ref().ok_or_else(closed)?.send(op).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing more to finish.
            let _ = thread.join();
        }
    }
}

impl Store for SqliteStore {
    fn get<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>> {
        let (answer, answered) = oneshot::channel();
        Box::pin(self.read(ReadOp::Get(key.to_owned(), answer), answered))
    }

    fn create<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        let op = WriteOp::Create { key: key.to_owned(), value, expires };
        Box::pin(async { Ok(self.write(op).await?.revision) })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        let op = WriteOp::Put { key: key.to_owned(), value, expires };
        Box::pin(async { Ok(self.write(op).await?.revision) })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a str,
        revision: Revision,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> StoreResult<'a, Revision> {
        let op = WriteOp::Swap { key: key.to_owned(), revision, value, expires };
        Box::pin(async { Ok(self.write(op).await?.revision) })
    }

    fn delete<'a>(&'a self, key: &'a str, revision: Option<Revision>) -> StoreResult<'a, ()> {
        let op = WriteOp::Delete { key: key.to_owned(), revision };
        Box::pin(async { self.write(op).await.map(drop) })
    }

    fn take<'a>(&'a self, key: &'a str) -> StoreResult<'a, Option<Item>> {
        let op = WriteOp::Take { key: key.to_owned() };
        Box::pin(async { Ok(self.write(op).await?.taken) })
    }

    fn write_all<'a>(&'a self, values: Vec<(String, Option<Bytes>)>) -> StoreResult<'a, ()> {
        Box::pin(async { self.write(WriteOp::All(values)).await.map(drop) })
    }

    fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreResult<'a, Vec<Item>> {
        let (answer, answered) = oneshot::channel();
        let op = ReadOp::Range { prefix: prefix.to_owned(), after: after.map(str::to_owned), limit, answer };
        Box::pin(self.read(op, answered))
    }

    fn scrub(&self) -> StoreResult<'_, ()> {
        Box::pin(async {
            let (answer, answered) = oneshot::channel();
            let queue = self.writes.as_ref().ok_or_else(closed)?;
            queue.send(Asked::Scrub(answer)).await.map_err(|_| closed())?;
            answered.await.map_err(|_| closed())?
        })
    }

    fn watch(&self, prefix: &str) -> Watch {
        Watch::new(prefix, self.changes.subscribe())
    }
}

struct Writer {
    connection: Connection,
    revision: Revision,
    changes: broadcast::Sender<Change>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Asked>) {
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                count = queue.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    self.work(std::mem::take(&mut batch));
                }
                _ = sweep.tick() => self.sweep(),
            }
        }
        // Leave one file behind rather than three; what is not moved now is moved at the next start.
        let _ = rows::truncate_log(&self.connection);
    }

    /// Writes all in one transaction, then scrubs if somebody asked for it.
    fn work(&mut self, batch: Vec<Asked>) {
        let (mut writes, mut scrubs) = (Vec::with_capacity(batch.len()), Vec::new());
        for asked in batch {
            match asked {
                Asked::Write(queued) => writes.push(queued),
                Asked::Scrub(answer) => scrubs.push(answer),
            }
        }
        if !writes.is_empty() {
            self.commit(writes);
        }
        for answer in scrubs {
            let scrubbed = rows::truncate_log(&self.connection).map_err(|error| backend(&error));
            // Whoever asked may have gone.
            let _ = answer.send(scrubbed.and_then(|done| if done { Ok(()) } else { Err(busy()) }));
        }
    }

    fn commit(&mut self, batch: Vec<Queued>) {
        let (ops, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|w| (w.op, w.answer)).unzip();
        match rows::apply(&mut self.connection, self.revision, ops, Timestamp::now()) {
            Ok(applied) => {
                self.revision = applied.revision;
                self.publish(applied.changes);
                for (answer, result) in answers.into_iter().zip(applied.results) {
                    // Whoever asked may have gone; the write stands all the same.
                    let _ = answer.send(result);
                }
            }
            Err(error) => {
                let error = backend(&error);
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    fn sweep(&mut self) {
        match rows::sweep(&mut self.connection, self.revision, Timestamp::now()) {
            Ok(applied) => {
                self.revision = applied.revision;
                self.publish(applied.changes);
            }
            Err(error) => tracing::warn!(%error, "expired items could not be removed from the store"),
        }
    }

    fn publish(&self, changes: Vec<Change>) {
        for change in changes {
            // Nobody may be watching.
            let _ = self.changes.send(change);
        }
    }
}

fn serve_reads(connection: &Connection, mut queue: mpsc::Receiver<ReadOp>) {
    while let Some(op) = queue.blocking_recv() {
        let now = Timestamp::now();
        match op {
            ReadOp::Get(key, answer) => {
                let _ = answer.send(rows::get(connection, &key, now).map_err(|e| backend(&e)));
            }
            ReadOp::Range { prefix, after, limit, answer } => {
                let found = rows::range(connection, &prefix, after.as_deref(), limit, now);
                let _ = answer.send(found.map_err(|e| backend(&e)));
            }
        }
    }
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Takes the lock that says: this data directory has a gate. The kernel lets go of it when the process ends, however it ends.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let io = |e| OpenError::Io(dir.to_owned(), e);
    let mut options = OpenOptions::new();
    options.create(true).read(true).write(true).truncate(false).mode(0o600);
    let mut file = options.open(dir.join(LOCK)).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(io)?;
            writeln!(file, "{}", std::process::id()).map_err(io)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { format!(" (process {})", holder.trim()) } else { String::new() };
            Err(OpenError::Locked(holder, dir.to_owned()))
        }
        Err(TryLockError::Error(e)) => Err(io(e)),
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

fn closed() -> StoreError {
    StoreError::Backend("it is closed".into())
}

fn busy() -> StoreError {
    StoreError::Backend("another process reads it (a backup, perhaps)".into())
}

fn backend(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ffi;
    // SQLite says FULL for ENOSPC alone; a quota or a limit on the size of files is a failed write.
    let failed_writes = [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_SHMSIZE];
    match error.sqlite_error() {
        Some(code)
            if code.code == rusqlite::ErrorCode::DiskFull || failed_writes.contains(&code.extended_code) =>
        {
            tracing::error!(%error, "the store cannot be written");
            StoreError::Unwritable
        }
        _ => StoreError::Backend(error.to_string()),
    }
}
