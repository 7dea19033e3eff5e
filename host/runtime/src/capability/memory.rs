//! `openclaw:skill/memory`: a key-value store for each skill, in a SQLite file of its own.

mod search;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_package::name::SkillId;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use wasmtime::component::{HasSelf, Linker};

use self::search::Query;
use super::{Denial, Denials};
use crate::bindings::openclaw::skill::memory as wit;
use crate::sandbox::CallState;
use crate::sqlite;

/// Most bytes that a key may have.
const KEY_BYTES: usize = 512;
/// Most keys that one question is answered with.
const LISTED_KEYS: u32 = 1_000;
/// What a row costs beside its key and value, so that empty values are not free.
const ROW_BYTES: u64 = 32;
/// The layout of the file; a newer one is refused.
const SCHEMA_VERSION: i64 = 2;
/// Bytes of the longest value that is searched: indexing and reading it takes time, which no fuel counts.
const SEARCHED_BYTES: usize = 64 << 10;

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

    /// Closes all; they are opened anew, since what a skill left may have been deleted.
    pub(crate) fn close(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
    let (connection, version) =
        sqlite::open(path, Duration::from_secs(1), SCHEMA_VERSION, migrate).map_err(failed)?;
    if version > SCHEMA_VERSION {
        return Err(MemoryError::Newer { path: path.to_owned() });
    }
    // A confined process could not make the files that would hold it otherwise.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(failed)?;
    Ok(connection)
}

/// The tables of this version: the entries, and an index of those that are text, which triggers keep in step.
///
/// SQLite does not check what is cast to text, so whoever writes an entry says whether it is.
const SCHEMA: &str = "
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        is_text INTEGER NOT NULL,
        value BLOB NOT NULL
    ) STRICT;
    CREATE VIEW text_entry AS SELECT id, CAST(value AS TEXT) AS text FROM entry WHERE is_text;
    CREATE VIRTUAL TABLE word USING fts5(
        text, content = 'text_entry', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
    );
    CREATE TRIGGER entry_added AFTER INSERT ON entry WHEN new.is_text BEGIN
        INSERT INTO word (rowid, text) VALUES (new.id, CAST(new.value AS TEXT));
    END;
    CREATE TRIGGER entry_removed AFTER DELETE ON entry WHEN old.is_text BEGIN
        INSERT INTO word (word, rowid, text) VALUES ('delete', old.id, CAST(old.value AS TEXT));
    END;
    CREATE TRIGGER entry_changed AFTER UPDATE ON entry BEGIN
        INSERT INTO word (word, rowid, text)
            SELECT 'delete', old.id, CAST(old.value AS TEXT) WHERE old.is_text;
        INSERT INTO word (rowid, text) SELECT new.id, CAST(new.value AS TEXT) WHERE new.is_text;
    END;
";

/// Brings the file from a version to this one; zero is a new file.
fn migrate(transaction: &Transaction<'_>, version: i64) -> Result<(), rusqlite::Error> {
    if version == 0 {
        return transaction.execute_batch(SCHEMA);
    }
    transaction.execute_batch("ALTER TABLE entry RENAME TO entry_before;")?;
    transaction.execute_batch(SCHEMA)?;
    let mut before = transaction.prepare("SELECT key, value FROM entry_before ORDER BY key")?;
    let mut rows = before.query([])?;
    while let Some(row) = rows.next()? {
        put(transaction, &row.get::<_, String>(0)?, row.get_ref(1)?.as_blob()?)?;
    }
    drop(rows);
    drop(before);
    transaction.execute_batch("DROP TABLE entry_before;")
}

/// Puts a value under a key, in place of what was there.
fn put(transaction: &Transaction<'_>, key: &str, value: &[u8]) -> Result<(), rusqlite::Error> {
    let is_text = value.len() <= SEARCHED_BYTES && std::str::from_utf8(value).is_ok();
    let mut statement = transaction.prepare_cached(
        "INSERT INTO entry (key, is_text, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET is_text = excluded.is_text, value = excluded.value",
    )?;
    statement.execute(params![key, is_text, value]).map(drop)
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
    /// Opens the store now, for a process that may open no file later. Where that fails, so does its use.
    pub(crate) fn open_store(&self) {
        if let Self::Granted { stores, skill, .. } = self
            && let Err(error) = stores.connection(skill)
        {
            tracing::warn!("memory: {error}");
        }
    }

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

impl MemoryState {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, wit::Error> {
        check_key(key)?;
        self.with(|connection, _| {
            let mut statement = connection.prepare_cached("SELECT value FROM entry WHERE key = ?1")?;
            statement.query_row(params![key], |row| row.get(0)).optional().map(Ok)
        })
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), wit::Error> {
        check_key(key)?;
        self.with(|connection, quota| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            put(&transaction, key, value)?;
            if used(&transaction)? > quota {
                transaction.rollback()?;
                return Ok(Err(wit::Error::QuotaExceeded(quota)));
            }
            transaction.commit().map(Ok)
        })
    }

    fn delete(&self, key: &str) -> Result<bool, wit::Error> {
        check_key(key)?;
        self.with(|connection, _| {
            connection.execute("DELETE FROM entry WHERE key = ?1", params![key]).map(|rows| Ok(rows > 0))
        })
    }

    fn search(&self, query: &str, limit: u32) -> Result<Vec<wit::Hit>, wit::Error> {
        let query = Query::parse(query).ok_or(wit::Error::InvalidQuery)?;
        self.with(|connection, _| query.search(connection, limit).map(Ok))
    }

    fn list_keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, wit::Error> {
        self.with(|connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT key FROM entry
                 WHERE substr(key, 1, length(?1)) = ?1 AND key >= ?1 AND (?2 IS NULL OR key > ?2)
                 ORDER BY key LIMIT ?3",
            )?;
            let rows =
                statement.query_map(params![prefix, after, limit.min(LISTED_KEYS)], |row| row.get(0))?;
            rows.collect::<Result<Vec<String>, _>>().map(Ok)
        })
    }
}

