//! Which characters may stand in text that a person or a model will read: one list for all who check or show it.

/// A character that could hide or reorder what a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HiddenCharacter {
    /// The character itself.
    pub(crate) character: char,
    /// Its place, in bytes from the start of the text.
    pub(crate) offset: usize,
}

impl std::fmt::Display for HiddenCharacter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "U+{:04X} at byte {}", u32::from(self.character), self.offset)
    }
}

/// Whether line breaks may stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// One line only.
    One,
    /// Line feeds are allowed.
    Many,
}

/// Whether a character could forge a line, hide text or turn its direction: a control, a directional mark, or one that
/// takes no room.
pub fn hides(character: char) -> bool {
    character.is_control() || is_directional(character) || is_invisible(character)
}

/// Finds the first character that is a control, a directional mark, or takes no room.
pub(crate) fn check(text: &str, lines: Lines) -> Result<(), HiddenCharacter> {
    for (offset, character) in text.char_indices() {
        if character == '\n' && lines == Lines::Many {
            continue;
        }
        if hides(character) {
            return Err(HiddenCharacter { character, offset });
        }
    }
    Ok(())
}

/// A text cut short and escaped, so that an error message can quote what was refused.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN {
            out.push('…');
            break;
        }
        if hides(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// The candidates nearest to a word that is none of them, best first.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let length = word.chars().count();
    let longest = 2.max(length / 3);
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        // The distance is no less than the difference in length, and costs the product of the lengths to find.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= longest)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= longest)
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

fn is_directional(character: char) -> bool {
    matches!(
        character,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    )
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200D}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206A}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ordinary_text_passes() {
        for text in ["", "plain", "Größe, 大きさ, حجم", "emoji ✅\u{FE0F}"] {
            assert_eq!(check(text, Lines::One), Ok(()), "{text:?}");
        }
        assert_eq!(check("two\nlines", Lines::Many), Ok(()));
    }

    #[test]
    fn hidden_characters_are_found_where_they_are() {
        for character in
            ['\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{9b}', '\u{202e}', '\u{200b}', '\u{e0041}']
        {
            let found = check(&format!("ab{character}c"), Lines::One).unwrap_err();
            assert_eq!(found, HiddenCharacter { character, offset: 2 });
        }
        assert!(check("a\r\nb", Lines::Many).is_err());
    }

    #[test]
    fn a_quoted_text_is_short_and_has_no_escapes() {
        assert_eq!(quoted("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(quoted(&"x".repeat(200)).chars().count(), 81);
    }

    #[test]
    fn the_nearest_comes_first() {
        assert_eq!(nearest("reasn", ["reason", "tree", "access"]), ["reason"]);
        assert!(nearest("zzzzzz", ["reason", "tree"]).is_empty());
        assert!(nearest(&"reason".repeat(1 << 16), ["reason"]).is_empty());
    }
}
