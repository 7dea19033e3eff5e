//! A line of a file, made fit to be read: valid UTF-8, no line break, not endless.

/// Longer lines are cut, in characters.
const MOST: usize = 400;
/// How much of a cut line is kept in front of the match.
const LEAD: usize = 80;

/// A line as it is shown.
#[derive(Debug, PartialEq)]
pub struct Line {
    pub text: String,
    /// Where the match begins in the whole line, in characters from 1.
    pub column: u64,
}

/// Shows a line, cut around the match that begins at a byte offset; `…` stands for what is cut.
pub fn clip(bytes: &[u8], start: usize) -> Line {
    let (head, tail) = bytes.split_at_checked(start).unwrap_or((bytes, &[]));
    let head = String::from_utf8_lossy(head);
    let tail = String::from_utf8_lossy(tail);
    let tail = tail.trim_end_matches(['\r', '\n']);
    let head = if tail.is_empty() { head.trim_end_matches(['\r', '\n']) } else { &head };

    let before = head.chars().count();
    let column = before as u64 + 1;
    if head.len() + tail.len() <= MOST || before + tail.chars().count() <= MOST {
        return Line { text: format!("{head}{tail}"), column };
    }

    let skipped = before.saturating_sub(LEAD);
    let taken = MOST - (before - skipped);
    let mut text = String::from(if skipped > 0 { "…" } else { "" });
    text.extend(head.chars().skip(skipped));
    text.extend(tail.chars().take(taken));
    if tail.chars().nth(taken).is_some() {
        text.push('…');
    }
    Line { text, column }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, column: u64) -> Line {
        Line { text: text.to_owned(), column }
    }

    #[test]
    fn line_breaks_go() {
        assert_eq!(clip(b"one two\r\n", 4), line("one two", 5));
        assert_eq!(clip(b"\n", 0), line("", 1));
        assert_eq!(clip(b"end\n", 3), line("end", 4));
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(clip("äöü x".as_bytes(), 7), line("äöü x", 5));
    }

    #[test]
    fn bytes_that_are_no_utf8_are_marked() {
        assert_eq!(clip(b"caf\xe9 x\n", 5), line("caf\u{fffd} x", 6));
    }

    #[test]
    fn an_offset_past_the_end_does_no_harm() {
        assert_eq!(clip(b"ab", 9), line("ab", 3));
    }

    #[test]
    fn long_lines_are_cut_around_the_match() {
        let long = format!("{}needle{}", "a".repeat(1000), "ä".repeat(1000));
        let cut = clip(long.as_bytes(), 1000);
        assert_eq!(cut.column, 1001);
        assert_eq!(cut.text.chars().count(), MOST + 2);
        assert!(cut.text.starts_with("…a") && cut.text.contains("needle") && cut.text.ends_with("ä…"));
    }

    #[test]
    fn a_match_at_either_end_needs_one_ellipsis() {
        let long = "x".repeat(1000);
        assert!(!clip(long.as_bytes(), 0).text.starts_with('…'));
        assert!(!clip(long.as_bytes(), 999).text.ends_with('…'));
    }
}
