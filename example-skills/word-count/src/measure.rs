//! What can be counted in a text, by the rules of Unicode (UAX #29).

use unicode_segmentation::UnicodeSegmentation;

pub fn words(text: &str) -> u64 {
    total(text.unicode_words())
}

pub fn lines(text: &str) -> u64 {
    total(text.lines())
}

/// Grapheme clusters: what a reader takes for one character.
pub fn characters(text: &str) -> u64 {
    total(text.graphemes(true))
}

/// Sentences that hold at least one word; a row of dots is none.
pub fn sentences(text: &str) -> u64 {
    total(text.unicode_sentences())
}

/// Seconds to read a number of words, rounded up.
pub fn reading_seconds(words: u64, words_per_minute: u32) -> u64 {
    words.saturating_mul(60).div_ceil(u64::from(words_per_minute.max(1)))
}

fn total<T>(items: impl Iterator<Item = T>) -> u64 {
    items.map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_reader() {
        assert_eq!(words(""), 0);
        assert_eq!(words("  \n\t "), 0);
        assert_eq!(words("don't stop – it's 3.14!"), 4);
        assert_eq!(words("naïve café"), 2);
        assert_eq!(words("... --- ..."), 0);
    }

    #[test]
    fn lines_do_not_depend_on_the_last_line_break() {
        assert_eq!(lines(""), 0);
        assert_eq!(lines("one"), 1);
        assert_eq!(lines("one\n"), 1);
        assert_eq!(lines("one\r\ntwo\r\n"), 2);
        assert_eq!(lines("\n\n"), 2);
    }

    #[test]
    fn a_character_is_what_is_seen() {
        assert_eq!(characters("e\u{301}"), 1);
        assert_eq!(characters("🇳🇴"), 1);
        assert_eq!(characters("👩‍👩‍👧‍👦"), 1);
        assert_eq!(characters("\r\n"), 1);
    }

    #[test]
    fn sentences_need_a_word() {
        assert_eq!(sentences("It works. Twice! Really?"), 3);
        assert_eq!(sentences("..."), 0);
        assert_eq!(sentences("no full stop"), 1);
    }

    #[test]
    fn reading_time_is_rounded_up() {
        assert_eq!(reading_seconds(0, 238), 0);
        assert_eq!(reading_seconds(1, 238), 1);
        assert_eq!(reading_seconds(238, 238), 60);
        assert_eq!(reading_seconds(u64::MAX, 1), u64::MAX);
        assert_eq!(reading_seconds(1, 0), 60);
    }
}