impl wit::Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, wit::Error>> {
        Ok(self.memory.get(&key))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), wit::Error>> {
        Ok(self.memory.set(&key, &value))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<bool, wit::Error>> {
        Ok(self.memory.delete(&key))
    }

    fn search(&mut self, query: String, limit: u32) -> wasmtime::Result<Result<Vec<wit::Hit>, wit::Error>> {
        Ok(self.memory.search(&query, limit))
    }

    fn list_keys(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, wit::Error>> {
        Ok(self.memory.list_keys(&prefix, after.as_deref(), limit))
    }
}

/// Links `openclaw:skill/memory`.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Capability, Reason};

    fn granted(dir: &Path, skill: &str, quota: u64) -> MemoryState {
        let stores = Arc::new(MemoryStores::new(dir.to_owned()));
        MemoryState::Granted { stores, skill: skill.parse().unwrap(), quota }
    }

    #[test]
    fn what_is_set_is_there_for_the_same_skill_and_for_no_other() {
        let dir = tempfile::tempdir().unwrap();
        granted(dir.path(), "acme/notes", 1_000).set("k", b"v").unwrap();
        assert_eq!(granted(dir.path(), "acme/notes", 1_000).get("k").unwrap().unwrap(), b"v");
        assert_eq!(granted(dir.path(), "acme/other", 1_000).get("k").unwrap(), None);
        assert_eq!(granted(dir.path(), "other/notes", 1_000).get("k").unwrap(), None);
    }

    #[test]
    fn the_quota_counts_keys_and_values_and_what_was_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let memory = granted(dir.path(), "acme/notes", 200);
        memory.set("k", &[1; 100]).unwrap();
        assert!(matches!(memory.set("l", &[2; 100]), Err(wit::Error::QuotaExceeded(200))));
        assert!(matches!(memory.set("k", &[3; 300]), Err(wit::Error::QuotaExceeded(200))));
        assert_eq!(memory.get("k").unwrap().unwrap(), vec![1; 100]);
        assert!(memory.delete("k").unwrap() && !memory.delete("k").unwrap());
        memory.set("l", &[2; 100]).unwrap();
    }

    #[test]
    fn empty_values_are_not_free() {
        let dir = tempfile::tempdir().unwrap();
        let memory = granted(dir.path(), "acme/notes", 10 * (ROW_BYTES + 1));
        let set = (0..20).take_while(|n| memory.set(&format!("{n:x}"), b"").is_ok()).count();
        assert!(set <= 10, "{set}");
    }

    #[test]
    fn keys_come_in_order_by_prefix_and_in_pages() {
        let dir = tempfile::tempdir().unwrap();
        let memory = granted(dir.path(), "acme/notes", 10_000);
        for key in ["b", "a/2", "a/1", "a%", "a"] {
            memory.set(key, b"").unwrap();
        }
        assert_eq!(memory.list_keys("a/", None, 10).unwrap(), ["a/1", "a/2"]);
        assert_eq!(memory.list_keys("", None, 2).unwrap(), ["a", "a%"]);
        assert_eq!(memory.list_keys("", Some("a%"), 2).unwrap(), ["a/1", "a/2"]);
    }

    #[test]
    fn a_key_that_is_empty_or_too_long_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let memory = granted(dir.path(), "acme/notes", 10_000);
        assert!(matches!(memory.get(""), Err(wit::Error::InvalidKey)));
        assert!(matches!(memory.set(&"k".repeat(KEY_BYTES + 1), b""), Err(wit::Error::InvalidKey)));
    }

    #[test]
    fn without_a_grant_every_use_is_denied_and_noted() {
        let denials = Denials::default();
        let denial = Denial::new(Capability::Memory, "memory", Reason::NotGranted);
        let memory = MemoryState::Denied(denial, denials.clone());
        assert!(matches!(memory.get("k"), Err(wit::Error::Denied(_))));
        assert!(matches!(memory.set("k", b""), Err(wit::Error::Denied(_))));
        assert_eq!(denials.take().1, 2);
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        granted(dir.path(), "acme/notes", 1_000).set("k", b"v").unwrap();
        let path = dir.path().join("acme/notes.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        assert!(matches!(open_file(&path), Err(MemoryError::Newer { .. })));
        assert!(matches!(granted(dir.path(), "acme/notes", 1_000).get("k"), Err(wit::Error::Unavailable(_))));
    }

    #[test]
    fn purging_forgets_everything() {
        let dir = tempfile::tempdir().unwrap();
        granted(dir.path(), "acme/notes", 1_000).set("k", b"v").unwrap();
        MemoryStores::new(dir.path().to_owned()).purge(&"acme/notes".parse().unwrap()).unwrap();
        assert_eq!(granted(dir.path(), "acme/notes", 1_000).get("k").unwrap(), None);
    }
}
