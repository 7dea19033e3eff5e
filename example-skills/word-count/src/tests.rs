//! The tools, called as the host calls them.

use super::*;

fn count(text: &str) -> Counts {
    let input = CountInput { text: text.to_owned(), words_per_minute: None };
    WordCount::count(input).unwrap()
}

fn frequency(text: &str, top: Option<u32>) -> Frequencies {
    let input = FrequencyInput {
        text: text.to_owned(),
        top: top.and_then(NonZeroU32::new),
        ignore_common: false,
        ignore: Vec::new(),
        min_length: 0,
    };
    WordCount::frequency(input).unwrap()
}

#[test]
fn counts_everything_at_once() {
    let expected = Counts { words: 4, lines: 2, characters: 21, bytes: 23, sentences: 2, reading_seconds: 2 };
    assert_eq!(count("Ça marche.\nDeux cafés"), expected);
}

#[test]
fn an_empty_text_is_all_zero() {
    let zero = Counts { words: 0, lines: 0, characters: 0, bytes: 0, sentences: 0, reading_seconds: 0 };
    assert_eq!(count(""), zero);
}

#[test]
fn the_pace_can_be_given() {
    let input = CountInput { text: "one two".to_owned(), words_per_minute: NonZeroU32::new(1) };
    assert_eq!(WordCount::count(input).unwrap().reading_seconds, 120);
}

#[test]
fn the_list_is_cut_but_the_totals_are_not() {
    let found = frequency("b b a a c", Some(2));
    assert_eq!((found.distinct, found.total), (3, 5));
    let words: Vec<_> = found.words.iter().map(|entry| (entry.word.as_str(), entry.count)).collect();
    assert_eq!(words, [("a", 2), ("b", 2)]);
}

#[test]
fn the_list_has_an_upper_limit() {
    let text: String = (0..1500).map(|n| format!("w{n} ")).collect();
    assert_eq!(frequency(&text, Some(5000)).words.len(), TOP_MOST);
    assert_eq!(frequency(&text, None).words.len(), TOP);
}
