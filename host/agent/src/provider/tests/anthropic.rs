//! Anthropic's format, in shapes as they were recorded.

use serde_json::json;

use super::*;
use crate::model::{Stop, Usage};

/// As documented: a ping, thinking, text, then a call whose input comes in fragments.
const RECORDED: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_014p7gG3wDgGV9EUtLvnow3U","type":"message","role":"assistant","model":"claude-sonnet-4-20250514","stop_sequence":null,"usage":{"input_tokens":472,"cache_creation_input_tokens":100,"cache_read_input_tokens":28,"output_tokens":2},"content":[],"stop_reason":null}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hmm"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Okay"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":", let's check"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_01T1x1fJ34qAmk2tNTrN7Up6","name":"get_weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"location\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":" \"San Francisco, CA\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}

event: message_stop
data: {"type":"message_stop"}

"#;

#[tokio::test]
async fn a_recorded_answer_is_understood() {
    let world =
        world(Format::Anthropic, vec![Reply::raw("text/event-stream; charset=utf-8", RECORDED)]).await;
    let answer = world.ask(ABLE, &[user("hi")]).await.unwrap();
    let location = r#"{"location": "San Francisco, CA"}"#;
    assert_eq!(
        answer,
        Answer {
            text: "Okay, let's check".to_owned(),
            calls: vec![call("toolu_01T1x1fJ34qAmk2tNTrN7Up6", "get_weather", location)],
            usage: Usage { input: 600, cached: 28, output: 89 },
            ..Answer::default()
        }
    );
    assert_eq!(world.heard(), ["Okay", ", let's check"]);
}

#[tokio::test]
async fn a_conversation_is_written_as_the_format_wants_it() {
    let world = world(Format::Anthropic, vec![Reply::text("fine")]).await;
    let mut messages = conversation();
    messages.push(user("go on"));
    world.ask(ABLE, &messages).await.unwrap();
    let asked = world.asked();
    assert_eq!(asked.headers["x-api-key"], KEY);
    assert_eq!(asked.headers["anthropic-version"], "2023-06-01");
    assert!(asked.headers.get("authorization").is_none());
    let cache = json!({ "type": "ephemeral" });
    let body = &asked.body;
    assert_eq!(body["system"], json!([{ "type": "text", "text": "be brief", "cache_control": cache }]));
    assert_eq!(body["max_tokens"], 1_000);
    assert!(body["tools"][0].get("cache_control").is_none());
    assert_eq!(body["tools"][1]["cache_control"], cache);
    assert_eq!(body["tools"][1]["input_schema"]["type"], "object");
    let expected = json!([
        { "role": "user", "content": [{ "type": "text", "text": "what time is it, and commit" }] },
        { "role": "assistant", "content": [
            { "type": "text", "text": "I look." },
            { "type": "tool_use", "id": "id-1", "name": "acme__clock__now", "input": { "zone": "UTC" } },
            { "type": "tool_use", "id": "id-2", "name": "acme__git__commit", "input": {} },
        ] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "id-1", "content": "noon", "is_error": false },
            { "type": "tool_result", "tool_use_id": "id-2", "content": "denied", "is_error": true },
            { "type": "text", "text": "go on", "cache_control": cache },
        ] },
    ]);
    assert_eq!(body["messages"], expected);
}

#[tokio::test]
async fn interleaved_calls_are_told_apart_by_their_index() {
    let reply = events(&[
        r#"{"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":4000000000,"content_block":{"type":"tool_use","id":"a","name":"one","input":{}}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"two","input":{"whole":true}}}"#,
        r#"{"type":"content_block_delta","index":4000000000,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"c","name":"three","input":{}}}"#,
        r#"{"type":"content_block_delta","index":4000000000,"delta":{"type":"input_json_delta","partial_json":"1}"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_stop","index":4000000000}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let answer = one(Format::Anthropic, reply).await.unwrap();
    let expected =
        vec![call("a", "one", r#"{"x":1}"#), call("b", "two", r#"{"whole":true}"#), call("c", "three", "{}")];
    assert_eq!(answer.calls, expected);
}

#[tokio::test]
async fn an_answer_that_ends_in_the_middle_of_a_call_or_says_no_reason_is_none() {
    let reply = events(&[
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"one","input":{}}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    assert_eq!(one(Format::Anthropic, reply).await.unwrap_err().code(), "model-malformed");
    let whole =
        Reply::raw("application/json", r#"{"content":[{"type":"text","text":"hi"}],"stop_reason":null}"#);
    assert_eq!(one(Format::Anthropic, whole).await.unwrap_err().code(), "model-malformed");
}

#[tokio::test]
async fn an_error_in_the_middle_is_what_it_says() {
    let cases = [
        ("overloaded_error", "Overloaded", "model-unavailable"),
        ("api_error", "Internal server error", "model-unavailable"),
        ("rate_limit_error", "slow down", "model-throttled"),
        (
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
            "conversation-too-long",
        ),
        ("invalid_request_error", "max_tokens: too many", "model-rejected"),
        ("authentication_error", "invalid x-api-key", "model-rejected"),
    ];
    for (kind, message, code) in cases {
        let error = json!({ "type": "error", "error": { "type": kind, "message": message } }).to_string();
        let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I "}}"#;
        let world = world(Format::Anthropic, vec![events(&[delta, &error])]).await;
        let error = world.ask(ABLE, &[user("hi")]).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(world.heard(), ["I "]);
    }
}

#[tokio::test]
async fn a_refusal_is_no_call() {
    let reply = Reply::raw(
        "application/json",
        r#"{"content":[{"type":"tool_use","id":"a","name":"x","input":{}}],"stop_reason":"refusal","usage":null}"#,
    );
    let answer = one(Format::Anthropic, reply).await.unwrap();
    assert!(answer.stop == Stop::Refused && answer.calls.is_empty());
}
