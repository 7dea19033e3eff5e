//! Proofs made from tiles: that a log has an entry, and that it has all that it had (RFC 6962, section 2.1).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::error::LogError;
use super::node_hash;
use super::tile::{TILE_HEIGHT, TileId};
use crate::digest::Digest;

/// The tiles from which [`inclusion_proof`] is made, each once. None if the index is not below the size.
///
/// Of each tile, the hashes that it has in a log of that size ([`TileId::width`]) are enough.
pub fn inclusion_tiles(index: u64, size: u64) -> Vec<TileId> {
    tiles_of(&inclusion_ranges(index, size))
}

/// The tiles from which [`consistency_proof`] is made, each once. None if the log would have shrunk.
///
/// Of each tile, the hashes that it has in a log of the later size ([`TileId::width`]) are enough.
pub fn consistency_tiles(from: u64, to: u64) -> Vec<TileId> {
    tiles_of(&consistency_ranges(from, to))
}

/// The proof that an entry is in a log of that size: the hashes beside the way from leaf to root, from the leaf up
/// (RFC 6962, section 2.1.1).
///
/// # Errors
///
/// [`LogError::Index`] when the index is not below the size, [`LogError::MissingHash`] when a tile is missing or
/// too short.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    tiles: &BTreeMap<TileId, Vec<Digest>>,
) -> Result<Vec<Digest>, LogError> {
    if index >= size {
        return Err(LogError::Index { index, size });
    }
    inclusion_ranges(index, size).into_iter().map(|range| range_root(range, tiles)).collect()
}

/// The proof that a log of the later size begins with the entries of the earlier (RFC 6962, section 2.1.2). It is
/// empty from size 0, and from a size to itself.
///
/// # Errors
///
/// [`LogError::Shrunk`] when the later size is the smaller one, [`LogError::MissingHash`] when a tile is missing or
/// too short.
pub fn consistency_proof(
    from: u64,
    to: u64,
    tiles: &BTreeMap<TileId, Vec<Digest>>,
) -> Result<Vec<Digest>, LogError> {
    if from > to {
        return Err(LogError::Shrunk { from, to });
    }
    consistency_ranges(from, to).into_iter().map(|range| range_root(range, tiles)).collect()
}

/// The root of a complete subtree from its leaves, whose number is a power of two; `None` without any.
pub(super) fn subtree_root(hashes: &[Digest]) -> Option<Digest> {
    let mut hashes = hashes.to_vec();
    while hashes.len() > 1 {
        hashes = hashes.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    hashes.first().copied()
}

/// `PATH(index, D[size])` of RFC 6962: the entries below each hash of the proof.
fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if index >= size {
        return ranges;
    }
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = split(start, end);
        if index < middle {
            ranges.push(middle..end);
            end = middle;
        } else {
            ranges.push(start..middle);
            start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// `PROOF(from, D[to])` of RFC 6962: the entries below each hash of the proof.
fn consistency_ranges(from: u64, to: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if from == 0 || from > to {
        return ranges;
    }
    let (mut start, mut end) = (0, to);
    while from < end {
        let middle = split(start, end);
        if from <= middle {
            ranges.push(middle..end);
            end = middle;
        } else {
            ranges.push(start..middle);
            start = middle;
        }
    }
    // The verifier knows the root of the whole earlier tree already.
    if start > 0 {
        ranges.push(start..end);
    }
    ranges.reverse();
    ranges
}

/// Where a tree over more than one entry is split: after the largest power of two smaller than their number.
fn split(start: u64, end: u64) -> u64 {
    start + (1 << (end - start - 1).ilog2())
}

/// A complete subtree: 2^height entries, and which one of those of its height.
struct Subtree {
    height: u32,
    number: u64,
}

impl Subtree {
    /// The tile that has the hashes from which the root follows, and their places in it.
    fn place(&self) -> (TileId, Range<u64>) {
        let (level, height) = (self.height / TILE_HEIGHT, self.height % TILE_HEIGHT);
        let number = self.number;
        let index = number >> (TILE_HEIGHT - height);
        let start = (number << height) % (1 << TILE_HEIGHT);
        (TileId { level: level.try_into().unwrap_or(u8::MAX), index }, start..start + (1 << height))
    }
}

/// The complete subtrees of a range of entries, the largest and leftmost first.
///
/// All ranges of proofs begin at a multiple of a power of two that is no less than their length, so each of the
/// subtrees does as well.
fn subtrees(range: &Range<u64>) -> impl Iterator<Item = Subtree> {
    let Range { mut start, end } = *range;
    std::iter::from_fn(move || {
        let height = end.checked_sub(start)?.checked_ilog2()?;
        let number = start >> height;
        start += 1 << height;
        Some(Subtree { height, number })
    })
}

fn tiles_of(ranges: &[Range<u64>]) -> Vec<TileId> {
    let tiles: BTreeSet<TileId> = ranges.iter().flat_map(subtrees).map(|subtree| subtree.place().0).collect();
    tiles.into_iter().collect()
}

/// `MTH` of RFC 6962 over a range of entries.
fn range_root(range: Range<u64>, tiles: &BTreeMap<TileId, Vec<Digest>>) -> Result<Digest, LogError> {
    let mut roots = Vec::new();
    for subtree in subtrees(&range) {
        let (tile, places) = subtree.place();
        let hashes = tiles.get(&tile).map(Vec::as_slice).unwrap_or_default();
        let missing = LogError::MissingHash { tile, offset: places.end - 1 };
        let places = usize::try_from(places.start).ok().zip(usize::try_from(places.end).ok());
        let hashes = places.and_then(|(start, end)| hashes.get(start..end));
        roots.push(hashes.and_then(subtree_root).ok_or(missing)?);
    }
    Ok(fold_right(roots))
}

/// The root over complete subtrees of falling heights.
pub(super) fn fold_right(roots: Vec<Digest>) -> Digest {
    roots.into_iter().rev().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(super::empty_root)
}
