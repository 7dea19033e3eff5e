//! Search in a store: which values have all the words of a query, and where they are densest.
//!
//! The index tells which values match; what is read of them is bounded. The functions of FTS5 that rank and excerpt are not
//! used: what they take grows with the square of how often a word stands in a value, and a skill writes its values.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use unicode_normalization::UnicodeNormalization as _;

use crate::bindings::openclaw::skill::memory as wit;

/// Bytes that a query may have.
const QUERY_BYTES: usize = 1_024;
/// Different words that a query may have.
const WORDS: usize = 16;
/// Bytes that a word may have. What are letters to us and none to SQLite makes a phrase of it, which is slow.
const WORD_BYTES: usize = 64;
/// Values that are read and compared: of those that match, the ones whose keys are newest.
const READ: u32 = 200;
/// Bytes of values that are read at most, and of the last of them as much as it has.
const READ_BYTES: usize = 2 << 20;
/// Most hits that one search is answered with.
const HITS: u32 = 100;
/// Bytes that are kept of a snippet.
const SNIPPET_BYTES: usize = 512;
/// Bytes of what stands before the first word in a snippet.
const BEFORE_BYTES: usize = 100;

/// The different words of a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// In lower case: the index folds them in its own way.
    words: BTreeSet<String>,
    /// As words of values are compared with them.
    folded: BTreeSet<String>,
}

impl Query {
    /// Takes the words of a text, in which no sign has a meaning; none where it is too long, has too many or too long ones.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > QUERY_BYTES {
            return None;
        }
        let words: BTreeSet<_> = words(text).map(|(_, word)| word.to_lowercase()).collect();
        let mut folded = BTreeSet::new();
        for word in &words {
            let mut buffer = String::new();
            fold(word, &mut buffer);
            folded.insert(buffer);
        }
        let fits = words.len() <= WORDS && words.iter().all(|word| word.len() <= WORD_BYTES);
        fits.then_some(Self { words, folded })
    }

    /// The values that have all words, those first where they are densest.
    pub(super) fn search(
        &self,
        connection: &Connection,
        limit: u32,
    ) -> Result<Vec<wit::Hit>, rusqlite::Error> {
        if self.words.is_empty() {
            return Ok(Vec::new());
        }
        // A word has no quotation mark, and in quotation marks no other meaning than its own.
        let quoted: Vec<_> = self.words.iter().map(|word| format!("\"{word}\"")).collect();
        let mut statement = connection.prepare_cached(
            "SELECT entry.key, entry.value FROM word JOIN entry ON entry.id = word.rowid
             WHERE word MATCH ?1 ORDER BY word.rowid DESC LIMIT ?2",
        )?;
        let mut rows = statement.query(params![quoted.join(" "), READ])?;
        let (mut hits, mut read) = (Vec::new(), 0);
        while read < READ_BYTES
            && let Some(row) = rows.next()?
        {
            let value = row.get_ref(1)?.as_blob()?;
            read += value.len();
            // Only what is text is in the index.
            let found = self.look(std::str::from_utf8(value).unwrap_or_default());
            hits.push((found.density, wit::Hit { key: row.get(0)?, snippet: found.snippet }));
        }
        hits.sort_by(|(one, _), (other, _)| other.cmp(one));
        let most = usize::try_from(limit.min(HITS)).unwrap_or(usize::MAX);
        Ok(hits.into_iter().map(|(_, hit)| hit).take(most).collect())
    }

    /// Reads a text once.
    fn look(&self, text: &str) -> Found {
        let (mut first, mut there, mut all) = (None, 0_u64, 0_u64);
        let mut folded = String::new();
        for (at, word) in words(text) {
            all += 1;
            fold(word, &mut folded);
            if self.folded.contains(&folded) {
                there += 1;
                first = first.or(Some(at));
            }
        }
        // In thousandths, and as if there were some more words: one word alone is not the best of texts.
        Found { density: there * 1_000 / (all + 10), snippet: snippet(text, first.unwrap_or(0)) }
    }
}

/// What a value is worth to a query.
struct Found {
    density: u64,
    snippet: String,
}

/// The words of a text, and where they begin. An accent belongs to its letter, also where it stands by itself.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_accent(c)).filter(|word| !word.is_empty());
    words.map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
}

/// Puts a word into a buffer, in lower case and without accents, as the index has it.
fn fold(word: &str, buffer: &mut String) {
    buffer.clear();
    if word.is_ascii() {
        buffer.push_str(word);
        buffer.make_ascii_lowercase();
    } else {
        let letters = word.nfd().filter(|c| !is_accent(*c));
        buffer.extend(letters.flat_map(char::to_lowercase));
    }
}

fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// What stands around a place in a text.
fn snippet(text: &str, at: usize) -> String {
    let begin = text.floor_char_boundary(at.saturating_sub(BEFORE_BYTES));
    let before = if begin > 0 { "…" } else { "" };
    let whole = text.get(begin..).unwrap_or_default();
    let room = SNIPPET_BYTES - 2 * "…".len();
    let end = whole.floor_char_boundary(room);
    let after = if end < whole.len() { "…" } else { "" };
    format!("{before}{}{after}", whole.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests;
