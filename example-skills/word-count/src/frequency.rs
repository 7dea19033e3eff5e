//! How often each word of a text occurs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use unicode_segmentation::UnicodeSegmentation;

/// The commonest English words, which say little about what a text is about.
const COMMON: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because", "been",
    "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her",
    "his", "how", "i", "if", "in", "into", "is", "it", "its", "it's", "just", "may", "me", "more", "my",
    "no", "not", "of", "on", "one", "only", "or", "other", "our", "out", "she", "so", "some", "such", "than",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "up", "us", "was", "we",
    "were", "what", "when", "which", "who", "will", "with", "would", "you", "your",
];

/// Which words do not count.
#[derive(Debug, Default)]
pub struct Filter {
    ignored: BTreeSet<String>,
    min_length: usize,
}

impl Filter {
    pub fn new(ignore: &[String], ignore_common: bool, min_length: usize) -> Self {
        let common = COMMON.iter().filter(|_| ignore_common).map(|word| (*word).to_owned());
        Self { ignored: ignore.iter().map(|word| fold(word)).chain(common).collect(), min_length }
    }

    fn keeps(&self, word: &str) -> bool {
        word.graphemes(true).count() >= self.min_length && !self.ignored.contains(word)
    }
}

/// The words of a text with their counts: most frequent first, equal ones by the alphabet, so
/// that the same text always gives the same list.
pub fn ranked(text: &str, filter: &Filter) -> Vec<(String, u64)> {
    let mut counts = BTreeMap::<String, u64>::new();
    for word in text.unicode_words().map(fold).filter(|word| filter.keeps(word)) {
        *counts.entry(word).or_default() += 1;
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    // The sort is stable and the map was in order: equal counts stay alphabetical.
    ranked.sort_by_key(|(_, count)| Reverse(*count));
    ranked
}

/// One spelling for a word in any case and with either apostrophe.
fn fold(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(word: &str, count: u64) -> (String, u64) {
        (word.to_owned(), count)
    }

    #[test]
    fn equal_counts_are_alphabetical() {
        let found = ranked("pear apple Pear fig apple PEAR date", &Filter::default());
        assert_eq!(found, [pair("pear", 3), pair("apple", 2), pair("date", 1), pair("fig", 1)]);
    }

    #[test]
    fn nothing_comes_from_nothing() {
        assert!(ranked("", &Filter::default()).is_empty());
        assert!(ranked("!!! …", &Filter::default()).is_empty());
    }

    #[test]
    fn ignored_words_match_in_any_case() {
        let filter = Filter::new(&["Fig".to_owned()], false, 0);
        assert_eq!(ranked("fig FIG apple", &filter), [pair("apple", 1)]);
    }

    #[test]
    fn common_words_go_when_asked() {
        assert_eq!(
            ranked("the cat and the hat", &Filter::new(&[], true, 0)),
            [pair("cat", 1), pair("hat", 1)]
        );
        assert_eq!(ranked("It’s it's", &Filter::new(&[], true, 0)), []);
    }

    #[test]
    fn length_is_in_characters_not_bytes() {
        assert_eq!(ranked("été do", &Filter::new(&[], false, 3)), [pair("été", 1)]);
    }
}
