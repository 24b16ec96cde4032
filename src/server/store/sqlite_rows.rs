//! What the SQLite store does inside its transactions.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, Transaction, TransactionBehavior, params};

use super::{Change, Item, Revision, StoreError};

/// The layout that this version writes.
const LAYOUT: i64 = 1;
/// How many expired items one sweep removes at most.
const SWEEP_MAX: i64 = 1000;

const CREATE: &str = "
    CREATE TABLE item (
        key TEXT PRIMARY KEY NOT NULL,
        value BLOB NOT NULL,
        revision INTEGER NOT NULL,
        expires INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX item_expires ON item (expires) WHERE expires IS NOT NULL;
    CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL) STRICT;
    INSERT INTO counter (id, revision) VALUES (1, 0);
    PRAGMA user_version = 1;
";

/// A write.
pub(super) enum WriteOp {
    /// Must not be there.
    Create { key: String, value: Bytes, expires: Option<Timestamp> },
    /// Whether or not it is there.
    Put { key: String, value: Bytes, expires: Option<Timestamp> },
    /// Must have this revision.
    Swap { key: String, revision: Revision, value: Bytes, expires: Option<Timestamp> },
    /// Must be there; with a revision, must have it.
    Delete { key: String, revision: Option<Revision> },
    /// Removes and returns.
    Take { key: String },
    /// Puts all of them; without a value, removes.
    All(Vec<(String, Option<Bytes>)>),
}

/// What a write did.
#[derive(Default)]
pub(super) struct Written {
    /// The write's number.
    pub(super) revision: Revision,
    /// What was taken.
    pub(super) taken: Option<Item>,
}

/// A transaction that is on disk.
pub(super) struct Applied {
    /// The highest revision given so far.
    pub(super) revision: Revision,
    /// One answer for each write, in order.
    pub(super) results: Vec<std::result::Result<Written, StoreError>>,
    /// What watchers learn.
    pub(super) changes: Vec<Change>,
}

/// Sets a connection up and makes the tables. False if a later version wrote the file.
pub(super) fn prepare(connection: &mut Connection) -> Result<bool> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is replaced is overwritten: a secret that is gone shall not be found in the file.
    connection.pragma_update(None, "secure_delete", "ON")?;
    let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout == 0 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(CREATE)?;
        transaction.commit()?;
    }
    Ok(layout <= LAYOUT)
}

/// Moves everything from the log of writes into the file and empties it. False if another process keeps that from happening.
pub(super) fn truncate_log(connection: &Connection) -> Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0).map(|busy: i64| busy == 0))
}

/// The highest revision given so far.
pub(super) fn revision(connection: &Connection) -> Result<Revision> {
    connection.query_row("SELECT revision FROM counter", [], |row| row.get(0))
}

/// Reads one that has not expired.
pub(super) fn get(connection: &Connection, key: &str, now: Timestamp) -> Result<Option<Item>> {
    let mut statement = connection.prepare_cached(
        "SELECT key, value, revision, expires FROM item WHERE key = ?1 AND (expires IS NULL OR expires > ?2)",
    )?;
    statement.query_row(params![key, now.as_microsecond()], item).optional()
}

/// Reads those below a prefix in the order of their keys (bytes of UTF-8).
pub(super) fn range(
    connection: &Connection,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Item>> {
    let mut statement = connection.prepare_cached(
        "SELECT key, value, revision, expires FROM item
         WHERE key >= ?1 AND (?2 IS NULL OR key > ?2) AND (expires IS NULL OR expires > ?3) ORDER BY key",
    )?;
    let mut rows = statement.query(params![prefix, after, now.as_microsecond()])?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let item = item(row)?;
        if !item.key.starts_with(prefix) {
            break;
        }
        found.push(item);
    }
    Ok(found)
}

/// Carries writes out in one transaction. An error means that none of them happened.
pub(super) fn apply(
    connection: &mut Connection,
    revision: Revision,
    ops: Vec<WriteOp>,
    now: Timestamp,
) -> Result<Applied> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut batch = Batch { transaction: &transaction, revision, now, changes: Vec::new() };
    let results = ops.into_iter().map(|op| batch.one(op)).collect::<Result<Vec<_>>>()?;
    let (next, changes) = (batch.revision, batch.changes);
    finish(transaction, revision, next)?;
    Ok(Applied { revision: next, results, changes })
}

