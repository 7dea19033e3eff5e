//! A stranger's text as it is shown to a model or a person: nothing in it is hidden.

use std::borrow::Cow;
use std::fmt::Write as _;

use openclaw_package::text::hides;
use openclaw_runtime::capability::shown;

/// Whether a text is plain ASCII on one line, as most are.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// A text with every character escaped that hides something; line feeds and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |character: char| hides(character) && !matches!(character, '\n' | '\t');
    if is_plain(text) || !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(shown).collect())
}

/// A JSON text of the same value, in which every character that hides something is written as an escape.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let hidden = |character: char| !character.is_ascii() && hides(character);
    // Of ASCII, JSON lets only white space stand outside of its own escapes; and DEL, which is made plain too.
    if is_plain(json) || !json.contains(|character| hidden(character) || character == '\x7f') {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if hidden(character) || character == '\x7f' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing into a string does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// The beginning of a text that a client sent, for an error that quotes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    beginning(text, 80)
}

/// The first so many characters of a text, on one line.
#[must_use]
pub fn beginning(text: &str, characters: usize) -> String {
    let mut begin: String = text.chars().take(characters).collect();
    if begin.len() < text.len() {
        begin.push('…');
    }
    visible(&begin.replace(['\n', '\t'], " ")).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn hidden_characters_are_shown_as_what_they_are() {
        assert_eq!(visible("Größe\n\tok"), "Größe\n\tok");
        assert_eq!(visible("a\u{202e}b\u{1b}[31m\r"), "a\\u{202e}b\\u{1b}[31m\\u{d}");
        assert_eq!(quoted(&"é\n".repeat(100)).chars().count(), 81);
    }

    #[test]
    fn a_json_text_keeps_its_value() {
        for text in ["\"plain\"", "{\n  \"a\": \"Größe \u{202e} \u{e0041} \u{7f}\"\n}", "[\"\\u0000\"]"] {
            let shown = visible_json(text);
            assert!(!shown.contains(|character: char| hides(character) && character != '\n'), "{shown}");
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(value(&shown), value(text));
        }
    }
}
