//! Whom the owner trusts: publishers' public keys, in `trust.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use openclaw_package::key::PublicKey;
use openclaw_package::name::PublisherName;
use serde::{Deserialize, Serialize};

use crate::layout::{LayoutError, replace};

const VERSION: u32 = 1;

/// The trusted publishers and their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustStore {
    version: u32,
    #[serde(default)]
    publisher: BTreeMap<PublisherName, BTreeSet<PublicKey>>,
}

/// Why the trust store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] LayoutError),
    /// The file is not a trust store.
    #[error("{} is not a valid trust store: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TrustStore {
    /// Reads the store; a file that is not there trusts nobody.
    ///
    /// # Errors
    /// See [`TrustError`].
    pub fn load(path: &Path) -> Result<Self, TrustError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(LayoutError::at(path)(error).into()),
        };
        let invalid = |reason: String| TrustError::Invalid { path: path.to_owned(), reason };
        let store: Self = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        if store.version > VERSION {
            return Err(invalid(format!("version {} is newer than this openclaw reads", store.version)));
        }
        Ok(store)
    }

    /// Writes the store.
    ///
    /// # Errors
    /// [`TrustError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), TrustError> {
        let store = Self { version: VERSION, ..self.clone() };
        let text = toml::to_string_pretty(&store)
            .map_err(|error| TrustError::Invalid { path: path.to_owned(), reason: error.to_string() })?;
        Ok(replace(path, text.as_bytes())?)
    }

    /// Trusts a key of a publisher; false if it was trusted already.
    pub fn add(&mut self, publisher: PublisherName, key: PublicKey) -> bool {
        self.publisher.entry(publisher).or_default().insert(key)
    }

    /// Ends the trust in a publisher, or in one key of it; false if there was none.
    pub fn remove(&mut self, publisher: &PublisherName, key: Option<&PublicKey>) -> bool {
        match (key, self.publisher.get_mut(publisher)) {
            (_, None) => false,
            (None, Some(_)) => self.publisher.remove(publisher).is_some(),
            (Some(key), Some(keys)) => {
                let removed = keys.remove(key);
                if keys.is_empty() {
                    self.publisher.remove(publisher);
                }
                removed
            }
        }
    }

    /// The keys of a publisher.
    #[must_use]
    pub fn keys(&self, publisher: &PublisherName) -> Vec<PublicKey> {
        self.publisher.get(publisher).map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
    }

    /// All publishers and their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&PublisherName, &BTreeSet<PublicKey>)> {
        self.publisher.iter()
    }
}
