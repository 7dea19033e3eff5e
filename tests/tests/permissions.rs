//! Nothing is allowed until it is granted, and a grant of one thing says nothing of another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

/// A skill that reads its workspace.
fn reader() -> Skill {
    Skill::guest("files").named("reader").tree("$workspace", "read")
}

fn read(path: &str) -> Value {
    json!({ "path": path })
}

#[test]
fn a_denial_names_the_command_that_grants_and_it_does() {
    let home = Home::new();
    home.install_ungranted(&reader());
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    let denied = home.call("reader/read", &read("/workspace/a.txt"));
    let failure = denied.refused("permission-denied");
    denied.was_denied("not-granted");
    assert_eq!(failure.exit, 3);
    assert_eq!(failure.hint(), "openclaw grant allow acme/reader filesystem:read '$workspace'");
    home.paste(failure.hint()).json();
    assert_eq!(home.call("reader/read", &read("/workspace/a.txt")).output()["text"], "hello");
    assert_eq!(home.last_record()["outcome"], "ok");
}

#[test]
fn a_denied_call_is_recorded_with_its_reason() {
    let home = Home::new();
    home.install_ungranted(&reader());
    home.call("reader/read", &read("/workspace/a.txt")).refused("permission-denied");
    let record = home.last_record();
    assert_eq!(record["outcome"], "permission-denied");
    assert_eq!(record["denials"][0]["capability"], "filesystem:read");
    assert_eq!(record["denials"][0]["reason"], "not-granted");
    assert!(record["denial_count"].as_u64() > Some(0), "{record}");
}

#[test]
fn deny_beats_allow_and_revoke_takes_either_back() {
    let home = Home::with(&reader());
    std::fs::create_dir(home.workspace().join("private")).unwrap();
    std::fs::write(home.workspace().join("private/a.txt"), "secret").unwrap();
    std::fs::write(home.workspace().join("b.txt"), "public").unwrap();
    assert_eq!(home.call("reader/read", &read("/workspace/private/a.txt")).output()["text"], "secret");

    let private = home.workspace().join("private");
    let private = private.to_str().unwrap();
    home.run(["grant", "deny", "acme/reader", "filesystem:read", private]).json();
    let denied = home.call("reader/read", &read("/workspace/private/a.txt"));
    denied.refused("permission-denied");
    denied.was_denied("denied-by-owner");
    assert_eq!(home.call("reader/read", &read("/workspace/b.txt")).output()["text"], "public");

    home.run(["grant", "deny", "acme/reader", "filesystem:read", "$workspace"]).json();
    home.call("reader/read", &read("/workspace/b.txt")).refused("permission-denied");
    home.run(["grant", "revoke", "acme/reader", "filesystem:read", "$workspace"]).json();
    home.run(["grant", "revoke", "acme/reader", "filesystem:read", private]).json();
    let denied = home.call("reader/read", &read("/workspace/b.txt"));
    denied.refused("permission-denied");
    denied.was_denied("not-granted");
    home.run(["grant", "allow", "acme/reader", "filesystem:read", "$workspace"]).json();
    assert_eq!(home.call("reader/read", &read("/workspace/b.txt")).output()["text"], "public");
}

#[test]
fn a_rule_for_every_skill_beats_what_one_is_allowed() {
    let home = Home::with(&reader());
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    let policy = home.data().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let deny = format!("deny = [\"filesystem:read {}\"]\n", home.workspace().display());
    std::fs::write(&policy, format!("{deny}{text}")).unwrap();
    home.call("reader/read", &read("/workspace/a.txt")).was_denied("denied-by-owner");
    std::fs::write(&policy, text).unwrap();
    assert_eq!(home.call("reader/read", &read("/workspace/a.txt")).output()["text"], "hello");
}

#[test]
fn a_grant_of_the_workspace_is_a_grant_of_one_directory() {
    let home = Home::with(&reader());
    let shown = home.run(["grant", "show", "acme/reader"]).json().to_string();
    assert!(shown.contains(&format!("filesystem:read {}", home.workspace().display())), "{shown}");
    let other = home.path("elsewhere");
    std::fs::create_dir(&other).unwrap();
    for dir in [&other, &home.workspace()] {
        std::fs::write(dir.join("a.txt"), "hello").unwrap();
    }
    let input = read("/workspace/a.txt").to_string();
    let call = |dir: &std::path::Path| {
        home.run(["tool", "call", "acme/reader/read", &input, "--workspace", dir.to_str().unwrap()])
    };
    call(&other).refused("permission-denied");
    assert_eq!(call(&home.workspace()).output()["text"], "hello");
}

