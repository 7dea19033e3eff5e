//! The growing end of a log: what a new entry adds to the tiles, and the root after it.

use super::error::LogError;
use super::tile::{TILE_WIDTH, TileId};
use super::tree::{fold_right, subtree_root};
use crate::digest::Digest;

/// The largest log that can grow, in entries: what the signed integers of databases hold.
pub const MAX_APPENDER_SIZE: u64 = i64::MAX as u64;

/// A hash that is appended to a tile.
pub type Appended = (TileId, Digest);

/// The right edge of a log: its size, and the hashes of the partial tile at each level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appender {
    size: u64,
    /// From level 0; each has less than 256 hashes.
    edge: Vec<Vec<Digest>>,
}

impl Appender {
    /// The end of a log with that many entries.
    ///
    /// `edge` has the hashes of the partial tile at each level, from level 0 to the highest that has one:
    /// `size / 256^level % 256` of them, so none where the last tile of the level is full
    /// ([`TileId::partial_tiles`] names those that have some). For an empty log it is empty.
    ///
    /// # Errors
    ///
    /// [`LogError::RightEdge`] when a tile has another number of hashes, or the log is larger than
    /// [`MAX_APPENDER_SIZE`].
    pub fn new(size: u64, edge: Vec<Vec<Digest>>) -> Result<Self, LogError> {
        let mut rest = size;
        let fits = edge.iter().all(|hashes| {
            let expected = rest % TILE_WIDTH;
            rest /= TILE_WIDTH;
            hashes.len() as u64 == expected
        });
        if !fits || rest > 0 || size > MAX_APPENDER_SIZE {
            return Err(LogError::RightEdge(size));
        }
        Ok(Self { size, edge })
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends the hash of an entry ([`leaf_hash`](super::leaf_hash)), and says which hash is thereby the next of
    /// which tile: the leaf's own first, then that of each tile which became full by it.
    pub fn push(&mut self, leaf: Digest) -> Vec<Appended> {
        let mut appended = Vec::new();
        let mut carried = Some(leaf);
        // The number of hashes at the level, all tiles of it together.
        let mut count = self.size;
        let mut level = 0;
        while let Some(hash) = carried {
            if self.edge.len() <= usize::from(level) {
                self.edge.push(Vec::new());
            }
            let Some(tile) = self.edge.get_mut(usize::from(level)) else { break };
            tile.push(hash);
            appended.push((TileId { level, index: count / TILE_WIDTH }, hash));
            carried = None;
            if tile.len() as u64 == TILE_WIDTH {
                carried = subtree_root(tile);
                tile.clear();
            }
            count /= TILE_WIDTH;
            level += 1;
        }
        self.size = self.size.saturating_add(1);
        appended
    }

    /// The root of the log (RFC 6962, section 2.1).
    pub fn root(&self) -> Digest {
        let mut roots = Vec::new();
        for mut hashes in self.edge.iter().rev().map(Vec::as_slice) {
            while let Some(height) = hashes.len().checked_ilog2()
                && let Some((complete, rest)) = hashes.split_at_checked(1 << height)
            {
                roots.extend(subtree_root(complete));
                hashes = rest;
            }
        }
        fold_right(roots)
    }
}
