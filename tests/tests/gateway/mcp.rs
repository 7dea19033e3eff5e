//! MCP through the gateway: the same tokens, the same names, and sessions that are nobody else's.

use openclaw_tests::Skill;
use openclaw_tests::gateway::Gateway;
use openclaw_tests::http::{Answer, Request};
use serde_json::{Value, json};

use crate::{compute, home};

/// A message of MCP, without a token.
fn message(body: &Value) -> Request {
    let body = body.to_string().into_bytes();
    Request { method: "POST".to_owned(), target: "/mcp".to_owned(), body, ..Request::default() }
        .with("content-type", "application/json")
        .with("accept", "application/json, text/event-stream")
}

fn initialize() -> Request {
    message(&json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
        },
    }))
}

/// Opens a session, and answers with its name.
fn open(gateway: &Gateway<'_>, token: &str) -> String {
    let answer = gateway.send(&initialize().by(token));
    let session =
        answer.header("mcp-session-id").unwrap_or_else(|| panic!("no session in {answer:?}")).to_owned();
    let done = message(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    gateway.send(&done.by(token).with("mcp-session-id", &session)).ok();
    session
}

/// The one message of an answer, whether it is an event or not.
fn said(answer: &Answer) -> Value {
    let text = answer.text();
    let data =
        text.lines().filter_map(|line| line.strip_prefix("data:")).find(|data| data.contains("jsonrpc"));
    serde_json::from_str(data.unwrap_or(&text)).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn tools_are_listed_and_called_within_the_scope_of_the_token() {
    let home = home();
    home.install(&Skill::tiny("other"));
    let gateway = Gateway::start(&home);
    let token = gateway.new_token(&["narrow", "--tool", "acme/compute/echo"]);
    let session = open(&gateway, &token);
    let ask = |method: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 2, "method": method, "params": params });
        said(&gateway.send(&message(&body).by(&token).with("mcp-session-id", &session)))
    };
    let tools = ask("tools/list", json!({}));
    let names: Vec<_> =
        tools["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, [&json!("acme__compute__echo")]);
    let resources = ask("resources/list", json!({})).to_string();
    assert!(resources.contains("skill://acme/compute/") && !resources.contains("acme/other"), "{resources}");
    let uri = |skill: &str| json!({ "uri": format!("skill://acme/{skill}/SKILL.md") });
    assert!(ask("resources/read", uri("compute"))["result"]["contents"].is_array());
    let (hidden, missing) = (ask("resources/read", uri("other")), ask("resources/read", uri("nowhere")));
    assert_eq!(hidden["error"]["code"], missing["error"]["code"], "{hidden}");
    assert_eq!(hidden.to_string().replace("other", "nowhere"), missing.to_string());
    let called = ask("tools/call", json!({ "name": "acme__compute__echo", "arguments": { "text": "hi" } }));
    assert_eq!(called["result"]["structuredContent"]["text"], "hi", "{called}");
    gateway.wait_until("it is recorded", || home.last_record()["caller"] == "narrow");
    assert!(
        gateway.get("/metrics").text().contains("openclaw_skill_executions_total{skill=\"acme/compute\"} 1")
    );
}

#[test]
fn it_is_guarded_as_every_path_is() {
    let home = home();
    let gateway = Gateway::start(&home);
    assert_eq!(gateway.send(&initialize()).refused(401), "unauthorized");
    let foreign = initialize().by(gateway.token()).with("origin", "http://evil.example");
    assert_eq!(gateway.send(&foreign).refused(403), "foreign-origin");
    let foreign = initialize().by(gateway.token()).with("host", "evil.example");
    assert_eq!(gateway.send(&foreign).refused(421), "foreign-host");
    let mut wrong = message(&json!({})).by(gateway.token());
    wrong.headers.retain(|(name, _)| name != "accept");
    assert_eq!(gateway.send(&wrong).refused(406), "mcp-refused", "also a refusal of the protocol is JSON");
}

