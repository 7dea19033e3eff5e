//! What the host gives a skill; the attribute's generated code and the fake implement it.

use crate::log::Level;
use crate::memory::MemoryError;

/// Takes the lines of the log.
pub trait Log: Send + Sync {
    /// Takes a line.
    fn write(&self, level: Level, message: &str);
}

/// Keeps the skill's keys and values.
pub trait Memory: Send + Sync {
    /// The value under a key, or none.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, MemoryError>;

    /// Puts a value under a key, in place of what was there.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), MemoryError>;

    /// Removes a key; true if it was there.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn delete(&self, key: &str) -> Result<bool, MemoryError>;

    /// Keys that begin with a prefix, in byte order, at most `limit`, from the first one greater
    /// than `after` on.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn list_keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, MemoryError>;
}
