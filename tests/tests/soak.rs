//! A great many calls of mixed skills, hostile ones among them: the host at the end is the host of the beginning.
//!
//! `OPENCLAW_SOAK_CALLS` says how many calls; `scripts/soak` makes a million.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail so, and a long run tells how it goes"
)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use openclaw_runtime::Runtime;
use openclaw_tests::embedded::{open, tool_call};
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Calls where the environment says nothing.
const CALLS: u64 = 20_000;
/// Calls after which the host counts as warm: what it holds then is what it may hold at the end.
const WARM: u64 = 10_000;
/// Calls that are under way at once.
const AT_ONCE: usize = 8;
/// What resident memory may differ by: allocators give pages back when they like.
const SLACK_BYTES: u64 = 24 << 20;
/// What counts of threads, maps and descriptors may differ by: pools of threads breathe.
const SLACK: u64 = 12;

/// What the process holds.
#[derive(Clone, Copy, Debug)]
struct Footprint {
    resident_bytes: u64,
    descriptors: u64,
    threads: u64,
    maps: u64,
}

impl Footprint {
    fn now() -> Self {
        let count = |path: &str| std::fs::read_dir(path).unwrap().count() as u64;
        let pages: u64 =
            std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            resident_bytes: pages * 4096,
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            maps: std::fs::read_to_string("/proc/self/maps").unwrap().lines().count() as u64,
        }
    }

    /// Nothing has grown since.
    fn no_more_than(self, warm: Self) {
        let grown = |now: u64, then: u64, slack: u64| now > then + slack;
        assert!(!grown(self.resident_bytes, warm.resident_bytes, SLACK_BYTES), "{self:?} after {warm:?}");
        assert!(!grown(self.descriptors, warm.descriptors, SLACK), "{self:?} after {warm:?}");
        assert!(!grown(self.threads, warm.threads, SLACK), "{self:?} after {warm:?}");
        assert!(!grown(self.maps, warm.maps, SLACK * 4), "{self:?} after {warm:?}");
    }
}

/// A server that answers one request after the other, and keeps nothing.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A client that has gone does not matter.
            let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    url
}

