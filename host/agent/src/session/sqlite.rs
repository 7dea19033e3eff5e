//! Sessions in one SQLite file.
//!
//! Each method is one transaction of a write-ahead log that is not synced each time: what it has done outlives the process,
//! though perhaps not the machine's power. A transaction takes some ten microseconds, so it is made where it is asked for.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use openclaw_runtime::sqlite;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::store::{Approved, Begun, Held, Opened, SessionId, SessionKey, Store, StoreError, Stored, Totals};
use crate::model::{CallResult, Message, Usage};

/// The layout of the file; a newer one is refused.
const SCHEMA_VERSION: i64 = 1;
/// How long another process may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    agent TEXT NOT NULL, channel TEXT NOT NULL, peer TEXT NOT NULL, conversation TEXT NOT NULL,
    used INTEGER NOT NULL,
    is_open INTEGER NOT NULL DEFAULT 0,
    summary TEXT,
    summarised INTEGER NOT NULL DEFAULT 0,
    input INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0, output INTEGER NOT NULL DEFAULT 0,
    cost INTEGER NOT NULL DEFAULT 0,
    UNIQUE (agent, channel, peer, conversation)
);
CREATE TABLE message (
    session INTEGER NOT NULL REFERENCES session, number INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (session, number)
) WITHOUT ROWID;
CREATE TABLE received (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES session, text TEXT NOT NULL
);
CREATE INDEX received_session ON received (session);
CREATE TABLE begun (
    session INTEGER NOT NULL REFERENCES session, position INTEGER NOT NULL, result TEXT,
    PRIMARY KEY (session, position)
) WITHOUT ROWID;
CREATE TABLE approved (
    session INTEGER NOT NULL REFERENCES session, tool TEXT NOT NULL, package TEXT NOT NULL,
    PRIMARY KEY (session, tool, package)
) WITHOUT ROWID;
";

/// A file of sessions.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    /// Beside it: a byte for each session, which the process that goes on with it has locked.
    locks: Arc<File>,
}

impl SqliteStore {
    /// Opens the file, and makes it, for this user alone, if it is not there.
    ///
    /// # Errors
    /// [`StoreError`]; a file of a newer layout is left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = path.with_extension("lock");
        let locks = Arc::new(OpenOptions::new().create(true).append(true).mode(0o600).open(lock)?);
        let create = |transaction: &Transaction<'_>, _| transaction.execute_batch(SCHEMA);
        let (connection, found) = sqlite::open(path, PATIENCE, SCHEMA_VERSION, create)?;
        if found > SCHEMA_VERSION {
            return Err(StoreError::Newer { found, known: SCHEMA_VERSION });
        }
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { connection: Mutex::new(connection), locks })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something whole or not at all.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Locks or frees the byte of a session; false, where another process has it. A process that ends frees its own.
fn lock(locks: &File, session: SessionId, kind: libc::c_int) -> std::io::Result<bool> {
    let byte = libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: session.0,
        l_len: 1,
        l_pid: 0,
    };
    match fcntl(locks, FcntlArg::F_OFD_SETLK(&byte)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What was written here as JSON.
fn written<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged(error.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// SQLite's numbers are signed.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn place(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn add(transaction: &Transaction<'_>, session: SessionId, message: &Message) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO message SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM message WHERE session = ?1",
        )?
        .execute(params![session.0, now(), written(message)?])?;
    Ok(())
}

fn spend(connection: &Connection, session: SessionId, totals: Totals) -> Result<(), StoreError> {
    let Totals { usage, cost } = totals;
    connection
        .prepare_cached("UPDATE session SET input = ?2, cached = ?3, output = ?4, cost = ?5 WHERE id = ?1")?
        .execute(params![
            session.0,
            signed(usage.input),
            signed(usage.cached),
            signed(usage.output),
            signed(cost)
        ])?;
    Ok(())
}

fn begin(transaction: &Transaction<'_>, session: SessionId, begun: &[usize]) -> Result<(), StoreError> {
    if begun.is_empty() {
        return Ok(());
    }
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO begun VALUES (?1, ?2, NULL)")?;
    for position in begun {
        insert.execute(params![session.0, place(*position)])?;
    }
    Ok(())
}

/// The person's last words among the first `until` messages of a session.
fn last_words(connection: &Connection, session: SessionId, until: i64) -> Result<Option<String>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT body FROM message WHERE session = ?1 AND number <= ?2 AND body ->> 'role' = 'user'
         ORDER BY number DESC LIMIT 1",
    )?;
    Ok(select.query_row(params![session.0, until], |row| row.get(0)).optional()?)
}

