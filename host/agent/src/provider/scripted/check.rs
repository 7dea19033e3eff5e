//! What real providers refuse: a wrong path, turns out of order, results of calls that nobody asked for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Asked;
use crate::provider::Format;

type Refusal = (u16, String);

/// Whether a provider would take the request.
pub(super) fn request(format: Format, asked: &Asked) -> Result<(), Refusal> {
    let path = match format {
        Format::Anthropic => "/v1/messages",
        Format::OpenAi => "/v1/chat/completions",
        Format::Ollama => "/api/chat",
    };
    if asked.path != path {
        return Err((404, format!("there is no {}", asked.path)));
    }
    let invalid = |words: &str| Err((400, words.to_owned()));
    if asked.body.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return invalid("model: field required");
    }
    let messages = asked.body.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if messages.is_empty() {
        return invalid("messages: at least one message is required");
    }
    let checked = match format {
        Format::Anthropic => anthropic(asked, messages),
        Format::OpenAi => openai(messages),
        Format::Ollama => ollama(messages),
    };
    checked.map_err(|words| (400, words))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(fits)
}

fn anthropic(asked: &Asked, messages: &[Value]) -> Result<(), String> {
    if asked.headers.get("anthropic-version").is_none() {
        return Err("anthropic-version: header is required".to_owned());
    }
    if asked.body.get("max_tokens").and_then(Value::as_u64).is_none_or(|most| most == 0) {
        return Err("max_tokens: field required".to_owned());
    }
    let (mut open, mut all) = (BTreeSet::new(), BTreeSet::new());
    for (index, message) in messages.iter().enumerate() {
        let role = if index % 2 == 0 { "user" } else { "assistant" };
        if text(message, "role") != role {
            return Err("messages: roles must alternate between user and assistant".to_owned());
        }
        let blocks = array(message, "content");
        if blocks.is_empty() {
            return Err("messages: content is empty".to_owned());
        }
        for block in blocks {
            match text(block, "type") {
                "text" if text(block, "text").trim().is_empty() => {
                    return Err("messages: text content blocks must be non-empty".to_owned());
                }
                "tool_result" if !open.remove(text(block, "tool_use_id")) => {
                    return Err("unexpected tool_use_id found in tool_result blocks".to_owned());
                }
                _ => {}
            }
        }
        if !open.is_empty() {
            return Err("tool_use ids were found without tool_result blocks immediately after".to_owned());
        }
        for block in blocks.iter().filter(|block| text(block, "type") == "tool_use") {
            let (id, input) = (text(block, "id"), block.get("input"));
            if !is_name(id) || !is_name(text(block, "name")) || !input.is_some_and(Value::is_object) {
                return Err("messages: tool_use is not valid".to_owned());
            }
            if !all.insert(id) {
                return Err("tool_use ids must be unique".to_owned());
            }
            open.insert(id);
        }
    }
    let has_tools = !array(&asked.body, "tools").is_empty();
    if all.is_empty() || has_tools { Ok(()) } else { Err("tools: field required".to_owned()) }
}

fn openai(messages: &[Value]) -> Result<(), String> {
    let mut open = BTreeSet::new();
    for message in messages {
        let role = text(message, "role");
        if role == "tool" {
            if !open.remove(text(message, "tool_call_id")) {
                return Err("tool must be a response to a preceding message with tool_calls".to_owned());
            }
            continue;
        }
        if !open.is_empty() {
            return Err("tool_calls must be followed by tool messages responding to each".to_owned());
        }
        let calls = array(message, "tool_calls");
        if text(message, "content").is_empty() && calls.is_empty() {
            return Err("content: is empty".to_owned());
        }
        for call in calls {
            let function = call.get("function").unwrap_or(&Value::Null);
            let arguments: Option<Value> = serde_json::from_str(text(function, "arguments")).ok();
            if !arguments.is_some_and(|arguments| arguments.is_object()) || !is_name(text(function, "name")) {
                return Err("tool_calls: a function is not valid".to_owned());
            }
            let id = text(call, "id");
            if id.is_empty() || id.len() > 40 || !open.insert(id) {
                return Err("tool_calls: an id is not valid".to_owned());
            }
        }
    }
    Ok(())
}

fn ollama(messages: &[Value]) -> Result<(), String> {
    for message in messages {
        for call in array(message, "tool_calls") {
            let function = call.get("function").unwrap_or(&Value::Null);
            if !function.get("arguments").is_some_and(Value::is_object) {
                return Err("json: cannot unmarshal arguments".to_owned());
            }
        }
        if text(message, "role") == "tool" && text(message, "tool_name").is_empty() {
            return Err("a result has no tool".to_owned());
        }
    }
    Ok(())
}
