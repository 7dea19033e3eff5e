//! The log in tables: its leaves, its tiles and the roots that stand in it.

use std::collections::BTreeMap;

use openclaw_package::Digest;
use openclaw_package::log::{
    Appender, Checkpoint, MAX_ENTRY_SIZE, TileId, consistency_proof, consistency_tiles, decode_hashes,
    inclusion_proof, inclusion_tiles, leaf_hash,
};
use openclaw_package::{Envelope, SigningKey};
use sqlx::AnyConnection;

use super::{Head, Write, signed, unsigned};
use crate::error::{Fault, Refusal, Result};

/// Appends to the log within a transaction, and writes what changed when it is finished.
pub struct Appending {
    appender: Appender,
    /// Tiles that grew, whole.
    tiles: BTreeMap<TileId, Vec<u8>>,
}

impl Appending {
    /// Begins at the end of the log.
    ///
    /// # Errors
    ///
    /// When the database fails or the tiles there are not those of the log.
    pub async fn begin(connection: &mut AnyConnection, size: u64) -> Result<Self> {
        let mut edge: Vec<Vec<Digest>> = Vec::new();
        let mut tiles = BTreeMap::new();
        for id in TileId::partial_tiles(size) {
            let bytes = tile(connection, id, id.width(size)).await?;
            let level = usize::from(id.level);
            edge.resize_with(level + 1, Vec::new);
            if let Some(hashes) = edge.get_mut(level) {
                *hashes = decode_hashes(&bytes)?;
            }
            tiles.insert(id, bytes);
        }
        Ok(Self { appender: Appender::new(size, edge)?, tiles })
    }

    /// Appends an entry and gives its index.
    ///
    /// # Errors
    ///
    /// An entry that is too large; a failing database.
    pub async fn push(&mut self, connection: &mut AnyConnection, entry: &[u8]) -> Result<u64> {
        if entry.len() > MAX_ENTRY_SIZE {
            return Err(Refusal::TooLarge { what: "signed event", limit: MAX_ENTRY_SIZE as u64 }.into());
        }
        let index = self.appender.size();
        sqlx::query("INSERT INTO leaves (log_index, entry) VALUES ($1, $2)")
            .bind(signed(index))
            .bind(entry.to_vec())
            .execute(connection)
            .await?;
        for (id, hash) in self.appender.push(leaf_hash(entry)) {
            self.tiles.entry(id).or_default().extend(hash.as_bytes());
        }
        Ok(index)
    }

    /// Writes the tiles and the head, with a new checkpoint.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn finish(
        self,
        connection: &mut AnyConnection,
        head: &mut Head,
        key: &SigningKey,
    ) -> Result<()> {
        const HEAD: &str =
            "UPDATE log SET size = $1, checkpoint = $2, root_version = $3, takedown_sequence = $4
            WHERE id = 1";
        for (id, hashes) in self.tiles {
            write_tile(connection, id, hashes).await?;
        }
        head.size = self.appender.size();
        head.checkpoint = Checkpoint::new(head.origin.clone(), head.size, self.appender.root()).sign(key);
        sqlx::query(HEAD)
            .bind(signed(head.size))
            .bind(head.checkpoint.clone())
            .bind(signed(head.root_version))
            .bind(signed(head.takedown_sequence))
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl Write {
    /// Appends entries and signs the checkpoint that has them.
    ///
    /// # Errors
    ///
    /// A failing database, an entry that is too large.
    pub async fn append(&mut self, entries: &[Vec<u8>], key: &SigningKey) -> Result<Vec<u64>> {
        let connection = &mut *self.transaction;
        let mut log = Appending::begin(connection, self.head.size).await?;
        let mut indices = Vec::with_capacity(entries.len());
        for entry in entries {
            indices.push(log.push(connection, entry).await?);
        }
        log.finish(connection, &mut self.head, key).await?;
        Ok(indices)
    }
}

/// Writes a tile.
///
/// # Errors
///
/// A failing database.
pub async fn write_tile(connection: &mut AnyConnection, id: TileId, hashes: Vec<u8>) -> Result<()> {
    const SQL: &str = "INSERT INTO tiles (level, tile, hashes) VALUES ($1, $2, $3)
        ON CONFLICT (level, tile) DO UPDATE SET hashes = excluded.hashes";
    sqlx::query(SQL)
        .bind(i64::from(id.level))
        .bind(signed(id.index))
        .bind(hashes)
        .execute(connection)
        .await?;
    Ok(())
}

/// The bytes of a tile as they stand there now, if any do.
///
/// # Errors
///
/// A failing database.
pub async fn stored_tile(connection: &mut AnyConnection, id: TileId) -> Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as("SELECT hashes FROM tiles WHERE level = $1 AND tile = $2")
        .bind(i64::from(id.level))
        .bind(signed(id.index))
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(hashes,)| hashes))
}

