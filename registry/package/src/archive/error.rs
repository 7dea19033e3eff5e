//! Why an archive was refused.

use std::io;

use super::PathError;

/// Why an archive was refused, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A name that cannot stand in a package.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The archive is larger than the limit.
    #[error("the archive is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The files together are larger than the limit.
    #[error("the files are larger than {limit} bytes together, at {path}")]
    UnpackedTooLarge {
        /// The limit in bytes.
        limit: u64,
        /// The file at which it was passed.
        path: String,
    },
    /// There are more files than the limit.
    #[error("the archive has more than {limit} files")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// There are no files.
    #[error("the archive is empty")]
    Empty,
    /// The gzip frame is not the one that is written.
    #[error("the gzip stream {0}")]
    Gzip(&'static str),
    /// The stream ends before the archive does.
    #[error("the archive is truncated")]
    Truncated,
    /// Something follows the end of the archive.
    #[error("the archive has data after its end")]
    TrailingData,
    /// The two zero blocks at the end are missing.
    #[error("the archive has no end marker")]
    NoEndMarker,
    /// An entry is not a regular file.
    #[error("{path} is {kind}, not a regular file")]
    NotRegular {
        /// The entry.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// An extension header: pax or GNU.
    #[error("the archive has {0}")]
    Extension(&'static str),
    /// A header field has another value than the profile's.
    #[error("{path} has a header whose {field} is not as the profile has it")]
    Header {
        /// The entry.
        path: String,
        /// The field.
        field: &'static str,
    },
    /// The bytes that fill the last block of a file are not zero.
    #[error("{0} has data in its padding")]
    Padding(String),
    /// An entry does not come after the one before it in byte order.
    #[error("{0} is not in byte order")]
    Order(String),
    /// The deflate stream cannot be read.
    #[error("the compressed data is damaged")]
    Damaged,
    /// Reading or writing failed.
    #[error("{what}: {error}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        error: io::Error,
    },
}

impl ArchiveError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(error) => error.code(),
            Self::TooLarge { .. } => "archive-too-large",
            Self::UnpackedTooLarge { .. } => "unpacked-too-large",
            Self::TooManyFiles { .. } => "too-many-files",
            Self::Empty => "empty-archive",
            Self::Gzip(_) | Self::Damaged => "invalid-gzip",
            Self::Truncated => "truncated-archive",
            Self::TrailingData => "trailing-data",
            Self::NoEndMarker => "no-end-marker",
            Self::NotRegular { .. } => "not-a-regular-file",
            Self::Extension(_) => "extension-header",
            Self::Header { .. } | Self::Padding(_) => "invalid-header",
            Self::Order(_) => "wrong-order",
            Self::Io { .. } => "io",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Path(error) => error.hint(),
            Self::TooLarge { .. } | Self::UnpackedTooLarge { .. } | Self::TooManyFiles { .. } => {
                Some("ship fewer or smaller files in references/ and assets/".to_owned())
            }
            Self::Io { .. } => None,
            Self::Truncated | Self::Damaged => Some("fetch the archive again".to_owned()),
            _ => Some("make the archive with `openclaw skill pack`, not with another tool".to_owned()),
        }
    }
}
