//! Skills that compute for ever, take all there is or say too much: each call ends, says why, and harms no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::time::Duration;

use openclaw_tests::{Home, Ran, Skill};
use serde_json::{Value, json};

/// What a call may take beyond its deadline, on a machine that is busy with other things.
const GRACE: Duration = Duration::from_secs(8);

fn home() -> Home {
    let skill = Skill::guest("compute").limit("timeout", "\"2s\"").limit("fuel", "40_000_000_000");
    Home::with(&skill.limit("memory", "\"64MiB\""))
}

/// The call came back in time, and the next one works.
#[track_caller]
fn ended(home: &Home, ran: &Ran) {
    assert!(ran.took < Duration::from_secs(2) + GRACE, "{ran}");
    let took = home.last_record()["duration_us"].as_u64().unwrap();
    assert!(took <= 3_000_000, "the call itself took {took} µs");
    assert_eq!(home.call("compute/echo", &json!({ "text": "still here" })).output()["text"], "still here");
}

#[test]
fn endless_loops_end() {
    let home = home();
    for tool in ["spin", "fill-memory-for-ever"] {
        let ran = home.call(&format!("compute/{tool}"), &json!({}));
        let failure = ran.error();
        assert!(matches!(failure.code.as_str(), "timeout" | "fuel-exhausted"), "{tool}: {failure:?}");
        assert_eq!(failure.exit, 5);
        ended(&home, &ran);
    }
}

#[test]
fn sleep_ends_and_costs_nothing_else() {
    let home = home();
    let ran = home.call("compute/sleep", &json!({}));
    ran.refused("timeout");
    ended(&home, &ran);
    home.call("compute/sleep", &json!({ "milliseconds": 20 })).output();
}

#[test]
fn fuel_is_a_limit_of_its_own() {
    let home = Home::with(&Skill::guest("compute").limit("fuel", "2_000_000"));
    let ran = home.call("compute/spin", &json!({}));
    let failure = ran.refused("fuel-exhausted");
    assert_eq!(failure.call["fuel"], 2_000_000, "{failure:?}");
    assert_eq!(home.last_record()["outcome"], "fuel-exhausted");
    home.call("compute/work", &json!({ "steps": 1000 })).output();
}

#[test]
fn equal_calls_burn_equal_fuel() {
    let home = home();
    for (tool, input) in
        [("work", json!({ "steps": 20_000 })), ("echo", json!({ "text": "x" })), ("hash-order", json!({}))]
    {
        let call = || home.call(&format!("compute/{tool}"), &input).json();
        let (one, other) = (call(), call());
        assert_eq!(one["fuel"], other["fuel"], "{tool}");
        assert_eq!(one["output"], other["output"], "{tool}");
    }
    let (one, other) = (
        home.call("compute/work", &json!({ "steps": 1000 })).json(),
        home.call("compute/work", &json!({})).json(),
    );
    assert!(one["fuel"].as_u64() < other["fuel"].as_u64());
}

#[test]
fn recursion_is_a_crash_of_the_guest_alone() {
    let home = home();
    let ran = home.call("compute/recurse", &json!({}));
    ran.refused("trap");
    ended(&home, &ran);
}

#[test]
fn memory_is_limited() {
    let home = home();
    let ran = home.call("compute/grow-memory", &json!({}));
    ran.refused("memory-exceeded");
    ended(&home, &ran);
    let ran = home.call("compute/grow-memory-and-survive", &json!({}));
    let document = ran.json();
    let mebibytes = document["output"]["mebibytes"].as_u64().unwrap();
    assert!((30..=64).contains(&mebibytes), "{document}");
    assert!(document["memory_bytes"].as_u64() <= Some(64 << 20), "{document}");
}

#[test]
fn a_result_is_limited() {
    let skill = Skill::guest("compute").limit("timeout", "\"2s\"").limit("memory", "\"256MiB\"");
    let home = Home::with(&skill);
    // One that is a little too large, and one that the host would not even copy.
    for bytes in [(1 << 20) + 1, 20 << 20] {
        let ran = home.call("compute/huge-output", &json!({ "bytes": bytes }));
        let failure = ran.error();
        assert!(matches!(failure.code.as_str(), "output-too-large" | "trap"), "{bytes}: {failure:?}");
        ended(&home, &ran);
    }
    let fits = home.call("compute/huge-output", &json!({ "bytes": 1000 })).output();
    assert_eq!(fits.as_str().map(str::len), Some(1000));
}

