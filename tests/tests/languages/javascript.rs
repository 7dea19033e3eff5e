//! What skills in TypeScript do wrong, and what they must not get: the guests of the SDK's own tests, in the host.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use openclaw_tests::{Home, Ran};
use serde_json::{Value, json};

use super::scene::{Sdk, install, project, project_as, with_guest};

fn call(home: &Home, tool: &str, input: Value) -> Ran {
    home.call(&format!("hostile/{tool}"), &input)
}

#[test]
fn whatever_goes_wrong_is_a_typed_error_and_the_next_call_is_fine() {
    let home = with_guest(Sdk::TypeScript, "hostile");
    for (tool, code, told) in [
        (
            "throws",
            "tool-failed",
            "RangeError: the third is missing: there are two\n    at fail (src/index.ts:6)",
        ),
        ("rejects", "tool-failed", "src/index.ts:6"),
        ("throws-text", "tool-failed", "just a text"),
        ("throws-with-jobs", "tool-failed", "the job ran"),
        ("throws-trap", "tool-failed", "cannot be described"),
        ("unsettled", "tool-failed", "promise is not settled"),
        ("unhandled", "tool-failed", "nobody looks at this"),
        ("circle", "tool-failed", "cannot be written as JSON"),
        ("wrong-output", "tool-failed", "`count`"),
        ("gigabytes", "tool-failed", "`limits.memory`"),
        ("gigabytes-of-text", "tool-failed", "string too long"),
        ("undeclared-passed", "permission-denied", "[permission.memory]"),
    ] {
        let refused = call(&home, tool, json!({})).refused(code);
        assert!(refused.message.contains(told), "{tool}: {refused:?}");
        assert!(refused.message.len() < 20_000, "{tool}");
        assert_eq!(call(&home, "fine", json!({})).output(), json!({ "fine": true }), "after {tool}");
    }
    let undeclared = call(&home, "undeclared", json!({})).output();
    for (name, section) in [
        ("memory", "[permission.memory]"),
        ("llm", "[permission.llm]"),
        ("ask", "[permission.ask]"),
        ("fetch", "[[permission.network]]"),
        ("process", "[[permission.process]]"),
        ("files", "[[permission.filesystem]]"),
    ] {
        let told = undeclared[name].as_str().unwrap();
        assert!(told.starts_with("denied: ") && told.contains(section), "{name}: {told}");
    }
    let text = r#"{"options":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}}"#;
    let polluted = home.run(["tool", "call", "acme/hostile/pollution", text]).output();
    assert_eq!((&polluted["polluted"], &polluted["own"]), (&Value::Null, &json!([])), "{polluted}");
    bounds(&home);
}

/// What only the host can end.
fn bounds(home: &Home) {
    assert_eq!(call(home, "recursion", json!({ "depth": 2000 })).output(), json!(2000));
    let deep = call(home, "recursion", json!({ "depth": 10_000_000 })).refused("trap");
    assert!(deep.message.contains("call stack exhausted"), "{deep:?}");
    call(home, "huge-output", json!({ "bytes": 3_000_000 })).refused("output-too-large");
    let huge = call(home, "huge-error", json!({ "bytes": 3_000_000 })).refused("tool-failed");
    assert!(huge.message.len() < 100_000, "{}", huge.message.len());
    let ceilings = "[ceilings]\nfuel = 1000000000\ntimeout_seconds = 2\n";
    let policy = home.data().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("{text}\n{ceilings}")).unwrap();
    call(home, "endless", json!({})).refused("fuel-exhausted");
    call(home, "endless-jobs", json!({})).refused("fuel-exhausted");
    call(home, "endless-timer", json!({})).refused("timeout");
    assert_eq!(call(home, "fine", json!({})).output(), json!({ "fine": true }));
}

#[test]
fn what_is_random_differs_from_call_to_call_and_from_skill_to_skill() {
    let home = with_guest(Sdk::TypeScript, "random");
    install(&home, &project_as(&home, Sdk::TypeScript, "random", "random-two"));
    let mut seen = std::collections::BTreeSet::new();
    let mut draws = 0;
    for skill in ["random", "random-two", "random"] {
        let drawn = home.call(&format!("{skill}/draw"), &json!({})).output();
        for key in ["uuid", "second", "random", "bytes"] {
            seen.insert(drawn[key].to_string());
            draws += 1;
        }
        assert!(drawn["waited"].as_f64().unwrap() >= 19.0, "time goes on within a call: {drawn}");
        assert!(drawn["now"].as_f64().unwrap() > 1.79e12, "the clock is the host's: {drawn}");
    }
    assert_eq!(seen.len(), draws);
}

