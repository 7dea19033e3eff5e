//! What a stranger wrote, made safe to show: nothing in it moves the cursor, hides or turns text.

use std::fmt::Write as _;

/// A stranger's text in one line.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |character| hides(character) || character == '\n' || character == '\t')
}

/// A stranger's text with its own line breaks and tabs.
pub(crate) fn many_lines(text: &str) -> String {
    escaped(text, hides)
}

/// A stranger's text whose further lines cannot be taken for lines of ours.
pub(crate) fn indented(text: &str) -> String {
    many_lines(text).replace('\n', "\n    ")
}

/// The first line of a stranger's text, clipped to some width.
pub(crate) fn summary(text: &str, width: usize) -> String {
    let line = one_line(text.trim().lines().next().unwrap_or_default());
    if line.chars().count() <= width {
        return line;
    }
    let clipped: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", clipped.trim_end())
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character could forge a line, hide text or turn its direction.
fn hides(character: char) -> bool {
    !matches!(character, '\n' | '\t') && openclaw_package::text::hides(character)
}

/// JSON text, indented, that means the same and hides nothing from who reads it on a terminal.
///
/// Numbers stay as they are written: a number that is read and written again may lose digits.
pub(crate) fn pretty_json(json: &str) -> String {
    let mut pretty = Pretty::default();
    let mut characters = json.chars().peekable();
    let mut in_string = false;
    while let Some(character) = characters.next() {
        if in_string {
            pretty.quote(character);
            match character {
                // What is escaped cannot end the string.
                '\\' => characters.next().into_iter().for_each(|escaped| pretty.text.push(escaped)),
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match character {
            '"' => {
                in_string = true;
                pretty.text.push('"');
            }
            '{' | '[' => {
                while characters.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => pretty.text.extend([character, end]),
                    None => pretty.open(character),
                }
            }
            '}' | ']' => pretty.close(character),
            ',' => pretty.next(),
            ':' => pretty.text.push_str(": "),
            _ if character.is_ascii_whitespace() => {}
            _ => pretty.text.push(character),
        }
    }
    pretty.text
}

/// Levels that are indented; deeper ones stand below each other.
const INDENTED_LEVELS: usize = 64;

#[derive(Default)]
struct Pretty {
    text: String,
    depth: usize,
}

impl Pretty {
    fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.depth += 1;
        self.line();
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        self.line();
        self.text.push(bracket);
    }

    fn next(&mut self) {
        self.text.push(',');
        self.line();
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.depth.min(INDENTED_LEVELS)));
    }

    /// A character of a string; what hides is escaped in JSON's own way.
    fn quote(&mut self, character: char) {
        if !hides(character) {
            self.text.push(character);
            return;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String does not fail.
            let _ = write!(self.text, "\\u{unit:04x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_can_neither_move_the_cursor_nor_turn_the_text() {
        assert_eq!(one_line("a\u{1b}[2J\u{202e}b\nc"), "a\\u{1b}[2J\\u{202e}b\\nc");
        assert_eq!(many_lines("a\n\tb\u{9b}"), "a\n\tb\\u{9b}");
    }

    #[test]
    fn a_further_line_cannot_be_taken_for_one_of_ours() {
        assert_eq!(indented("gone\nhint: rm"), "gone\n    hint: rm");
    }

    #[test]
    fn a_summary_is_one_line_of_some_width() {
        assert_eq!(summary("one two three\nfour", 8), "one two…");
        assert_eq!(summary("short", 8), "short");
    }

    #[test]
    fn pretty_json_means_the_same() {
        let json =
            "{\"a\":[1,2.50,[]],\"b\\\"\":{},\"c\":\"x\u{202e}\u{e0041},:{\",\"d\":12345678901234567890123}";
        let pretty = pretty_json(json);
        assert!(pretty.contains("2.50") && pretty.contains("\\u202e\\udb40\\udc41"), "{pretty}");
        let values: [serde_json::Value; 2] =
            [serde_json::from_str(json).unwrap(), serde_json::from_str(&pretty).unwrap()];
        assert_eq!(values[0], values[1]);
    }

    #[test]
    fn pretty_json_is_indented() {
        assert_eq!(pretty_json("{\"a\": [ ],\"b\":[1]}"), "{\n  \"a\": [],\n  \"b\": [\n    1\n  ]\n}");
    }
}
