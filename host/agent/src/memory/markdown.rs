//! What is read of Markdown: headings, list entries and paragraphs at the margin, outside of fenced code.

/// Bytes of a passage; a longer one is cut into several.
const PASSAGE_BYTES: usize = 4 << 10;
/// Bytes of a heading that are kept.
const HEADING_BYTES: usize = 200;

/// A piece of a file that is found as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage<'a> {
    /// The heading that it stands below; empty where there is none.
    pub(super) heading: &'a str,
    /// Its lines.
    pub(super) body: &'a str,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Heading(&'a str),
    Entry,
    Blank,
    Other,
}

/// Tells lines apart, one after the other: within a fence, nothing is a heading or an entry.
#[derive(Debug, Default)]
struct Reader {
    fence: Option<&'static str>,
}

impl Reader {
    fn read<'a>(&mut self, line: &'a str) -> Line<'a> {
        let text = line.trim_end();
        let begin = text.trim_start();
        let fence = ["```", "~~~"].into_iter().find(|fence| begin.starts_with(fence));
        match (self.fence, fence) {
            (None, Some(fence)) => self.fence = Some(fence),
            (Some(open), Some(fence)) if open == fence => self.fence = None,
            _ => {}
        }
        if self.fence.is_some() || fence.is_some() {
            return Line::Other;
        }
        let after_marks = text.trim_start_matches('#');
        let level = text.len() - after_marks.len();
        if (1..=6).contains(&level) && (after_marks.is_empty() || after_marks.starts_with([' ', '\t'])) {
            return Line::Heading(after_marks.trim());
        }
        match text {
            "" => Line::Blank,
            _ if ["- ", "* ", "+ "].iter().any(|bullet| text.starts_with(bullet)) => Line::Entry,
            _ => Line::Other,
        }
    }
}

/// The passages of a text, in their order.
pub(super) fn passages(text: &str) -> Vec<Passage<'_>> {
    let mut reader = Reader::default();
    let mut passages = Vec::new();
    let (mut heading, mut begin, mut at, mut is_entry, mut was_blank) = ("", 0, 0, false, false);
    for line in text.split_inclusive('\n') {
        let kind = reader.read(line);
        let is_indented = line.starts_with([' ', '\t']);
        let begins = match kind {
            Line::Heading(_) | Line::Entry => true,
            // A blank line ends a paragraph, but not an entry that goes on indented.
            Line::Other => was_blank && !(is_entry && is_indented),
            Line::Blank => false,
        };
        if begins && reader.fence.is_none() {
            push(&mut passages, heading, text.get(begin..at));
            begin = at;
            is_entry = kind == Line::Entry;
        }
        at += line.len();
        if let Line::Heading(words) = kind {
            heading = words.get(..words.floor_char_boundary(HEADING_BYTES)).unwrap_or_default();
            begin = at;
        }
        was_blank = kind == Line::Blank;
    }
    push(&mut passages, heading, text.get(begin..));
    passages
}

fn push<'a>(passages: &mut Vec<Passage<'a>>, heading: &'a str, body: Option<&'a str>) {
    let mut rest = body.unwrap_or_default().trim_end();
    while !rest.trim().is_empty() {
        let (body, after) = rest.split_at(rest.floor_char_boundary(PASSAGE_BYTES));
        passages.push(Passage { heading, body });
        rest = after;
    }
}

/// The entries of a log: each the whole of one bullet.
pub(super) fn entries(text: &str) -> impl Iterator<Item = &str> {
    let mut starts = Vec::new();
    let mut reader = Reader::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        match reader.read(line) {
            Line::Entry => starts.push((at, true)),
            Line::Heading(_) => starts.push((at, false)),
            _ => {}
        }
        at += line.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]).collect();
    let spans = starts.into_iter().zip(ends);
    spans.filter(|((_, is_entry), _)| *is_entry).filter_map(|((start, _), end)| text.get(start..end))
}

/// Where a line goes that is to stand at the end of what is below a heading; nothing where there is no such heading.
pub(super) fn end_of_section(text: &str, wanted: &str) -> Option<usize> {
    let mut reader = Reader::default();
    let (mut at, mut end) = (0, None);
    for line in text.split_inclusive('\n') {
        let kind = reader.read(line);
        at += line.len();
        match (kind, end) {
            (Line::Heading(heading), None) if heading == wanted => end = Some(at),
            (Line::Heading(_), Some(_)) => return end,
            (Line::Entry | Line::Other, Some(_)) => end = Some(at),
            _ => {}
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str) -> Vec<(&str, &str)> {
        passages(text).into_iter().map(|passage| (passage.heading, passage.body)).collect()
    }

    #[test]
    fn entries_and_paragraphs_are_passages_below_their_heading() {
        let text =
            "before\n\n# One\n\nfirst\nline\n\nsecond\n## Two\n- a\n  more\n\n  still a\n- b\n\nafter\n";
        assert_eq!(
            bodies(text),
            [
                ("", "before"),
                ("One", "first\nline"),
                ("One", "second"),
                ("Two", "- a\n  more\n\n  still a"),
                ("Two", "- b"),
                ("Two", "after"),
            ]
        );
    }

    #[test]
    fn nothing_in_a_fence_is_a_heading_or_an_entry() {
        let text = "# A\n```sh\n# not one\n- nor this\n\n```\n#tag is none\n- one\n";
        assert_eq!(
            bodies(text),
            [("A", "```sh\n# not one\n- nor this\n\n```\n#tag is none"), ("A", "- one")]
        );
        assert_eq!(entries(text).collect::<Vec<_>>(), ["- one\n"]);
        assert_eq!(bodies("# A\n```\n# for ever").len(), 1);
    }

    #[test]
    fn a_long_passage_is_cut_into_several_that_lose_nothing() {
        let text = "é".repeat(5000);
        let passages = passages(&text);
        assert_eq!(passages.len(), 3);
        assert_eq!(passages.iter().map(|passage| passage.body).collect::<String>(), text);
    }

    #[test]
    fn entries_are_counted_whole() {
        let text = "# 2026-02-03\n\n- one\n  - inner\n  more\n- two\n# end\nrest\n* three";
        assert_eq!(entries(text).collect::<Vec<_>>(), ["- one\n  - inner\n  more\n", "- two\n", "* three"]);
        assert_eq!(entries("").count(), 0);
    }

    #[test]
    fn a_line_goes_to_the_end_of_its_section() {
        let text = "# A\n## R\n\n- one\n\n## B\n- two\n";
        assert_eq!(end_of_section(text, "R"), Some("# A\n## R\n\n- one\n".len()));
        assert_eq!(end_of_section(text, "B"), Some(text.len()));
        assert_eq!(end_of_section("## R\n", "R"), Some(5));
        assert_eq!(end_of_section(text, "C"), None);
        assert_eq!(end_of_section("```\n## R\n```\n", "R"), None);
    }
}
