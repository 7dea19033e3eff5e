//! Text of others, made fit to be shown.

use openclaw_package::text::hides;

/// How many characters of a text of others are shown.
const SHOWN: usize = 300;

/// A text of a registry or a publisher, made fit to be printed: without anything that moves a cursor, hides or reorders what is read, and not too long.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN {
            out.push('…');
            break;
        }
        let plain = character.is_alphanumeric() || character.is_ascii_graphic();
        // Some letters take no room.
        if (plain || matches!(character, ' ' | '…' | '–')) && !hides(character) {
            out.push(character);
        } else {
            out.extend(character.escape_unicode());
        }
    }
    out
}
