//! What a client could do to the server: each is answered with one error, or ends it cleanly, and harms nobody.

use std::time::Duration;

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use crate::wire::{Wire, call, initialize};

fn home() -> Home {
    Home::with(&Skill::guest("compute").limit("timeout", "\"60s\"").limit("fuel", "50_000_000_000"))
}

/// Whether the server still serves.
fn is_well(wire: &mut Wire) {
    wire.say(&call(99, "compute__echo", json!({ "text": "well" })));
    let answer = wire.answer();
    assert_eq!(
        (&answer["id"], &answer["result"]["structuredContent"]["text"]),
        (&json!(99), &json!("well")),
        "{answer}"
    );
}

#[test]
fn what_is_no_message_is_answered_with_one_error_and_the_next_is_served() {
    let home = home();
    let mut wire = Wire::open(&home);
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}1{}}}"#,
        "[".repeat(9000),
        "]".repeat(9000)
    );
    let cases: [(&[u8], i64, Value); 10] = [
        (b"garbage", -32700, json!(null)),
        (b"{\"jsonrpc\":\"2.0\",", -32700, json!(null)),
        (b"\xff\xfe{}", -32700, json!(null)),
        (b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600, json!(null)),
        (b"{\"id\":1,\"method\":\"ping\"}", -32600, json!(null)),
        (b"{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"ping\"}", -32600, json!(3)),
        (b"{\"jsonrpc\":\"2.0\",\"id\":4.5,\"method\":\"ping\"}", -32600, json!(null)),
        (b"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"no/such\"}", -32601, json!(5)),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"tools/call\",\"params\":{\"arguments\":[]}}",
            -32602,
            json!(6),
        ),
        (deep.as_bytes(), -32600, json!(7)),
    ];
    for (bytes, code, id) in cases {
        wire.write(bytes);
        wire.write(b"\n");
        let answer = wire.answer();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!((answer["error"]["code"].as_i64(), &answer["id"]), (Some(code), &id), "{shown}: {answer}");
        is_well(&mut wire);
    }
}

#[test]
fn notifications_are_never_answered_whatever_they_say() {
    let home = home();
    let mut wire = Wire::start(&home, &[]);
    // Before anything was opened, too.
    for _ in 0..2 {
        wire.write(b"\n  \n");
        wire.say(
            &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 5 } }),
        );
        wire.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": [] }));
        wire.say(&json!({ "jsonrpc": "2.0", "method": "no/such" }));
        wire.say(&json!({ "jsonrpc": "2.0", "id": 44, "result": {} }));
        wire.say(&initialize());
        assert_eq!(wire.answer()["id"], 0);
    }
    is_well(&mut wire);
}

#[test]
fn a_line_without_end_is_dropped_and_costs_no_memory() {
    let home = home();
    let mut wire = Wire::open(&home);
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        wire.write(&chunk);
    }
    wire.write(b"\n");
    let answer = wire.answer();
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    is_well(&mut wire);
    let status = std::fs::read_to_string(format!("/proc/{}/status", wire.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 200 << 10, "{peak} kB were used");
}

#[test]
fn an_input_that_is_too_large_or_too_deep_is_the_tools_error() {
    let home = home();
    let mut wire = Wire::open(&home);
    wire.say(&call(1, "compute__echo", json!({ "text": "x".repeat(5 << 20) })));
    let answer = wire.answer();
    assert!(
        answer["result"]["content"][0]["text"].as_str().unwrap().starts_with("invalid-input"),
        "{answer}"
    );
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    wire.write(format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"acme__compute__echo","arguments":{deep}}}}}"#).as_bytes());
    wire.write(b"\n");
    let answer = wire.answer();
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(2), &json!(true)), "{answer}");
    is_well(&mut wire);
}

#[test]
fn the_end_of_input_ends_calls_and_the_process() {
    let home = home();
    let mut wire = Wire::open(&home);
    wire.say(&call(1, "compute__spin", json!({})));
    wire.say(&call(2, "compute__sleep", json!({})));
    std::thread::sleep(Duration::from_millis(500));
    // In the middle of a message.
    wire.write(b"{\"jsonrpc\":\"2.0\",\"id\":3,\"meth");
    let (_, code, took) = wire.close();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(20), "{took:?}");
    let records = home.run(["audit", "--outcome", "cancelled"]).json();
    assert_eq!(records.as_array().unwrap().len(), 2, "{records}");
}

