//! Components that lie to the host about strings, lists, handles and imports, each beside one that does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::time::Duration;

use openclaw_tests::ran::Failure;
use openclaw_tests::{Home, Ran, Skill, component, craft};
use serde_json::json;

fn quick(name: &str) -> Skill {
    Skill::wat(name).limit("timeout", "\"2s\"")
}

/// The skill's only tool.
fn call(home: &Home, skill: &Skill) -> Ran {
    home.call(&format!("{}/run", skill.name()), &json!({}))
}

/// An honest skill of the same home still answers.
#[track_caller]
fn unharmed(home: &Home) {
    let honest = Skill::wat("honest");
    home.install(&honest);
    assert_eq!(call(home, &honest).output(), json!({ "ok": true }));
}

#[test]
fn a_hostile_answer_is_a_crash_of_the_guest_alone() {
    let home = Home::new();
    for name in [
        "giant_string",
        "bad_utf8",
        "bad_case",
        "misaligned",
        "realloc_lies",
        "handle_dropped_twice",
        "handle_forged",
        "call_traps",
    ] {
        let skill = quick(name);
        home.install(&skill);
        let failure = call(&home, &skill).refused("trap");
        assert_eq!(failure.exit, 1, "{name}: {failure:?}");
        assert!(!failure.message.contains("wasm backtrace"), "{name}: {failure:?}");
    }
    unharmed(&home);
}

#[test]
fn one_handle_that_is_given_back_is_no_crime() {
    let home = Home::with(&quick("handle_kept"));
    assert_eq!(call(&home, &quick("handle_kept")).output(), json!({ "ok": true }));
}

#[test]
fn handles_without_end_are_a_crash_of_the_guest_alone() {
    let home = Home::with(&quick("handles_leaked"));
    let ran = call(&home, &quick("handles_leaked"));
    ran.refused("trap");
    assert!(ran.took < Duration::from_secs(10), "{ran}");
    unharmed(&home);
}

#[test]
fn a_giant_string_that_is_there_is_not_copied() {
    let home = Home::with(&quick("giant_string_held"));
    let failure = call(&home, &quick("giant_string_held")).error();
    assert!(matches!(failure.code.as_str(), "trap" | "output-too-large"), "{failure:?}");
    unharmed(&home);
}

#[test]
fn giant_log_lines_end_the_call_or_are_clipped() {
    let home = Home::with(&quick("giant_log_line"));
    let ran = call(&home, &quick("giant_log_line"));
    assert!(matches!(ran.code, Some(0 | 1 | 5)), "{ran}");
    assert!(ran.stdout.len() + ran.stderr.len() < 1 << 20, "{} bytes", ran.stdout.len() + ran.stderr.len());
    assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    unharmed(&home);
}

#[test]
fn a_result_that_is_not_json_is_no_result() {
    let home = Home::with(&quick("not_json"));
    let failure = call(&home, &quick("not_json")).refused("tool-failed");
    assert!(failure.message.contains("JSON"), "{failure:?}");
    unharmed(&home);
}

#[test]
fn loops_end_wherever_they_are() {
    let home = Home::new();
    for name in ["realloc_loop", "tail_recursion", "table_storm"] {
        home.install(&quick(name));
        let ran = call(&home, &quick(name));
        let failure = ran.error();
        assert!(matches!(failure.code.as_str(), "timeout" | "fuel-exhausted"), "{name}: {failure:?}");
        assert!(ran.took < Duration::from_secs(10), "{ran}");
    }
    unharmed(&home);
}

#[test]
fn growth_is_limited_in_total() {
    let home = Home::new();
    home.install(&quick("table_grow"));
    let grown = call(&home, &quick("table_grow")).error();
    assert!(matches!(grown.code.as_str(), "trap" | "memory-exceeded"), "{grown:?}");
    assert!(grown.call["memory_bytes"].as_u64() <= Some(64 << 20), "{grown:?}");
    home.install(&quick("memory_grow_quietly"));
    let quiet = call(&home, &quick("memory_grow_quietly")).json();
    assert_eq!(quiet["output"], json!({ "ok": true }));
    assert!(quiet["memory_bytes"].as_u64() <= Some(64 << 20), "{quiet}");
    unharmed(&home);
}

/// Components that do not even come to list their tools: refused when they are packed, and when a package that was
/// made without that check is called.
const NOT_LISTING: [&str; 11] = [
    "start_loop",
    "start_trap",
    "list_loop",
    "giant_list",
    "amplified_list",
    "huge_first_memory",
    "huge_first_table",
    "memory_total",
    "many_memories",
    "many_tables",
    "many_instances",
];

