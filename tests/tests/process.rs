//! Programs that a skill may run: what they are given, and what they can do with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

/// A skill that may write its workspace and run a program with these arguments.
fn home(program: &str, args: &str, rest: &str) -> Home {
    Home::with(&Skill::guest("process").tree("$workspace", "write").program(program, args, rest))
}

#[track_caller]
fn run(home: &Home, program: &str, args: &[&str]) -> Value {
    home.call("process/run", &json!({ "program": program, "args": args })).output()
}

#[test]
fn a_program_runs_in_the_workspace_and_answers() {
    let home = home("cat", r#"[["-"], ["--", { path = "$workspace" }]]"#, "");
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    assert_eq!(run(&home, "cat", &["--", "a.txt"])["stdout"], "hello");
    assert_eq!(run(&home, "cat", &["--", "/workspace/a.txt"])["stdout"], "hello");
    let input = json!({ "program": "cat", "args": ["-"], "input": "typed" });
    assert_eq!(home.call("process/run", &input).output()["stdout"], "typed");
    let missing = run(&home, "cat", &["--", "b.txt"]);
    assert_eq!(missing["exit"], 1);
    assert!(missing["stderr"].as_str().unwrap().contains("b.txt"));
    let record = home.last_record();
    assert_eq!(record["programs"][0]["command"], "cat -- b.txt");
    assert_eq!(record["programs"][0]["exit"], "1");
}

#[test]
fn a_conversation_is_streamed_and_ends_with_its_input() {
    let home = home("cat", r#"[[]]"#, "");
    let said = home.call("process/converse", &json!({ "program": "cat" })).output();
    assert_eq!(said, json!({ "answers": ["one\n", "two\n"], "exit": 0 }));
}
