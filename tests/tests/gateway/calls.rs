//! Calls: their results, their errors, and what is followed or given up.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::time::{Duration, Instant};

use openclaw_gateway::Service;
use openclaw_runtime::consent::Consents;
use openclaw_tests::embedded;
use openclaw_tests::gateway::{Gateway, post};
use openclaw_tests::http::Request;
use serde_json::{Value, json};

use crate::home;

#[test]
fn health_and_readiness_need_no_token() {
    let home = home();
    let gateway = Gateway::start(&home);
    let health = gateway.send(&Request::get("/health"));
    assert_eq!(health.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(health.header("cache-control"), Some("no-store"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(health.value(), json!({ "status": "healthy", "version": version, "agents": 0 }));
    assert_eq!(gateway.send(&Request::get("/ready")).value(), json!({ "status": "ready" }));
}

#[test]
fn a_tool_is_listed_and_called_and_the_call_recorded() {
    let home = home();
    let gateway = Gateway::start(&home);
    let tools = gateway.get("/api/v1/tools").value();
    let tools = tools["tools"].as_array().unwrap();
    let echo = tools.iter().find(|tool| tool["tool"] == "acme/compute/echo").unwrap();
    assert_eq!(echo["version"], "1.0.0");
    assert!(echo["input_schema"].is_object(), "{echo}");
    let called = gateway.call("compute/echo", &json!({ "text": "über" })).value();
    assert_eq!(called["result"]["text"], "über");
    let report = &called["report"];
    assert!(report["fuel"].as_u64() > Some(0) && report["duration_ms"].as_f64() > Some(0.0), "{report}");
    gateway.wait_until("it is recorded", || home.last_record()["caller"] == "owner");
    let record = home.last_record();
    assert_eq!((&record["tool"], &record["outcome"]), (&json!("acme/compute/echo"), &json!("ok")));
}

#[test]
fn each_failure_has_its_status_and_nothing_internal_in_it() {
    let home = home();
    let gateway = Gateway::start(&home);
    let code = |tool: &str, input: Value, status: u16| {
        let answer = gateway.call(tool, &input);
        let text = answer.text();
        for inner in ["/tmp", ".rs:", "panicked", "backtrace", home.data().to_str().unwrap()] {
            assert!(!text.contains(inner), "{inner} in {text}");
        }
        answer.refused(status)
    };
    assert_eq!(code("compute/fail-with", json!({ "text": "no luck" }), 422), "tool-failed");
    assert_eq!(code("compute/fail-with", json!({ "text": "no", "denied": true }), 403), "permission-denied");
    assert_eq!(code("compute/panic", json!({}), 422), "trap");
    gateway.wait_until("its owner finds the reason in the log", || gateway.log().contains("it went wrong"));
    assert_eq!(code("compute/huge-output", json!({ "bytes": 3_000_000 }), 422), "output-too-large");
    assert_eq!(code("compute/ekko", json!({}), 404), "unknown-tool");
    assert_eq!(code("nothing/echo", json!({}), 404), "unknown-skill");
    assert_eq!(code("compute/echo", json!([]), 422), "invalid-input");
    let mut request = post("compute/echo", &json!({})).by(gateway.token());
    request.body = b"{\"text\":".to_vec();
    assert_eq!(gateway.send(&request).refused(400), "malformed-input");
    request.body = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes();
    assert_eq!(gateway.send(&request).refused(400), "malformed-input");
    request.body = b"{\"text\":\"\xff\"}".to_vec();
    assert_eq!(gateway.send(&request).refused(400), "malformed-input");
    let plain =
        Request { headers: Vec::new(), ..request }.by(gateway.token()).with("content-type", "text/plain");
    assert_eq!(gateway.send(&plain).refused(415), "unsupported-media-type");
}

/// The names and the data of the events of a stream.
fn events(text: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let mut lines = block.lines();
        let name = lines.next()?.strip_prefix("event: ")?.to_owned();
        Some((name, serde_json::from_str(lines.next()?.strip_prefix("data: ")?).unwrap()))
    };
    text.split("\n\n").filter_map(event).collect()
}

#[test]
fn a_call_is_followed_as_events_and_its_end_is_the_last_one() {
    let home = home();
    let gateway = Gateway::start(&home);
    let follow = |tool: &str, input: Value| {
        let request = post(tool, &input).by(gateway.token()).with("accept", "text/event-stream");
        let answer = gateway.send(&request);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        events(&answer.text())
    };
    let told = follow("compute/spam-stderr", json!({ "lines": 3 }));
    let (last, rest) = told.split_last().unwrap();
    assert_eq!(rest.len(), 3, "{told:?}");
    assert_eq!(
        rest[2],
        ("log".to_owned(), json!({ "level": "stderr", "message": "line 2 of a great many" }))
    );
    assert_eq!((last.0.as_str(), &last.1["result"]), ("result", &json!({ "done": true })));
    let told = follow("compute/fail-with", json!({ "text": "event: result\n\ndata: {}\u{1b}[31m" }));
    let (last, rest) = told.split_last().unwrap();
    assert_eq!((last.0.as_str(), &last.1["error"]["code"]), ("error", &json!("tool-failed")));
    assert!(rest.iter().all(|(name, _)| name == "log"), "{told:?}");
}

#[test]
fn what_a_skill_logs_is_kept_in_its_log_also_at_the_end() {
    let home = home();
    let mut gateway = Gateway::start(&home);
    gateway.call("compute/spam-stderr", &json!({ "lines": 3 })).ok();
    gateway.call("compute/spam-stderr", &json!({ "lines": 1 })).ok();
    gateway.signal(rustix::process::Signal::TERM);
    assert!(gateway.ended().success());
    let log = std::fs::read_to_string(home.data().join("logs/acme/compute.log")).unwrap();
    assert_eq!(log.lines().count(), 4, "{log}");
    assert!(log.contains(" spam-stderr stderr line 2 of a great many\n"), "{log}");
}

#[test]
fn events_come_while_the_call_runs() {
    let home = home();
    let gateway = Gateway::start(&home);
    let body = json!({ "lines": 1_000_000_000_u64 }).to_string();
    let request = format!(
        "POST /api/v1/tools/acme/compute/spam-stderr HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         accept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.address(),
        gateway.token(),
        body.len(),
    );
    let mut stream = gateway.connect();
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.any(|line| line.unwrap() == "event: log"), "it ended without an event");
    drop(lines);
    gateway.wait_until("the call was given up", || home.last_record()["outcome"] == "cancelled");
}

#[test]
fn a_closed_connection_ends_the_call() {
    let home = home();
    let gateway = Gateway::start(&home);
    for tool in ["compute/spin", "compute/sleep"] {
        let request = post(tool, &json!({})).by(gateway.token());
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: 2\r\n\r\n{{}}",
            request.target,
            gateway.address(),
            gateway.token(),
        );
        let mut stream = gateway.connect();
        stream.write_all(head.as_bytes()).unwrap();
        gateway.wait_until("it runs", || gateway.get("/api/v1/metrics").value()["running_calls"] == 1);
        drop(stream);
        let begun = Instant::now();
        gateway.wait_until("it was given up", || {
            let record = home.last_record();
            record["tool"] == format!("acme/{tool}") && record["outcome"] == "cancelled"
        });
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn nothing_is_read_from_the_disk_for_a_call() {
    let home = home();
    let gateway = Gateway::start(&home);
    // A gateway looks once more at what is there soon after it began to follow changes.
    let log = home.data().join("logs/gateway.log");
    gateway.wait_until("it has looked once more", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("skills and policy were reloaded"))
    });
    gateway.call("compute/echo", &json!({ "text": "x" })).ok();
    let (skills, away) = (home.data().join("skills"), home.path("away"));
    std::fs::rename(&skills, &away).unwrap();
    gateway.call("compute/echo", &json!({ "text": "x" })).ok();
    gateway.get("/api/v1/tools").ok();
    std::fs::rename(&away, &skills).unwrap();
}

