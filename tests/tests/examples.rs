//! Each example skill does what it says, installed from a package of its own files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use openclaw_tests::{Home, component};
use serde_json::{Value, json};

/// A home with an example skill installed, under its own name and with its own manifest.
fn home_with(name: &str) -> Home {
    let home = Home::empty();
    home.run(["key", "new", "openclaw"]).json();
    let key = home.plain(["key", "show", "openclaw"]).success();
    home.run(["trust", "add", "openclaw", key.trim()]).json();
    install(&home, name);
    home
}

fn install(home: &Home, name: &str) {
    let source = component::repository().join("example-skills").join(name);
    let project = home.path(name);
    std::fs::create_dir_all(project.join("openclaw")).unwrap();
    for file in ["SKILL.md", "openclaw/skill.toml"] {
        std::fs::copy(source.join(file), project.join(file)).unwrap();
    }
    std::fs::write(project.join("openclaw/skill.wasm"), component::rust(name)).unwrap();
    let archive = home.path(format!("{name}.tar.gz"));
    home.run(["skill", "pack", project.to_str().unwrap(), "--output", archive.to_str().unwrap()]).json();
    home.install_archive(&archive).json();
}

fn call(home: &Home, tool: &str, input: &Value) -> Value {
    home.run(["tool", "call", &format!("openclaw/{tool}"), &input.to_string()]).output()
}

#[test]
fn every_example_is_packed_installed_and_lists_its_tools() {
    let home = home_with("word-count");
    for name in ["notes", "file-search", "web-fetch"] {
        install(&home, name);
    }
    let tools = home.run(["tool", "list"]).json();
    let names: BTreeSet<&str> =
        tools.as_array().unwrap().iter().filter_map(|tool| tool["tool"].as_str()).collect();
    for name in [
        "word-count/count",
        "word-count/frequency",
        "notes/add",
        "file-search/search",
        "file-search/find-files",
    ] {
        assert!(names.contains(format!("openclaw/{name}").as_str()), "{names:?}");
    }
    for tool in tools.as_array().unwrap() {
        assert!(tool["description"].as_str().is_some_and(|text| text.len() > 10), "{tool}");
        assert_eq!(tool["input_schema"]["type"], "object", "{tool}");
    }
}

#[test]
fn word_count_counts() {
    let home = home_with("word-count");
    let counts = call(&home, "word-count/count", &json!({ "text": "It works. Twice!" }));
    let expected = json!({
        "words": 3, "lines": 1, "characters": 16, "bytes": 16, "sentences": 2, "reading_seconds": 1
    });
    assert_eq!(counts, expected);
    let unicode = call(&home, "word-count/count", &json!({ "text": "nai\u{308}ve 👩‍👩‍👧" }));
    assert_eq!(unicode["characters"], 7);
    let text = "the cat and the dog and the bird";
    let frequent = call(&home, "word-count/frequency", &json!({ "text": text, "top": 2 }));
    assert_eq!(frequent["words"], json!([{ "word": "the", "count": 3 }, { "word": "and", "count": 2 }]));
}

#[test]
fn notes_are_kept() {
    keeps_notes(&home_with("notes"));
}

/// The same at the other level, where the store is opened before the worker gives up all other files.
#[test]
fn notes_are_kept_by_a_worker() {
    let home = home_with("notes");
    std::fs::write(home.data().join("config.yaml"), "execution: { sandbox: { level: isolated } }\n").unwrap();
    keeps_notes(&home);
}

fn keeps_notes(home: &Home) {
    let added = call(home, "notes/add", &json!({ "title": "Milk", "body": "Two litres.", "tags": ["shop"] }));
    let id = added["id"].clone();
    call(home, "notes/add", &json!({ "title": "Rent", "body": "Due on Friday." }));
    // Another process, another store: what is left is what was kept.
    let note = call(home, "notes/get", &json!({ "id": id }));
    assert_eq!((&note["title"], &note["body"]), (&json!("Milk"), &json!("Two litres.")));
    let listed = call(home, "notes/list", &json!({ "tag": "shop" }));
    assert_eq!(listed["notes"].as_array().map(Vec::len), Some(1), "{listed}");
    let found = call(home, "notes/search", &json!({ "query": "friday" }));
    assert_eq!(found["hits"][0]["title"], "Rent", "{found}");
    call(home, "notes/update", &json!({ "id": id, "append": "And bread." }));
    assert!(call(home, "notes/get", &json!({ "id": id }))["body"].as_str().unwrap().contains("And bread."));

    home.run(["remove", "openclaw/notes"]).json();
    home.install_archive(&home.path("notes.tar.gz")).json();
    assert_eq!(call(home, "notes/list", &json!({}))["total"], 2);
    home.run(["remove", "openclaw/notes", "--purge"]).json();
    home.install_archive(&home.path("notes.tar.gz")).json();
    assert_eq!(call(home, "notes/list", &json!({}))["total"], 0);
}

