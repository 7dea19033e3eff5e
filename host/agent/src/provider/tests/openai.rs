//! OpenAI's format, in shapes as OpenAI and those who took it over send them.

use serde_json::json;

use super::*;
use crate::model::{Stop, Usage};

/// Calls in fragments, interleaved, as OpenAI numbers them.
const FRAGMENTS: [&str; 9] = [
    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":null,"refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_DdmO9pD3xa9XTPNJ32zg2hcA","type":"function","function":{"name":"get_weather","arguments":""}}]},"finish_reason":null}],"usage":null}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},"finish_reason":null}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"get_time","arguments":"{\"zone\":"}}]},"finish_reason":null}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Oslo\"}"}},{"index":1,"id":null,"function":{"name":null,"arguments":"\"CET\"}"}}]},"finish_reason":null}]}"#,
    r#"{"choices":[{"index":1,"delta":{"content":"another choice"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":12,"total_tokens":62,"prompt_tokens_details":{"cached_tokens":40}}}"#,
    "[DONE]",
];

#[tokio::test]
async fn fragments_of_calls_are_put_together() {
    let answer = one(Format::OpenAi, events(&FRAGMENTS)).await.unwrap();
    assert_eq!(
        answer,
        Answer {
            calls: vec![
                call("call_DdmO9pD3xa9XTPNJ32zg2hcA", "get_weather", r#"{"city":"Oslo"}"#),
                call("call_b", "get_time", r#"{"zone":"CET"}"#),
            ],
            usage: Usage { input: 50, cached: 40, output: 12 },
            ..Answer::default()
        }
    );
}

/// The calls of an answer of one chunk.
async fn calls_of(chunks: &[&str]) -> Vec<ModelCall> {
    let chunks =
        chunks.iter().map(|calls| format!(r#"{{"choices":[{{"delta":{{"tool_calls":{calls}}}}}]}}"#));
    let end = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#.to_owned();
    let chunks: Vec<String> = chunks.chain([end, "[DONE]".to_owned()]).collect();
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
    one(Format::OpenAi, events(&chunks)).await.unwrap().calls
}

#[tokio::test]
async fn calls_are_told_apart_however_they_are_counted() {
    let two = vec![call("a", "one", "{\"x\":1}"), call("b", "two", "{}")];
    // All at once, all counted as the first, without an index, and with arguments that are an object.
    let whole = r#"[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}},{"index":1,"id":"b","function":{"name":"two","arguments":"{}"}}]"#;
    let alike = r#"[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}},{"index":0,"id":"b","function":{"name":"two","arguments":""}}]"#;
    let uncounted = r#"[{"id":"a","function":{"name":"one","arguments":{"x":1}}},{"id":"b","function":{"name":"two","arguments":null}}]"#;
    let far = r#"[{"index":4294967295,"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}},{"index":18446744073709551615,"id":"b","function":{"name":"two"}}]"#;
    for chunk in [whole, alike, uncounted, far] {
        assert_eq!(calls_of(&[chunk]).await, two, "{chunk}");
    }
    let pieces = [
        r#"[{"id":"a","function":{"name":"one","arguments":"{\"x\""}}]"#,
        r#"[{"function":{"arguments":":1}"}}]"#,
        r#"[{"id":"b","function":{"name":"two","arguments":"{"}}]"#,
        r#"[{"id":"b","function":{"arguments":"}"}}]"#,
    ];
    assert_eq!(calls_of(&pieces).await, two);
    // Some say id and name with every piece.
    let repeated = [
        r#"[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\""}}]"#,
        r#"[{"index":0,"id":"a","function":{"name":"one","arguments":":1}"}}]"#,
        r#"[{"index":1,"id":"b","function":{"name":"two","arguments":"{}"}}]"#,
    ];
    assert_eq!(calls_of(&repeated).await, two);
}

#[tokio::test]
async fn calls_without_usable_names_get_names_of_their_own() {
    let chunk = r#"[{"function":{"name":"one"}},{"function":{"name":"two"}},{"id":"same","index":7,"function":{"name":"x"}},{"id":"","index":8,"function":{"name":"y"}},{"id":"a b\n","index":9,"function":{"name":"z"}}]"#;
    let calls = calls_of(&[chunk]).await;
    let tools: Vec<&str> = calls.iter().map(|call| call.tool.as_str()).collect();
    assert_eq!(tools, ["one", "two", "x", "y", "z"]);
    let ids: std::collections::BTreeSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
    assert!(ids.len() == 5 && ids.contains("same"), "{ids:?}");
    assert!(ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_graphic())));
}

#[tokio::test]
async fn what_others_made_of_the_format_is_read() {
    // Parts of text, reasoning beside it, tokens where Kimi, Groq and DeepSeek tell them.
    let cases = [
        (
            r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":"no"},{"type":"text","text":"hi"}],"reasoning_content":"no"},"finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":1,"cached_tokens":2}}]}"#,
            2,
        ),
        (
            r#"{"choices":[{"delta":{"content":"hi","reasoning":"no"},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":3,"completion_tokens":1}}}"#,
            0,
        ),
        (
            r#"{"choices":[{"message":{"content":"hi","tool_calls":null},"delta":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3.0,"completion_tokens":1,"prompt_cache_hit_tokens":1,"prompt_tokens_details":null}}"#,
            1,
        ),
    ];
    for (chunk, cached) in cases {
        let answer = one(Format::OpenAi, events(&[chunk, "[DONE]"])).await.unwrap();
        assert_eq!(answer.text, "hi", "{chunk}");
        assert_eq!(answer.usage, Usage { input: 3, cached, output: 1 }, "{chunk}");
    }
    let comments = ": OPENROUTER PROCESSING\n\n\u{feff}: x\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\r\n\r\ndata: [DONE]\r\n\r\n";
    let comments = comments.replace('\u{feff}', "");
    assert_eq!(one(Format::OpenAi, Reply::raw("text/event-stream", comments)).await.unwrap().text, "hi");
}

#[tokio::test]
async fn a_server_that_streams_only_or_never_is_understood() {
    let chunk = r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}"#;
    let world_ = world(Format::OpenAi, vec![events(&[chunk, "[DONE]"])]).await;
    assert_eq!(world_.ask(WHOLE, &[user("hi")]).await.unwrap().text, "hi");
    let whole = r#"{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"error":null}"#;
    assert_eq!(one(Format::OpenAi, Reply::raw("application/json", whole)).await.unwrap().text, "hi");
    // Some do not say the last word, only that the model stopped.
    assert_eq!(one(Format::OpenAi, events(&[chunk])).await.unwrap().text, "hi");
    let open = r#"{"choices":[{"delta":{"content":"hi"}}]}"#;
    assert_eq!(one(Format::OpenAi, events(&[open])).await.unwrap_err().code(), "model-unavailable");
    let nothing = Reply::raw("application/json", r#"{"choices":[]}"#);
    assert_eq!(one(Format::OpenAi, nothing).await.unwrap_err().code(), "model-malformed");
}

#[tokio::test]
async fn a_conversation_is_written_as_the_format_wants_it() {
    let world = world(Format::OpenAi, vec![Reply::text("fine")]).await;
    world.ask(ABLE, &conversation()).await.unwrap();
    let asked = world.asked();
    assert_eq!(asked.headers["authorization"], format!("Bearer {KEY}"));
    let body = &asked.body;
    assert_eq!(body["stream_options"], json!({ "include_usage": true }));
    assert_eq!(body["max_tokens"], 1_000);
    assert!(body.get("max_completion_tokens").is_none());
    assert_eq!(body["tools"][0]["function"]["name"], "acme__clock__now");
    let function = |name: &str, arguments: &str| json!({ "name": name, "arguments": arguments });
    let expected = json!([
        { "role": "system", "content": "be brief" },
        { "role": "user", "content": "what time is it, and commit" },
        { "role": "assistant", "content": "I look.", "tool_calls": [
            { "id": "id-1", "type": "function", "function": function("acme__clock__now", r#"{"zone":"UTC"}"#) },
            { "id": "id-2", "type": "function", "function": function("acme__git__commit", "{}") },
        ] },
        { "role": "tool", "content": "noon", "tool_call_id": "id-1" },
        { "role": "tool", "content": "denied", "tool_call_id": "id-2" },
    ]);
    assert_eq!(body["messages"], expected);
}

#[test]
fn openai_itself_is_told_the_most_tokens_by_the_name_that_its_models_take() {
    let client = HttpClient::new(options());
    let messages = [user("hi")];
    let question = Question { system: "", messages: &messages, tools: &[], max_tokens: None };
    for (url, original) in [
        ("http://api.openai.com/v1", true),
        ("http://eu.api.openai.com/v1", true),
        ("http://api.openai.com.evil/v1", false),
    ] {
        let provider = super::super::OpenAi::new(&client, &url.parse().unwrap(), None).unwrap();
        let request = serde_json::to_value(provider.request("m", ABLE, &question, &messages)).unwrap();
        assert_eq!(request.get("max_completion_tokens").is_some(), original, "{url}");
        assert_eq!(request.get("max_tokens").is_some(), !original, "{url}");
    }
}

#[tokio::test]
async fn an_error_in_the_middle_is_what_it_says() {
    let cases = [
        (r#"{"error":{"message":"The server had an error","type":"server_error"}}"#, "model-unavailable"),
        (r#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#, "model-throttled"),
        (
            r#"{"error":{"message":"Upstream","code":429},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
            "model-throttled",
        ),
        (r#"{"error":{"message":"Upstream","code":502}}"#, "model-unavailable"),
        (
            r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            "conversation-too-long",
        ),
        (r#"{"error":"it broke"}"#, "model-unavailable"),
        (r#"{"choices":[{"delta":"#, "model-malformed"),
        (r#"{"choices":7}"#, "model-malformed"),
    ];
    let begin = r#"{"choices":[{"delta":{"content":"I "}}]}"#;
    for (error, code) in cases {
        let world = world(Format::OpenAi, vec![events(&[begin, error, "[DONE]"])]).await;
        let told = world.ask(ABLE, &[user("hi")]).await.unwrap_err();
        assert_eq!(told.code(), code, "{error}: {told}");
        assert_eq!(world.heard(), ["I "]);
    }
}

#[tokio::test]
async fn a_refusal_in_words_is_heard_and_is_one() {
    let chunk = r#"{"choices":[{"message":{"content":null,"refusal":"I cannot."},"finish_reason":"stop"}]}"#;
    let answer = one(Format::OpenAi, Reply::raw("application/json", chunk)).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.stop), ("I cannot.", Stop::Refused));
}