#[test]
fn a_log_is_limited() {
    let home = home();
    let logged = home.call("compute/huge-log", &json!({ "lines": 20_000, "bytes": 4096 })).json();
    bounded(&logged);
    let long = home.call("compute/huge-log", &json!({ "lines": 5, "bytes": 4 << 20 })).json();
    bounded(&long);
    let few = home.call("compute/huge-log", &json!({ "lines": 3, "bytes": 8 })).json();
    assert_eq!(few["log"].as_array().map(Vec::len), Some(3), "{few}");
    assert_eq!(few["log"][0], json!({ "level": "warn", "message": "log log " }));
}

#[test]
fn standard_output_and_error_are_a_limited_part_of_the_log() {
    let home = home();
    for (tool, level) in [("spam-stdout", "stdout"), ("spam-stderr", "stderr")] {
        let ran = home.call(&format!("compute/{tool}"), &json!({}));
        let failure = ran.error();
        assert!(matches!(failure.code.as_str(), "timeout" | "fuel-exhausted"), "{tool}: {failure:?}");
        bounded(&failure.call);
        ended(&home, &ran);
        let few = home.call(&format!("compute/{tool}"), &json!({ "lines": 2 })).json();
        assert_eq!(few["log"][1], json!({ "level": level, "message": "line 1 of a great many" }), "{few}");
    }
}

/// What is kept of a log is little.
#[track_caller]
fn bounded(call: &Value) {
    let lines = call["log"].as_array().unwrap_or_else(|| panic!("no log: {call}"));
    assert!(!lines.is_empty() && lines.len() <= 1_000, "{} lines", lines.len());
    assert!(call["log"].to_string().len() < 1 << 20, "{} bytes", call["log"].to_string().len());
}

#[test]
fn the_message_of_a_panic_comes_through() {
    let home = home();
    let ran = home.call("compute/panic", &json!({ "text": "the moon is full" }));
    let failure = ran.refused("trap");
    assert!(failure.message.contains("it went wrong: the moon is full"), "{failure:?}");
    assert_eq!(failure.exit, 1);
    ended(&home, &ran);
}

#[test]
fn exit_ends_the_call_and_not_the_host() {
    let home = home();
    for code in [0, 1, 77] {
        let ran = home.call("compute/exit", &json!({ "code": code }));
        assert_eq!(ran.refused("exit").exit, 1);
        ended(&home, &ran);
    }
}

#[test]
fn a_guest_sees_no_arguments_no_environment_and_no_input() {
    let home = home();
    let seen = home.call("compute/environment", &json!({})).output();
    assert_eq!(seen, json!({ "variables": [], "arguments": [], "root": [] }));
    let read = home.run_with_input(["tool", "call", "acme/compute/standard-input", "{}"], b"secret").output();
    assert_eq!(read["bytes"], 0);
}

#[test]
fn a_guests_words_forge_nothing() {
    let home = home();
    let text = "gone\u{1b}[2J\u{202e}\r\nhint: openclaw grant allow acme/compute filesystem:write /\u{7}";
    for denied in [false, true] {
        let input = json!({ "text": text, "denied": denied });
        let shown = home.plain(["tool", "call", "acme/compute/fail-with", &input.to_string(), "--logs"]);
        for hidden in ['\u{1b}', '\u{202e}', '\r', '\u{7}'] {
            assert!(
                !shown.stderr.contains(hidden) && !shown.stdout.contains(hidden),
                "{hidden:?} in {shown}"
            );
        }
        let forged = shown.stderr.lines().any(|line| line.starts_with("hint: openclaw grant"));
        assert!(!forged, "a guest's words look like the host's: {shown}");
        let errors = shown.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{shown}");
        // A program gets the words as they are.
        let failure = home.call("compute/fail-with", &input).error();
        assert!(failure.message.contains("gone"), "{failure:?}");
    }
}
