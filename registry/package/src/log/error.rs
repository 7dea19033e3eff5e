//! Why something of the log was refused.

use super::tile::TileId;

/// Why a note, a proof, a tile or a request for one was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// More bytes, lines or hashes than are read.
    #[error("the {what} has {found} {unit}, more than {most}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How much it has.
        found: usize,
        /// Of what.
        unit: &'static str,
        /// How much it may have.
        most: usize,
    },
    /// A text that is no signed note.
    #[error("the signed note is malformed: {0}")]
    Note(&'static str),
    /// No signature names the log's key.
    #[error("the checkpoint is not signed with the log's key")]
    NotSigned,
    /// A signature names the log's key and does not hold.
    #[error("the checkpoint's signature does not hold")]
    BadSignature,
    /// A signed note that is no checkpoint.
    #[error("the checkpoint is malformed: {0}")]
    Checkpoint(&'static str),
    /// The checkpoint of another log.
    #[error("the checkpoint is of {found:?}, not of {expected:?}")]
    Origin {
        /// What it names.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A text that is no tlog-proof.
    #[error("the log proof is malformed: {0}")]
    Proof(&'static str),
    /// There is no such entry in a log of that size.
    #[error("the log has {size} entries, and none with index {index}")]
    Index {
        /// The index that was asked for.
        index: u64,
        /// How many entries the log has.
        size: u64,
    },
    /// The later log is smaller than the one before.
    #[error("the log had {from} entries and has only {to}")]
    Shrunk {
        /// The size before.
        from: u64,
        /// The size after.
        to: u64,
    },
    /// The proof does not lead from the entry to the root.
    #[error("the proof does not show that the log has this entry")]
    NotIncluded,
    /// The proof does not lead from the one root to the other.
    #[error("the proof does not show that the log still has all that it had")]
    Inconsistent,
    /// A text that is no path of a tile.
    #[error("{0:?} is not the path of a tile")]
    Path(String),
    /// Bytes that are no tile.
    #[error("the tile has {0} bytes, not 32 for each of 1 to 256 hashes")]
    Tile(usize),
    /// Bytes that are no bundle of entries, or entries that fit into none.
    #[error("the entries are not a bundle: {0}")]
    Entries(&'static str),
    /// A proof needs a tile, or more hashes of it, than it was given.
    #[error("hash {offset} of tile {tile} is missing")]
    MissingHash {
        /// The tile.
        tile: TileId,
        /// The place in it, from 0 to 255.
        offset: u64,
    },
    /// The partial tiles that an [`Appender`](super::Appender) was given are not those of a log of that size.
    #[error("these are not the partial tiles of a log of {0} entries")]
    RightEdge(u64),
}

/// Refuses more than is read.
pub(super) fn check_size(
    what: &'static str,
    found: usize,
    unit: &'static str,
    most: usize,
) -> Result<(), LogError> {
    if found > most { Err(LogError::TooLarge { what, found, unit, most }) } else { Ok(()) }
}

impl LogError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "log-data-too-large",
            Self::Note(_) => "invalid-note",
            Self::NotSigned => "unsigned-checkpoint",
            Self::BadSignature => "bad-checkpoint-signature",
            Self::Checkpoint(_) => "invalid-checkpoint",
            Self::Origin { .. } => "wrong-log",
            Self::Proof(_) => "invalid-log-proof",
            Self::Index { .. } => "no-such-entry",
            Self::Shrunk { .. } => "log-shrunk",
            Self::NotIncluded => "not-in-log",
            Self::Inconsistent => "log-inconsistent",
            Self::Path(_) => "invalid-tile-path",
            Self::Tile(_) => "invalid-tile",
            Self::Entries(_) => "invalid-entries",
            Self::MissingHash { .. } => "missing-tile",
            Self::RightEdge(_) => "invalid-right-edge",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Index { .. } => "ask for an index below the size of the log",
            Self::Path(_) => {
                "write tile/<level>/<index> or tile/entries/<index>, as c2sp.org/tlog-tiles does"
            }
            Self::MissingHash { .. } | Self::RightEdge(_) => {
                "the stored log is damaged or incomplete: restore it from a backup before it grows"
            }
            Self::NotSigned | Self::BadSignature | Self::Origin { .. } => {
                "do not go on with what this registry says; ask its owner whether the log's key was changed"
            }
            Self::Shrunk { .. } | Self::NotIncluded | Self::Inconsistent => {
                "do not go on with what this registry says: its log was changed, or it shows you another one; \
                 tell its owner"
            }
            _ => "fetch it again; if that changes nothing, the registry is damaged",
        };
        Some(hint.to_owned())
    }
}
