//! The files of one registry as they are written.

use std::collections::BTreeMap;
use std::path::Path;

use openclaw_package::{Digest, Origin, PublisherName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::StateError;
use crate::url::RegistryUrl;

/// The schema that this version writes.
pub(crate) const SCHEMA: u64 = 1;

/// `registry.toml`: which registry this is. It never changes once it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) schema: u64,
    pub(crate) url: RegistryUrl,
    pub(crate) origin: Origin,
    pub(crate) fingerprint: Digest,
}

/// `roots.json`: the chain of roots, from the pinned one on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Roots {
    pub(crate) schema: u64,
    pub(crate) roots: Vec<String>,
}

/// `publishers.json`: how far each publisher's history went when it was last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publishers {
    pub(crate) schema: u64,
    pub(crate) publishers: BTreeMap<PublisherName, Seen>,
}

/// The last event of a history that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// How many events there were.
    pub(crate) length: u64,
    /// The digest of the last of them.
    pub(crate) head: Digest,
}

/// All that was last seen of a registry, as it stands on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The envelopes of the chain of roots.
    pub(crate) roots: Vec<String>,
    /// The signed note.
    pub(crate) checkpoint: Option<String>,
    /// The envelope of the list.
    pub(crate) takedowns: Option<Vec<u8>>,
    /// How far histories went.
    pub(crate) publishers: BTreeMap<PublisherName, Seen>,
}

/// Only the schema of a file, so that a newer form is told from a damaged one.
#[derive(Deserialize)]
struct Versioned {
    schema: u64,
}

pub(crate) fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, StateError> {
    let damaged = |error: toml::de::Error| StateError::damaged(path, error.message());
    check_schema(path, toml::from_str::<Versioned>(text).map_err(damaged)?.schema)?;
    toml::from_str(text).map_err(damaged)
}

pub(crate) fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, StateError> {
    let damaged = |error: serde_json::Error| StateError::damaged(path, error);
    check_schema(path, serde_json::from_slice::<Versioned>(bytes).map_err(damaged)?.schema)?;
    serde_json::from_slice(bytes).map_err(damaged)
}

pub(crate) fn to_json<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, StateError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| StateError::damaged(path, error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn check_schema(path: &Path, found: u64) -> Result<(), StateError> {
    if found > SCHEMA {
        return Err(StateError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    Ok(())
}
