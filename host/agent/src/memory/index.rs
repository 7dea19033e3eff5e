//! Full-text search in a SQLite file beside the notes: a cache, brought up to date before each search and made anew where
//! it is not what it should be.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::MemoryError;
use super::files::{FILES, Files, Opened, Purpose, READ_BYTES};
use super::markdown::passages;
use super::name::FileName;
use super::search::{Found, Hit, Search};
use super::text::cut;
use crate::redaction::{Place, Redaction};

/// The file, beside the notes.
const FILE: &str = ".index.db";
/// What SQLite leaves beside it where a process is killed.
const JOURNAL: &str = ".index.db-journal";
/// The layout of the file; one of another layout is made anew.
const LAYOUT: u32 = 1;
/// Bytes of an agent's files that are searched: the latest.
const SEARCHED_BYTES: u64 = 64 << 20;
/// Passages of one file that are searched. Their numbers are those of the file, shifted by as many bits.
const PASSAGES: i64 = 1 << PASSAGE_BITS;
const PASSAGE_BITS: u32 = 16;
/// Bytes of a query, and words in it, that are looked at.
const QUERY_BYTES: usize = 2 << 10;
const QUERY_WORDS: usize = 32;
/// Files of which it is said that they are left out.
const REMARKS: usize = 20;
/// Words and bytes of a snippet.
const SNIPPET_WORDS: u32 = 48;
const SNIPPET_BYTES: usize = 800;

const TABLES: &str = "
    CREATE TABLE file (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, stamp TEXT, digest BLOB NOT NULL, remark TEXT
    ) STRICT;
    CREATE VIRTUAL TABLE passage USING fts5(
        heading, body, tokenize = 'unicode61 remove_diacritics 2'
    );
    INSERT INTO passage (passage, rank) VALUES ('secure-delete', 1);";

/// Finds words, and what begins with them.
#[derive(Debug)]
pub(super) struct FullText {
    redaction: Arc<Redaction>,
    open: Mutex<Option<Open>>,
}

/// The index while it is open.
#[derive(Debug)]
struct Open {
    connection: Connection,
    inode: u64,
}

/// What goes wrong with the index, or with the files that it is of.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Index(#[from] rusqlite::Error),
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// What the index knows of a file.
#[derive(Debug)]
struct Known {
    id: i64,
    stamp: Option<String>,
    digest: Vec<u8>,
    remark: Option<String>,
}

impl FullText {
    pub(super) fn new(redaction: Arc<Redaction>) -> Self {
        Self { redaction, open: Mutex::default() }
    }

    fn try_search(
        &self,
        open: &mut Option<Open>,
        files: &Files,
        query: &str,
        limit: usize,
    ) -> Result<Found, Trouble> {
        let (path, inode) = files.own_file(FILE)?;
        // A person may have deleted it, and another process made a new one.
        let open = match open.take().filter(|open| open.inode == inode) {
            Some(same) => open.insert(same),
            None => open.insert(Open { connection: self.connect(&path)?, inode }),
        };
        let transaction = open.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let left_out = refresh(&transaction, files, &self.redaction)?;
        transaction.commit()?;
        let Some(query) = expression(query) else { return Ok(Found { hits: Vec::new(), left_out }) };
        let hits = find(&open.connection, &query, limit)?;
        Ok(Found { hits, left_out })
    }

    fn connect(&self, path: &Path) -> Result<Connection, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut connection = Connection::open_with_flags(path, flags)?;
        // What a person deleted is not to be read in the file either.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "trusted_schema", "OFF")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let wanted = self.version();
        match version {
            0 => {
                transaction.execute_batch(TABLES)?;
                transaction.pragma_update(None, "user_version", wanted)?;
            }
            version if version == wanted => {}
            _ => return Err(rusqlite::Error::InvalidQuery),
        }
        transaction.commit()?;
        Ok(connection)
    }

    /// Of the layout, and of what is cut from what is kept: where an owner adds a pattern, nothing old must stay.
    fn version(&self) -> i64 {
        i64::from((self.redaction.fingerprint().wrapping_add(LAYOUT) & (u32::MAX >> 1)).max(1))
    }
}

impl Search for FullText {
    fn search(&self, files: &Files, query: &str, limit: usize) -> Result<Found, MemoryError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // SQLite's own locks are those of a file, which a person may delete while it is used.
        let _lock = files.lock(Purpose::Index)?;
        let error = match self.try_search(&mut open, files, query, limit) {
            Ok(found) => return Ok(found),
            Err(Trouble::Memory(error)) => return Err(error),
            Err(Trouble::Index(error)) => error,
        };
        tracing::info!("the index of {} is made anew: {error}", files.path().display());
        *open = None;
        files.remove_own(FILE)?;
        files.remove_own(JOURNAL)?;
        self.try_search(&mut open, files, query, limit).map_err(|trouble| match trouble {
            Trouble::Memory(error) => error,
            Trouble::Index(source) => MemoryError::Index { path: files.path().join(FILE), source },
        })
    }
}

