//! The database: what the registry knows, but for the bytes of archives. The same SQL runs on SQLite and PostgreSQL.

pub mod accounts;
mod connect;
pub mod log;
pub mod releases;
pub mod search;
pub mod skills;
pub mod takedowns;
pub mod tokens;
pub mod uploads;

use std::sync::Arc;

use jiff::Timestamp;
use openclaw_package::registry::Origin;
use sqlx::AnyConnection;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::{Fault, Result};

pub use connect::{DatabaseUrl, Dialect, SCHEMA_VERSION};

/// The database of a registry.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    dialect: Dialect,
    /// Writers of this process take turns here; those of others at the row of the log.
    turn: Arc<Mutex<()>>,
}

/// The head of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The name of the registry.
    pub origin: Origin,
    /// How many entries the log has.
    pub size: u64,
    /// The newest checkpoint, a signed note.
    pub checkpoint: String,
    /// The version of the newest root.
    pub root_version: u64,
    /// How many takedowns there are.
    pub takedown_sequence: u64,
}

/// A transaction that writes. Only one at a time exists, in all processes together.
pub struct Write {
    transaction: Transaction<'static, Any>,
    /// The head of the log when the transaction began.
    pub head: Head,
    _turn: OwnedMutexGuard<()>,
}

impl Write {
    /// The connection, for the functions of the store.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Makes it so.
    ///
    /// # Errors
    ///
    /// When the database fails; then nothing was changed.
    pub async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }
}

const HEAD: &str = "UPDATE log SET size = size WHERE id = 1
    RETURNING origin, size, checkpoint, root_version, takedown_sequence";

impl Store {
    /// Opens a database and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// A database that cannot be reached, or that is of a newer server.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        let pool = connect::pool(url).await?;
        connect::migrate(&pool, url.dialect()).await?;
        Ok(Self { pool, dialect: url.dialect(), turn: Arc::default() })
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// A connection for reading.
    ///
    /// # Errors
    ///
    /// When none is free for too long.
    pub async fn read(&self) -> Result<PoolConnection<Any>> {
        Ok(self.pool.acquire().await?)
    }

    /// A transaction that reads one state, whatever is written meanwhile.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Any>> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN DEFERRED",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(self.pool.begin_with(begin).await?)
    }

    /// The transaction that writes, once it is this one's turn.
    ///
    /// Its first statement is a write of the log's row, so the lock is had before anything is read.
    ///
    /// # Errors
    ///
    /// When the database fails, or there is no registry in it.
    pub async fn write(&self) -> Result<Write> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query_as(HEAD).fetch_optional(&mut *transaction).await?;
        let head = row.map(head).ok_or_else(no_registry)??;
        Ok(Write { transaction, head, _turn: turn })
    }

    /// A transaction that makes the first rows of a registry; no other writer runs in this process meanwhile.
    pub(crate) async fn first_write(&self) -> Result<(Transaction<'static, Any>, OwnedMutexGuard<()>)> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        Ok((self.pool.begin_with(begin).await?, turn))
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

type HeadRow = (String, i64, String, i64, i64);

fn head((origin, size, checkpoint, root_version, takedowns): HeadRow) -> Result<Head> {
    Ok(Head {
        origin: origin.parse().map_err(|error| Fault::damaged("the registry's name", error))?,
        size: unsigned(size)?,
        checkpoint,
        root_version: unsigned(root_version)?,
        takedown_sequence: unsigned(takedowns)?,
    })
}

pub(crate) fn no_registry() -> Fault {
    let hint = "`openclaw registry serve` with the same --data and --database makes one";
    Fault::state("there is no registry in this database yet", hint)
}

/// The head of the log, or nothing where there is no registry yet.
///
/// # Errors
///
/// When the database fails.
pub async fn find_head(connection: &mut AnyConnection) -> Result<Option<Head>> {
    const SQL: &str =
        "SELECT origin, size, checkpoint, root_version, takedown_sequence FROM log WHERE id = 1";
    sqlx::query_as(SQL).fetch_optional(connection).await?.map(head).transpose()
}

/// The head of the log.
///
/// # Errors
///
/// When the database fails, or there is no registry in it.
pub async fn read_head(connection: &mut AnyConnection) -> Result<Head> {
    find_head(connection).await?.ok_or_else(|| no_registry().into())
}

/// A number that the database has as a signed one.
pub(crate) fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Fault::Damaged(format!("the number {number} is negative")).into())
}

/// A number as the database takes it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time as the database keeps it, so that what is shown now is what is shown later.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A time from the database.
pub(crate) fn time(seconds: i64) -> Result<Timestamp> {
    Ok(Timestamp::from_second(seconds).map_err(|error| Fault::damaged("a time", error))?)
}

/// A text from the database as the type that it was.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T> {
    Ok(text.parse().map_err(|error| Fault::damaged(text, error))?)
}
