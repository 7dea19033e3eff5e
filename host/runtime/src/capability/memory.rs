//! `openclaw:skill/memory`: a key-value store for each skill, in a SQLite file of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_package::name::SkillId;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use wasmtime::component::{HasSelf, Linker};

use super::{Denial, Denials};
use crate::bindings::openclaw::skill::memory as wit;
use crate::sandbox::CallState;

/// Most bytes that a key may have.
const KEY_BYTES: usize = 512;
/// Most keys that one question is answered with.
const LISTED_KEYS: u32 = 1_000;
/// What a row costs beside its key and value, so that empty values are not free.
const ROW_BYTES: u64 = 32;
/// The layout of the file; a newer one is refused.
const SCHEMA_VERSION: i64 = 1;

/// The stores of all skills, below one directory; a file is opened at its first use.
#[derive(Debug)]
pub struct MemoryStores {
    dir: PathBuf,
    open: Mutex<HashMap<SkillId, Arc<Mutex<Connection>>>>,
}

/// Why a store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The file could not be read or written.
    #[error("the memory store {} cannot be used: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Its directory could not be made, or it could not be removed.
    #[error("the memory store {} cannot be used: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A newer host wrote it.
    #[error("the memory store {} was written by a newer version of openclaw", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
}

impl MemoryStores {
    /// Stores below `dir`, which is made when it is first needed.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, open: Mutex::default() }
    }

    fn path(&self, skill: &SkillId) -> PathBuf {
        self.dir.join(skill.publisher().as_str()).join(format!("{}.db", skill.name().as_str()))
    }

    fn connection(&self, skill: &SkillId) -> Result<Arc<Mutex<Connection>>, MemoryError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = open.get(skill) {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(Mutex::new(open_file(&self.path(skill))?));
        open.insert(skill.clone(), Arc::clone(&connection));
        Ok(connection)
    }

    /// Deletes what a skill remembers.
    ///
    /// # Errors
    /// [`MemoryError::Io`] where a file is there and cannot be removed.
    pub fn purge(&self, skill: &SkillId) -> Result<(), MemoryError> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(skill);
        let path = self.path(skill);
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut file = path.clone().into_os_string();
            file.push(suffix);
            match std::fs::remove_file(&file) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(MemoryError::Io { path: file.into(), source });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn open_file(path: &Path) -> Result<Connection, MemoryError> {
    let dir = path.parent().unwrap_or(path);
    std::fs::create_dir_all(dir).map_err(|source| MemoryError::Io { path: dir.to_owned(), source })?;
    let failed = |source| MemoryError::Database { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let version: i64 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if version > SCHEMA_VERSION {
        return Err(MemoryError::Newer { path: path.to_owned() });
    }
    if version == 0 {
        transaction
            .execute_batch("CREATE TABLE entry (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;")
            .map_err(failed)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(connection)
}

/// What a call may do with memory.
#[derive(Debug, Default)]
pub(crate) enum MemoryState {
    /// The manifest does not declare it, so the interface is not linked.
    #[default]
    Undeclared,
    /// Declared, and not granted.
    Denied(Denial, Denials),
    /// Granted, with a quota in bytes.
    Granted { stores: Arc<MemoryStores>, skill: SkillId, quota: u64 },
}

impl MemoryState {
    fn with<T>(
        &self,
        f: impl FnOnce(&mut Connection, u64) -> Result<Result<T, wit::Error>, rusqlite::Error>,
    ) -> Result<T, wit::Error> {
        match self {
            Self::Undeclared => Err(wit::Error::Denied("the manifest does not declare memory".into())),
            Self::Denied(denial, denials) => {
                denials.record(denial.clone());
                Err(wit::Error::Denied(denial.to_string()))
            }
            Self::Granted { stores, skill, quota } => {
                let connection = stores.connection(skill).map_err(unavailable)?;
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                f(&mut connection, *quota).map_err(unavailable)?
            }
        }
    }
}

/// The guest learns that the store failed, the log of the host learns how.
fn unavailable(error: impl std::fmt::Display) -> wit::Error {
    tracing::warn!("memory: {error}");
    wit::Error::Unavailable("the host could not use the memory store".into())
}

fn check_key(key: &str) -> Result<(), wit::Error> {
    if key.is_empty() || key.len() > KEY_BYTES { Err(wit::Error::InvalidKey) } else { Ok(()) }
}

fn used(transaction: &Transaction<'_>) -> Result<u64, rusqlite::Error> {
    transaction.query_row(
        "SELECT coalesce(sum(octet_length(key) + octet_length(value) + ?1), 0) FROM entry",
        params![ROW_BYTES],
        |row| row.get::<_, i64>(0).map(|used| u64::try_from(used).unwrap_or(0)),
    )
}

type Answer<T> = wasmtime::Result<Result<T, wit::Error>>;

impl wit::Host for CallState {
    fn get(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(check_key(&key).and_then(|()| {
            self.memory.with(|connection, _| {
                connection
                    .prepare_cached("SELECT value FROM entry WHERE key = ?1")?
                    .query_row(params![key], |row| row.get(0))
                    .optional()
                    .map(Ok)
            })
        }))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Answer<()> {
        Ok(check_key(&key).and_then(|()| {
            self.memory.with(|connection, quota| {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                transaction.execute(
                    "INSERT INTO entry (key, value) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    params![key, value],
                )?;
                if used(&transaction)? > quota {
                    transaction.rollback()?;
                    return Ok(Err(wit::Error::QuotaExceeded(quota)));
                }
                transaction.commit().map(Ok)
            })
        }))
    }

    fn delete(&mut self, key: String) -> Answer<bool> {
        Ok(check_key(&key).and_then(|()| {
            self.memory.with(|connection, _| {
                connection.execute("DELETE FROM entry WHERE key = ?1", params![key]).map(|rows| Ok(rows > 0))
            })
        }))
    }

    fn list_keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Answer<Vec<String>> {
        Ok(self.memory.with(|connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT key FROM entry
                 WHERE substr(key, 1, length(?1)) = ?1 AND key >= ?1 AND (?2 IS NULL OR key > ?2)
                 ORDER BY key LIMIT ?3",
            )?;
            let rows =
                statement.query_map(params![prefix, after, limit.min(LISTED_KEYS)], |row| row.get(0))?;
            rows.collect::<Result<Vec<String>, _>>().map(Ok)
        }))
    }
}

/// Links `openclaw:skill/memory`.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}
