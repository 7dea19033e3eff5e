//! Measures texts: the smallest useful skill, with no permission at all.

mod frequency;
mod measure;

use std::num::NonZeroU32;

use openclaw_skill::{Result, input, output, skill};

use frequency::Filter;

/// How fast most adults read prose silently.
const WORDS_PER_MINUTE: u32 = 238;
const TOP: usize = 20;
const TOP_MOST: usize = 1000;

#[input]
pub struct CountInput {
    /// The text to measure.
    text: String,
    /// Reading speed for `reading_seconds`. Default: 238.
    words_per_minute: Option<NonZeroU32>,
}

#[output]
#[derive(Debug, PartialEq)]
pub struct Counts {
    /// Words by Unicode rules: "don't" is one, a dash is none.
    words: u64,
    /// Lines, the last with or without a line break.
    lines: u64,
    /// Characters as a reader sees them: an emoji or an accented letter is one.
    characters: u64,
    /// Bytes of UTF-8.
    bytes: u64,
    /// Sentences.
    sentences: u64,
    /// Time to read the text silently, in seconds, rounded up.
    reading_seconds: u64,
}

#[input]
pub struct FrequencyInput {
    /// The text whose words are counted.
    text: String,
    /// How many words to list, at most 1000. Default: 20.
    top: Option<NonZeroU32>,
    /// Leave out the commonest English words ("the", "of", "and").
    #[serde(default)]
    ignore_common: bool,
    /// Further words to leave out, in any case.
    #[serde(default)]
    ignore: Vec<String>,
    /// Leave out words of fewer characters.
    #[serde(default)]
    min_length: u32,
}

#[output]
#[derive(Debug, PartialEq)]
pub struct Frequencies {
    /// The most frequent words first; equally frequent ones by the alphabet.
    words: Vec<Frequency>,
    /// How many different words were counted, listed or not.
    distinct: u64,
    /// How many words were counted in all.
    total: u64,
}

#[output]
#[derive(Debug, PartialEq)]
pub struct Frequency {
    /// The word, in lower case.
    word: String,
    /// How often it occurs.
    count: u64,
}

pub struct WordCount;

#[skill]
impl WordCount {
    /// Count the words, lines, characters, bytes and sentences of a text and the time to read it.
    /// Use it whenever a length must be exact.
    pub fn count(input: CountInput) -> Result<Counts> {
        let text = input.text.as_str();
        let words = measure::words(text);
        let pace = input.words_per_minute.map_or(WORDS_PER_MINUTE, NonZeroU32::get);
        Ok(Counts {
            words,
            lines: measure::lines(text),
            characters: measure::characters(text),
            bytes: text.len() as u64,
            sentences: measure::sentences(text),
            reading_seconds: measure::reading_seconds(words, pace),
        })
    }

    /// List the most frequent words of a text with their counts.
    pub fn frequency(input: FrequencyInput) -> Result<Frequencies> {
        let filter = Filter::new(&input.ignore, input.ignore_common, input.min_length as usize);
        let ranked = frequency::ranked(&input.text, &filter);
        let top = input.top.map_or(TOP, |top| top.get() as usize).min(TOP_MOST);
        Ok(Frequencies {
            distinct: ranked.len() as u64,
            total: ranked.iter().map(|(_, count)| count).sum(),
            words: ranked.into_iter().take(top).map(|(word, count)| Frequency { word, count }).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