#[test]
fn a_session_is_not_there_for_another_caller_and_ends_with_its_token() {
    let home = openclaw_tests::Home::with(&compute());
    let gateway = Gateway::start(&home);
    let (one, other) = (gateway.new_token(&["one"]), gateway.new_token(&["other"]));
    let session = open(&gateway, &one);
    let list = |token: &str| {
        let body = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list" });
        gateway.send(&message(&body).by(token).with("mcp-session-id", &session))
    };
    list(&one).ok();
    assert_eq!(list(&other).refused(404), "no-session");
    for method in ["GET", "DELETE"] {
        let request = Request { method: method.to_owned(), ..Request::get("/mcp") };
        let request = request.by(&other).with("accept", "text/event-stream").with("mcp-session-id", &session);
        assert_eq!(gateway.send(&request).refused(404), "no-session", "{method}");
    }
    list(&one).ok();
    let metrics = gateway.get("/metrics").text();
    assert!(metrics.contains("openclaw_errors_total{code=\"no-session\"} 3"), "{metrics}");
    let address = gateway.address();
    let stream =
        Request::get("/mcp").by(&one).with("accept", "text/event-stream").with("mcp-session-id", &session);
    let listening = std::thread::spawn(move || stream.send(address));
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(!listening.is_finished(), "the stream goes on");
    home.run(["gateway", "token", "revoke", "one"]).json();
    gateway.wait_until("the stream has ended", || listening.is_finished());
    assert_eq!(list(&one).refused(401), "unauthorized");
}

#[test]
fn revoking_a_token_ends_its_sessions_and_the_calls_in_them() {
    let home = openclaw_tests::Home::with(&compute());
    let gateway = Gateway::start(&home);
    let token = gateway.new_token(&["one"]);
    let session = open(&gateway, &token);
    let running = || gateway.get("/api/v1/metrics").value()["running_calls"].clone();
    std::thread::scope(|scope| {
        let body = json!({
            "jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": { "name": "acme__compute__spin", "arguments": {} },
        });
        let spin = message(&body).by(&token).with("mcp-session-id", &session);
        let address = gateway.address();
        scope.spawn(move || spin.send(address));
        gateway.wait_until("it runs", || running() == 1);
        let begun = std::time::Instant::now();
        home.run(["gateway", "token", "revoke", "one"]).json();
        gateway.wait_until("it has ended", || running() == 0);
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "not at its own limit");
    });
    gateway.wait_until("it is recorded", || home.last_record()["outcome"] == "cancelled");
    let again = gateway.new_token(&["one"]);
    let body = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list" });
    let list = message(&body).by(&again).with("mcp-session-id", &session);
    assert_eq!(gateway.send(&list).status, 404, "another token of the same name does not find it");
}

#[test]
fn one_token_has_some_sessions_and_others_have_theirs() {
    let home = home();
    let gateway = Gateway::start(&home);
    let (one, other) = (gateway.new_token(&["one"]), gateway.new_token(&["other"]));
    for _ in 0..32 {
        open(&gateway, &one);
    }
    let full = gateway.send(&initialize().by(&one));
    assert!(full.header("retry-after").is_some(), "{full:?}");
    assert_eq!(full.refused(503), "busy");
    open(&gateway, &other);
}

#[test]
fn a_message_that_is_too_large_or_too_deep_is_refused_and_tells_nothing_of_the_host() {
    let home = home();
    let gateway = Gateway::start(&home);
    let token = gateway.token().to_owned();
    let session = open(&gateway, &token);
    let send = |body: Vec<u8>| {
        let request = Request { body, ..message(&json!({})) };
        gateway.send(&request.by(&token).with("mcp-session-id", &session))
    };
    let large = send(vec![b' '; (9 << 20) + 1]);
    assert_eq!(large.status, 413, "{}", large.text());
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"acme__compute__echo","arguments":{}1{}}}}}"#,
        r#"{"a":"#.repeat(100_000),
        "}".repeat(100_000),
    );
    let deep = send(deep.into_bytes());
    assert!((400..500).contains(&deep.status), "{} {}", deep.status, deep.text());
    for text in [large.text(), deep.text()] {
        let inside =
            [".rs", "panick", &home.data().display().to_string()].map(|inside| text.contains(inside));
        assert_eq!(inside, [false; 3], "{text}");
    }
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    send(list.to_string().into_bytes()).ok();
}
