//! An answer in each wire format, whole and in pieces: text word by word, arguments in two fragments.

use serde_json::{Value, json};

use crate::model::{Answer, ModelCall, Stop};
use crate::provider::Format;

/// The content type and the body.
pub(super) fn answer(format: Format, answer: &Answer, streamed: bool) -> (&'static str, String) {
    match (format, streamed) {
        (Format::Anthropic, true) => ("text/event-stream; charset=utf-8", anthropic_events(answer)),
        (Format::Anthropic, false) => ("application/json", anthropic(answer).to_string()),
        (Format::OpenAi, true) => ("text/event-stream", openai_events(answer)),
        (Format::OpenAi, false) => ("application/json; charset=utf-8", openai(answer).to_string()),
        (Format::Ollama, true) => ("application/x-ndjson", ollama_lines(answer)),
        (Format::Ollama, false) => {
            ("application/json; charset=utf-8", ollama_end(answer, &answer.text, &answer.calls).to_string())
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Two fragments, the first of which may be empty.
fn halves(text: &str) -> [&str; 2] {
    let (begin, end) = text.split_at(text.floor_char_boundary(text.len() / 2));
    [begin, end]
}

/// Arguments as the value that they are, or as text where they are none.
fn value(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| Value::String(arguments.to_owned()))
}

fn anthropic_reason(answer: &Answer) -> &'static str {
    match answer.stop {
        Stop::Length => "max_tokens",
        Stop::Refused => "refusal",
        Stop::Done if answer.calls.is_empty() => "end_turn",
        Stop::Done => "tool_use",
    }
}

fn anthropic_usage(answer: &Answer) -> Value {
    let usage = answer.usage;
    json!({
        "input_tokens": usage.input.saturating_sub(usage.cached), "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached, "output_tokens": usage.output,
    })
}

fn anthropic(answer: &Answer) -> Value {
    let text = Some(&answer.text).filter(|text| !text.is_empty());
    let text = text.map(|text| json!({ "type": "text", "text": text }));
    let call = |call: &ModelCall| json!({ "type": "tool_use", "id": call.id, "name": call.tool, "input": value(&call.arguments) });
    let content: Vec<Value> = text.into_iter().chain(answer.calls.iter().map(call)).collect();
    json!({
        "id": "msg_01", "type": "message", "role": "assistant", "model": "scripted", "content": content,
        "stop_reason": anthropic_reason(answer), "stop_sequence": null, "usage": anthropic_usage(answer),
    })
}

fn anthropic_events(answer: &Answer) -> String {
    let mut body = String::new();
    let mut event = |name: &str, mut data: Value| {
        if let Some(data) = data.as_object_mut() {
            data.insert("type".to_owned(), name.into());
        }
        body.push_str(&format!("event: {name}\ndata: {data}\n\n"));
    };
    let mut usage = anthropic_usage(answer);
    usage.as_object_mut().and_then(|usage| usage.insert("output_tokens".to_owned(), 1.into()));
    event(
        "message_start",
        json!({ "message": { "id": "msg_01", "role": "assistant", "content": [], "usage": usage } }),
    );
    event("ping", json!({}));
    let mut index = 0;
    if !answer.text.is_empty() {
        event(
            "content_block_start",
            json!({ "index": index, "content_block": { "type": "text", "text": "" } }),
        );
        for word in words(&answer.text) {
            event(
                "content_block_delta",
                json!({ "index": index, "delta": { "type": "text_delta", "text": word } }),
            );
        }
        event("content_block_stop", json!({ "index": index }));
        index += 1;
    }
    for call in &answer.calls {
        let block = json!({ "type": "tool_use", "id": call.id, "name": call.tool, "input": {} });
        event("content_block_start", json!({ "index": index, "content_block": block }));
        for half in halves(&call.arguments) {
            let delta = json!({ "type": "input_json_delta", "partial_json": half });
            event("content_block_delta", json!({ "index": index, "delta": delta }));
        }
        event("content_block_stop", json!({ "index": index }));
        index += 1;
    }
    let delta = json!({ "stop_reason": anthropic_reason(answer), "stop_sequence": null });
    event("message_delta", json!({ "delta": delta, "usage": { "output_tokens": answer.usage.output } }));
    event("message_stop", json!({}));
    body
}

fn openai_reason(answer: &Answer) -> &'static str {
    match answer.stop {
        Stop::Length => "length",
        Stop::Refused => "content_filter",
        Stop::Done if answer.calls.is_empty() => "stop",
        Stop::Done => "tool_calls",
    }
}

