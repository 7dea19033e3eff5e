//! What only an embedder sees: reloading while calls run, calls at once, and calls that are given up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::time::{Duration, Instant};

use openclaw_runtime::Runtime;
use openclaw_runtime::catalog::Entry;
use openclaw_tests::embedded::{call, open, tool_call};
use openclaw_tests::server::Server;
use openclaw_tests::{Home, Skill};
use serde_json::json;

/// Waits until something becomes true.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn version(runtime: &Runtime) -> Option<String> {
    let catalog = runtime.dispatcher().catalog();
    match catalog.get(&"acme/compute".parse().unwrap()) {
        Some(Entry::Loaded(skill)) => Some(skill.manifest().version().to_string()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_install_is_seen_and_running_calls_finish_on_what_they_began_with() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open(&home, 4);
    let _watcher = runtime.watch().unwrap();
    let next = home.pack(&Skill::guest("compute").versioned("1.1.0"));
    let long = runtime.dispatcher().clone();
    let input = json!({ "milliseconds": 3000 });
    let running = tokio::spawn({
        let call = tool_call(&home, "compute/sleep", &input);
        async move { long.call(call).await.map(drop).map_err(|(error, _)| error) }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::task::block_in_place(|| home.install_archive(&next).json());
    until("the new version", || version(&runtime).as_deref() == Some("1.1.0")).await;
    assert_eq!(call(&runtime, &home, "compute/echo", json!({ "text": "new" })).await.unwrap()["text"], "new");
    running.await.unwrap().unwrap();
    runtime.dispatcher().flush().unwrap();
    let records = home.run(["audit"]).json();
    let versions: Vec<_> =
        records.as_array().unwrap().iter().map(|record| record["version"].clone()).collect();
    assert!(versions.contains(&json!("1.0.0")) && versions.contains(&json!("1.1.0")), "{records}");

    home.run(["remove", "acme/compute"]).json();
    until("the removal", || version(&runtime).is_none()).await;
    let gone = call(&runtime, &home, "compute/echo", json!({})).await.unwrap_err();
    assert_eq!(gone.code(), "unknown-skill");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_and_a_denial_are_seen() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read"));
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    let runtime = open(&home, 2);
    let _watcher = runtime.watch().unwrap();
    let read = || call(&runtime, &home, "files/read", json!({ "path": "/workspace/a.txt" }));
    assert_eq!(read().await.unwrap_err().code(), "permission-denied");
    for (verb, granted) in [("allow", true), ("deny", false), ("allow", true), ("revoke", false)] {
        home.run(["grant", verb, "acme/files", "filesystem:read", "$workspace"]).json();
        let begun = Instant::now();
        while read().await.is_ok() != granted {
            assert!(begun.elapsed() < Duration::from_secs(20), "{verb} was not seen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_not_valid_leaves_what_was_there() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open(&home, 2);
    std::fs::write(home.data().join("policy.toml"), "not a policy").unwrap();
    assert_eq!(runtime.reload().unwrap_err().code(), "invalid-policy");
    assert_eq!(call(&runtime, &home, "compute/echo", json!({ "text": "old" })).await.unwrap()["text"], "old");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_once_do_not_mix() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open(&home, 4);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..200_u32 {
        let dispatcher = runtime.dispatcher().clone();
        let call = tool_call(&home, "compute/echo", &json!({ "text": number.to_string() }));
        calls.spawn(async move {
            (number, dispatcher.call(call).await.map(|result| result.output.get().to_owned()))
        });
    }
    while let Some(done) = calls.join_next().await {
        let (number, answer) = done.unwrap();
        assert_eq!(
            answer.map_err(|(error, _)| error).unwrap(),
            json!({ "text": number.to_string() }).to_string()
        );
    }
    runtime.dispatcher().flush().unwrap();
    assert_eq!(home.run(["audit"]).json().as_array().map(Vec::len), Some(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spinners_leave_room_for_others() {
    let spinner = Skill::guest("compute").limit("timeout", "\"3s\"").limit("fuel", "40_000_000_000");
    let home = Home::with(&spinner);
    let runtime = open(&home, 8);
    call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
    let mut spinners = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let dispatcher = runtime.dispatcher().clone();
        let call = tool_call(&home, "compute/spin", &json!({}));
        spinners
            .spawn(async move { dispatcher.call(call).await.map(drop).map_err(|(error, _)| error.code()) });
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    call(&runtime, &home, "compute/echo", json!({ "text": "x" })).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    while let Some(done) = spinners.join_next().await {
        let code = done.unwrap().unwrap_err();
        assert!(matches!(code, "timeout" | "fuel-exhausted"), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_ends_and_gives_back_its_place() {
    let server = Server::silent();
    let skill = Skill::guest("network").limit("timeout", "\"60s\"").network(&server.url("/"), &["GET"], true);
    let home = Home::with(&skill);
    home.install(&Skill::guest("compute"));
    let runtime = open(&home, 1);
    let waiting = call(&runtime, &home, "network/fetch", json!({ "url": server.url("/") }));
    assert!(tokio::time::timeout(Duration::from_secs(2), waiting).await.is_err(), "the server says nothing");
    assert_eq!(server.heads().len(), 1, "it was not even asked");
    let begun = Instant::now();
    call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_without_a_free_place_says_so() {
    let server = Server::silent();
    let skill = Skill::guest("network").limit("timeout", "\"12s\"").network(&server.url("/"), &["GET"], true);
    let home = Home::with(&skill);
    home.install(&Skill::guest("compute"));
    let runtime = open(&home, 1);
    let dispatcher = runtime.dispatcher().clone();
    let waiting = tool_call(&home, "network/fetch", &json!({ "url": server.url("/") }));
    let running =
        tokio::spawn(
            async move { dispatcher.call(waiting).await.map(drop).map_err(|(error, _)| error.code()) },
        );
    until("the request", || !server.heads().is_empty()).await;
    let busy = call(&runtime, &home, "compute/echo", json!({})).await.unwrap_err();
    assert_eq!(busy.code(), "busy");
    assert!(running.await.unwrap().is_err());
    call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
}

#[tokio::test]
async fn rates_are_limited_for_each_skill_and_each_caller() {
    let home = Home::with(&Skill::guest("compute"));
    home.install(&Skill::guest("compute").named("other"));
    let policy = home.data().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let ceiling = |name: &str| std::fs::write(&policy, format!("{text}\n[ceilings]\n{name} = 3\n")).unwrap();
    ceiling("calls_per_minute_per_skill");
    let runtime = open(&home, 2);
    for _ in 0..3 {
        call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
    }
    assert_eq!(call(&runtime, &home, "compute/echo", json!({})).await.unwrap_err().code(), "rate-limited");
    call(&runtime, &home, "other/echo", json!({})).await.unwrap();

    ceiling("calls_per_minute_per_caller");
    let runtime = open(&home, 2);
    for tool in ["compute/echo", "other/echo", "compute/echo"] {
        call(&runtime, &home, tool, json!({})).await.unwrap();
    }
    assert_eq!(call(&runtime, &home, "other/echo", json!({})).await.unwrap_err().code(), "rate-limited");
    let mut stranger = tool_call(&home, "other/echo", &json!({}));
    stranger.caller = "somebody else".to_owned();
    runtime.dispatcher().call(stranger).await.map_err(|(error, _)| error).unwrap();
}

#[tokio::test]
async fn what_a_guest_prints_is_in_the_report_alone() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open(&home, 1);
    for (tool, level) in [("compute/spam-stdout", "stdout"), ("compute/spam-stderr", "stderr")] {
        let result = runtime.dispatcher().call(tool_call(&home, tool, &json!({ "lines": 1 }))).await.unwrap();
        assert_eq!(result.output.get(), r#"{"done":true}"#);
        let log = serde_json::to_value(&result.report.log).unwrap();
        assert_eq!(log, json!([{ "level": level, "message": "line 0 of a great many" }]));
    }
    let printed = home.plain(["tool", "call", "acme/compute/spam-stdout", r#"{"lines":1}"#]);
    assert!(!printed.stdout.contains("a great many"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_large_calls_leave_never_takes_the_room_of_those_after_them() {
    let skills = ["one", "other"];
    let home = Home::with(&Skill::guest("compute").named(skills[0]));
    home.install(&Skill::guest("compute").named(skills[1]));
    let runtime = open(&home, 2);
    let mut calling = tokio::task::JoinSet::new();
    for skill in skills {
        let large = tool_call(&home, &format!("{skill}/grow-memory-and-survive"), &json!({}));
        let dispatcher = std::sync::Arc::clone(runtime.dispatcher());
        calling.spawn(async move {
            for _ in 0..40 {
                let report = dispatcher.call(large.clone()).await.unwrap().report;
                assert!(report.spent.memory_bytes > 16 << 20, "{report:?}");
            }
        });
    }
    calling.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_call_is_left_for_the_next() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open(&home, 1);
    let fresh = runtime.dispatcher().call(tool_call(&home, "compute/echo", &json!({}))).await.unwrap().report;
    for tool in ["compute/grow-memory", "compute/panic", "compute/exit"] {
        call(&runtime, &home, tool, json!({})).await.unwrap_err();
        let report =
            runtime.dispatcher().call(tool_call(&home, "compute/echo", &json!({}))).await.unwrap().report;
        assert_eq!(
            (report.spent.fuel, report.spent.memory_bytes),
            (fresh.spent.fuel, fresh.spent.memory_bytes),
            "{tool}"
        );
        assert!(report.log.is_empty() && report.denials.is_empty(), "{tool}");
    }
}

/// What a call with much memory leaves is taken apart beside its answer.
#[tokio::test]
async fn each_call_with_much_memory_finds_it_new() {
    let home = Home::with(&Skill::wat("counts_calls"));
    let runtime = open(&home, 2);
    let mut fuel = Vec::new();
    for pause in [0, 20, 0, 0, 0, 0, 20] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let call = tool_call(&home, "counts-calls/run", &json!({}));
        let result = runtime.dispatcher().call(call).await.unwrap();
        let output: serde_json::Value = serde_json::from_str(result.output.get()).unwrap();
        assert_eq!(output, json!({ "memory": 1, "global": 1 }));
        assert_eq!(result.report.spent.memory_bytes, 80 << 16);
        fuel.push(result.report.spent.fuel);
    }
    fuel.dedup();
    assert_eq!(fuel.len(), 1, "each burns the same: {fuel:?}");
}