#[test]
fn what_does_not_list_its_tools_is_not_packed() {
    let home = Home::new();
    for name in NOT_LISTING {
        let archive = home.path("x.tar.gz");
        let ran = home.try_pack(&quick(name), &archive);
        let failure = ran.error();
        assert!(matches!(failure.exit, 1 | 3 | 5), "{name}: {failure:?}");
        assert!(ran.took < Duration::from_secs(20), "{name}: {ran}");
        assert!(!archive.exists(), "{name}");
    }
    unharmed(&home);
}

#[test]
fn what_was_packed_without_checks_does_not_harm_who_calls_it() {
    let home = Home::new();
    for name in NOT_LISTING {
        let skill = quick(name);
        let archive = craft::package(&home, &skill, &craft::one_tool());
        let installed = home.install_archive(&archive);
        // `install` may refuse it as well; if it did not, the call ends in a typed way.
        let ran = if installed.code == Some(0) { call(&home, &skill) } else { installed };
        if matches!(name, "list_loop" | "giant_list" | "amplified_list") && ran.code == Some(0) {
            // Only its list is hostile, and nobody has to ask for that again.
            continue;
        }
        let failure = ran.error();
        assert_ne!(failure.code, "host-failure", "{name}: {failure:?}");
        assert!(ran.took < Duration::from_secs(10), "{name}: {ran}");
    }
    unharmed(&home);
}

/// Components whose imports or exports are not those of a skill, with what an error has to name.
const UNFIT: [(&str, &str); 13] = [
    ("unknown_import", "openclaw:skill/process"),
    ("misspelt_import", "openclaw:skill/iog"),
    ("newer_import", "openclaw:skill/log@2.0.0"),
    ("newer_wasi_import", "wasi:cli/environment@0.3.0"),
    ("newer_function_import", ""),
    ("undeclared_memory", "openclaw:skill/memory"),
    ("undeclared_network", "wasi:http/types"),
    ("undeclared_sockets", "wasi:sockets/instance-network"),
    ("bare_function_import", "system"),
    ("module_import", "openclaw:skill/native"),
    ("no_tools", "openclaw:skill/tools"),
    ("wrong_tools", ""),
    ("other_tools_version", "openclaw:skill/tools"),
];

/// What an error says, the next step included.
fn words(failure: &Failure) -> String {
    format!("{} {}", failure.message, failure.hint.as_deref().unwrap_or_default())
}

#[test]
fn what_imports_or_exports_something_else_is_not_packed() {
    let home = Home::new();
    for (name, named) in UNFIT {
        let archive = home.path("x.tar.gz");
        let failure = home.try_pack(&quick(name), &archive).error();
        assert!(matches!(failure.exit, 1 | 3), "{name}: {failure:?}");
        assert!(words(&failure).contains(named), "{name}: {failure:?}");
        assert!(!archive.exists(), "{name}");
    }
    unharmed(&home);
}

#[test]
fn what_imports_or_exports_something_else_is_not_installed_or_not_called() {
    let home = Home::new();
    for (name, named) in UNFIT {
        let skill = quick(name);
        let archive = craft::package(&home, &skill, &craft::one_tool());
        let installed = home.install_archive(&archive);
        let undeclared = name.starts_with("undeclared_") || named.starts_with("openclaw:skill/process");
        assert!(installed.code != Some(0) || !undeclared, "{name} was installed");
        let ran = if installed.code == Some(0) { call(&home, &skill) } else { installed };
        let failure = ran.error();
        assert!(matches!(failure.exit, 1 | 3), "{name}: {failure:?}");
        assert!(words(&failure).contains(named), "{name}: {failure:?}");
    }
    unharmed(&home);
}

#[test]
fn what_is_no_component_is_neither_packed_nor_installed() {
    let home = Home::new();
    let artefact = artefact(&home);
    let truncated = component::wat("honest").split_at(300).0.to_vec();
    let mut flipped = component::wat("honest");
    flipped[4] ^= 0xff;
    for (name, bytes) in [
        ("core", component::wat("core_module")),
        ("artefact", artefact),
        ("empty", Vec::new()),
        ("garbage", vec![0x5a; 10_000]),
        ("text", b"(component)".to_vec()),
        ("truncated", truncated),
        ("other-version", flipped),
        ("elf", std::fs::read(openclaw_tests::home::binary()).unwrap().split_at(1 << 20).0.to_vec()),
    ] {
        let skill = Skill::new(name, bytes);
        let failure = home.try_pack(&skill, &home.path("x.tar.gz")).error();
        assert!(matches!(failure.exit, 1 | 3), "{name}: {failure:?}");
        let installed = home.install_archive(&craft::package(&home, &skill, &craft::one_tool()));
        let ran = if installed.code == Some(0) { call(&home, &skill) } else { installed };
        assert!(matches!(ran.error().exit, 1 | 3), "{name}: {ran}");
    }
    unharmed(&home);
}