/// One kind of call: the tool, its input, and how it may end.
type Kind = (&'static str, Value, &'static [&'static str]);

fn kinds(url: &str) -> Vec<Kind> {
    const OUT: &[&str] = &["fuel-exhausted", "timeout"];
    vec![
        ("compute/echo", json!({ "text": "soak" }), &["ok"]),
        ("compute/work", json!({ "steps": 500 }), &["ok"]),
        ("compute/hash-order", json!({}), &["ok"]),
        ("compute/panic", json!({ "text": "soak" }), &["trap"]),
        ("compute/exit", json!({ "code": 3 }), &["exit"]),
        ("compute/huge-log", json!({ "lines": 50, "bytes": 256 }), &["ok"]),
        ("compute/echo", json!("no object"), &["invalid-input"]),
        ("small/spin", json!({}), OUT),
        ("small/grow-memory-and-survive", json!({}), &["ok", "memory-exceeded", "fuel-exhausted"]),
        ("small/recurse", json!({}), &["trap", "fuel-exhausted"]),
        ("files/write", json!({ "path": "/data/kept", "text": "soak" }), &["ok"]),
        ("files/read", json!({ "path": "/data/kept" }), &["ok", "tool-failed"]),
        ("files/read", json!({ "path": "/data/../../x" }), &["permission-denied", "tool-failed"]),
        ("network/fetch", json!({ "url": url }), &["ok"]),
        ("network/fetch", json!({ "url": "http://127.0.0.1:1/" }), &["permission-denied"]),
        ("handles-leaked/run", json!({}), &["trap", "fuel-exhausted"]),
        ("giant-string/run", json!({}), &["trap"]),
        ("memory-grow-quietly/run", json!({}), &["ok"]),
        ("table-storm/run", json!({}), OUT),
        ("nobody/nothing", json!({}), &["unknown-skill"]),
    ]
}

fn home(url: &str) -> Home {
    let little = |skill: Skill| skill.limit("fuel", "2_000_000").limit("timeout", "\"5s\"");
    let home = Home::with(&Skill::guest("compute"));
    home.install(&little(Skill::guest("compute").named("small")).limit("memory", "\"8MiB\""));
    home.install(&Skill::guest("files").tree("$data", "write"));
    home.install(&Skill::guest("network").network(url, &["GET"], true));
    for name in ["handles_leaked", "giant_string", "memory_grow_quietly", "table_storm"] {
        home.install(&little(Skill::wat(name)));
    }
    home
}

/// Makes one call; every so often a caller goes away before the answer, of each kind of call.
async fn one(runtime: Runtime, call: openclaw_runtime::ToolCall, number: u64) -> &'static str {
    let running = runtime.dispatcher().spawn(call);
    if number % 51 == 50 {
        tokio::task::yield_now().await;
        drop(running);
        return "cancelled";
    }
    running.await.map_or_else(|(error, _)| error.code(), |_| "ok")
}

async fn calls(runtime: &Runtime, home: &Home, kinds: &[Kind], numbers: std::ops::Range<u64>) {
    let mut under_way = JoinSet::new();
    for number in numbers {
        // A step that shares no factor with the count of kinds, so that all meet all.
        let (tool, input, ends) = &kinds[(number * 7 % kinds.len() as u64) as usize];
        let call = tool_call(home, tool, input);
        let (theirs, ends, tool) = (runtime.clone(), *ends, *tool);
        under_way.spawn(async move { (one(theirs, call, number).await, ends, tool) });
        if under_way.len() == AT_ONCE {
            ended(under_way.join_next().await.unwrap().unwrap());
        }
        if number % 1_000 == 0 {
            runtime.reload().unwrap();
        }
    }
    while let Some(done) = under_way.join_next().await {
        ended(done.unwrap());
    }
}

#[track_caller]
fn ended((code, ends, tool): (&str, &[&str], &str)) {
    assert!(code == "cancelled" || ends.contains(&code), "{tool} ended with {code}");
}

/// Waits until what ended has been put away.
async fn settle(runtime: &Runtime) {
    runtime.dispatcher().flush().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_at_the_end_is_the_host_of_the_beginning() {
    let count = std::env::var("OPENCLAW_SOAK_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(CALLS);
    assert!(count > WARM, "OPENCLAW_SOAK_CALLS must be more than {WARM}");
    let url = serve();
    let home = home(&url);
    let (runtime, kinds, begun) = (open(&home, 16), kinds(&url), Instant::now());
    calls(&runtime, &home, &kinds, 0..WARM).await;
    settle(&runtime).await;
    let warm = Footprint::now();
    eprintln!("{WARM} calls: {warm:?}");
    let step = ((count - WARM) / 10).max(1);
    let mut made = WARM;
    while made < count {
        let next = (made + step).min(count);
        calls(&runtime, &home, &kinds, made..next).await;
        made = next;
        eprintln!("{made} calls in {:?}: {:?}", begun.elapsed(), Footprint::now());
    }
    settle(&runtime).await;
    Footprint::now().no_more_than(warm);
    recorded(&home, count);
}

/// Every call of an installed skill is in the audit log, once.
fn recorded(home: &Home, count: u64) {
    let text = std::fs::read_to_string(home.data().join("audit.ndjson")).unwrap();
    let mut by_tool = BTreeMap::<String, u64>::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        *by_tool.entry(record["tool"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let kinds = kinds("").len() as u64;
    let unknown = (0..count).filter(|number| number * 7 % kinds == kinds - 1).count() as u64;
    assert_eq!(by_tool.values().sum::<u64>(), count - unknown, "{by_tool:?}");
}