#[test]
fn the_globals_of_the_web_do_what_they_say() {
    let home = with_guest(Sdk::TypeScript, "globals");
    let told = home.call("globals/check", &json!({})).output();
    assert_eq!(told["failed"], json!({}));
    assert!(told["checked"].as_u64().is_some_and(|checked| checked >= 18), "{told}");
}

#[test]
fn capabilities_do_what_is_granted_and_refuse_the_rest_by_name() {
    let home = with_guest(Sdk::TypeScript, "capabilities");
    let memory = home.call("capabilities/memory", &json!({})).output();
    assert_eq!(memory["text"], "the quick brown fox");
    assert_eq!((&memory["json"], &memory["keys"]), (&json!({ "deep": [1, 2] }), &json!(["b/1", "b/2"])));
    assert!(memory["quota"].to_string().contains("quota-exceeded"), "{memory}");
    let files = home.call("capabilities/files", &json!({})).output();
    assert_eq!((&files["text"], &files["gone"]), (&json!("kurz"), &json!(true)), "{files}");
    for refused in ["outside", "data", "control", "missing"] {
        assert!(files[refused].as_str().is_some_and(|told| told.contains("Error ")), "{refused}: {files}");
    }
    let process = home.call("capabilities/process", &json!({})).output();
    assert_eq!(process["version"], true, "{process}");
    for refused in ["denied", "unknown"] {
        assert!(process[refused].as_str().is_some_and(|told| told.contains("denied: ")), "{process}");
    }
    let denied = home.call("capabilities/denied", &json!({})).refused("permission-denied");
    assert!(denied.message.contains("process:execute denied (not-requested): git status"), "{denied:?}");
}

/// Answers each request with its path.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map(Result::unwrap) {
            std::thread::spawn(move || {
                let mut line = String::new();
                let mut reader = BufReader::new(&stream);
                reader.read_line(&mut line).unwrap();
                while !matches!(reader.by_ref().lines().next(), Some(Ok(line)) if line.is_empty()) {}
                let body = line.split(' ').nth(1).unwrap_or_default().to_owned();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n";
                let _ = write!(&stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
            });
        }
    });
    port
}

#[test]
fn fetch_reaches_what_is_granted_and_names_the_grant_for_all_else() {
    let home = Home::new();
    let dir = project(&home, Sdk::TypeScript, "network");
    let manifest = dir.join("openclaw/skill.toml");
    let port = server();
    let text = std::fs::read_to_string(&manifest).unwrap().replace("18089", &port.to_string());
    std::fs::write(&manifest, text).unwrap();
    install(&home, &dir);
    let url = format!("http://127.0.0.1:{port}/allowed/a");
    let fetched = home.call("network/fetch-text", &json!({ "url": url })).output();
    assert_eq!((&fetched["status"], &fetched["text"]), (&json!(200), &json!("/allowed/a")));
    for elsewhere in [format!("http://127.0.0.1:{port}/other"), "https://example.com/".to_owned()] {
        let caught = home.call("network/catch-denial", &json!({ "url": elsewhere })).output();
        assert_eq!(caught["code"], "denied", "{caught}");
        assert!(
            caught["message"].as_str().unwrap().contains("openclaw grant allow acme/network network"),
            "{caught}"
        );
    }
}

#[test]
fn two_builds_of_a_project_at_once_wait_for_each_other() {
    let home = Home::new();
    let dir = project(&home, Sdk::TypeScript, "random");
    let source = dir.join("src/index.ts");
    let text = std::fs::read_to_string(&source).unwrap();
    // Each has something to build.
    let builds = [1, 2].map(|number| {
        std::fs::write(&source, format!("{text}\n// {number}\n")).unwrap();
        home.command().args(["skill", "build"]).arg(&dir).spawn().unwrap()
    });
    for mut build in builds {
        assert!(build.wait().unwrap().success());
    }
    install(&home, &dir);
    let ids = [1, 2].map(|_| home.call("random/draw", &json!({})).output());
    assert_ne!(ids[0], ids[1]);
}