#[test]
fn what_was_asked_before_the_end_of_input_is_answered() {
    let home = home();
    let mut wire = Wire::start(&home, &[]);
    wire.say(&initialize());
    wire.write(call(1, "compute__echo", json!({ "text": "last" })).to_string().as_bytes());
    let (rest, code, _) = wire.close();
    assert_eq!(code, Some(0));
    let last = rest.iter().find(|message| message["id"] == 1).expect("an answer");
    assert_eq!(last["result"]["structuredContent"]["text"], "last", "{last}");
}

#[test]
fn a_signal_ends_it_as_the_end_of_input_does() {
    let home = home();
    let mut wire = Wire::open(&home);
    wire.say(&call(1, "compute__spin", json!({})));
    std::thread::sleep(Duration::from_millis(500));
    let id = rustix::process::Pid::from_raw(i32::try_from(wire.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let (_, code, took) = wire.wait();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(home.last_record()["outcome"], "cancelled");
}

#[test]
fn what_guests_print_does_not_reach_the_protocol() {
    let home = home();
    let mut wire = Wire::open(&home);
    for tool in ["spam-stdout", "spam-stderr", "huge-log", "panic"] {
        wire.say(&call(1, &format!("compute__{tool}"), json!({ "lines": 50 })));
        // Each line is a message: what is none would not parse.
        assert_eq!(wire.answer()["id"], 1, "{tool}");
    }
    is_well(&mut wire);
}

#[test]
fn a_client_that_reads_nothing_holds_up_nobody_but_itself() {
    let home = home();
    let mut wire = Wire::open(&home);
    let meta = json!({ "progressToken": 1 });
    let mut request = call(1, "compute__progress", json!({ "steps": 1000, "milliseconds": 0 }));
    request["params"]["_meta"] = meta;
    let begun = std::time::Instant::now();
    // The pipe holds less than what these are told.
    for id in 1..=20 {
        request["id"] = json!(id);
        wire.say(&request);
    }
    for _ in 0..20 {
        assert_eq!(wire.answer()["result"]["structuredContent"]["steps"], 1000);
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn only_the_tools_that_were_named_are_there() {
    let home = home();
    home.install(&Skill::tiny("other"));
    let mut wire = Wire::start(&home, &["--skill", "acme/other", "--skill", "acme/compute/echo"]);
    wire.say(&initialize());
    wire.answer();
    wire.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    let tools = wire.answer();
    let names: Vec<&str> = tools["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["acme__compute__echo", "acme__other__run"]);
    wire.say(&call(2, "compute__spin", json!({})));
    let refused = wire.answer();
    assert!(refused["error"]["message"].as_str().unwrap().contains("unknown tool"), "{refused}");
    wire.say(&call(3, "compute__ech", json!({})));
    assert_eq!(wire.answer()["error"]["code"], -32602);
    is_well(&mut wire);
}

#[test]
fn a_state_that_was_not_sealed_here_grants_nothing() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read"));
    std::fs::write(home.data().join("config.yaml"), "skills:\n  security_level: moderate\n").unwrap();
    let mut wire = Wire::start(&home, &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "by hand", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } },
    });
    let read = |id: u64, extra: Value| {
        let mut request = call(id, "files__read", json!({ "path": "/workspace/x" }));
        request["params"]["_meta"] = meta.clone();
        request["params"].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        request
    };
    wire.say(&read(1, json!({})));
    let asked = wire.answer();
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    let key = result["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let yes = json!({ key: { "action": "accept", "content": { "grant-1": true } } });
    let state = result["requestState"].as_str().unwrap().to_owned();
    let middle = state.len() / 2;
    let other = if &state[middle..=middle] == "B" { "C" } else { "B" };
    let forged = format!("{}{other}{}", &state[..middle], &state[middle + 1..]);
    wire.say(&read(2, json!({ "inputResponses": yes, "requestState": forged })));
    let refused = wire.answer();
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    // Another call than the one that was asked about.
    let mut other = read(3, json!({ "inputResponses": yes, "requestState": state }));
    other["params"]["arguments"]["path"] = json!("/workspace/other");
    wire.say(&other);
    let refused = wire.answer();
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    // An answer to a question that was not put.
    wire.say(&read(4, json!({ "inputResponses": yes })));
    assert_eq!(wire.answer()["result"]["resultType"], "input_required");
    assert_eq!(crate::consent::allowed(&home), "[]");
}
