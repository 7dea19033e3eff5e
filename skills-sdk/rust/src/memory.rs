//! A key-value store of the skill's own, kept between calls and over upgrades.

use std::fmt::{self, Display, Formatter};
use std::vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host;

/// How many keys are asked for at a time.
const PAGE: u32 = 128;

/// Why an operation of the store was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryError {
    /// Memory was not declared or not granted; the text says what is missing.
    Denied(String),
    /// The store would grow past this many bytes.
    QuotaExceeded(u64),
    /// A key is 1 to 512 bytes of UTF-8.
    InvalidKey,
    /// A query has at most 1,024 bytes, and 16 different words of at most 64 bytes.
    InvalidQuery,
    /// The host could not read or write the store.
    Unavailable(String),
    /// The value is not the JSON that was asked for, or cannot be written as JSON.
    Json {
        /// The key.
        key: String,
        /// What is wrong with its value.
        reason: String,
    },
}

impl Display for MemoryError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => f.write_str(text),
            Self::QuotaExceeded(quota) => {
                write!(f, "the skill's memory would grow past its quota of {quota} bytes")
            }
            Self::InvalidKey => f.write_str("a key of the skill's memory has 1 to 512 bytes"),
            Self::InvalidQuery => f.write_str("a query of the skill's memory has at most 16 different words"),
            Self::Unavailable(text) => write!(f, "the skill's memory is not available: {text}"),
            Self::Json { key, reason } => write!(f, "the memory's value under `{key}`: {reason}"),
        }
    }
}

impl std::error::Error for MemoryError {}

/// Where a search found something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The key of the value.
    pub key: String,
    /// What stands around the words in the value, at most 512 bytes of it.
    pub snippet: String,
}

/// The store, as `ctx.memory()` gives it.
#[derive(Clone, Copy)]
pub struct Store<'c> {
    /// None where the manifest declares no memory.
    host: Option<&'c dyn host::Memory>,
}

impl<'c> Store<'c> {
    pub(crate) fn new(host: Option<&'c dyn host::Memory>) -> Self {
        Self { host }
    }

    /// The value under a key, or none.
    ///
    /// # Errors
    ///
    /// See [`MemoryError`].
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, MemoryError> {
        self.host()?.get(key)
    }

    /// Puts a value under a key, in place of what was there.
    ///
    /// # Errors
    ///
    /// See [`MemoryError`]; past the quota nothing is changed.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), MemoryError> {
        self.host()?.set(key, value.as_ref())
    }

    /// Removes a key; true if it was there.
    ///
    /// # Errors
    ///
    /// See [`MemoryError`].
    pub fn delete(&self, key: &str) -> Result<bool, MemoryError> {
        self.host()?.delete(key)
    }

    /// Keys that begin with a prefix, in byte order; the empty prefix gives all.
    ///
    /// They are fetched a page at a time. An error ends the iteration.
    #[must_use]
    pub fn keys(&self, prefix: &str) -> Keys<'c> {
        Keys {
            store: *self,
            prefix: prefix.to_owned(),
            page: Vec::new().into_iter(),
            last: None,
            finished: false,
        }
    }

    /// Values that have every word of a query, whatever the case, those first where they are densest: at most `limit`, and at
    /// most 100.
    ///
    /// A query is words and nothing else: no sign has a meaning. Only values that are UTF-8 and at most 64 KiB long are
    /// found.
    ///
    /// # Errors
    ///
    /// See [`MemoryError`].
    pub fn search(&self, query: &str, limit: u32) -> Result<Vec<Hit>, MemoryError> {
        self.host()?.search(query, limit)
    }

    /// The value under a key, read as JSON.
    ///
    /// # Errors
    ///
    /// See [`MemoryError`]; a value that does not fit `T` is [`MemoryError::Json`].
    pub fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, MemoryError> {
        match self.get(key)? {
            Some(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| not_json(key, &e)),
            None => Ok(None),
        }
    }

    /// Puts a value under a key, written as JSON.
    ///
    /// # Errors
    ///
    /// See [`MemoryError`].
    pub fn set_json<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), MemoryError> {
        let bytes = serde_json::to_vec(value).map_err(|e| not_json(key, &e))?;
        self.set(key, bytes)
    }

    fn host(&self) -> Result<&'c dyn host::Memory, MemoryError> {
        self.host.ok_or_else(|| {
            MemoryError::Denied(
                "the skill's manifest does not declare memory: add `[permission.memory]` to \
                 openclaw/skill.toml"
                    .to_owned(),
            )
        })
    }
}

fn not_json(key: &str, error: &serde_json::Error) -> MemoryError {
    MemoryError::Json { key: key.to_owned(), reason: error.to_string() }
}

/// The keys of a store, one after the other.
pub struct Keys<'c> {
    store: Store<'c>,
    prefix: String,
    page: vec::IntoIter<String>,
    /// The last key that was given; the next page begins after it.
    last: Option<String>,
    finished: bool,
}

impl Keys<'_> {
    fn next_page(&mut self) -> Result<(), MemoryError> {
        let keys = self.store.host()?.list_keys(&self.prefix, self.last.as_deref(), PAGE)?;
        // The host may answer with less than it was asked for, so only an empty page is the end.
        self.finished = keys.is_empty();
        self.page = keys.into_iter();
        Ok(())
    }
}

impl Iterator for Keys<'_> {
    type Item = Result<String, MemoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty()
            && !self.finished
            && let Err(error) = self.next_page()
        {
            self.finished = true;
            return Some(Err(error));
        }
        let key = self.page.next()?;
        if self.page.as_slice().is_empty() {
            self.last = Some(key.clone());
        }
        Some(Ok(key))
    }
}
