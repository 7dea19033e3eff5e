//! Backups: one tar of all tables, blobs and keys, the same whichever database and store they came from.
//!
//! It begins with `backup.json`, then `tables/<name>.ndjson` with an array of JSON for each row, `blobs/<digest>`,
//! `keys/<file>`, and ends with `digests.json`, the digest of everything before.

mod create;
mod restore;
mod tables;

use std::fmt;

use openclaw_package::registry::Origin;
use serde::{Deserialize, Serialize};

pub use create::create;
pub use restore::restore;

const FORMAT: u64 = 1;
const MANIFEST: &str = "backup.json";
const DIGESTS: &str = "digests.json";

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u64,
    schema: i64,
    origin: Origin,
    log_size: u64,
    created: jiff::Timestamp,
}

/// What was done with a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// It was written.
    BackedUp,
    /// It was read back.
    Restored,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BackedUp => "backed up",
            Self::Restored => "restored",
        })
    }
}

/// What was backed up or restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What was done.
    pub done: Done,
    /// The name of the registry.
    pub origin: Origin,
    /// How many entries its log has.
    pub log_size: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Blobs.
    pub blobs: u64,
    /// Secret keys.
    pub keys: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {} entries of the log, {} rows, {} blobs, {} secret keys",
            self.done, self.origin, self.log_size, self.rows, self.blobs, self.keys
        )?;
        if self.keys > 0 && self.done == Done::BackedUp {
            f.write_str("\nthe backup holds the registry's secret keys: keep it as safe as these")?;
        }
        Ok(())
    }
}