#[test]
fn everything_cannot_be_a_workspace() {
    let home = Home::with(&reader());
    for wide in [std::path::Path::new("/"), &home.path("home"), &home.root()] {
        let arguments = [
            "tool",
            "call",
            "acme/reader/list",
            r#"{"path":"/workspace"}"#,
            "--workspace",
            wide.to_str().unwrap(),
        ];
        home.run(arguments).refused("invalid-workspace");
    }
    home.call("reader/list", &read("/workspace")).output();
}

#[test]
fn writing_needs_more_than_reading() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").named("writer").tree("$workspace", "write"));
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    home.run(["grant", "allow", "acme/writer", "filesystem:read", "$workspace"]).json();
    assert_eq!(home.call("writer/read", &read("/workspace/a.txt")).output()["text"], "hello");
    let denied = home.call("writer/write", &read("/workspace/a.txt"));
    let failure = denied.refused("permission-denied");
    denied.was_denied("read-only");
    assert_eq!(failure.hint(), "openclaw grant allow acme/writer filesystem:write '$workspace'");
    assert_eq!(std::fs::read(home.workspace().join("a.txt")).unwrap(), b"hello");
    home.paste(failure.hint()).json();
    home.call("writer/write", &read("/workspace/a.txt")).output();
    assert_eq!(std::fs::read(home.workspace().join("a.txt")).unwrap(), b"guest");
}

#[test]
fn a_grant_beyond_what_the_manifest_asks_gives_nothing() {
    let home = Home::with(&reader());
    home.run(["grant", "allow", "acme/reader", "filesystem:write", "$workspace"]).json();
    let denied = home.call("reader/write", &read("/workspace/a.txt"));
    denied.refused("permission-denied");
    denied.was_denied("read-only");
    assert!(!home.workspace().join("a.txt").exists());
    home.call("reader/list", &read("/workspace")).output();
}

#[test]
fn an_upgrade_that_asks_for_more_waits_for_consent_and_the_old_version_runs_on() {
    let home = Home::with(&reader());
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    let more = Skill::guest("files").named("reader").versioned("1.1.0").tree("$workspace", "write");
    let archive = home.pack(&more);
    let refused = home.run(["install", archive.to_str().unwrap()]).error();
    assert_eq!(refused.exit, 3, "{refused:?}");
    assert!(refused.hint().contains("--yes"), "{refused:?}");
    let listed = home.run(["list"]).json();
    assert_eq!(listed[0]["version"], "1.0.0");
    assert_eq!(home.call("reader/read", &read("/workspace/a.txt")).output()["text"], "hello");
    home.call("reader/write", &read("/workspace/a.txt")).refused("permission-denied");

    home.install_archive(&archive).json();
    assert_eq!(home.run(["list"]).json()[0]["version"], "1.1.0");
    home.call("reader/write", &read("/workspace/a.txt")).output();
}

#[test]
fn an_upgrade_that_asks_for_the_same_or_less_goes_through() {
    let home = Home::with(&Skill::guest("files").named("reader").tree("$workspace", "write").memory());
    for (version, skill) in [
        ("1.1.0", Skill::guest("files").named("reader").tree("$workspace", "write").memory()),
        ("1.2.0", reader()),
        ("1.3.0", Skill::guest("files").named("reader")),
    ] {
        let archive = home.pack(&skill.versioned(version));
        let installed = home.run(["install", archive.to_str().unwrap()]).json();
        assert_eq!(installed["version"], version);
    }
    // What was granted is not held by a version that does not ask.
    let failure = home.call("reader/read", &read("/workspace/a.txt")).error();
    assert_eq!(failure.code, "tool-failed", "{failure:?}");
}

#[test]
fn an_older_version_is_refused_unless_it_is_meant() {
    let home = Home::with(&reader().versioned("2.0.0"));
    let archive = home.pack(&reader().versioned("1.9.0"));
    let refused = home.install_archive(&archive).refused("downgrade");
    assert_eq!(refused.exit, 3);
    assert_eq!(home.run(["list"]).json()[0]["version"], "2.0.0");
    home.run(["install", archive.to_str().unwrap(), "--yes", "--allow-downgrade"]).json();
    assert_eq!(home.run(["list"]).json()[0]["version"], "1.9.0");
}

