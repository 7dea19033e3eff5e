//! Notes as texts: how they are put before a model, where nobody vouches for them, and how they stand in a file.

use std::borrow::Cow;

/// What each line of a note begins with that is put before a model.
pub(super) const MARK: &str = "| ";

/// The text as it is put before a model: each line marked, so that none of it can pass for the host's or a person's words.
pub(super) fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16 + 8);
    for line in visible(text).lines() {
        out.extend([MARK, line.trim_end(), "\n"]);
    }
    out
}

/// The text with every character escaped that hides something; line breaks and tabs stay.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    // A file that was edited elsewhere may end its lines in two characters.
    let text: Cow<'_, str> =
        if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    match crate::text::visible(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => Cow::Owned(shown),
    }
}

/// The text as one line.
pub(super) fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// The text as what follows a bullet: further lines are indented, so that none can be an entry or a heading of its own.
pub(super) fn indented(text: &str) -> String {
    let visible = visible(text.trim());
    let mut lines = visible.lines().map(str::trim_end);
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        if !line.is_empty() {
            out.extend(["  ", line]);
        }
    }
    out
}

/// The beginning of a text, whole lines of it, in at most so many bytes.
pub(super) fn first_lines(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let begin = text.get(..text.floor_char_boundary(bytes)).unwrap_or_default();
    begin.rfind('\n').and_then(|end| begin.get(..=end)).unwrap_or_default()
}

/// The end of a text, whole lines of it, in at most so many bytes.
pub(super) fn last_lines(text: &str, bytes: usize) -> &str {
    let Some(cut) = text.len().checked_sub(bytes).filter(|cut| *cut > 0) else { return text };
    // A line that begins just at the cut is whole.
    let from = text.ceil_char_boundary(cut - 1);
    let end = text.get(from..).unwrap_or_default();
    end.find('\n').and_then(|at| end.get(at + 1..)).unwrap_or_default()
}

/// The beginning of a text in at most so many bytes, and a sign where it goes on.
pub(super) fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let begin =
        text.get(..text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8()))).unwrap_or_default();
    Cow::Owned(format!("{begin}…"))
}

#[cfg(test)]
mod tests {
    use openclaw_package::text::hides;

    use super::*;

    #[test]
    fn every_line_of_a_marked_text_is_marked_whatever_breaks_it() {
        let hostile = "one\r\ntwo\rthree\u{2028}four\u{85}five\u{b}six\u{202e}\0\n\n| seven";
        let marked = marked(hostile);
        assert!(marked.split_inclusive('\n').all(|line| line.starts_with(MARK)), "{marked:?}");
        assert!(!marked.contains(|character| hides(character) && character != '\n'), "{marked:?}");
        assert_eq!(marked.lines().count(), 4);
    }

    #[test]
    fn no_line_of_an_indented_text_but_the_first_begins_at_the_margin() {
        assert_eq!(indented(" one\n# two\n\n- three\r\n"), "one\n  # two\n\n  - three");
        assert_eq!(one_line(" one\n\ntwo\t three\0"), "one two three\\u{0}");
    }

    #[test]
    fn a_text_is_cut_at_its_lines() {
        let text = "one\ntwo\nthree\n";
        assert_eq!(first_lines(text, 100), text);
        assert_eq!(first_lines(text, 8), "one\ntwo\n");
        assert_eq!(first_lines(text, 7), "one\n");
        assert_eq!(first_lines(text, 2), "");
        assert_eq!(last_lines(text, 100), text);
        assert_eq!(last_lines(text, 6), "three\n");
        assert_eq!(last_lines(text, 5), "");
        assert_eq!(last_lines("éé\né\n", 4), "é\n");
        assert_eq!(cut("ééé", 6), "ééé");
        assert_eq!(cut("éééé", 6), "é…");
    }
}