/// The messages of a session after the first `after`, as they are written.
fn bodies(connection: &Connection, session: SessionId, after: i64) -> Result<Vec<String>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT body FROM message WHERE session = ?1 AND number > ?2 ORDER BY number")?;
    let bodies = select.query_map(params![session.0, after], |row| row.get(0))?;
    Ok(bodies.collect::<Result<_, _>>()?)
}

fn begun(connection: &Connection, session: SessionId) -> Result<Vec<Begun>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT position, result FROM begun WHERE session = ?1 ORDER BY position")?;
    let rows =
        select.query_map([session.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?)))?;
    rows.map(|row| {
        let (position, result) = row?;
        let result = result.map(|result| read::<CallResult>(&result)).transpose()?;
        Ok(Begun { position: usize::try_from(position).unwrap_or(usize::MAX), result })
    })
    .collect()
}

fn approved(connection: &Connection, session: SessionId) -> Result<Vec<Approved>, StoreError> {
    let mut select = connection.prepare_cached("SELECT tool, package FROM approved WHERE session = ?1")?;
    let rows =
        select.query_map([session.0], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (tool, package) = row?;
        let tool = tool.parse().map_err(|_| StoreError::Damaged(format!("{tool:?} is no tool")))?;
        Ok(Approved { tool, package })
    })
    .collect()
}

