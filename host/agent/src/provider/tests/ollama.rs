//! Ollama's format, in shapes as they were recorded.

use serde_json::json;

use super::*;
use crate::model::Usage;

const RECORDED: &str = r#"{"model":"llama3.2","created_at":"2025-07-07T20:22:19.184789Z","message":{"role":"assistant","content":"Let me","thinking":"hmm"},"done":false}

{"model":"llama3.2","created_at":"2025-07-07T20:22:19.1848Z","message":{"role":"assistant","content":" see.","tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"Tokyo","days":2}}},{"function":{"index":1,"name":"get_time","arguments":{}}}]},"done":false}
{"model":"llama3.2","created_at":"2025-07-07T20:22:19.19314Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"total_duration":182242375,"load_duration":41295167,"prompt_eval_count":169,"prompt_eval_duration":24573166,"eval_count":15,"eval_duration":115959084}
"#;

fn lines(text: &str) -> Reply {
    Reply::raw("application/x-ndjson", text.to_owned())
}

#[tokio::test]
async fn a_recorded_answer_is_understood_and_its_calls_get_names() {
    let world = world(Format::Ollama, vec![lines(RECORDED), lines(RECORDED)]).await;
    let answer = world.ask(ABLE, &[user("hi")]).await.unwrap();
    assert_eq!(answer.text, "Let me see.");
    assert_eq!(answer.usage, Usage { input: 169, cached: 0, output: 15 });
    let calls: Vec<_> =
        answer.calls.iter().map(|call| (call.tool.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("get_weather", r#"{"city":"Tokyo","days":2}"#), ("get_time", "{}")]);
    let again = world.ask(ABLE, &[user("hi")]).await.unwrap();
    let ids: std::collections::BTreeSet<&str> =
        answer.calls.iter().chain(&again.calls).map(|call| call.id.as_str()).collect();
    assert!(ids.len() == 4 && ids.iter().all(|id| id.starts_with("call_")), "{ids:?}");
}

#[tokio::test]
async fn a_conversation_is_written_as_the_format_wants_it() {
    let world = world(Format::Ollama, vec![Reply::text("fine")]).await;
    world.ask(ABLE, &conversation()).await.unwrap();
    let body = world.asked().body;
    assert_eq!(body["options"], json!({ "num_predict": 1_000, "num_ctx": 8_192 }));
    assert_eq!(body["tools"][1]["function"]["name"], "acme__git__commit");
    let function = |name: &str, arguments: serde_json::Value| json!({ "name": name, "arguments": arguments });
    let expected = json!([
        { "role": "system", "content": "be brief" },
        { "role": "user", "content": "what time is it, and commit" },
        { "role": "assistant", "content": "I look.", "tool_calls": [
            { "function": function("acme__clock__now", json!({ "zone": "UTC" })) },
            { "function": function("acme__git__commit", json!({})) },
        ] },
        { "role": "tool", "content": "noon", "tool_name": "acme__clock__now" },
        { "role": "tool", "content": "denied", "tool_name": "acme__git__commit" },
    ]);
    assert_eq!(body["messages"], expected);
}

#[tokio::test]
async fn an_error_in_the_middle_a_half_line_and_a_missing_end_are_no_answers() {
    let begin = r#"{"message":{"content":"I "},"done":false}"#;
    let cases = [
        (r#"{"error":"an error was encountered while running the model: CUDA error"}"#, "model-unavailable"),
        (r#"{"message":{"content":"am"#, "model-unavailable"),
        ("", "model-unavailable"),
        ("{\"message\":{\"content\":\"am\n", "model-malformed"),
        ("<html>\n", "model-malformed"),
    ];
    for (rest, code) in cases {
        let world = world(Format::Ollama, vec![lines(&format!("{begin}\n{rest}"))]).await;
        let error = world.ask(ABLE, &[user("hi")]).await.unwrap_err();
        assert_eq!(error.code(), code, "{rest}: {error}");
        assert_eq!(world.heard(), ["I "]);
    }
    // The last line needs no end.
    let whole = r#"{"message":{"content":"am"},"done":true}"#;
    assert_eq!(one(Format::Ollama, lines(&format!("{begin}\n{whole}"))).await.unwrap().text, "I am");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_no_answer() {
    let body = b"{\"message\":{\"content\":\"\xff\xfe\"},\"done\":true}\n".to_vec();
    let error = one(Format::Ollama, Reply::raw("application/x-ndjson", body)).await.unwrap_err();
    assert_eq!(error.code(), "model-malformed");
}
