//! The journal of the author's guide, in the languages that it is shown in.

use std::fs;

use openclaw_tests::{Home, component};
use serde_json::json;

#[test]
fn the_journal_is_one_skill_in_typescript() {
    journal("typescript", "src/index.ts");
}

#[test]
fn the_journal_is_one_skill_in_python() {
    journal("python", "src/skill.py");
}

/// The first block of the guide with this fence.
fn block(guide: &str, fence: &str) -> String {
    let (_, rest) = guide.split_once(&format!("```{fence}\n")).expect(fence);
    rest.split_once("```\n").expect("its end").0.to_owned()
}

fn journal(language: &str, source: &str) {
    let guide = fs::read_to_string(component::repository().join("docs/skill-authors.md")).unwrap();
    let home = Home::new();
    home.run(["skill", "new", "journal", "--lang", language, "--publisher", "acme"]).json();
    let dir = home.workspace().join("journal");
    fs::write(dir.join(source), block(&guide, language)).unwrap();
    let manifest = block(&guide, "toml manifest");
    // The limits that are shown are those of the one in Rust.
    let (manifest, _) = manifest.split_once("[limits]").unwrap();
    let manifest = manifest.replacen("[skill]", &format!("[skill]\nlanguage = \"{language}\""), 1);
    fs::write(dir.join("openclaw/skill.toml"), manifest).unwrap();
    let built = home.run(["skill", "build", "journal"]).json();
    assert_eq!(built["tools"], json!(["commits", "keep", "look-up"]));

    let kept = |input: &str| home.run(["skill", "run", "journal", "keep", input]);
    assert_eq!(kept(r#"{"day":"2026-03-01","text":"It rained."}"#).output(), json!({ "entries": 1 }));
    fs::write(home.workspace().join("note.txt"), "It snowed.").unwrap();
    assert_eq!(kept(r#"{"day":"2026-03-02","file":"note.txt"}"#).output(), json!({ "entries": 2 }));
    let data = dir.join("target/openclaw/data/2026-03-02.md");
    assert_eq!(fs::read_to_string(data).unwrap(), "It snowed.");
    let neither = kept(r#"{"day":"2026-03-01"}"#).refused("invalid-input");
    assert!(neither.message.contains("give either `text` or `file`"), "{neither:?}");
    kept(r#"{"day":"yesterday","text":"x"}"#).refused("invalid-input");
    let no_repository = home.run(["skill", "run", "journal", "commits", r#"{"day":"2026-03-01"}"#]);
    assert!(no_repository.refused("tool-failed").message.contains("not a git repository"), "{no_repository}");
}
