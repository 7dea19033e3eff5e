//! Searching: the interface of whatever finds passages. The one that there is looks for words.

use std::fmt;

use super::MemoryError;
use super::files::Files;

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The file, as in `2026-02-03.md`.
    pub file: String,
    /// The heading that it stands below; empty where there is none.
    pub heading: String,
    /// The part of it that fits best.
    pub snippet: String,
    /// How well it fits: more is better, within one search.
    pub score: f64,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The passages, the best first.
    pub hits: Vec<Hit>,
    /// What was not searched, and why, in words.
    pub left_out: Vec<String>,
}

/// Finds passages in an agent's files as they are at that moment. What it keeps of them is a cache.
pub(super) trait Search: fmt::Debug + Send + Sync {
    /// The `limit` passages that fit a query best.
    fn search(&self, files: &Files, query: &str, limit: usize) -> Result<Found, MemoryError>;
}
