//! The index of a skill: a line for each change, only ever appended. It is a hint; the log's proof decides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::text::quoted;

/// The largest index that is read, in bytes.
pub const MAX_INDEX_SIZE: usize = 8 << 20;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum IndexLine {
    /// A version was released.
    Release {
        /// The version.
        version: Version,
        /// The digest of the archive, which is its address among the blobs.
        archive: Digest,
        /// The length of the archive, in bytes.
        size: u64,
        /// The digest of the signature's file, which is its address among the blobs.
        signature: Digest,
        /// The place of the release's event in the log.
        log_index: u64,
        /// When, as the registry says.
        time: Timestamp,
    },
    /// A version is not to be chosen any more.
    Yank {
        /// The version.
        version: Version,
        /// Why.
        reason: String,
    },
    /// A yank was taken back.
    Unyank {
        /// The version.
        version: Version,
        /// Why.
        reason: String,
    },
    /// The operator took a version down.
    Takedown {
        /// The version.
        version: Version,
        /// Why.
        reason: String,
    },
}

impl IndexLine {
    /// The line as it is served, with its line feed.
    pub fn to_line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// Why an index cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// More than [`MAX_INDEX_SIZE`] bytes.
    #[error("the index has {0} bytes, more than {MAX_INDEX_SIZE}")]
    TooLarge(usize),
    /// A line is not one of an index.
    #[error("line {line} of the index: {reason}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl IndexError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-index"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("tell the registry's operator; nothing was changed".to_owned())
    }
}

/// What an index says of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The digest of the archive.
    pub archive: Digest,
    /// The length of the archive, in bytes.
    pub size: u64,
    /// The digest of the signature's file.
    pub signature: Digest,
    /// The place of the release's event in the log.
    pub log_index: u64,
    /// When, as the registry says.
    pub time: Timestamp,
    /// Why it was yanked, if it was.
    pub yanked: Option<String>,
    /// Why it was taken down, if it was.
    pub taken_down: Option<String>,
}

/// What an index says of a skill, version by version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    versions: BTreeMap<Version, IndexEntry>,
}

impl Index {
    /// Reads an index. A version that is released twice, or changed before it is released, is an error.
    ///
    /// # Errors
    ///
    /// [`IndexError`].
    pub fn parse(text: &str) -> Result<Self, IndexError> {
        if text.len() > MAX_INDEX_SIZE {
            return Err(IndexError::TooLarge(text.len()));
        }
        let mut index = Self::default();
        for (number, line) in text.lines().enumerate() {
            let refuse = |reason: String| IndexError::Line { line: number + 1, reason };
            let line = serde_json::from_str(line).map_err(|error| refuse(quoted(&error.to_string())))?;
            index.apply(line).map_err(|reason| refuse(reason.to_owned()))?;
        }
        Ok(index)
    }

    fn apply(&mut self, line: IndexLine) -> Result<(), &'static str> {
        const UNKNOWN: &str = "the version was not released";
        match line {
            IndexLine::Release { version, archive, size, signature, log_index, time } => {
                let (yanked, taken_down) = (None, None);
                let entry = IndexEntry { archive, size, signature, log_index, time, yanked, taken_down };
                match self.versions.insert(version, entry) {
                    Some(_) => Err("the version was released before"),
                    None => Ok(()),
                }
            }
            IndexLine::Yank { version, reason } => {
                self.versions.get_mut(&version).ok_or(UNKNOWN)?.yanked = Some(reason);
                Ok(())
            }
            IndexLine::Unyank { version, .. } => {
                self.versions.get_mut(&version).ok_or(UNKNOWN)?.yanked = None;
                Ok(())
            }
            IndexLine::Takedown { version, reason } => {
                self.versions.get_mut(&version).ok_or(UNKNOWN)?.taken_down = Some(reason);
                Ok(())
            }
        }
    }

    /// A version.
    pub fn get(&self, version: &Version) -> Option<&IndexEntry> {
        self.versions.get(version)
    }

    /// All versions, lowest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Version, &IndexEntry)> {
        self.versions.iter()
    }
}
