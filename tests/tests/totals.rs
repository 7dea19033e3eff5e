//! What a call holds is counted over all its parts, and what calls hold together never takes from others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::time::Duration;

use openclaw_runtime::Runtime;
use openclaw_tests::embedded::{call, open, open_isolated, tool_call};
use openclaw_tests::{Home, Skill};
use serde_json::json;
use tokio::task::JoinSet;

/// Bytes that `$data` may hold, as `docs/operators.md` says.
const DATA_QUOTA: u64 = 256 << 20;

#[test]
fn tables_count_towards_the_memory_of_a_call() {
    let home = Home::with(&Skill::wat("table_grow").limit("memory", "\"1MiB\""));
    let failure = home.call("table-grow/run", &json!({})).refused("memory-exceeded");
    let held = failure.call["memory_bytes"].as_u64().unwrap();
    assert!((512 << 10..=1 << 20).contains(&held), "{held}");
}

#[test]
fn what_the_host_makes_for_a_guest_is_bounded() {
    let home = Home::with(&Skill::guest("compute").limit("fuel", "20_000_000_000"));
    let some = home.call("compute/random-flood", &json!({ "bytes": 65_536 })).output();
    assert_eq!(some["bytes"], 65_536);
    home.call("compute/random-flood", &json!({ "bytes": 65_537 })).refused("trap");
    home.call("compute/random-flood", &json!({ "bytes": 1_u64 << 40 })).refused("trap");
    let some = home.call("compute/poll-flood", &json!({ "held": 400, "entries": 400 })).output();
    assert_eq!(some["ready"], 400);
    home.call("compute/poll-flood", &json!({ "held": 5_000 })).refused("trap");
    home.call("compute/poll-flood", &json!({ "entries": 3_000_000 })).refused("trap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_never_sent_take_no_memory_of_the_host() {
    let skill = Skill::guest("network").network("https://example.com/", &["GET"], false);
    let home = Home::with(&skill.limit("fuel", "20_000_000_000"));
    let runtime = open(&home, 1);
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    call(&runtime, &home, "network/long-lines", json!({ "bytes": 60, "most": 1 })).await.unwrap();
    let before = resident();
    let held =
        call(&runtime, &home, "network/long-lines", json!({ "bytes": 1 << 20, "most": 500 })).await.unwrap();
    assert_eq!((&held["requests"], &held["accepted"]), (&json!(500), &json!(0)), "{held}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 128 << 20, "{grown} bytes");
    let short = call(&runtime, &home, "network/long-lines", json!({ "bytes": 60, "most": 1 })).await.unwrap();
    assert_eq!(short["accepted"], 4, "what is short enough is taken: {short}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skills_that_hoard_tables_and_instances_leave_others_theirs() {
    let hoarder = Skill::wat("hoard").limit("timeout", "\"3s\"").limit("fuel", "50_000_000_000");
    let home = Home::with(&Skill::wat("honest"));
    for name in ["hoard-1", "hoard-2"] {
        home.install(&hoarder.clone().named(name));
    }
    let runtime = open(&home, 4);
    call(&runtime, &home, "honest/run", json!({})).await.unwrap();
    let mut hoarding = JoinSet::new();
    for number in 0..4 {
        let call = tool_call(&home, &format!("hoard-{}/run", number % 2 + 1), &json!({}));
        hoarding.spawn(runtime.dispatcher().spawn(call));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    call(&runtime, &home, "honest/run", json!({})).await.unwrap();
    while let Some(ended) = hoarding.join_next().await {
        let (error, _) = ended.unwrap().unwrap_err();
        assert!(matches!(error.code(), "timeout" | "busy"), "{error}");
    }
}

/// Calls at once that each fill `$data` with all that it may hold: together they fill it once.
async fn fill(home: &Home, runtime: &Runtime) {
    let mut filling = JoinSet::new();
    for number in 0..4 {
        let input = json!({ "path": format!("/data/{number}"), "most": DATA_QUOTA });
        filling.spawn(runtime.dispatcher().spawn(tool_call(home, "files/fill-disk", &input)));
    }
    let mut refused = 0;
    while let Some(ended) = filling.join_next().await {
        let report = ended.unwrap().unwrap().report;
        refused += u32::from(report.denials.iter().any(|denial| denial.reason.label() == "quota-exceeded"));
    }
    let data = home.data().join("data/acme/files");
    let sizes = std::fs::read_dir(&data).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    let held: u64 = sizes.sum();
    assert!(held <= DATA_QUOTA, "{held} bytes");
    assert!(held > DATA_QUOTA / 10 * 9 && refused >= 3, "{held} bytes, {refused} refused");
    // What the owner deletes is free again.
    std::fs::remove_file(data.join("0")).unwrap();
    let written = call(runtime, home, "files/write", json!({ "path": "/data/new", "text": "x" })).await;
    written.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_once_share_one_quota() {
    let skill = Skill::guest("files").tree("$data", "write").limit("timeout", "\"60s\"");
    let home = Home::with(&skill.limit("fuel", "50_000_000_000"));
    let runtime = open(&home, 8);
    fill(&home, &runtime).await;
    drop(runtime);
    home.run(["remove", "acme/files", "--purge"]).json();
    assert!(!home.data().join("data/acme/files.quota").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_one_quota() {
    let skill = Skill::guest("files").tree("$data", "write").limit("timeout", "\"60s\"");
    let home = Home::with(&skill.limit("fuel", "50_000_000_000"));
    fill(&home, &open_isolated(&home, 8)).await;
}
