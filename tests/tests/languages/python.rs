//! What skills in Python do wrong, and what they must not get: the guests of the SDK's own tests, in the host.

use std::collections::BTreeSet;

use openclaw_tests::{Home, Ran};
use serde_json::{Value, json};

use super::scene::{Sdk, install, project, project_as, with_guest};

fn call(home: &Home, tool: &str, input: Value) -> Ran {
    home.call(&format!("faults/{tool}"), &input)
}

#[test]
fn whatever_goes_wrong_is_a_typed_error_and_the_next_call_is_fine() {
    let home = with_guest(Sdk::Python, "faults");
    let kind = |kind: &str| json!({ "kind": kind });
    let what = |what: &str| json!({ "what": what });
    let how = |how: &str| json!({ "how": how });
    for (tool, input, code, told) in [
        ("raise-error", kind("plain"), "tool-failed", "KeyError: 'key'"),
        ("raise-error", kind("own"), "tool-failed", "there is nothing to do"),
        ("raise-error", kind("cause"), "tool-failed", "the port: invalid literal"),
        ("raise-error", kind("invalid"), "invalid-input", "`kind` is no good"),
        ("raise-error", kind("odd"), "tool-failed", "Odd"),
        ("raise-error", kind("long"), "tool-failed", "ValueError"),
        ("recurse", kind("uncaught"), "tool-failed", "RecursionError"),
        ("recurse-natively", kind("sort"), "tool-failed", "RecursionError"),
        ("recurse-natively", kind("json"), "trap", "call stack exhausted"),
        ("allocate", kind("once"), "tool-failed", "out of memory"),
        ("leave", how("sys.exit"), "tool-failed", "sys.exit(3)"),
        ("leave", how("os._exit"), "exit", "called exit"),
        ("leave", how("interrupt"), "tool-failed", "KeyboardInterrupt"),
        ("missing", what("thread"), "tool-failed", "a component has no threads"),
        ("missing", what("subprocess"), "tool-failed", "use ctx.process.run"),
        ("missing", what("socket"), "permission-denied", "use ctx.http"),
        ("missing", what("resolve"), "permission-denied", "use ctx.http"),
        ("missing", what("module"), "tool-failed", "ModuleNotFoundError"),
        ("give", what("huge"), "output-too-large", "larger than its limit"),
        ("give", what("nan"), "tool-failed", "cannot be written as JSON"),
        ("give", what("bytes"), "tool-failed", "cannot be written as JSON"),
    ] {
        let refused = call(&home, tool, input.clone()).refused(code);
        assert!(refused.message.contains(told), "{tool} {input}: {refused:?}");
        assert!(refused.message.len() < 20_000, "{tool} {input}");
        assert_eq!(call(&home, "recurse", kind("caught")).output(), json!("caught"), "after {tool} {input}");
    }
    assert_eq!(call(&home, "allocate", kind("caught")).output(), json!("caught"));
    let policy = home.data().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("{text}\n[ceilings]\nfuel = 1000000000\ntimeout_seconds = 5\n")).unwrap();
    call(&home, "spin", json!({})).refused("fuel-exhausted");
    call(&home, "sleep", json!({ "seconds": 60 })).refused("timeout");
    assert_eq!(call(&home, "recurse", kind("caught")).output(), json!("caught"));
}

#[test]
fn what_is_random_differs_from_call_to_call_and_from_skill_to_skill() {
    let home = with_guest(Sdk::Python, "twin");
    install(&home, &project_as(&home, Sdk::Python, "twin", "other"));
    let (mut seen, mut draws) = (BTreeSet::new(), 0);
    for skill in ["twin", "other", "twin"] {
        let fresh = home.call(&format!("{skill}/fresh"), &json!({})).output();
        for (_, value) in fresh.as_object().unwrap() {
            seen.insert(value.to_string());
            draws += 1;
        }
    }
    assert_eq!(seen.len(), draws, "{seen:?}");
}

#[test]
fn what_is_not_granted_is_an_exception_that_names_the_grant() {
    let home = with_guest(Sdk::Python, "reach");
    let workspace = home.workspace();
    std::fs::write(workspace.join("a.txt"), "granted").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", workspace.join("link")).unwrap();
    let files = home.call("reach/files", &json!({})).output();
    assert_eq!(files["granted"], "granted", "{files}");
    for refused in ["outside", "above", "link", "written", "data"] {
        assert!(files[refused]["caught"].is_string(), "{refused}: {files}");
    }
    assert!(!files.to_string().contains("root:"), "{files}");
    assert!(!workspace.join("b.txt").exists());
    home.call("reach/write-and-fail", &json!({})).refused("permission-denied");
    let web = home.call("reach/web", &json!({ "url": "https://other.example/" })).output();
    assert_eq!(web["caught"], "denied", "{web}");
    let grant = "openclaw grant allow acme/reach network GET https://other.example/";
    assert!(web["text"].as_str().unwrap().contains(grant), "{web}");
    let undeclared = home.call("reach/undeclared", &json!({})).output();
    assert_eq!(undeclared["llm"]["caught"], "denied", "{undeclared}");
    assert!(undeclared["llm"]["text"].as_str().unwrap().contains("[permission.llm]"), "{undeclared}");
    let version = home.call("reach/program", &json!({ "args": ["--version"] })).output();
    assert!(version.as_str().is_some_and(|text| text.starts_with("git version")), "{version}");
    let push = home.call("reach/program", &json!({ "args": ["push"] })).output();
    assert_eq!(push["caught"], "denied", "{push}");
    let memory = home.call("reach/remember", &json!({})).output();
    assert_eq!((&memory["json"], &memory["found"]), (&json!({ "n": 1 }), &json!(["b"])), "{memory}");
    assert_eq!(memory["quota"]["caught"], "quota-exceeded", "{memory}");
}

#[test]
fn a_package_with_native_code_is_refused_by_its_name_before_anything_is_built() {
    let home = Home::new();
    let dir = project(&home, Sdk::Python, "native");
    let refused = home.run(["skill", "build", dir.to_str().unwrap()]).refused("build-failed");
    assert!(refused.message.contains("pydantic_core"), "{refused:?}");
    assert!(!dir.join("openclaw/skill.wasm").exists());
}
