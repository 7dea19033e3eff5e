//! A caller who goes away: the call ends wherever it is, is recorded as cancelled, and costs nothing any more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::time::{Duration, Instant};

use openclaw_runtime::Runtime;
use openclaw_tests::embedded::{call, open, tool_call};
use openclaw_tests::server::Server;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

/// Far less than the calls below would take if they were not cancelled.
const SOON: Duration = Duration::from_secs(10);

fn home() -> Home {
    Home::with(&Skill::guest("compute").limit("timeout", "\"60s\"").limit("fuel", "50_000_000_000"))
}

/// Starts a call, goes away a little later, and waits for its record.
async fn given_up(runtime: &Runtime, home: &Home, tool: &str, input: &Value) -> Value {
    let begun = Instant::now();
    let running = runtime.dispatcher().spawn(tool_call(home, tool, input));
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(running);
    loop {
        runtime.dispatcher().flush().unwrap();
        let record = home.last_record();
        if record["tool"] == format!("acme/{tool}") && record["outcome"] == "cancelled" {
            return record;
        }
        assert!(begun.elapsed() < SOON, "{tool} goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// CPU time that this process used so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // After the name, which may hold anything: fields 14 and 15 of proc(5), in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let hundredths: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(hundredths * 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_computes_or_sleeps_ends_and_leaves_the_machine_idle() {
    let home = home();
    let runtime = open(&home, 4);
    for tool in ["compute/spin", "compute/fill-memory-for-ever", "compute/sleep", "compute/spam-stdout"] {
        let record = given_up(&runtime, &home, tool, &json!({})).await;
        assert!(record["duration_us"].as_u64() < Some(9_000_000), "{record}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = cpu();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let used = cpu() - before;
    assert!(used < Duration::from_millis(200), "{used:?} of CPU time in two idle seconds");
    assert_eq!(call(&runtime, &home, "compute/echo", json!({ "text": "x" })).await.unwrap()["text"], "x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_waits_for_the_network_ends_and_its_connection_closes() {
    let server = Server::silent();
    let skill = Skill::guest("network").limit("timeout", "\"60s\"").network(&server.url("/"), &["GET"], true);
    let home = Home::with(&skill);
    let runtime = open(&home, 1);
    given_up(&runtime, &home, "network/fetch", &json!({ "url": server.url("/") })).await;
    assert_eq!(server.heads().len(), 1, "it was not even asked");
    assert_eq!(runtime.dispatcher().catalog().iter().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_for_its_place_ends_without_having_begun() {
    let home = home();
    home.install(&Skill::guest("compute").named("other"));
    let runtime = open(&home, 1);
    let spinning = runtime.dispatcher().spawn(tool_call(&home, "compute/spin", &json!({})));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let record = given_up(&runtime, &home, "other/echo", &json!({})).await;
    assert_eq!(record["fuel"], 0, "{record}");
    // The word alone ends it, too, and then there is an answer.
    spinning.cancel().cancel();
    let (error, report) = spinning.await.unwrap_err();
    assert_eq!(error.code(), "cancelled");
    assert!(report.spent.fuel > 0);
    call(&runtime, &home, "other/echo", json!({})).await.unwrap();
}

#[tokio::test]
async fn one_thread_is_enough_to_cancel_from_another() {
    let home = home();
    let runtime = open(&home, 1);
    let cancel = openclaw_runtime::Cancel::default();
    let theirs = cancel.clone();
    let away = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        theirs.cancel();
    });
    let call = tool_call(&home, "compute/spin", &json!({}));
    let (error, _) = runtime.dispatcher().call_until(call, &cancel).await.unwrap_err();
    assert_eq!(error.code(), "cancelled");
    away.join().unwrap();
}