#[test]
fn the_ceilings_of_the_operator_cut_what_a_manifest_asks() {
    let home = Home::new();
    std::fs::write(
        home.data().join("policy.toml"),
        "version = 1\n\n[ceilings]\nfuel = 5_000_000\nmemory = \"4MiB\"\ntimeout_seconds = 2\noutput = \"1KiB\"\n",
    )
    .unwrap();
    let greedy = Skill::guest("compute").limit("fuel", "40_000_000_000").limit("memory", "\"256MiB\"");
    let installed = home.install(&greedy.limit("timeout", "\"60s\"").limit("output", "\"1MiB\""));
    let mut cut: Vec<_> =
        installed["cuts"].as_array().unwrap().iter().map(|cut| cut["limit"].clone()).collect();
    cut.sort_by_key(Value::to_string);
    assert_eq!(cut, [json!("fuel"), json!("memory"), json!("output"), json!("timeout")]);
    assert_eq!(installed["limits"]["fuel"], 5_000_000);

    assert_eq!(home.call("compute/echo", &json!({ "text": "x" })).output()["text"], "x");
    home.call("compute/work", &json!({ "steps": 100_000_000_u64 })).refused("fuel-exhausted");
    home.call("compute/grow-memory", &json!({})).refused("memory-exceeded");
    home.call("compute/huge-output", &json!({ "bytes": 2048 })).refused("output-too-large");
    let slept = home.call("compute/sleep", &json!({}));
    slept.refused("timeout");
    assert!(slept.took.as_secs() < 20, "{slept}");
}

#[test]
fn a_policy_with_a_key_that_is_not_one_stops_everything() {
    let home = Home::with(&reader());
    let policy = home.data().join("policy.toml");
    let good = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("{good}\n[ceilings]\ncalls_per_minute_per_skil = 1\n")).unwrap();
    for ran in [home.run(["tool", "list"]), home.call("reader/list", &read("/workspace"))] {
        let refused = ran.refused("invalid-policy");
        assert!(refused.message.contains("calls_per_minute_per_skil"), "{refused:?}");
        assert_eq!(refused.exit, 6);
    }
    std::fs::write(&policy, good).unwrap();
    home.call("reader/list", &read("/workspace")).output();
}

#[test]
fn a_rule_that_means_nothing_is_refused_and_changes_nothing() {
    let home = Home::with(&reader());
    let policy = || std::fs::read(home.data().join("policy.toml")).unwrap();
    let before = policy();
    for rule in [
        &["filesystem:execute", "$workspace"][..],
        &["filesystem:read", "/"],
        &["filesystem:read", "relative/path"],
        &["filesystem:read", "/srv/../etc"],
        &["filesystem:read"],
        &["network", "GET"],
        &["network", "GET", "ftp://example.com/"],
        &["network", "GET", "https://*/"],
        &["network", "FETCH", "https://example.com/"],
        &["process"],
        &["process", "no-such-program", "status"],
        &["process", "sh", "<anything>"],
        &["process", "./sh"],
        &["secrets", "token"],
        &["memory", "much"],
    ] {
        let refused = home.run(["grant", "allow", "acme/reader"].iter().chain(rule)).error();
        assert!(matches!(refused.exit, 2 | 3), "{rule:?}: {refused:?}");
        assert_eq!(policy(), before, "{rule:?}");
    }
    home.run(["grant", "allow", "acme/reader", "memory"]).json();
    assert_ne!(policy(), before);
}

#[test]
fn an_import_that_the_manifest_does_not_declare_is_refused_at_pack() {
    let home = Home::new();
    for (name, interface) in
        [("undeclared_memory", "openclaw:skill/memory"), ("undeclared_network", "wasi:http/types")]
    {
        let refused = home.try_pack(&Skill::wat(name), &home.path("x.tar.gz")).error();
        assert_eq!(refused.exit, 3, "{refused:?}");
        assert!(refused.message.contains(interface), "{refused:?}");
        assert!(!home.path("x.tar.gz").exists());
    }
    home.install(&Skill::wat("undeclared_memory").memory());
    home.call("undeclared-memory/run", &json!({})).output();
}