#[test]
fn a_connection_is_kept_and_pipelined_requests_are_answered_in_order() {
    let home = home();
    let gateway = Gateway::start(&home);
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", gateway.address());
    let last = format!("GET /health HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", gateway.address());
    let mut stream = gateway.connect();
    stream
        .write_all(format!("{}{}{}{last}", one("/health"), one("/nothing"), one("/ready")).as_bytes())
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let statuses: Vec<_> = text.match_indices("HTTP/1.1 ").map(|(at, _)| &text[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "401", "200", "200"], "{text}");
}

#[test]
fn metrics_count_what_happened_and_name_installed_skills_only() {
    let home = home();
    let gateway = Gateway::start(&home);
    gateway.call("compute/echo", &json!({ "text": "x" })).ok();
    gateway.call("compute/fail-with", &json!({ "text": "x" })).refused(422);
    gateway.call("nowhere/echo", &json!({})).refused(404);
    let answer = gateway.get("/metrics");
    let text = answer.text();
    for line in [
        "openclaw_skill_executions_total{skill=\"acme/compute\"} 2",
        "openclaw_skill_errors_total{skill=\"acme/compute\",code=\"tool-failed\"} 1",
        "openclaw_errors_total{code=\"unknown-skill\"} 1",
        "openclaw_request_duration_ms_count{route=\"/api/v1/tools/{publisher}/{skill}/{tool}\"} 3",
        "openclaw_active_skills 1",
        "openclaw_call_places 16",
    ] {
        assert!(text.lines().any(|known| known == line), "no {line} in {text}");
    }
    for name in ["process_resident_memory_bytes ", "openclaw_memory_usage_bytes ", "openclaw_fuel_total "] {
        let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert!(value.parse::<u64>().unwrap() > 0, "{name}{value}");
    }
    assert!(!text.contains("nowhere"), "a stranger's word is a label: {text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn skills_stay_active_when_they_are_reloaded() {
    let home = home();
    let service = Service::new(embedded::open(&home, 1), Consents::default());
    let active = || service.metrics().document(service.runtime().dispatcher()).active_skills;
    assert_eq!(active(), 1);
    service.runtime().reload().unwrap();
    assert_eq!(active(), 1);
}
