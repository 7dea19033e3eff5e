//! What is found, and that edits are seen and the index is only a cache.

use std::os::unix::fs::MetadataExt as _;

use super::*;

#[test]
fn a_passage_is_found_with_its_file_and_heading() {
    let scene = Scene::new();
    scene.write(
        "MEMORY.md",
        "# Memory\n\n## People\n\n- Ada likes tea\n- Bob likes coffee\n\n## Tools\n\n- cmake\n",
    );
    scene.note("deployed the server with Ada");
    let found = scene.memory.search("ada tea", 10).unwrap();
    assert_eq!(found.left_out, Vec::<String>::new());
    let places: Vec<_> = found
        .hits
        .iter()
        .map(|hit| (hit.file.as_str(), hit.heading.as_str(), hit.snippet.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            ("MEMORY.md", "People", "- Ada likes tea"),
            (LOG, "2026-02-03", "- 14:05 deployed the server with Ada")
        ]
    );
    assert!(found.hits[0].score > found.hits[1].score, "{found:?}");
    assert_eq!(scene.memory.search("ada", 1).unwrap().hits.len(), 1);
    assert_eq!(scene.find("deploy"), ["- 14:05 deployed the server with Ada"], "by how a word begins");
    assert_eq!(scene.find("zebra"), Vec::<String>::new());
}

#[test]
fn a_word_is_found_however_its_letters_are_written() {
    let scene = Scene::new();
    scene.note("Résumé for the Größe of Привет 世界");
    for query in ["resume", "RÉSUMÉ", "re\u{301}sume\u{301}", "größe", "привет", "世界"] {
        assert_eq!(scene.find(query).len(), 1, "{query}");
    }
}

#[test]
fn an_edit_by_hand_is_seen_by_the_next_search() {
    let scene = Scene::new();
    scene.note("the colour is green");
    assert_eq!(scene.find("green").len(), 1);
    // As long as before, and perhaps at the same time as clocks of file systems tell it.
    let edited = scene.text(LOG).replace("green", "brown");
    scene.write(LOG, &edited);
    assert_eq!((scene.find("green").len(), scene.find("brown").len()), (0, 1));
    fs::remove_file(scene.path(LOG)).unwrap();
    assert_eq!(scene.find("brown").len(), 0);
}

#[test]
fn what_was_deleted_is_not_in_the_index_any_more() {
    let scene = Scene::new();
    // Enough to fill pages of the database, which are then free.
    scene.write(
        "2026-02-01.md",
        (0..500).map(|n| format!("- xylophone {n} {}\n", "wood ".repeat(20))).collect::<String>(),
    );
    scene.note("marimba");
    let has = |word: &str| {
        let bytes = fs::read(scene.path(".index.db")).unwrap();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    };
    scene.find("xylophone");
    assert!(has("xylophone"));
    fs::remove_file(scene.path("2026-02-01.md")).unwrap();
    scene.find("marimba");
    assert!(!has("xylophone") && !has("ylophone") && has("marimba"));
}

#[test]
fn a_deleted_index_is_made_anew_while_it_is_in_use() {
    let scene = Scene::new();
    scene.note("needle");
    assert_eq!(scene.find("needle").len(), 1);
    let before = fs::metadata(scene.path(".index.db")).unwrap().ino();
    fs::remove_file(scene.path(".index.db")).unwrap();
    assert_eq!(scene.find("needle").len(), 1);
    assert_ne!(fs::metadata(scene.path(".index.db")).unwrap().ino(), before);
    fs::remove_dir_all(scene.memory.path()).unwrap();
    assert_eq!(scene.find("needle").len(), 0);
    scene.note("needle again");
    assert_eq!(scene.find("needle").len(), 1);
}

