//! The documents that a registry serves: how large each may be, and as what it is served.

use openclaw_package::envelope::MAX_ENVELOPE_SIZE;
use openclaw_package::log::{MAX_ENTRY_SIZE, MAX_LOG_PROOF_SIZE, MAX_NOTE_SIZE, TILE_WIDTH};
use openclaw_package::registry::index::MAX_INDEX_SIZE;
use openclaw_package::registry::provenance::MAX_PROVENANCE_SIZE;
use openclaw_package::registry::takedown::MAX_TAKEDOWNS_SIZE;

const JSON: &[&str] = &["application/json"];
const LINES: &[&str] = &["application/x-ndjson"];
const TEXT: &[&str] = &["text/plain"];
const BYTES: &[&str] = &["application/octet-stream"];
const BLOB: &[&str] = &["application/octet-stream", "application/gzip", "application/json"];

/// A kind of document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// What a person calls it.
    pub(crate) name: &'static str,
    /// The most bytes it may have.
    pub(crate) max: u64,
    /// The content types that it may be served as.
    pub(crate) types: &'static [&'static str],
    /// Whether the token is sent along.
    pub(crate) authorized: bool,
    /// Whether it is as large as an archive and may take as long.
    pub(crate) large: bool,
}

impl Kind {
    const fn new(name: &'static str, max: u64, types: &'static [&'static str]) -> Self {
        Self { name, max, types, authorized: true, large: false }
    }

    const fn public(self) -> Self {
        Self { authorized: false, ..self }
    }

    const fn large(self) -> Self {
        Self { large: true, ..self }
    }

    pub(crate) const ROOT: Self = Self::new("root", MAX_ENTRY_SIZE as u64, JSON).public();
    pub(crate) const CHECKPOINT: Self = Self::new("checkpoint", MAX_NOTE_SIZE as u64, TEXT).public();
    pub(crate) const TAKEDOWNS: Self =
        Self::new("list of takedowns", MAX_TAKEDOWNS_SIZE as u64, JSON).public();
    pub(crate) const CONSISTENCY: Self = Self::new("consistency proof", 16 << 10, JSON).public();
    pub(crate) const PROOF: Self = Self::new("inclusion proof", MAX_LOG_PROOF_SIZE as u64, TEXT).public();
    pub(crate) const ENTRIES: Self =
        // Each entry has two bytes of length in front.
        Self::new("log entries", TILE_WIDTH * (MAX_ENTRY_SIZE as u64 + 2), BYTES).public().large();
    pub(crate) const INDEX: Self = Self::new("index", MAX_INDEX_SIZE as u64, LINES);
    pub(crate) const PROVENANCE: Self = Self::new("provenance", MAX_PROVENANCE_SIZE as u64, JSON).large();
    pub(crate) const HISTORY: Self = Self::new("history", MAX_PROVENANCE_SIZE as u64, LINES).large();
    pub(crate) const SEARCH: Self = Self::new("search results", 2 << 20, JSON);
    pub(crate) const CATEGORIES: Self = Self::new("list of categories", 64 << 10, JSON);
    pub(crate) const PAGE: Self = Self::new("page of a skill", 4 << 20, JSON);
    pub(crate) const PUBLISHER: Self = Self::new("page of a publisher", 4 << 20, JSON);
    pub(crate) const WHOAMI: Self = Self::new("answer about the token", 16 << 10, JSON);
    pub(crate) const PUBLISHED: Self = Self::new("answer to a publication", 64 << 10, JSON).large();
    pub(crate) const APPENDED: Self = Self::new("answer to events", 64 << 10, JSON);
    pub(crate) const REFUSAL: Self = Self::new("reason for a refusal", 16 << 10, JSON);
    pub(crate) const SIGNATURE: Self = Self::new("signature", MAX_ENVELOPE_SIZE as u64, BLOB);
    pub(crate) const ARCHIVE: Self = Self::new("archive", 24 << 20, BLOB).large();
}
