//! The tools, called on trees of files as the host calls them.

use openclaw_skill::FakeContext;
use tempfile::TempDir;

use super::*;
use crate::testing::tree;

fn ctx(dir: &TempDir) -> Context {
    FakeContext::new().workspace(dir.path()).build()
}

fn search(dir: &TempDir, input: SearchInput) -> SearchOutput {
    FileSearch::search(&ctx(dir), input).unwrap()
}

fn pattern(pattern: &str) -> SearchInput {
    SearchInput { pattern: pattern.to_owned(), ..SearchInput::default() }
}

/// Each match as `path:line:column:text`.
fn shown(output: &SearchOutput) -> Vec<String> {
    output.matches.iter().map(|m| format!("{}:{}:{}:{}", m.path, m.line, m.column, m.text)).collect()
}

#[test]
fn finds_lines_with_their_places() {
    let dir = tree(&[("b.txt", "one\r\n  two\r\n"), ("a/c.txt", "two two"), ("d.txt", "")]);
    let output = search(&dir, pattern("two"));
    assert_eq!(shown(&output), ["a/c.txt:1:1:two two", "b.txt:2:3:  two"]);
    assert_eq!((output.files_searched, output.files_matched, output.truncated), (3, 2, false));
}

#[test]
fn a_literal_has_no_special_characters() {
    let dir = tree(&[("a", "f(x)\nfx\n")]);
    assert_eq!(shown(&search(&dir, SearchInput { literal: true, ..pattern("f(x)") })), ["a:1:1:f(x)"]);
    assert_eq!(shown(&search(&dir, pattern("f(x)"))), ["a:2:1:fx"]);
}

#[test]
fn case_is_smart_unless_told() {
    let dir = tree(&[("a", "Foo\nfoo\n")]);
    let lines = |text: &str, case| search(&dir, SearchInput { case, ..pattern(text) }).matches.len();
    assert_eq!((lines("foo", Case::Smart), lines("Foo", Case::Smart)), (2, 1));
    assert_eq!((lines("foo", Case::Sensitive), lines("FOO", Case::Insensitive)), (1, 2));
}

#[test]
fn whole_words_have_ends() {
    let dir = tree(&[("a", "id\nwidth\nid_of\n")]);
    assert_eq!(shown(&search(&dir, SearchInput { whole_word: true, ..pattern("id") })), ["a:1:1:id"]);
}

#[test]
fn anchors_are_those_of_a_line() {
    let dir = tree(&[("a", "x\nyx\n")]);
    assert_eq!(shown(&search(&dir, pattern("^x$"))), ["a:1:1:x"]);
}

#[test]
fn context_stands_around_a_match_once() {
    let dir = tree(&[("a", "1\n2\nx3\n4\nx5\n6\n7\n")]);
    let output = search(&dir, SearchInput { context: 1, ..pattern("x") });
    let parts: Vec<_> =
        output.matches.iter().map(|m| (&m.before[..], m.text.as_str(), &m.after[..])).collect();
    let text = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(parts, [(&text(&["2"])[..], "x3", &text(&["4"])[..]), (&[][..], "x5", &text(&["6"])[..])]);
}

#[test]
fn context_does_not_cross_files() {
    let dir = tree(&[("a", "x\n"), ("b", "1\nx\n")]);
    let output = search(&dir, SearchInput { context: 5, ..pattern("x") });
    assert!(output.matches[0].after.is_empty());
    assert_eq!(output.matches[1].before, ["1"]);
}

#[test]
fn truncated_means_that_there_is_more() {
    let dir = tree(&[("a", "x\nx\n"), ("b", "x\n")]);
    let cut = |most| {
        let output = search(&dir, SearchInput { max_results: NonZeroU32::new(most), ..pattern("x") });
        (output.matches.len(), output.truncated)
    };
    assert_eq!(cut(1), (1, true));
    assert_eq!(cut(2), (2, true));
    assert_eq!(cut(3), (3, false));
}

#[test]
fn the_last_match_keeps_its_context_when_the_result_is_cut() {
    let dir = tree(&[("a", "x\n2\n3\nx\n")]);
    let input = SearchInput { context: 1, max_results: NonZeroU32::new(1), ..pattern("x") };
    let output = search(&dir, input);
    assert_eq!((output.matches[0].after.join(","), output.truncated), ("2".to_owned(), true));
}

#[test]
fn text_and_reading_are_bounded() {
    let dir = tree(&[("a", "x".repeat(100)), ("b", "x".repeat(100))]);
    let query = || Query { pattern: "x".to_owned(), ..Query::default() };
    let wide = Bounds { context: 0, matches: 9, text_bytes: 1000, read_bytes: 1000 };
    let run = |bounds| {
        let output = search::search(dir.path(), &Scope::default(), &query(), bounds).unwrap();
        (output.matches.len(), output.truncated)
    };
    assert_eq!(run(wide), (2, false));
    assert_eq!(run(Bounds { text_bytes: 150, ..wide }), (1, true));
    assert_eq!(run(Bounds { read_bytes: 150, ..wide }), (1, true));
}

#[test]
fn binary_files_are_counted_and_say_nothing() {
    // What makes the second one binary comes long after its match was found.
    let late = [b"x\n".to_vec(), b"y\n".repeat(100_000), vec![0]].concat();
    let dir = tree(&[("early", b"\0x\n".to_vec()), ("late", late), ("text", b"x\n".to_vec())]);
    let output = search(&dir, pattern("x"));
    assert_eq!(shown(&output), ["text:1:1:x"]);
    assert_eq!((output.binary, output.files_searched), (2, 1));
}

#[test]
fn text_in_other_encodings_is_read() {
    let utf16: Vec<u8> =
        [0xfeff_u16].into_iter().chain("naïve\n".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let dir = tree(&[("latin1", b"caf\xe9\n".to_vec()), ("utf16", utf16)]);
    assert_eq!(shown(&search(&dir, pattern("caf|naïve"))), ["latin1:1:1:caf\u{fffd}", "utf16:1:1:naïve"]);
}

#[cfg(unix)]
#[test]
fn special_files_do_no_harm() {
    let dir = tree(&[("a", "x\n")]);
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("b")).unwrap();
    assert_eq!(shown(&search(&dir, pattern("x"))), ["a:1:1:x"]);
}

#[test]
fn wrong_patterns_are_the_callers_fault() {
    let dir = tree(&[("a", "x")]);
    for wrong in ["(", "a\nb", r"(?=x)", "(((((a{99}){99}){99}){99}){99})"] {
        let error = FileSearch::search(&ctx(&dir), pattern(wrong)).unwrap_err();
        assert_eq!(error.kind(), openclaw_skill::ErrorKind::InvalidInput, "{wrong}: {error}");
    }
}

#[test]
fn an_empty_pattern_matches_every_line() {
    let dir = tree(&[("a", "1\n\n2\n")]);
    assert_eq!(search(&dir, pattern("")).matches.len(), 3);
}

#[test]
fn files_are_found_with_their_sizes() {
    let dir = tree(&[("a/x.md", "123"), ("b.md", ""), ("b.rs", "")]);
    let find = |most| {
        let input = FindFilesInput {
            globs: vec!["*.md".to_owned()],
            max_results: NonZeroU32::new(most),
            ..Default::default()
        };
        FileSearch::find_files(&ctx(&dir), input).unwrap()
    };
    let all = find(9);
    let shown: Vec<_> = all.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    assert_eq!((shown, all.truncated), (vec![("a/x.md", 3), ("b.md", 0)], false));
    assert!(find(1).truncated);
}
