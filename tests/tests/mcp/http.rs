//! Sessions over HTTP belong to who opened them, are bounded, and end with all that runs in them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use openclaw_gateway::mcp::HttpOptions;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use crate::serving::Endpoint;
use crate::wire::{call, initialize};

fn home() -> Home {
    Home::with(&Skill::guest("compute").limit("timeout", "\"60s\"").limit("fuel", "50_000_000_000"))
}

/// An answer: its status, the session that it names, and its body.
#[derive(Debug)]
struct Answer {
    status: u16,
    session: Option<String>,
    body: String,
}

/// Sends a request, and leaves its answer to come.
fn send(endpoint: &Endpoint, method: &str, caller: Option<&str>, headers: &str, body: &str) -> TcpStream {
    let mut stream = send_head(endpoint, method, caller, headers, body.len());
    stream.write_all(body.as_bytes()).unwrap();
    stream
}

/// Sends all but the body.
fn send_head(
    endpoint: &Endpoint,
    method: &str,
    caller: Option<&str>,
    headers: &str,
    length: usize,
) -> TcpStream {
    let mut stream = TcpStream::connect(endpoint.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let token = caller.map(|name| format!("Authorization: Bearer {name}\r\n")).unwrap_or_default();
    write!(
        stream,
        "{method} /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}Accept: application/json, text/event-stream\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
    .unwrap();
    stream
}

fn ask(
    endpoint: &Endpoint,
    method: &str,
    caller: Option<&str>,
    session: Option<&str>,
    body: &Value,
) -> Answer {
    let headers = session.map(|session| format!("Mcp-Session-Id: {session}\r\n")).unwrap_or_default();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut text = String::new();
    send(endpoint, method, caller, &headers, &body).read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let session = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).map(str::to_owned);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, session, body: body.to_owned() }
}

fn open(endpoint: &Endpoint, caller: &str) -> String {
    let answer = ask(endpoint, "POST", Some(caller), None, &initialize());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.session.expect("a session")
}

fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })
}

#[test]
fn a_session_is_there_for_its_own_caller_only() {
    let home = home();
    let endpoint = Endpoint::start(&home, HttpOptions::default());
    let session = open(&endpoint, "ada");
    assert_eq!(ask(&endpoint, "POST", Some("ada"), Some(&session), &ping()).status, 200);
    for method in ["POST", "GET", "DELETE"] {
        let body = if method == "POST" { ping() } else { Value::Null };
        let others = ask(&endpoint, method, Some("eve"), Some(&session), &body);
        let none = ask(&endpoint, method, Some("eve"), Some("no-such"), &body);
        assert_eq!((others.status, &others.body), (404, &none.body), "{method}");
        assert_eq!(ask(&endpoint, method, None, Some(&session), &body).status, 401, "{method}");
    }
    assert_eq!(ask(&endpoint, "POST", Some("ada"), Some(&session), &ping()).status, 200, "it is still there");
}

#[test]
fn the_end_of_a_session_ends_its_calls() {
    let home = home();
    let endpoint = Endpoint::start(&home, HttpOptions::default());
    let session = open(&endpoint, "ada");
    let header = format!("Mcp-Session-Id: {session}\r\n");
    let _running =
        send(&endpoint, "POST", Some("ada"), &header, &call(1, "compute__spin", json!({})).to_string());
    wait_until(|| endpoint.runtime().dispatcher().running() == 1);
    let begun = Instant::now();
    let ended = ask(&endpoint, "DELETE", Some("ada"), Some(&session), &Value::Null);
    assert!((200..300).contains(&ended.status), "{ended:?}");
    wait_until(|| endpoint.runtime().dispatcher().running() == 0);
    assert!(begun.elapsed() < Duration::from_secs(4), "at once: {:?}", begun.elapsed());
    assert_eq!(ask(&endpoint, "POST", Some("ada"), Some(&session), &ping()).status, 404);
    drop(endpoint);
    assert_eq!(home.last_record()["outcome"], "cancelled");
}

