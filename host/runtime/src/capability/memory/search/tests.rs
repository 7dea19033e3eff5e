//! Search in a store, and the way of an older file to it.

use std::path::Path;
use std::sync::Arc;

use super::super::{
    MemoryError, MemoryState, MemoryStores, ROW_BYTES, SCHEMA_VERSION, SEARCHED_BYTES, open_file,
};
use super::*;

fn granted(dir: &Path) -> MemoryState {
    let stores = Arc::new(MemoryStores::new(dir.to_owned()));
    MemoryState::Granted { stores, skill: "acme/notes".parse().unwrap(), quota: 4 << 20 }
}

/// A store of these values, in a directory that lives as long as it.
fn store(entries: &[(&str, &[u8])]) -> (MemoryState, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let memory = granted(dir.path());
    for (key, value) in entries {
        memory.set(key, value).unwrap();
    }
    (memory, dir)
}

fn found(memory: &MemoryState, query: &str) -> Vec<String> {
    let mut keys: Vec<_> = memory.search(query, 100).unwrap().into_iter().map(|hit| hit.key).collect();
    keys.sort();
    keys
}

#[test]
fn values_are_found_by_their_words_whatever_the_case_and_the_accents() {
    let (memory, _dir) = store(&[
        ("a", "The café opens on Tuesday.".as_bytes()),
        ("b", b"Tuesday it rains"),
        ("tuesday", b"a key is not searched"),
    ]);
    assert_eq!(found(&memory, "TUESDAY"), ["a", "b"]);
    assert_eq!(found(&memory, "tuesday cafe"), ["a"], "every word is in it");
    assert!(found(&memory, "tues").is_empty(), "words, not parts of them");
    let hit = &memory.search("opens", 1).unwrap()[0];
    assert_eq!((hit.key.as_str(), hit.snippet.as_str()), ("a", "The café opens on Tuesday."));
}

#[test]
fn an_accent_is_passed_over_however_it_is_written() {
    // One letter with its accent, or a letter and an accent after it.
    let (one, two) = ("caf\u{e9}", "cafe\u{301}");
    let far = "x ".repeat(600);
    let (memory, _dir) = store(&[
        ("one", format!("{far}{one}").as_bytes()),
        ("two", format!("{far}{two}").as_bytes()),
        ("plain", format!("{far}cafe").as_bytes()),
        ("dense", "R\u{e9}sum\u{e9} re\u{301}sume\u{301}".as_bytes()),
        ("thin", b"resume and much that is said beside it, and more than that"),
    ]);
    for query in [one, two, "cafe", "CAF\u{c9}", "CAFE\u{301}"] {
        assert_eq!(found(&memory, query), ["one", "plain", "two"], "{query:?}");
        for hit in memory.search(query, 10).unwrap() {
            assert!(hit.snippet.contains("caf"), "{query:?}: the word is in {hit:?}");
        }
    }
    for query in ["resume", "re\u{301}sum\u{e9}"] {
        let keys: Vec<_> = memory.search(query, 10).unwrap().into_iter().map(|hit| hit.key).collect();
        assert_eq!(keys, ["dense", "thin"], "{query:?}: accents count for the rank as well");
    }
    assert!(found(&memory, "caf").is_empty() && found(&memory, "\u{301}").is_empty());
}

#[test]
fn what_is_read_of_values_is_bounded_and_the_newest_are_read() {
    let (memory, _dir) = store(&[]);
    let large = format!("word {}", "x".repeat(SEARCHED_BYTES - 5));
    let fitting = READ_BYTES / SEARCHED_BYTES;
    for number in 0..fitting + 8 {
        memory.set(&format!("k{number:02}"), large.as_bytes()).unwrap();
    }
    let newest: Vec<_> = (8..fitting + 8).map(|number| format!("k{number:02}")).collect();
    assert_eq!(found(&memory, "word"), newest);
}

#[test]
fn where_the_words_are_densest_comes_first() {
    let long = "word and much that is said beside it ".repeat(20);
    let (memory, _dir) = store(&[
        ("long", long.as_bytes()),
        ("dense", b"a word, a word, and another word"),
        ("none", b"words"),
    ]);
    let keys: Vec<_> = memory.search("word", 10).unwrap().into_iter().map(|hit| hit.key).collect();
    assert_eq!(keys, ["dense", "long"]);
}

#[test]
fn a_value_that_is_made_to_be_slow_is_searched_like_any_other() {
    // A ranking or an excerpt that grows with the square of this would not end.
    let hostile = "a ".repeat(SEARCHED_BYTES / 2);
    let (memory, _dir) = store(&[]);
    for number in 0..40 {
        memory.set(&format!("k{number}"), hostile.as_bytes()).unwrap();
    }
    assert_eq!(memory.search("a A a", 100).unwrap().len(), READ_BYTES / SEARCHED_BYTES);
}

#[test]
fn the_index_follows_every_change_of_the_store() {
    let (memory, dir) = store(&[("a", b"first"), ("b", b"second")]);
    memory.set("a", b"third").unwrap();
    assert!(found(&memory, "first").is_empty());
    assert_eq!(found(&memory, "third"), ["a"]);
    memory.set("a", b"third \xff").unwrap();
    assert!(found(&memory, "third").is_empty(), "it is not text any more");
    memory.set("a", b"fourth").unwrap();
    memory.delete("b").unwrap();
    assert!(found(&memory, "second").is_empty());
    assert_eq!(found(&granted(dir.path()), "fourth"), ["a"], "and after it was opened anew");
    let connection = Connection::open(dir.path().join("acme/notes.db")).unwrap();
    connection.execute("INSERT INTO word (word, rank) VALUES ('integrity-check', 1)", []).unwrap();
}