#[test]
fn a_damaged_index_is_made_anew() {
    for is_new_process in [false, true] {
        let scene = Scene::new();
        for number in 0..200 {
            scene.note(&format!("needle {number} {}", "straw ".repeat(50)));
        }
        assert_eq!(scene.find("needle").len(), 10);
        let path = scene.path(".index.db");
        let whole = fs::read(&path).unwrap();
        let damages: [fn(&mut Vec<u8>); 4] = [
            |bytes| bytes[..100].fill(0xff),
            |bytes| bytes.truncate(bytes.len() / 2),
            |bytes| bytes[100..].fill(0x55),
            |bytes| *bytes = b"no database at all".to_vec(),
        ];
        for damage in damages {
            let mut bytes = whole.clone();
            damage(&mut bytes);
            fs::write(&path, &bytes).unwrap();
            let memory = if is_new_process {
                open(scene.dir.path(), FileMemory::default(), PATTERNS)
            } else {
                Arc::clone(&scene.memory)
            };
            let found = memory.search("needle", 10).unwrap();
            assert_eq!(found.hits.len(), 10);
            assert!(found.hits.iter().all(|hit| hit.snippet.contains("needle")), "{found:?}");
        }
    }
}

#[test]
fn an_index_of_another_layout_or_schema_is_made_anew() {
    let scene = Scene::new();
    scene.note("needle");
    scene.find("needle");
    let change = |sql: &str| {
        let connection = rusqlite::Connection::open(scene.path(".index.db")).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    for sql in
        ["PRAGMA user_version = 7;", "DROP TABLE file;", "DROP TABLE passage; CREATE TABLE passage (x);"]
    {
        change(sql);
        let memory = open(scene.dir.path(), FileMemory::default(), PATTERNS);
        assert_eq!(memory.search("needle", 5).unwrap().hits.len(), 1, "{sql}");
    }
}

#[test]
fn a_pattern_that_an_owner_adds_is_cut_from_what_was_indexed_before() {
    let scene = Scene::new();
    scene.write(LOG, "- account ACC-12345\n");
    assert_eq!(scene.find("account"), ["- account ACC-12345"]);
    let memory = open(scene.dir.path(), FileMemory::default(), "patterns: ['ACC-\\d+']");
    assert_eq!(memory.search("account", 5).unwrap().hits[0].snippet, "- account [redacted:pattern]");
    assert!(!String::from_utf8_lossy(&fs::read(scene.path(".index.db")).unwrap()).contains("ACC-1"));
}

#[test]
fn syntax_in_a_query_is_only_words() {
    let scene = Scene::new();
    scene.note("plain words about body near things");
    for query in [
        "",
        " ",
        "\"",
        "\"\"\"",
        "*",
        "words*",
        "body:words",
        "NEAR(plain words, 2)",
        "words NOT plain",
        "AND OR NOT",
        "(((",
        "^words",
        "- + { } : . ,",
        "{body heading}: words",
        "'; DROP TABLE passage; --",
        "\" OR rank:*",
        "words\0 plain",
        "—…“”",
        "🦀",
        "\u{202e}words",
        &"words ".repeat(10_000),
        &"w".repeat(100_000),
    ] {
        let found = scene.memory.search(query, 10).unwrap();
        assert_eq!(found.left_out, Vec::<String>::new());
        let shown: String = query.chars().take(40).collect();
        let has_word = ["words", "plain", "body", "NEAR"].iter().any(|word| query.contains(word));
        assert_eq!(!found.hits.is_empty(), has_word, "{shown:?}");
    }
}

#[test]
fn processes_that_search_and_write_at_once_see_what_was_written_before() {
    let scene = Scene::new();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let dir = scene.dir.path();
            scope.spawn(move || {
                let memory = open(dir, FileMemory::default(), "{}");
                for number in 0..8 {
                    let word = format!("w{writer}n{number}z");
                    memory.note_at(&day(), &word, NoteKind::Note).unwrap();
                    assert_eq!(memory.search(&word, 5).unwrap().hits.len(), 1, "{word}");
                }
            });
        }
    });
}