/// What the host's own compiler made of an honest component: native code.
fn artefact(home: &Home) -> Vec<u8> {
    home.install(&Skill::wat("honest"));
    call(home, &Skill::wat("honest")).output();
    let dir = openclaw_tests::home::cache_dir().join("artefacts");
    let made = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let path = made.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "cwasm")).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn tools_that_no_host_could_offer_are_not_packed() {
    let home = Home::new();
    let object = r#"{"type":"object"}"#;
    for (what, tools) in [
        ("two of one name", vec![("run", "a", object), ("run", "b", object)]),
        ("a name with an escape", vec![("r\u{1b}[2J", "a", object)]),
        ("a name with a slash", vec![("../run", "a", object)]),
        ("no name", vec![("", "a", object)]),
        ("a schema that is no JSON", vec![("run", "a", "{")]),
        ("a schema that is no schema", vec![("run", "a", r#"{"type":"thing"}"#)]),
        ("a schema elsewhere", vec![("run", "a", r#"{"$ref":"http://127.0.0.1:1/schema.json"}"#)]),
        ("a schema in a file", vec![("run", "a", r#"{"$ref":"file:///etc/passwd"}"#)]),
    ] {
        let skill = Skill::new("tools", component::listing(&tools));
        let failure = home.try_pack(&skill, &home.path("x.tar.gz")).error();
        assert!(matches!(failure.exit, 1..=3), "{what}: {failure:?}");
    }
    home.install(&Skill::new("tools", component::listing(&[("run", "Runs.", object)])));
    assert_eq!(home.call("tools/run", &json!({})).output(), json!({ "ok": true }));
}

#[test]
fn a_schema_cannot_hang_or_crash_the_host() {
    let home = Home::new();
    let deep = format!("{}{}{}", r#"{"not":"#.repeat(20_000), "{}", "}".repeat(20_000));
    for (name, schema) in [
        ("itself", r##"{"$ref":"#"}"##),
        ("itself-twice", r##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##),
        ("pattern", r#"{"type":"object","properties":{"text":{"type":"string","pattern":"^(a+)+$"}}}"#),
        (
            "pattern-back",
            r#"{"type":"object","properties":{"text":{"type":"string","pattern":"^(?=(a+)+$)(a|aa)+\\1$"}}}"#,
        ),
        (
            "repeat",
            r#"{"type":"object","properties":{"text":{"type":"string","pattern":"((a{1,1000}){1,1000}){1,1000}"}}}"#,
        ),
        ("deep", &deep),
    ] {
        let skill = Skill::new(&format!("schema-{name}"), component::listing(&[("run", "Runs.", schema)]));
        let packed = home.try_pack(&skill, &home.path(format!("{name}.tar.gz")));
        assert!(matches!(packed.code, Some(0..=6)), "{name}: {packed}");
        if packed.code == Some(0) {
            let installed = home.install_archive(&home.path(format!("{name}.tar.gz")));
            assert!(matches!(installed.code, Some(0..=6)), "{name}: {installed}");
            let input = json!({ "text": format!("{}b", "a".repeat(4_000)) });
            let ran = home.call(&format!("schema-{name}/run"), &input);
            assert!(matches!(ran.code, Some(0..=6)), "{name}: {ran}");
            assert!(ran.took < Duration::from_secs(15), "{name}: {:?}", ran.took);
        }
    }
    unharmed(&home);
}

#[test]
fn a_schema_that_cannot_be_checked_is_not_packed() {
    let home = Home::new();
    let pattern = |pattern: &str| {
        let schema =
            json!({ "type": "object", "properties": { "text": { "type": "string", "pattern": pattern } } });
        Skill::new("pattern", component::listing(&[("run", "Runs.", &schema.to_string())]))
    };
    for bad in ["((a{1,1000}){1,1000}){1,1000}", "(", "[z-a]"] {
        let archive = home.path("x.tar.gz");
        let failure = home.try_pack(&pattern(bad), &archive).error();
        assert!(matches!(failure.exit, 1..=3), "{bad}: {failure:?}");
        assert!(!archive.exists(), "{bad}");
    }
    home.install(&pattern("^[a-z]+$"));
    home.call("pattern/run", &json!({ "text": "A" })).refused("invalid-input");
    home.call("pattern/run", &json!({ "text": "a" })).output();
}