#[test]
fn a_stream_that_is_closed_ends_a_call_without_a_session() {
    let home = home();
    let endpoint = Endpoint::start(&home, HttpOptions::default());
    let mut request = call(1, "compute__spin", json!({}));
    request["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "by hand", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let headers =
        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: acme__compute__spin\r\n";
    let running = send(&endpoint, "POST", Some("ada"), headers, &request.to_string());
    wait_until(|| endpoint.runtime().dispatcher().running() == 1);
    drop(running);
    wait_until(|| endpoint.runtime().dispatcher().running() == 0);
    drop(endpoint);
    assert_eq!(home.last_record()["outcome"], "cancelled");
}

#[test]
fn sessions_are_bounded_for_each_caller_and_for_all() {
    let options = HttpOptions { sessions: 3, sessions_per_caller: 2, ..HttpOptions::default() };
    let home = home();
    let endpoint = Endpoint::start(&home, options);
    let first = open(&endpoint, "ada");
    open(&endpoint, "ada");
    assert_eq!(ask(&endpoint, "POST", Some("ada"), None, &initialize()).status, 503);
    open(&endpoint, "eve");
    assert_eq!(ask(&endpoint, "POST", Some("bob"), None, &initialize()).status, 503);
    ask(&endpoint, "DELETE", Some("ada"), Some(&first), &Value::Null);
    open(&endpoint, "bob");
}

/// What opens a session, and says that it is of the revision that has none.
fn initialize_as_without_sessions() -> String {
    initialize().to_string().replace("2025-11-25", "2026-07-28")
}

const WITHOUT_SESSIONS: &str = "MCP-Protocol-Version: 2026-07-28\r\n";

fn status(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_session_counts_whatever_revision_its_headers_name() {
    let options = HttpOptions { sessions_per_caller: 2, ..HttpOptions::default() };
    let home = home();
    let endpoint = Endpoint::start(&home, options);
    let body = initialize_as_without_sessions();
    let open = |method: &str| {
        let headers = format!("{WITHOUT_SESSIONS}{method}");
        status(send(&endpoint, "POST", Some("ada"), &headers, &body))
    };
    assert_eq!(open(""), "200");
    assert_eq!(open("Mcp-Method: initialize\r\n"), "200");
    assert_eq!((&*open(""), &*open("Mcp-Method: initialize\r\n")), ("503", "503"));
    assert_ne!(open("Mcp-Method: tools/list\r\n"), "200", "the method is not what the header says");
    assert_eq!(ask(&endpoint, "POST", Some("ada"), None, &initialize()).status, 503);
    // Who has no room for sessions may go on without.
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "by hand", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    } } });
    let headers = format!("{WITHOUT_SESSIONS}Mcp-Method: tools/list\r\n");
    assert_eq!(status(send(&endpoint, "POST", Some("ada"), &headers, &list.to_string())), "200");
}

#[test]
fn sessions_that_are_opened_at_the_same_time_are_bounded_too() {
    let options = HttpOptions { sessions_per_caller: 2, ..HttpOptions::default() };
    let home = home();
    let endpoint = Endpoint::start(&home, options);
    let body = initialize().to_string();
    let mut opening: Vec<_> =
        (0..12).map(|_| send_head(&endpoint, "POST", Some("ada"), "", body.len())).collect();
    // None is open yet, so that nothing speaks against any of them.
    std::thread::sleep(Duration::from_millis(300));
    opening.iter_mut().for_each(|stream| stream.write_all(body.as_bytes()).unwrap());
    let statuses: Vec<_> = opening.into_iter().map(status).collect();
    assert_eq!(statuses.iter().filter(|status| *status == "200").count(), 2, "{statuses:?}");
    assert!(statuses.iter().all(|status| status == "200" || status == "503"), "{statuses:?}");
}

#[test]
fn an_end_that_is_refused_leaves_the_session_counted() {
    let options = HttpOptions { sessions_per_caller: 1, ..HttpOptions::default() };
    let home = home();
    let endpoint = Endpoint::start(&home, options);
    let session = open(&endpoint, "ada");
    let headers = format!("{WITHOUT_SESSIONS}Mcp-Session-Id: {session}\r\n");
    assert_eq!(status(send(&endpoint, "DELETE", Some("ada"), &headers, "")), "405");
    assert_eq!(ask(&endpoint, "POST", Some("ada"), Some(&session), &ping()).status, 200, "it lives");
    assert_eq!(ask(&endpoint, "POST", Some("ada"), None, &initialize()).status, 503, "and counts");
    ask(&endpoint, "DELETE", Some("ada"), Some(&session), &Value::Null);
    wait_until(|| ask(&endpoint, "POST", Some("ada"), None, &initialize()).status == 200);
}