fn key_of(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<SessionKey> {
    Ok(SessionKey {
        agent: row.get(from)?,
        channel: row.get(from + 1)?,
        peer: row.get(from + 2)?,
        conversation: row.get(from + 3)?,
    })
}

#[async_trait]
impl Store for SqliteStore {
    async fn open(&self, key: &SessionKey) -> Result<SessionId, StoreError> {
        let SessionKey { agent, channel, peer, conversation } = key;
        let id = self
            .connection()
            .prepare_cached(
                "INSERT INTO session (agent, channel, peer, conversation, used) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET used = ?5 RETURNING id",
            )?
            .query_row(params![agent, channel, peer, conversation, now()], |row| row.get(0))?;
        Ok(SessionId(id))
    }

    async fn find(&self, key: &SessionKey) -> Result<Option<SessionId>, StoreError> {
        let SessionKey { agent, channel, peer, conversation } = key;
        let id = self
            .connection()
            .prepare_cached(
                "SELECT id FROM session WHERE agent = ?1 AND channel = ?2 AND peer = ?3 AND conversation = ?4",
            )?
            .query_row(params![agent, channel, peer, conversation], |row| row.get(0))
            .optional()?;
        Ok(id.map(SessionId))
    }

    fn hold(&self, session: SessionId) -> Result<Option<Held>, StoreError> {
        let locks = Arc::clone(&self.locks);
        Ok(lock(&locks, session, libc::F_WRLCK)?.then(|| {
            Held::until(move || {
                // The end of this process frees it as well.
                let _ = lock(&locks, session, libc::F_UNLCK);
            })
        }))
    }

    async fn load(&self, session: SessionId) -> Result<Stored, StoreError> {
        let connection = self.connection();
        let (summary, summarised, is_open, totals) = connection
            .prepare_cached(
                "SELECT summary, summarised, is_open, input, cached, output, cost FROM session WHERE id = ?1",
            )?
            .query_row([session.0], |row| {
                let number = |at| Ok::<_, rusqlite::Error>(unsigned(row.get(at)?));
                let usage = Usage { input: number(3)?, cached: number(4)?, output: number(5)? };
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, Totals { usage, cost: number(6)? }))
            })?;
        let asked = match summarised {
            0 => None,
            _ => last_words(&connection, session, summarised)?,
        };
        let bodies = bodies(&connection, session, summarised)?;
        let (begun, approved) = (begun(&connection, session)?, approved(&connection, session)?);
        // Others may go on while this is read.
        drop(connection);
        let messages = bodies.iter().map(|body| read(body)).collect::<Result<_, _>>()?;
        let asked = asked.map(|body| read(&body)).transpose()?;
        Ok(Stored { summary, asked, messages, is_open, begun, approved, totals })
    }

    async fn receive(&self, session: SessionId, text: &str) -> Result<i64, StoreError> {
        let connection = self.connection();
        connection
            .prepare_cached("INSERT INTO received (session, text) VALUES (?1, ?2)")?
            .execute(params![session.0, text])?;
        Ok(connection.last_insert_rowid())
    }

    async fn waiting(&self, session: SessionId) -> Result<Vec<(i64, String)>, StoreError> {
        let connection = self.connection();
        let mut select =
            connection.prepare_cached("SELECT id, text FROM received WHERE session = ?1 ORDER BY id")?;
        let rows = select.query_map([session.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn withdraw(&self, session: SessionId, received: i64) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("DELETE FROM received WHERE session = ?1 AND id = ?2")?
            .execute(params![session.0, received])?;
        Ok(())
    }

    async fn begin_turn(
        &self,
        session: SessionId,
        received: i64,
        said: &Message,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let taken = transaction
                .prepare_cached("DELETE FROM received WHERE session = ?1 AND id = ?2")?
                .execute(params![session.0, received])?;
            if taken == 0 {
                return Ok(false);
            }
            transaction
                .prepare_cached("UPDATE session SET is_open = 1, used = ?2 WHERE id = ?1")?
                .execute(params![session.0, now()])?;
            add(transaction, session, said)?;
            Ok(true)
        })
    }

    async fn say(
        &self,
        session: SessionId,
        message: &Message,
        totals: Totals,
        begun: &[usize],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            spend(transaction, session, totals)?;
            add(transaction, session, message)?;
            begin(transaction, session, begun)
        })
    }

    async fn begin_calls(&self, session: SessionId, begun: &[usize]) -> Result<(), StoreError> {
        self.write(|transaction| begin(transaction, session, begun))
    }

    async fn end_call(
        &self,
        session: SessionId,
        position: usize,
        result: &CallResult,
    ) -> Result<(), StoreError> {
        let result = written(result)?;
        self.connection()
            .prepare_cached("UPDATE begun SET result = ?3 WHERE session = ?1 AND position = ?2")?
            .execute(params![session.0, place(position), result])?;
        Ok(())
    }

    async fn answer_calls(&self, session: SessionId, message: &Message) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.prepare_cached("DELETE FROM begun WHERE session = ?1")?.execute([session.0])?;
            add(transaction, session, message)
        })
    }

    async fn spend(&self, session: SessionId, totals: Totals) -> Result<(), StoreError> {
        spend(&self.connection(), session, totals)
    }

    async fn end_turn(&self, session: SessionId) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("UPDATE session SET is_open = 0 WHERE id = ?1")?
            .execute([session.0])?;
        Ok(())
    }

    async fn approve(&self, session: SessionId, approved: &Approved) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("INSERT OR IGNORE INTO approved VALUES (?1, ?2, ?3)")?
            .execute(params![session.0, approved.tool.as_str(), approved.package])?;
        Ok(())
    }

    async fn summarise(&self, session: SessionId, messages: usize, summary: &str) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("UPDATE session SET summary = ?2, summarised = summarised + ?3 WHERE id = ?1")?
            .execute(params![session.0, summary, place(messages)])?;
        Ok(())
    }

    async fn history(&self, session: SessionId, limit: u32) -> Result<Vec<Message>, StoreError> {
        let connection = self.connection();
        let last: i64 = connection
            .prepare_cached("SELECT coalesce(max(number), 0) FROM message WHERE session = ?1")?
            .query_row([session.0], |row| row.get(0))?;
        let bodies = bodies(&connection, session, last.saturating_sub(i64::from(limit)))?;
        drop(connection);
        bodies.iter().map(|body| read(body)).collect()
    }

    async fn unfinished(&self, agent: &str) -> Result<Vec<Opened>, StoreError> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT id, agent, channel, peer, conversation FROM session WHERE agent = ?1
             AND (is_open OR EXISTS (SELECT 1 FROM received WHERE received.session = session.id)) ORDER BY used",
        )?;
        let rows = select
            .query_map([agent], |row| Ok(Opened { id: SessionId(row.get(0)?), key: key_of(row, 1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn conversations(
        &self,
        agent: &str,
        channel: &str,
        peer: &str,
        limit: u32,
    ) -> Result<Vec<SessionKey>, StoreError> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT agent, channel, peer, conversation FROM session
             WHERE agent = ?1 AND channel = ?2 AND peer = ?3 ORDER BY used DESC, id DESC LIMIT ?4",
        )?;
        let rows = select.query_map(params![agent, channel, peer, limit], |row| key_of(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests;
