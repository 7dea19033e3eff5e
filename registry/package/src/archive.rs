//! The package archive: a strict ustar (POSIX.1-1988) in one gzip member (RFC 1952), the same bytes everywhere.
//!
//! The profile: regular files only, in byte order of their ASCII paths, mode 0644, owner and times zero, no
//! extension headers, exactly two zero blocks at the end, one gzip member with a fixed header, nothing after
//! it. Anything else is refused, so a package has one form and no second meaning.

mod error;
mod extract;
mod gzip;
mod header;
mod path;
mod read;
mod write;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

pub use error::ArchiveError;
pub use extract::extract;
pub use path::{MAX_PATH_LEN, PackagePath, PathError, PathProblem, PathSet};
pub use read::{ArchiveReader, Entry};
pub use write::write;

/// The most files in a package.
pub const MAX_FILES: usize = 512;

/// How much a package may be. Both sides of the wire check the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The archive, in bytes.
    pub packed: u64,
    /// All files together, in bytes.
    pub unpacked: u64,
    /// How many files.
    pub files: usize,
}

impl Limits {
    /// 24 MiB packed, 64 MiB unpacked, 512 files.
    pub const DEFAULT: Limits = Limits { packed: 24 << 20, unpacked: 64 << 20, files: MAX_FILES };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A file of a package: where, how long, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// The path in the package.
    pub path: PackagePath,
    /// The length in bytes.
    pub size: u64,
    /// The digest of the content; 64 hex digits in JSON, since the field's name says the algorithm.
    #[serde(with = "plain_hex")]
    pub sha256: Digest,
}

/// A digest without its algorithm in front.
mod plain_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::digest::Digest;

    pub(super) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digest.hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        Digest::from_hex(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
