//! Level `isolated`: the same calls with the same outcomes, in processes that can do no more than their skill.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use openclaw_runtime::Runtime;
use openclaw_tests::embedded::{call, open, open_isolated, open_with_worker, tool_call};
use openclaw_tests::server::Server;
use openclaw_tests::{Home, Skill};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// The worker processes of this process.
fn workers() -> Vec<Pid> {
    let children = |task: std::fs::DirEntry| {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().map(|pid| pid.parse::<i32>().unwrap()).collect::<Vec<_>>()
    };
    let is_worker = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(b"run-worker\0"))
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks.flat_map(children).filter(is_worker).filter_map(Pid::from_raw).collect()
}

/// The one worker, once it is there.
async fn worker() -> Pid {
    for _ in 0..500 {
        if let [worker] = workers()[..] {
            return worker;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("there are {} workers, not one", workers().len());
}

/// What of a call can be compared: its code, its result, what it burnt and what it was refused.
async fn told(runtime: &Runtime, home: &Home, tool: &str, input: &Value) -> Value {
    let (code, output, report) = match runtime.dispatcher().call(tool_call(home, tool, input)).await {
        Ok(result) => ("ok", result.output.get().to_owned(), result.report),
        Err((error, report)) => (error.code(), format!("{error} {:?}", error.hint()), report),
    };
    // How far a call came that ran out of time is chance.
    let fuel = if code == "timeout" { 0 } else { report.spent.fuel };
    json!({
        "code": code, "output": output, "fuel": fuel, "denials": report.denials,
        "denial_count": report.denial_count, "log": report.log, "dropped": report.log_dropped,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_comes_to_the_same_end_as_in_process() {
    let server = Server::saying("ok");
    let home = Home::with(&Skill::guest("compute").limit("timeout", "\"2s\""));
    home.install(
        &Skill::guest("compute").named("small").limit("fuel", "5_000_000").limit("memory", "\"8MiB\""),
    );
    home.install(&Skill::guest("compute").named("terse").limit("output", "\"1KiB\""));
    home.install(&Skill::guest("files").tree("$data", "write").tree("$workspace", "read"));
    home.install(&Skill::guest("network").network(&server.url("/"), &["GET"], true));
    home.install_ungranted(&Skill::guest("files").named("ungranted").tree("$workspace", "write"));
    for name in ["call_traps", "handles_leaked", "giant_string", "not_json"] {
        home.install(&Skill::wat(name));
    }
    std::fs::write(home.workspace().join("seen"), "seen").unwrap();
    let calls = [
        ("compute/echo", json!({ "text": "x" })),
        ("compute/work", json!({ "steps": 500 })),
        ("compute/hash-order", json!({})),
        ("compute/panic", json!({ "text": "x" })),
        ("compute/exit", json!({ "code": 3 })),
        ("compute/sleep", json!({})),
        ("compute/huge-log", json!({ "lines": 2_000, "bytes": 64 })),
        ("compute/environment", json!({})),
        ("small/spin", json!({})),
        ("small/grow-memory", json!({})),
        ("small/recurse", json!({})),
        ("terse/huge-output", json!({ "bytes": 100_000 })),
        ("files/write", json!({ "path": "/data/kept", "text": "x" })),
        ("files/read", json!({ "path": "/data/kept" })),
        ("files/read", json!({ "path": "/workspace/seen" })),
        ("files/write", json!({ "path": "/workspace/seen", "text": "x" })),
        ("files/read", json!({ "path": "/etc/passwd" })),
        ("files/read", json!({ "path": "/data/../../x" })),
        ("ungranted/read", json!({ "path": "/workspace/seen" })),
        ("network/fetch", json!({ "url": server.url("/") })),
        ("network/fetch", json!({ "url": "http://127.0.0.1:1/" })),
        ("network/fetch", json!({ "url": "https://example.com/" })),
        ("handles-leaked/run", json!({})),
        ("giant-string/run", json!({})),
        ("not-json/run", json!({})),
        ("call-traps/run", json!({})),
    ];
    let (here, there) = (open(&home, 2), open_isolated(&home, 2));
    let mut codes = BTreeMap::<String, u32>::new();
    for (tool, input) in &calls {
        let (restricted, isolated) =
            (told(&here, &home, tool, input).await, told(&there, &home, tool, input).await);
        assert_eq!(restricted, isolated, "{tool} {input}");
        *codes.entry(isolated["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    // The list is of different ends, and not of calls that never began.
    assert!(codes.len() >= 7 && codes["ok"] >= 6, "{codes:?}");
    assert!(!workers().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_or_hangs_costs_its_call_and_nothing_else() {
    let skill = Skill::guest("compute").limit("timeout", "\"2s\"").limit("fuel", "50_000_000_000");
    let home = Home::with(&skill);
    let runtime = open_isolated(&home, 2);
    for (signal, code) in
        [(Signal::KILL, "worker-lost"), (Signal::ABORT, "worker-lost"), (Signal::STOP, "timeout")]
    {
        let running = runtime.dispatcher().spawn(tool_call(&home, "compute/spin", &json!({})));
        tokio::time::sleep(Duration::from_millis(400)).await;
        let begun = Instant::now();
        kill_process(worker().await, signal).unwrap();
        let (error, _) = running.await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{signal:?} {:?}", begun.elapsed());
        assert_eq!(call(&runtime, &home, "compute/echo", json!({ "text": "x" })).await.unwrap()["text"], "x");
        runtime.dispatcher().flush().unwrap();
        assert_eq!(home.last_record()["outcome"], "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_while_idle_costs_no_call() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open_isolated(&home, 2);
    call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
    let first = worker().await;
    kill_process(first, Signal::KILL).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
    assert_ne!(worker().await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_works_for_one_skill_in_one_workspace_under_one_policy() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open_isolated(&home, 4);
    let echo = || call(&runtime, &home, "compute/echo", json!({}));
    echo().await.unwrap();
    let first = worker().await;
    echo().await.unwrap();
    assert_eq!(worker().await, first, "it is used again");
    home.run(["grant", "allow", "acme/compute", "memory"]);
    runtime.reload().unwrap();
    echo().await.unwrap();
    let second = worker().await;
    assert_ne!(second, first, "it was begun under another policy");
    home.install(&Skill::guest("compute").named("other"));
    runtime.reload().unwrap();
    call(&runtime, &home, "other/echo", json!({})).await.unwrap();
    echo().await.unwrap();
    let here = workers();
    assert!(here.len() == 2 && !here.contains(&second), "{here:?}");
    let mut elsewhere = tool_call(&home, "compute/echo", &json!({}));
    elsewhere.workspace = None;
    runtime.dispatcher().call(elsewhere).await.unwrap();
    assert_eq!(workers().len(), 3, "one for each skill and workspace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_ends_the_call_and_the_host_ends_its_workers() {
    let home =
        Home::with(&Skill::guest("compute").limit("timeout", "\"60s\"").limit("fuel", "50_000_000_000"));
    let runtime = open_isolated(&home, 2);
    for tool in ["compute/spin", "compute/sleep"] {
        let running = runtime.dispatcher().spawn(tool_call(&home, tool, &json!({})));
        worker().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        running.cancel().cancel();
        let (error, report) = running.await.unwrap_err();
        assert_eq!(error.code(), "cancelled");
        assert!(report.spent.fuel > 0, "the worker itself told how the call ended");
    }
    let running = runtime.dispatcher().spawn(tool_call(&home, "compute/spin", &json!({})));
    tokio::time::sleep(Duration::from_millis(300)).await;
    kill_process(worker().await, Signal::STOP).unwrap();
    running.cancel().cancel();
    assert_eq!(running.await.unwrap_err().0.code(), "cancelled", "a worker that does not listen is ended");
    call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
    drop(runtime);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(workers(), [], "nobody is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_skill_remembers_and_writes_is_there_in_the_next_worker() {
    let home = Home::with(&Skill::guest("files").tree("$data", "write"));
    for _ in 0..2 {
        let runtime = open_isolated(&home, 1);
        let _ = call(&runtime, &home, "files/write", json!({ "path": "/data/kept", "text": "kept" }))
            .await
            .unwrap();
        let read = call(&runtime, &home, "files/read", json!({ "path": "/data/kept" })).await.unwrap();
        assert_eq!(read["text"], "kept", "{read}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_that_was_put_in_place_of_another_is_opened_anew() {
    let home = Home::with(&Skill::guest("files").tree("$workspace", "read"));
    std::fs::write(home.workspace().join("file"), "first").unwrap();
    let runtime = open_isolated(&home, 1);
    let read = || call(&runtime, &home, "files/read", json!({ "path": "/workspace/file" }));
    assert_eq!(read().await.unwrap()["text"], "first");
    std::fs::rename(home.workspace(), home.path("elsewhere")).unwrap();
    std::fs::create_dir(home.workspace()).unwrap();
    std::fs::write(home.workspace().join("file"), "second").unwrap();
    assert_eq!(read().await.unwrap()["text"], "second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_thread_of_a_worker_is_confined() {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = open_isolated(&home, 1);
    call(&runtime, &home, "compute/echo", json!({})).await.unwrap();
    let pid = worker().await.as_raw_nonzero();
    let mut threads = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".to_owned(), "2".to_owned()), "{status}");
        threads += 1;
    }
    assert!(threads >= 3, "{threads} threads");
    assert_eq!(
        std::fs::read(format!("/proc/{pid}/environ")).unwrap(),
        b"",
        "nothing of the host's environment"
    );
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    assert!(
        limits.lines().any(|line| line.starts_with("Max core file size") && line.contains(" 0 ")),
        "{limits}"
    );
}

/// What an escaped guest may do is on this list, and nothing else.
const POSSIBLE: [&str; 5] = [
    "send to where the socket is connected",
    "read what is granted",
    "write what is granted",
    "make a directory where granted",
    // It leads nowhere: what is opened through it is looked at anew.
    "make a link",
];

#[test]
fn an_escaped_guest_finds_nothing_but_its_trees() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for tree in ["read", "write"] {
        std::fs::create_dir(at(tree)).unwrap();
        std::fs::write(at(tree).join("file"), "content").unwrap();
    }
    std::fs::write(at("secret"), "secret").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_escape"))
        .args([at("read"), at("write"), at("secret")])
        .arg(std::process::id().to_string())
        .arg(listener.local_addr().unwrap().port().to_string())
        .output()
        .unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    let attempts: Vec<(&str, &str)> = told.lines().map(|line| line.split_once(": ").unwrap()).collect();
    assert_eq!(attempts.len(), 33, "{told}");
    for (attempt, end) in attempts {
        assert_eq!(POSSIBLE.contains(&attempt), end == "done", "{attempt}: {end}");
    }
    assert_eq!(std::fs::read(at("read").join("file")).unwrap(), b"content");
    assert!(!Path::new(&at("beside")).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_taken_over_is_ended_and_believed_nothing() {
    let home = Home::with(&Skill::guest("compute").limit("timeout", "\"2s\""));
    for (how, code) in [
        ("nonsense-first", "isolation-unavailable"),
        ("floods", "worker-lost"),
        ("floods-late", "worker-lost"),
        ("says-nothing", "timeout"),
        ("answers-nonsense", "worker-lost"),
        ("answers-another-call", "worker-lost"),
        ("answers-without-end", "worker-lost"),
    ] {
        let runtime = open_with_worker(&home, 1, env!("CARGO_BIN_EXE_taken-over").into(), how);
        let begun = Instant::now();
        let error = call(&runtime, &home, "compute/echo", json!({})).await.unwrap_err();
        assert_eq!(error.code(), code, "{how}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{how}: {:?}", begun.elapsed());
    }
    let runtime = open_with_worker(&home, 1, env!("CARGO_BIN_EXE_taken-over").into(), "says-nothing");
    let running = runtime.dispatcher().spawn(tool_call(&home, "compute/echo", &json!({})));
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.cancel().cancel();
    assert_eq!(running.await.unwrap_err().0.code(), "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_taken_over_forges_nothing() {
    let home = Home::with(&Skill::guest("compute").limit("timeout", "\"2s\"").limit("memory", "\"8MiB\""));
    let runtime = open_with_worker(&home, 1, env!("CARGO_BIN_EXE_taken-over").into(), "lies");
    let call = tool_call(&home, "compute/echo", &json!({}));
    let (error, report) = runtime.dispatcher().call(call).await.unwrap_err();
    let hides = |text: &str| text.contains(['\u{1b}', '\u{202e}']);
    assert!(!hides(&error.to_string()) && error.hint().is_none(), "{error}");
    assert!(report.spent.fuel <= 1_000_000_000 && report.spent.memory_bytes <= 8 << 20, "{:?}", report.spent);
    assert!(report.spent.duration < Duration::from_secs(60), "{:?}", report.spent);
    assert!(report.denials.len() <= 32, "{} denials", report.denials.len());
    assert!(report.denials.iter().all(|denial| !hides(&denial.target) && denial.hint.is_none()));
    assert!(report.log.len() <= 1_000 && report.log.iter().all(|line| !hides(&line.message)));
    runtime.dispatcher().flush().unwrap();
    let record = home.last_record();
    assert_eq!((&record["outcome"], &record["bytes"]["input"]), (&json!("trap"), &json!(2)), "{record}");
}

#[test]
fn the_configuration_chooses_the_level() {
    let home = Home::with(&Skill::guest("compute"));
    let echo = || home.run(["tool", "call", "acme/compute/echo", r#"{"text":"x"}"#]);
    let restricted = echo().json();
    let config = home.data().join("config.yaml");
    std::fs::write(&config, "execution:\n  sandbox: { level: isolated }\n").unwrap();
    let isolated = echo().json();
    assert_eq!(restricted["output"], isolated["output"]);
    assert_eq!(restricted["report"]["fuel"], isolated["report"]["fuel"]);
    for text in [
        "execution:\n  sandbox: { enabled: false }\n",
        "execution:\n  sandbox: { level: trusted }\n",
        "x: 1\n",
    ] {
        std::fs::write(&config, text).unwrap();
        echo().refused("invalid-config");
    }
}