#[test]
fn notes_without_their_directory_say_what_is_missing() {
    let home = home_with("notes");
    home.run(["grant", "revoke", "openclaw/notes", "filesystem:write", "$data"]).json();
    let input = json!({ "title": "Milk" }).to_string();
    let refused = home.run(["tool", "call", "openclaw/notes/add", &input]).refused("permission-denied");
    assert_eq!(refused.hint(), "openclaw grant allow openclaw/notes filesystem:write '$data'");
    home.paste(refused.hint()).json();
    call(&home, "notes/add", &json!({ "title": "Milk" }));
}

#[test]
fn notes_without_their_memory_are_right_all_the_same() {
    let home = home_with("notes");
    call(&home, "notes/add", &json!({ "title": "Milk" }));
    home.run(["grant", "revoke", "openclaw/notes", "memory"]).json();
    let listed = home.run(["tool", "call", "openclaw/notes/list"]);
    listed.was_denied("not-granted memory");
    assert_eq!(listed.output()["notes"][0]["title"], "Milk");
    let record = home.last_record();
    assert_eq!(record["denials"][0]["hint"], "openclaw grant allow openclaw/notes memory", "{record}");
}

#[test]
fn file_search_finds_what_grep_finds_in_this_repository() {
    let home = home_with("file-search");
    copy_repository(&home.workspace());
    for pattern in
        ["fn [a-z]+_at\\(", "TODO|FIXME", "\"[a-z]+:[a-z]+/[a-z]+@", "^use openclaw_[a-z]+::", "émigré"]
    {
        let expected = grep(&home.workspace(), pattern);
        let input =
            json!({ "pattern": pattern, "case": "sensitive", "hidden": true, "max_results": 100_000 });
        let found = call(&home, "file-search/search", &input);
        let found_lines: BTreeSet<(String, u64)> = found["matches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| (hit["path"].as_str().unwrap().to_owned(), hit["line"].as_u64().unwrap()))
            .collect();
        if found["truncated"] == true {
            // It gives the first of them; each is one of grep's.
            assert!(found_lines.is_subset(&expected), "{pattern}");
        } else {
            assert_eq!(found_lines, expected, "{pattern}");
        }
    }
    assert!(!grep(&home.workspace(), "^use openclaw_[a-z]+::").is_empty());
}

#[test]
fn file_search_respects_ignore_files_and_links() {
    let home = home_with("file-search");
    let workspace = home.workspace();
    for (name, text) in [
        (".gitignore", "ignored/\n*.log\n"),
        ("a.txt", "needle"),
        ("ignored/b.txt", "needle"),
        ("c.log", "needle"),
        ("sub/d.txt", "needle"),
        (".hidden", "needle"),
    ] {
        let path = workspace.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::write(home.path("outside"), "needle").unwrap();
    std::os::unix::fs::symlink(home.path("outside"), workspace.join("link")).unwrap();
    let paths = |input: Value| -> Vec<String> {
        let found = call(&home, "file-search/search", &input);
        found["matches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["path"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(paths(json!({ "pattern": "needle" })), ["a.txt", "sub/d.txt"]);
    let all = paths(json!({ "pattern": "needle", "no_ignore": true, "hidden": true }));
    assert_eq!(all, [".hidden", "a.txt", "c.log", "ignored/b.txt", "sub/d.txt"]);
}

/// Copies the files of this repository that are in version control or could be.
fn copy_repository(to: &Path) {
    let repository = component::repository();
    let listed = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&repository)
        .output()
        .expect("git is needed to know what belongs to the repository");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let mut copied = 0;
    for name in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|name| !name.is_empty()) {
        let (source, target) = (repository.join(name), to.join(name));
        // What is built lies beside its source where no ignore file says so, and is no text.
        let is_source =
            std::fs::symlink_metadata(&source).is_ok_and(|meta| meta.is_file() && meta.len() < 1 << 20);
        if is_source && !name.contains("/target/") {
            std::fs::create_dir_all(target.parent().expect("a directory")).expect("a directory");
            std::fs::copy(source, target).expect("a copy");
            copied += 1;
        }
    }
    assert!(copied > 100, "{copied} files");
}

/// The places where grep finds a pattern.
fn grep(dir: &Path, pattern: &str) -> BTreeSet<(String, u64)> {
    let mut grep = Command::new("grep");
    grep.args(["-rnIE", pattern, "."]).current_dir(dir).env("LC_ALL", "C.UTF-8");
    let found = grep.output().expect("grep is there");
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let place = |line: &str| {
        let mut parts = line.trim_start_matches("./").splitn(3, ':');
        Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
    };
    text.lines().filter_map(place).collect()
}