fn openai_usage(answer: &Answer) -> Value {
    let usage = answer.usage;
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.total(),
        "prompt_tokens_details": { "cached_tokens": usage.cached },
    })
}

fn openai_call(call: &ModelCall, arguments: &str) -> Value {
    let function = json!({ "name": call.tool, "arguments": arguments });
    json!({ "id": call.id, "type": "function", "function": function })
}

fn openai(answer: &Answer) -> Value {
    let mut message = json!({ "role": "assistant", "content": answer.text, "refusal": null });
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().map(|call| openai_call(call, &call.arguments)).collect();
        message.as_object_mut().and_then(|message| message.insert("tool_calls".to_owned(), calls));
    }
    let choice =
        json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": openai_reason(answer) });
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice],
        "usage": openai_usage(answer),
    })
}

fn openai_events(answer: &Answer) -> String {
    let mut body = String::new();
    let mut chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
            "choices": choices, "usage": usage,
        });
        body.push_str(&format!("data: {chunk}\n\n"));
    };
    let delta =
        |delta: Value| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": null }]);
    chunk(delta(json!({ "role": "assistant", "content": "", "refusal": null })), Value::Null);
    for word in words(&answer.text) {
        chunk(delta(json!({ "content": word })), Value::Null);
    }
    for (index, call) in answer.calls.iter().enumerate() {
        let [begin, end] = halves(&call.arguments);
        let mut first = openai_call(call, begin);
        first.as_object_mut().and_then(|first| first.insert("index".to_owned(), index.into()));
        chunk(delta(json!({ "tool_calls": [first] })), Value::Null);
        let second = json!({ "index": index, "function": { "arguments": end } });
        chunk(delta(json!({ "tool_calls": [second] })), Value::Null);
    }
    chunk(json!([{ "index": 0, "delta": {}, "finish_reason": openai_reason(answer) }]), Value::Null);
    chunk(json!([]), openai_usage(answer));
    body.push_str("data: [DONE]\n\n");
    body
}

fn ollama_message(text: &str, calls: &[ModelCall]) -> Value {
    let mut message = json!({ "role": "assistant", "content": text });
    if !calls.is_empty() {
        let call = |call: &ModelCall| json!({ "function": { "name": call.tool, "arguments": value(&call.arguments) } });
        let calls = calls.iter().map(call).collect();
        message.as_object_mut().and_then(|message| message.insert("tool_calls".to_owned(), calls));
    }
    message
}

fn ollama_end(answer: &Answer, text: &str, calls: &[ModelCall]) -> Value {
    let reason = if answer.stop == Stop::Length { "length" } else { "stop" };
    json!({
        "model": "scripted", "created_at": "2026-01-01T00:00:00Z", "message": ollama_message(text, calls),
        "done": true, "done_reason": reason, "total_duration": 1, "load_duration": 1,
        "prompt_eval_count": answer.usage.input, "eval_count": answer.usage.output,
    })
}

fn ollama_lines(answer: &Answer) -> String {
    let line = |message: Value| json!({ "model": "scripted", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false });
    let said = words(&answer.text).map(|word| line(ollama_message(word, &[])));
    let calls = answer.calls.iter().map(|call| line(ollama_message("", std::slice::from_ref(call))));
    let lines = said.chain(calls).chain([ollama_end(answer, "", &[])]);
    lines.map(|line| format!("{line}\n")).collect()
}