/// Removes what has expired.
pub(super) fn sweep(connection: &mut Connection, revision: Revision, now: Timestamp) -> Result<Applied> {
    let mut applied = Applied { revision, results: vec![], changes: vec![] };
    let keys: Vec<String> = {
        let mut statement = connection.prepare_cached("SELECT key FROM item WHERE expires <= ?1 LIMIT ?2")?;
        let rows = statement.query_map(params![now.as_microsecond(), SWEEP_MAX], |row| row.get(0))?;
        rows.collect::<Result<_>>()?
    };
    if keys.is_empty() {
        return Ok(applied);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut batch = Batch { transaction: &transaction, revision, now, changes: Vec::new() };
    for key in keys {
        batch.remove(key)?;
    }
    (applied.revision, applied.changes) = (batch.revision, batch.changes);
    finish(transaction, revision, applied.revision)?;
    Ok(applied)
}

fn finish(transaction: Transaction<'_>, before: Revision, after: Revision) -> Result<()> {
    if after != before {
        transaction.prepare_cached("UPDATE counter SET revision = ?1")?.execute([after])?;
    }
    transaction.commit()
}

struct Batch<'t> {
    transaction: &'t Transaction<'t>,
    revision: Revision,
    now: Timestamp,
    changes: Vec<Change>,
}

impl Batch<'_> {
    fn one(&mut self, op: WriteOp) -> Result<std::result::Result<Written, StoreError>> {
        match op {
            WriteOp::Put { key, value, expires } => self.write(key, value, expires).map(Ok),
            WriteOp::Create { key, value, expires } => match self.get(&key)? {
                Some(_) => Ok(Err(StoreError::Exists(key))),
                None => self.write(key, value, expires).map(Ok),
            },
            WriteOp::Swap { key, revision, value, expires } => match self.get(&key)? {
                None => Ok(Err(StoreError::NotFound(key))),
                Some(item) if item.revision != revision => Ok(Err(StoreError::Conflict(key))),
                Some(_) => self.write(key, value, expires).map(Ok),
            },
            WriteOp::Delete { key, revision } => match self.get(&key)? {
                None => Ok(Err(StoreError::NotFound(key))),
                Some(item) if revision.is_some_and(|r| r != item.revision) => {
                    Ok(Err(StoreError::Conflict(key)))
                }
                Some(_) => {
                    self.remove(key)?;
                    Ok(Ok(Written { revision: self.revision, taken: None }))
                }
            },
            WriteOp::All(values) => {
                for (key, value) in values {
                    match value {
                        Some(value) => drop(self.write(key, value, None)?),
                        None if self.get(&key)?.is_some() => self.remove(key)?,
                        None => {}
                    }
                }
                Ok(Ok(Written { revision: self.revision, taken: None }))
            }
            WriteOp::Take { key } => match self.get(&key)? {
                None => Ok(Ok(Written { revision: self.revision, taken: None })),
                taken => {
                    self.remove(key)?;
                    Ok(Ok(Written { revision: self.revision, taken }))
                }
            },
        }
    }

    fn get(&self, key: &str) -> Result<Option<Item>> {
        get(self.transaction, key, self.now)
    }

    fn write(&mut self, key: String, value: Bytes, expires: Option<Timestamp>) -> Result<Written> {
        self.revision += 1;
        let revision = self.revision;
        let micros = expires.map(Timestamp::as_microsecond);
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO item (key, value, revision, expires) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET value = ?2, revision = ?3, expires = ?4",
        )?;
        statement.execute(params![key, &value[..], revision, micros])?;
        let expires = micros.and_then(|m| Timestamp::from_microsecond(m).ok());
        self.changes.push(Change::Put(Item { key, value, revision, expires }));
        Ok(Written { revision, taken: None })
    }

    fn remove(&mut self, key: String) -> Result<()> {
        self.revision += 1;
        self.transaction.prepare_cached("DELETE FROM item WHERE key = ?1")?.execute([&key])?;
        self.changes.push(Change::Delete { key, revision: self.revision });
        Ok(())
    }
}

fn item(row: &Row<'_>) -> Result<Item> {
    let expires: Option<i64> = row.get(3)?;
    Ok(Item {
        key: row.get(0)?,
        value: Bytes::from(row.get::<_, Vec<u8>>(1)?),
        revision: row.get(2)?,
        expires: expires.and_then(|m| Timestamp::from_microsecond(m).ok()),
    })
}