/// Brings the index up to date; says what is left out.
fn refresh(
    transaction: &Transaction<'_>,
    files: &Files,
    redaction: &Redaction,
) -> Result<Vec<String>, Trouble> {
    let mut known = known(transaction)?;
    let (names, more) = files.names()?;
    let mut left_out = Vec::new();
    if more > 0 {
        left_out.push(format!("{more} files, since there are more than {FILES}"));
    }
    let mut bytes = 0;
    for name in names {
        let opened = match files.open(name) {
            Ok(Some(opened)) => opened,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!("memory: {error}");
                left_out.push(format!("{name}, {}", error.of_file()));
                continue;
            }
        };
        bytes += opened.stamp.size.min(READ_BYTES);
        if bytes > SEARCHED_BYTES {
            left_out.push(format!("{name}, since the files together are too large"));
            continue;
        }
        let before = known.remove(&name.to_string());
        left_out.extend(put(transaction, name, opened, before, redaction)?);
    }
    for gone in known.values() {
        remove(transaction, gone.id)?;
    }
    if let Some(more) = left_out.len().checked_sub(REMARKS).filter(|more| *more > 0) {
        left_out.truncate(REMARKS);
        left_out.push(format!("{more} more"));
    }
    Ok(left_out)
}

fn known(transaction: &Transaction<'_>) -> Result<HashMap<String, Known>, rusqlite::Error> {
    let mut statement = transaction.prepare_cached("SELECT name, id, stamp, digest, remark FROM file")?;
    let rows = statement.query_map([], |row| {
        let known = Known { id: row.get(1)?, stamp: row.get(2)?, digest: row.get(3)?, remark: row.get(4)? };
        Ok((row.get(0)?, known))
    })?;
    rows.collect()
}

fn remove(transaction: &Transaction<'_>, id: i64) -> Result<(), rusqlite::Error> {
    transaction.execute(
        "DELETE FROM passage WHERE rowid BETWEEN ?1 AND ?2",
        params![id << PASSAGE_BITS, (id << PASSAGE_BITS) + PASSAGES - 1],
    )?;
    transaction.execute("DELETE FROM file WHERE id = ?1", params![id])?;
    Ok(())
}

/// Takes up a file as it is now; says what of it is left out.
fn put(
    transaction: &Transaction<'_>,
    name: FileName,
    opened: Opened,
    before: Option<Known>,
    redaction: &Redaction,
) -> Result<Option<String>, Trouble> {
    let stamp = opened.stamp.text();
    let is_settled = opened.stamp.is_settled();
    if let Some(before) = &before
        && before.stamp.as_ref() == Some(&stamp)
    {
        return Ok(before.remark.clone());
    }
    let content = opened.first()?;
    let mut hash = Sha256::new();
    hash.update([u8::from(content.is_cut), u8::from(content.is_damaged)]);
    hash.update(&content.text);
    let digest = hash.finalize();
    let stamp = is_settled.then_some(stamp);
    if let Some(before) = before {
        if before.digest == digest.as_slice() {
            transaction.execute("UPDATE file SET stamp = ?2 WHERE id = ?1", params![before.id, stamp])?;
            return Ok(before.remark);
        }
        remove(transaction, before.id)?;
    }
    // SQLite ends a text at a NUL.
    let text = content.text.replace('\0', " ");
    let text = redaction.apply(Place::Memory, &text);
    let passages = passages(&text);
    let remark = if content.is_cut || passages.len() as u64 > PASSAGES.unsigned_abs() {
        Some(format!("the rest of {name}, which is too large"))
    } else {
        content.is_damaged.then(|| format!("what is no UTF-8 in {name}"))
    };
    transaction
        .prepare_cached("INSERT INTO file (name, stamp, digest, remark) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![name.to_string(), stamp, digest.as_slice(), remark])?;
    let first = transaction.last_insert_rowid() << PASSAGE_BITS;
    let mut insert =
        transaction.prepare_cached("INSERT INTO passage (rowid, heading, body) VALUES (?1, ?2, ?3)")?;
    for (number, passage) in (0..PASSAGES).zip(passages) {
        insert.execute(params![first + number, passage.heading, passage.body])?;
    }
    Ok(remark)
}

/// The query as FTS5 takes it: each word quoted, so that nothing in it is syntax, and any of them may be there. None where
/// there is no word.
fn expression(query: &str) -> Option<String> {
    let query = cut(query, QUERY_BYTES);
    let is_gap = |character: char| {
        character.is_whitespace() || character.is_control() || character.is_ascii_punctuation()
    };
    let words = query.split(is_gap).filter(|word| word.contains(char::is_alphanumeric));
    let quoted: Vec<String> = words.take(QUERY_WORDS).map(|word| format!("\"{word}\"*")).collect();
    (!quoted.is_empty()).then(|| quoted.join(" OR "))
}

fn find(connection: &Connection, expression: &str, limit: usize) -> Result<Vec<Hit>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT rowid, heading, snippet(passage, 1, '', '', ' … ', ?2), bm25(passage, 2.0, 1.0)
         FROM passage WHERE passage MATCH ?1 ORDER BY bm25(passage, 2.0, 1.0), rowid DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![expression, SNIPPET_WORDS, limit], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get::<_, f64>(3)?))
    })?;
    let mut name = connection.prepare_cached("SELECT name FROM file WHERE id = ?1")?;
    let mut hits = Vec::new();
    for row in rows {
        let (rowid, heading, snippet, rank) = row?;
        let file = name.query_row(params![rowid >> PASSAGE_BITS], |row| row.get(0)).optional()?;
        let Some(file) = file else { continue };
        let snippet = cut(&snippet, SNIPPET_BYTES).into_owned();
        hits.push(Hit { file, heading, snippet, score: -rank });
    }
    Ok(hits)
}