#[test]
fn what_the_quota_refused_is_not_found() {
    let (memory, _dir) = store(&[("a", b"kept")]);
    let large = "refused ".repeat(1 << 20);
    assert!(matches!(memory.set("a", large.as_bytes()), Err(wit::Error::QuotaExceeded(_))));
    assert_eq!((found(&memory, "refused").len(), found(&memory, "kept").len()), (0, 1));
}

#[test]
fn the_index_does_not_count_against_the_quota() {
    let dir = tempfile::tempdir().unwrap();
    let stores = Arc::new(MemoryStores::new(dir.path().to_owned()));
    let quota = 5_000 + 1 + ROW_BYTES;
    let memory = MemoryState::Granted { stores, skill: "acme/notes".parse().unwrap(), quota };
    memory.set("k", "word ".repeat(1_000).as_bytes()).unwrap();
    assert_eq!(found(&memory, "word"), ["k"]);
}

#[test]
fn only_text_of_some_length_is_found() {
    let long = "word ".repeat(SEARCHED_BYTES / 5 + 1);
    let (memory, _dir) =
        store(&[("binary", b"word \xff"), ("long", long.as_bytes()), ("empty", b""), ("nul", b"a\0word")]);
    assert_eq!(found(&memory, "word"), ["nul"]);
}

#[test]
fn no_sign_in_a_query_has_a_meaning_and_none_makes_it_fail() {
    let (memory, _dir) = store(&[("a", b"one two"), ("b", b"NEAR one OR two \" AND NOT text:")]);
    for query in [
        "",
        " ",
        "\"",
        "\"\"\"",
        "'",
        "*",
        "one*",
        "-",
        "^one",
        "(",
        ")",
        "{text}:",
        "text:nothing",
        "AND",
        "OR",
        "NOT",
        "NEAR(one two)",
        "NEAR(one, 5)",
        "a\0b",
        "\0",
        "one OR absent",
        "+",
        ";",
        "\\",
        "\u{202e}",
        "'; DROP TABLE entry",
    ] {
        assert!(memory.search(query, 10).is_ok(), "{query:?}");
    }
    assert!(found(&memory, "one OR absent").is_empty(), "OR is a word");
    assert_eq!(found(&memory, "one OR two"), ["b"]);
    assert_eq!(found(&memory, "one* -two"), ["a", "b"], "signs are passed over");
    let many = "a ".repeat(QUERY_BYTES / 2);
    assert!(memory.search(&many, 10).unwrap().is_empty(), "the same word over and over is one");
    let deep = "\"".repeat(QUERY_BYTES);
    assert!(memory.search(&deep, 10).unwrap().is_empty());
}

#[test]
fn queries_hits_and_snippets_are_bounded() {
    let wide = "ä".repeat(15_000);
    let (memory, _dir) = store(&[("wide", format!("{wide} found {wide}").as_bytes())]);
    let snippet = &memory.search("found", 10).unwrap()[0].snippet;
    assert!(snippet.len() <= SNIPPET_BYTES && snippet.contains("ä found ä"), "{snippet}");
    assert!(snippet.starts_with('…') && snippet.ends_with('…'), "{snippet}");
    let different: String = (0..=WORDS).map(|word| format!("w{word} ")).collect();
    for bad in ["x ".repeat(QUERY_BYTES), "x".repeat(WORD_BYTES + 1), different] {
        assert!(matches!(memory.search(&bad, 10), Err(wit::Error::InvalidQuery)), "{bad}");
    }
    for number in 0..HITS + 20 {
        memory.set(&format!("k{number}"), b"many").unwrap();
    }
    assert_eq!(memory.search("many", u32::MAX).unwrap().len(), HITS as usize);
    assert_eq!(memory.search("many", 3).unwrap().len(), 3);
    assert!(memory.search("many", 0).unwrap().is_empty());
}

#[test]
fn writing_one_key_over_and_over_does_not_fill_the_disk() {
    let (memory, dir) = store(&[]);
    for turn in 0..300_u32 {
        let text: String = (0..2_000).map(|word| format!("w{} ", word ^ turn)).collect();
        memory.set("k", text.as_bytes()).unwrap();
    }
    let bytes = std::fs::metadata(dir.path().join("acme/notes.db")).unwrap().len();
    assert!(bytes < 4 << 20, "{bytes} bytes for a value of 12 KiB");
}

/// A file as version 1 wrote it.
fn file_of_version_1(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let old = Connection::open(path).unwrap();
    old.execute_batch(
        "CREATE TABLE entry (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
         INSERT INTO entry VALUES ('b', CAST('second word' AS BLOB)), ('a', CAST('first word' AS BLOB)), ('c', x'ff');
         PRAGMA user_version = 1;",
    )
    .unwrap();
}

#[test]
fn a_file_of_an_older_version_is_migrated_and_searched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acme/notes.db");
    file_of_version_1(&path);
    let memory = granted(dir.path());
    assert_eq!(memory.get("c").unwrap().unwrap(), b"\xff");
    assert_eq!(memory.list_keys("", None, 10).unwrap(), ["a", "b", "c"]);
    assert_eq!(found(&memory, "word"), ["a", "b"]);
    memory.set("a", b"changed").unwrap();
    assert_eq!(found(&memory, "word"), ["b"]);
    let connection = Connection::open(&path).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
    let left: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%before%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acme/notes.db");
    file_of_version_1(&path);
    // Something of the new layout's name is in the way.
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE word (x ANY) STRICT;").unwrap();
    assert!(matches!(open_file(&path), Err(MemoryError::Database { .. })));
    let connection = Connection::open(&path).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let entries: i64 = connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!((version, entries), (1, 3));
}