/// Reads from a stream that goes on until it has said something; answers with all that it said.
fn read_until(stream: &mut TcpStream, what: &str) -> String {
    let (mut said, mut bytes) = (String::new(), [0; 4096]);
    while !said.contains(what) {
        let count = stream.read(&mut bytes).unwrap_or_else(|error| panic!("{error} after {said}"));
        assert_ne!(count, 0, "it ended: {said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    said
}

fn cancelled(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })
}

#[test]
fn what_a_call_said_that_was_given_up_is_not_kept() {
    let home = home();
    let endpoint = Endpoint::start(&home, HttpOptions::default());
    let session = open(&endpoint, "ada");
    let header = format!("Mcp-Session-Id: {session}\r\n");
    let mut request = call(1, "compute__progress", json!({ "steps": 1000, "milliseconds": 50 }));
    request["params"]["_meta"] = json!({ "progressToken": "told" });
    let mut running = send(&endpoint, "POST", Some("ada"), &header, &request.to_string());
    let said = read_until(&mut running, "step 3");
    let first = said.lines().find_map(|line| line.strip_prefix("id: ")).expect("events have names").trim();
    let again = || {
        let headers = format!("{header}Last-Event-ID: {first}\r\n");
        let mut text = String::new();
        send(&endpoint, "GET", Some("ada"), &headers, "").read_to_string(&mut text).unwrap();
        text
    };
    ask(&endpoint, "POST", Some("ada"), Some(&session), &cancelled(1));
    wait_until(|| endpoint.runtime().dispatcher().running() == 0);
    // At first it may still be there, for whoever lost the connection.
    let begun = Instant::now();
    while again().contains("step 2") {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is kept");
        std::thread::sleep(Duration::from_millis(200));
        ask(&endpoint, "POST", Some("ada"), Some(&session), &ping());
    }
}

#[test]
fn a_call_that_waits_for_consent_ends_when_it_is_cancelled() {
    let home = crate::consent::home("moderate");
    let endpoint = Endpoint::start(&home, HttpOptions::default());
    let mut hello = initialize();
    hello["params"]["capabilities"] = json!({ "elicitation": { "form": {} } });
    let session = ask(&endpoint, "POST", Some("ada"), None, &hello).session.expect("a session");
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    ask(&endpoint, "POST", Some("ada"), Some(&session), &ready);
    let header = format!("Mcp-Session-Id: {session}\r\n");
    let read = call(1, "files__read", json!({ "path": "/workspace/x" })).to_string();
    let mut waiting = send(&endpoint, "POST", Some("ada"), &header, &read);
    read_until(&mut waiting, "elicitation/create");
    ask(&endpoint, "POST", Some("ada"), Some(&session), &cancelled(1));
    wait_until(|| {
        let records = home.run(["audit", "--last", "1"]).json();
        records.get(0).is_some_and(|record| record["outcome"] == "cancelled")
    });
    assert_eq!(crate::consent::allowed(&home), "[]");
}

#[test]
fn an_idle_session_ends_by_itself() {
    let options = HttpOptions { sessions: 1, idle: Duration::from_millis(300), ..HttpOptions::default() };
    let home = home();
    let endpoint = Endpoint::start(&home, options);
    let session = open(&endpoint, "ada");
    wait_until(|| ask(&endpoint, "POST", Some("eve"), None, &initialize()).status == 200);
    assert_eq!(ask(&endpoint, "POST", Some("ada"), Some(&session), &ping()).status, 404);
}

#[test]
fn nothing_of_the_host_is_in_a_refusal() {
    let home = home();
    let endpoint = Endpoint::start(&home, HttpOptions::default());
    let session = open(&endpoint, "ada");
    let bodies =
        ["", "garbage", "[]", "{\"jsonrpc\":\"2.0\"}", "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}"];
    for body in bodies {
        let headers = format!("Mcp-Session-Id: {session}\r\n");
        let mut text = String::new();
        send(&endpoint, "POST", Some("ada"), &headers, body).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 4"), "{body}: {text}");
        assert!(
            !text.contains(".rs") && !text.contains("/work") && !text.contains("panick"),
            "{body}: {text}"
        );
    }
    let large = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{}\"}}", "x".repeat(9 << 20));
    let mut stream = TcpStream::connect(endpoint.address()).unwrap();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ada\r\nAccept: application/json, \
         text/event-stream\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        large.len()
    )
    .unwrap();
    // It may be refused before all of it was sent.
    let _ = stream.write_all(large.as_bytes());
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

fn wait_until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}
