//! The example skills in TypeScript and Python, built and installed as any skill is.

use openclaw_tests::{Home, component};
use serde_json::{Value, json};

use super::scene::{copy, install};

/// A home with an example installed under its own name.
fn home_with(name: &str) -> Home {
    let home = Home::empty();
    home.run(["key", "new", "openclaw"]).json();
    let key = home.plain(["key", "show", "openclaw"]).success();
    home.run(["trust", "add", "openclaw", key.trim()]).json();
    // Where the SDK is found as it is in the repository.
    let examples = home.path("repository/example-skills");
    copy(&component::repository().join("example-skills").join(name), &examples.join(name));
    copy(&component::repository().join("skills-sdk/js"), &home.path("repository/skills-sdk/js"));
    install(&home, &examples.join(name));
    home
}

fn call(home: &Home, tool: &str, input: &Value) -> Value {
    home.run(["tool", "call", &format!("openclaw/{tool}"), &input.to_string()]).output()
}

#[test]
fn word_count_in_typescript_counts_as_the_one_in_rust_does() {
    let home = home_with("word-count-ts");
    let counts = call(&home, "word-count-ts/count", &json!({ "text": "It works. Twice!" }));
    let expected = json!({
        "words": 3, "lines": 1, "characters": 16, "bytes": 16, "sentences": 2, "reading_seconds": 1
    });
    assert_eq!(counts, expected);
    let unicode = call(&home, "word-count-ts/count", &json!({ "text": "nai\u{308}ve 👩‍👩‍👧" }));
    assert_eq!(unicode["characters"], 7);
    let text = "the cat and the dog and the bird";
    let frequent = call(&home, "word-count-ts/frequency", &json!({ "text": text, "top": 2 }));
    assert_eq!(frequent["words"], json!([{ "word": "the", "count": 3 }, { "word": "and", "count": 2 }]));
}

#[test]
fn markdown_table_makes_a_table_of_a_file_of_the_workspace() {
    let home = home_with("markdown-table");
    std::fs::write(home.workspace().join("a.csv"), "name,age\nAda,36\nAlan,41\n").unwrap();
    let table = call(&home, "markdown-table/render", &json!({ "file": "a.csv" }));
    let expected = "| name | age |\n| :--- | --: |\n| Ada  |  36 |\n| Alan |  41 |\n";
    assert_eq!((&table["table"], &table["rows"]), (&json!(expected), &json!(2)));
    let aligned = call(&home, "markdown-table/align", &json!({ "markdown": "|a|b|\n|-|-:|\n|1|22|" }));
    assert!(aligned.to_string().contains("22"), "{aligned}");
    let outside = json!({ "file": "../../etc/passwd" }).to_string();
    let ran = home.run(["tool", "call", "openclaw/markdown-table/render", &outside]);
    assert!(ran.code != Some(0) && !ran.stdout.contains("root:"), "{ran}");
}

#[test]
fn csv_stats_summarises_a_file_of_the_workspace() {
    let home = home_with("csv-stats");
    let csv = "region,amount\nnorth,10\nnorth,20\nsouth,5\nnorth,30\n";
    std::fs::write(home.workspace().join("sales.csv"), csv).unwrap();
    let input = json!({ "path": "sales.csv", "group_by": ["region"], "quantiles": [0.5, 0.95] });
    let summary = call(&home, "csv-stats/summarize", &input);
    let north = summary["groups"].as_array().unwrap().iter().find(|group| group["key"]["region"] == "north");
    let amount = &north.unwrap()["columns"]["amount"];
    assert_eq!(
        (&amount["count"], &amount["mean"], &amount["stdev"]),
        (&json!(3), &json!(20.0), &json!(10.0))
    );
    assert_eq!(amount["quantiles"], json!({ "0.5": 20.0, "0.95": 29.0 }));
    let described = call(&home, "csv-stats/describe", &json!({ "path": "sales.csv" }));
    assert!(described.to_string().contains("amount"), "{described}");
}
