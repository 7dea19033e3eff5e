//! A skill's own store, searched by its words, at both levels.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

/// A home at a level, with a skill that holds a memory.
fn home(level: &str) -> Home {
    let home = Home::with(&Skill::guest("memory").memory());
    let config = format!("execution: {{ sandbox: {{ level: {level} }} }}\n");
    std::fs::write(home.data().join("config.yaml"), config).unwrap();
    home
}

fn keep(home: &Home, key: &str, text: &str) {
    home.call("memory/keep", &json!({ "key": key, "text": text })).output();
}

fn search(home: &Home, query: &str) -> Value {
    home.call("memory/search", &json!({ "query": query })).output()
}

#[test]
fn what_one_call_keeps_another_finds_at_both_levels() {
    for level in ["restricted", "isolated"] {
        let home = home(level);
        keep(&home, "a", "The café opens on Tuesday");
        keep(&home, "b", "On Wednesday it is closed");
        let hit = json!([{ "key": "a", "snippet": "The café opens on Tuesday" }]);
        assert_eq!(search(&home, "CAFE tuesday"), hit, "{level}");
        keep(&home, "a", "The library opens on Monday");
        assert_eq!(search(&home, "cafe"), json!([]), "{level}");
        home.call("memory/forget", &json!({ "key": "b" })).output();
        assert_eq!(search(&home, "wednesday"), json!([]), "{level}");
        assert_eq!(search(&home, "\" OR * ("), json!([]), "{level}");
        let long = home.call("memory/search", &json!({ "bytes": 2_000 }));
        assert!(long.error().message.contains("invalid query"), "{level}");
    }
}

#[test]
fn a_store_is_searched_by_no_other_skill_and_not_without_a_grant() {
    let home = home("restricted");
    home.install(&Skill::guest("memory").named("other").memory());
    keep(&home, "a", "mine alone");
    assert_eq!(home.call("other/search", &json!({ "query": "mine" })).output(), json!([]));
    home.run(["grant", "revoke", "acme/memory", "memory"]).json();
    let denied = home.call("memory/search", &json!({ "query": "mine" })).refused("permission-denied");
    assert_eq!(denied.hint(), "openclaw grant allow acme/memory memory");
}