/// The bytes of a tile as it is in a log where it has that many hashes.
///
/// # Errors
///
/// A failing database, or a tile that is shorter.
pub async fn tile(connection: &mut AnyConnection, id: TileId, width: u16) -> Result<Vec<u8>> {
    let mut hashes = stored_tile(connection, id).await?.unwrap_or_default();
    let length = usize::from(width) * 32;
    if hashes.len() < length {
        return Err(Fault::Damaged(format!("tile {id} of the log is cut short")).into());
    }
    hashes.truncate(length);
    Ok(hashes)
}

async fn tiles(
    connection: &mut AnyConnection,
    ids: Vec<TileId>,
    size: u64,
) -> Result<BTreeMap<TileId, Vec<Digest>>> {
    let mut tiles = BTreeMap::new();
    for id in ids {
        tiles.insert(id, decode_hashes(&tile(connection, id, id.width(size)).await?)?);
    }
    Ok(tiles)
}

/// The proof that a log of that size has the entry.
///
/// # Errors
///
/// There is no such entry; a failing database.
pub async fn inclusion(connection: &mut AnyConnection, index: u64, size: u64) -> Result<Vec<Digest>> {
    let tiles = tiles(connection, inclusion_tiles(index, size), size).await?;
    Ok(inclusion_proof(index, size, &tiles)?)
}

/// The proof that a log begins as a smaller one.
///
/// # Errors
///
/// The later one is smaller; a failing database.
pub async fn consistency(connection: &mut AnyConnection, from: u64, to: u64) -> Result<Vec<Digest>> {
    let tiles = tiles(connection, consistency_tiles(from, to), to).await?;
    Ok(consistency_proof(from, to, &tiles)?)
}

/// Entries from an index on, in order.
///
/// # Errors
///
/// A failing database.
pub async fn entries(connection: &mut AnyConnection, start: u64, count: u64) -> Result<Vec<Vec<u8>>> {
    const SQL: &str = "SELECT entry FROM leaves WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index";
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as(SQL)
        .bind(signed(start))
        .bind(signed(start.saturating_add(count)))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(entry,)| entry).collect())
}

/// Writes down at which index of the log a root stands.
///
/// # Errors
///
/// A failing database.
pub async fn insert_root(
    connection: &mut AnyConnection,
    version: u64,
    root: &Envelope,
    index: u64,
) -> Result<()> {
    sqlx::query("INSERT INTO roots (version, fingerprint, log_index) VALUES ($1, $2, $3)")
        .bind(signed(version))
        .bind(openclaw_package::registry::root::fingerprint(root).to_string())
        .bind(signed(index))
        .execute(connection)
        .await?;
    Ok(())
}

/// The versions of the root, oldest first, each with its entry in the log.
///
/// # Errors
///
/// A failing database.
pub async fn roots(connection: &mut AnyConnection) -> Result<Vec<(u64, Vec<u8>)>> {
    const SQL: &str = "SELECT r.version, l.entry FROM roots r JOIN leaves l ON l.log_index = r.log_index
        ORDER BY r.version";
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(SQL).fetch_all(connection).await?;
    rows.into_iter().map(|(version, entry)| Ok((unsigned(version)?, entry))).collect()
}

/// One version of the root.
///
/// # Errors
///
/// A failing database.
pub async fn root(connection: &mut AnyConnection, version: u64) -> Result<Option<Vec<u8>>> {
    const SQL: &str =
        "SELECT l.entry FROM roots r JOIN leaves l ON l.log_index = r.log_index WHERE r.version = $1";
    let row: Option<(Vec<u8>,)> =
        sqlx::query_as(SQL).bind(signed(version)).fetch_optional(connection).await?;
    Ok(row.map(|(entry,)| entry))
}
