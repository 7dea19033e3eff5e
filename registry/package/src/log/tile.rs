//! Tiles and bundles of entries (<https://c2sp.org/tlog-tiles>): their names, paths and bytes.

use std::fmt;

use super::error::LogError;
use super::note::parse_decimal;
use crate::digest::Digest;
use crate::text::quoted;

/// The most hashes of a tile, and entries of a bundle.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// The largest entry of a log, in bytes.
pub const MAX_ENTRY_SIZE: usize = 16 << 10;

/// The height of the subtree over a full tile.
pub(super) const TILE_HEIGHT: u32 = 8;

/// The highest level of the specification.
const MAX_LEVEL: u64 = 63;

/// The longest path of a tile: seven parts of an index, a level and a width.
const MAX_PATH_LEN: usize = 64;

/// A tile of hashes. At level 0 they are those of entries, at each level above those of full tiles below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// The level, from 0. A hash at this level is the root over 256^level entries.
    pub level: u8,
    /// Which tile of the level, from 0.
    pub index: u64,
}

impl TileId {
    /// How many hashes the tile has in a log with that many entries: 0 to 256.
    pub fn width(&self, size: u64) -> u16 {
        let hashes = size.checked_shr(TILE_HEIGHT * u32::from(self.level)).unwrap_or(0);
        let before = self.index.saturating_mul(TILE_WIDTH);
        hashes.saturating_sub(before).min(TILE_WIDTH).try_into().unwrap_or_default()
    }

    /// The partial tiles of a log with that many entries, from level 0: at most one at each level, each with 1 to
    /// 255 hashes.
    pub fn partial_tiles(size: u64) -> Vec<Self> {
        (0..u64::BITS / TILE_HEIGHT)
            .zip(0..)
            .map(|(height, level)| (size >> (height * TILE_HEIGHT), level))
            .filter(|(hashes, _)| hashes % TILE_WIDTH > 0)
            .map(|(hashes, level)| Self { level, index: hashes / TILE_WIDTH })
            .collect()
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, IndexPath(self.index))
    }
}

/// What the path of a resource below a log's prefix names: `tile/0/x001/234`, `tile/1/000.p/5`,
/// `tile/entries/000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TilePath {
    /// A tile of hashes.
    Hashes {
        /// Which tile.
        id: TileId,
        /// How many hashes it has: 1 to 256, less than 256 in a partial tile.
        width: u16,
    },
    /// A bundle of the entries whose hashes are in a tile of level 0.
    Entries {
        /// The index of that tile.
        index: u64,
        /// How many entries it has: 1 to 256, less than 256 in a partial bundle.
        width: u16,
    },
}

impl TilePath {
    /// Reads a path without a slash before it. Each resource has one path only.
    ///
    /// # Errors
    ///
    /// [`LogError::Path`] for anything else.
    pub fn parse(path: &str) -> Result<Self, LogError> {
        parse_path(path)
            // What could be written in another way is not the path of the specification.
            .filter(|parsed| parsed.to_string() == path)
            .ok_or_else(|| LogError::Path(quoted(path)))
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = match self {
            Self::Hashes { id, width } => {
                write!(f, "tile/{id}")?;
                *width
            }
            Self::Entries { index, width } => {
                write!(f, "tile/entries/{}", IndexPath(*index))?;
                *width
            }
        };
        if u64::from(width) == TILE_WIDTH { Ok(()) } else { write!(f, ".p/{width}") }
    }
}

/// An index in elements of three digits, of which all but the last begin with `x`.
struct IndexPath(u64);

impl fmt::Display for IndexPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut elements = vec![format!("{:03}", self.0 % 1000)];
        let mut rest = self.0 / 1000;
        while rest > 0 {
            elements.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        elements.reverse();
        f.write_str(&elements.join("/"))
    }
}

/// Reads a path that is perhaps not in the one form.
fn parse_path(path: &str) -> Option<TilePath> {
    if path.len() > MAX_PATH_LEN {
        return None;
    }
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => {
            (index, parse_decimal(width).filter(|width| (1..TILE_WIDTH).contains(width))?)
        }
        None => (rest, TILE_WIDTH),
    };
    let width = width.try_into().ok()?;
    let mut number: u64 = 0;
    for element in index.split('/') {
        let digits = element.strip_prefix('x').unwrap_or(element);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number = number.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    if kind == "entries" {
        return Some(TilePath::Entries { index: number, width });
    }
    let level = parse_decimal(kind).filter(|level| *level <= MAX_LEVEL)?;
    Some(TilePath::Hashes { id: TileId { level: level.try_into().ok()?, index: number }, width })
}

/// The bytes of a tile: its hashes one after another.
pub fn encode_hashes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The hashes of a tile.
///
/// # Errors
///
/// [`LogError::Tile`] unless there are 1 to 256 of 32 bytes each.
pub fn decode_hashes(bytes: &[u8]) -> Result<Vec<Digest>, LogError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if hashes.is_empty() || hashes.len() as u64 > TILE_WIDTH || !rest.is_empty() {
        return Err(LogError::Tile(bytes.len()));
    }
    Ok(hashes.iter().map(|hash| Digest::from(*hash)).collect())
}

/// The bytes of a bundle: its entries one after another, each after its length as a big-endian `u16`.
///
/// # Errors
///
/// [`LogError::Entries`] unless there are 1 to 256, each of at most [`MAX_ENTRY_SIZE`] bytes.
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::new();
    let mut count = 0;
    for entry in entries {
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        check_entry(count, usize::from(length))?;
        bytes.extend(length.to_be_bytes());
        bytes.extend(entry);
        count += 1;
    }
    if count == 0 { Err(NO_ENTRIES) } else { Ok(bytes) }
}

/// The entries of a bundle.
///
/// # Errors
///
/// [`LogError::Entries`] unless there are 1 to 256, whole, each of at most [`MAX_ENTRY_SIZE`] bytes.
pub fn decode_entries(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, LogError> {
    const CUT: LogError = LogError::Entries("the last one is cut off");
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk().ok_or(CUT)?;
        let length = usize::from(u16::from_be_bytes(*length));
        check_entry(entries.len(), length)?;
        let (entry, rest) = rest.split_at_checked(length).ok_or(CUT)?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    if entries.is_empty() { Err(NO_ENTRIES) } else { Ok(entries) }
}

const NO_ENTRIES: LogError = LogError::Entries("there are none");

/// Checks that one more entry of that length may follow so many.
fn check_entry(before: usize, length: usize) -> Result<(), LogError> {
    if length > MAX_ENTRY_SIZE {
        return Err(LogError::Entries("one has more than 16 KiB"));
    }
    if before as u64 >= TILE_WIDTH {
        return Err(LogError::Entries("there are more than 256"));
    }
    Ok(())
}
