//! What is said in a request of a chat: the keys of OpenAI's that mean something here, and an error for all others.

use http::StatusCode;
use openclaw_agent::text::quoted;
use openclaw_agent::yaml::unknown;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::answer::Refusal;

/// The keys that are obeyed.
const KEYS: [&str; 5] = ["model", "messages", "stream", "stream_options", "conversation_id"];
/// Keys of OpenAI's that clients send, and that are not theirs to choose here.
const NOT_HERE: [&str; 26] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
    "stop",
    "store",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];
/// Most messages of a request.
const MOST_MESSAGES: usize = 10_000;

/// `POST /api/v1/chat`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ChatRequest {
    /// The agent's name; the first one's where it is missing.
    #[serde(default)]
    model: Option<String>,
    /// What is said: one message of the role `user`, before which a new conversation may have one of the role `system`. In a
    /// conversation that is there already, the last one is said, and those before it are taken for what was said before.
    #[schema(value_type = Vec<ChatMessage>, min_items = 1)]
    messages: Vec<Box<RawValue>>,
    /// Whether the answer is a stream of events.
    #[serde(default)]
    stream: Option<bool>,
    /// What the stream has.
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    /// Which conversation goes on, or is begun by this name; a new one where it is missing.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    conversation_id: Option<String>,
}

/// What a stream has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StreamOptions {
    /// Whether a last chunk of its own has the tokens, and no choice.
    #[serde(default)]
    include_usage: Option<bool>,
}

/// A message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ChatMessage {
    /// Whose it is: `user`, or `system` and `developer`, which is the same.
    role: String,
    /// Its words.
    #[schema(value_type = String)]
    content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Map<String, Value>>),
}

/// A request that was read.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) model: Option<String>,
    messages: Vec<Box<RawValue>>,
    pub(super) streams: bool,
    pub(super) includes_usage: bool,
    pub(super) conversation: Option<String>,
}

fn invalid(message: impl Into<String>, hint: Option<&str>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid-request", message.into(), hint)
}

impl Asked {
    /// Reads a request.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let request: ChatRequest = match serde_json::from_str(text) {
            Ok(request) => request,
            Err(error) => return Err(problem(text, &error)),
        };
        let ChatRequest { model, messages, stream, stream_options, conversation_id } = request;
        let streams = stream.unwrap_or(false);
        if stream_options.is_some() && !streams {
            return Err(invalid("stream_options are for a stream: send \"stream\": true", None));
        }
        let includes_usage = stream_options.and_then(|options| options.include_usage).unwrap_or(false);
        if messages.len() > MOST_MESSAGES {
            return Err(invalid(format!("there are more than {MOST_MESSAGES} messages"), None));
        }
        let model = model.filter(|model| !model.is_empty());
        Ok(Self { model, messages, streams, includes_usage, conversation: conversation_id })
    }

    /// What is said, and how many messages before it are taken for what the conversation knows already.
    pub(super) fn said(&self, is_known: bool) -> Result<(String, usize), Refusal> {
        let Some((last, before)) = self.messages.split_last() else {
            return Err(invalid("there is no message", None));
        };
        let last = message(last)?;
        if last.role != "user" {
            let words = format!(
                "the last message is of the role {}, and has to be of the role user",
                quoted(&last.role)
            );
            return Err(invalid(words, None));
        }
        let said = last.content.words()?;
        if is_known || before.is_empty() {
            return Ok((said, before.len()));
        }
        let hint = Some(
            "conversations are kept here: send only what is new, with the conversation_id of the answer before",
        );
        let [system] = before else {
            return Err(invalid("a new conversation begins with one message of the role user", hint));
        };
        let system = message(system)?;
        if !matches!(system.role.as_str(), "system" | "developer") {
            return Err(invalid("a new conversation begins with one message of the role user", hint));
        }
        // The agent is what its owner says; what a client would have it be is the client's word.
        Ok((format!("{}\n\n{said}", system.content.words()?), 0))
    }
}

/// What is wrong with a request that cannot be read, with the nearest key where one is unknown.
fn problem(text: &str, error: &serde_json::Error) -> Refusal {
    let keys: Map<String, Value> = match serde_json::from_str(text) {
        Ok(keys) => keys,
        Err(error) => {
            return Refusal::new(
                StatusCode::BAD_REQUEST,
                "malformed-input",
                format!("the body is no JSON object: {error}"),
                None,
            );
        }
    };
    if let Some(key) = keys.keys().find(|key| NOT_HERE.contains(&key.as_str())) {
        let words = format!("{key} cannot be chosen here: the agent's owner decides it");
        return Refusal::new(StatusCode::BAD_REQUEST, "unsupported-parameter", words, Some("leave it out"));
    }
    match keys.keys().find(|key| !KEYS.contains(&key.as_str())) {
        Some(key) => invalid(unknown("key", &quoted(key), &KEYS), None),
        None => invalid(quoted(&error.to_string()), None),
    }
}

fn message(raw: &RawValue) -> Result<ChatMessage, Refusal> {
    serde_json::from_str(raw.get())
        .map_err(|error| invalid(format!("a message cannot be read: {}", quoted(&error.to_string())), None))
}

impl Content {
    /// Its words; an error for a part that has none.
    fn words(self) -> Result<String, Refusal> {
        let parts = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(parts) => parts,
        };
        let words = parts.iter().map(|part| match (part.get("type"), part.get("text")) {
            (Some(Value::String(kind)), Some(Value::String(text))) if kind == "text" && part.len() == 2 => {
                Ok(text.as_str())
            }
            (Some(Value::String(kind)), _) if kind != "text" => {
                let words = format!("a message has a part of the type {}: only text is read", quoted(kind));
                Err(Refusal::new(StatusCode::BAD_REQUEST, "unsupported-content", words, None))
            }
            _ => Err(invalid("a part of a message is no {\"type\": \"text\", \"text\": …}", None)),
        });
        Ok(words.collect::<Result<Vec<_>, _>>()?.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(request: Value, is_known: bool) -> Result<(String, usize), String> {
        let asked = Asked::parse(&request.to_string());
        asked.and_then(|asked| asked.said(is_known)).map_err(|refusal| {
            let error = refusal.into_error();
            format!("{}: {}", error.code, error.message)
        })
    }

    fn messages(roles: &[&str]) -> Value {
        let message = |(at, role): (usize, &&str)| json!({ "role": role, "content": format!("{role}{at}") });
        json!({ "messages": roles.iter().enumerate().map(message).collect::<Vec<_>>() })
    }

    #[test]
    fn a_new_conversation_begins_with_what_the_user_says_and_maybe_with_instructions() {
        assert_eq!(said(messages(&["user"]), false), Ok(("user0".into(), 0)));
        assert_eq!(said(messages(&["system", "user"]), false), Ok(("system0\n\nuser1".into(), 0)));
        for roles in [&["user", "user"][..], &["system", "user", "assistant", "user"], &["assistant", "user"]]
        {
            let error = said(messages(roles), false).unwrap_err();
            assert!(error.starts_with("invalid-request: a new conversation begins"), "{error}");
        }
    }

    #[test]
    fn of_a_conversation_that_is_there_the_last_message_is_said_and_the_others_are_counted() {
        assert_eq!(said(messages(&["user", "assistant", "user"]), true), Ok(("user2".into(), 2)));
        let mut known = messages(&["user", "assistant", "user"]);
        known["messages"][1] = json!({ "role": "assistant", "tool_calls": [], "content": null });
        assert_eq!(said(known, true), Ok(("user2".into(), 2)), "what is not said need not be understood");
    }

    #[test]
    fn only_the_user_speaks_last_and_somebody_speaks() {
        for roles in [&["assistant"][..], &["user", "system"], &["tool"], &["x\u{202e}"]] {
            let error = said(messages(roles), true).unwrap_err();
            assert!(error.contains("has to be of the role user") && !error.contains('\u{202e}'), "{error}");
        }
        assert!(said(messages(&[]), true).unwrap_err().contains("there is no message"));
    }

    #[test]
    fn a_key_that_is_not_obeyed_is_refused_by_its_name() {
        let with = |key: &str| {
            let mut request = messages(&["user"]);
            request[key] = json!(1);
            said(request, false).unwrap_err()
        };
        assert!(with("temperature").starts_with("unsupported-parameter: temperature cannot be chosen here"));
        assert!(with("conversation").contains("did you mean conversation_id?"));
        assert!(with("modle").contains("did you mean model?"));
        assert!(with("stream").starts_with("invalid-request: "));
        let mut options = messages(&["user"]);
        options["stream_options"] = json!({ "include_usage": true });
        assert!(said(options.clone(), false).unwrap_err().contains("are for a stream"));
        options["stream"] = json!(true);
        assert!(said(options, false).is_ok());
        assert!(said(json!([]), false).unwrap_err().starts_with("malformed-input: "));
        let mut named = messages(&["user"]);
        named["messages"][0]["name"] = json!("ada");
        assert!(said(named, false).unwrap_err().contains("name"));
    }

    #[test]
    fn text_in_parts_is_read_and_pictures_are_refused() {
        let content =
            |content: Value| said(json!({ "messages": [{ "role": "user", "content": content }] }), false);
        let text = |text: &str| json!({ "type": "text", "text": text });
        assert_eq!(content(json!([text("a"), text("b")])), Ok(("a\nb".into(), 0)));
        let picture = json!([text("a"), { "type": "image_url", "image_url": {} }]);
        assert!(content(picture).unwrap_err().starts_with("unsupported-content: "));
        for wrong in
            [json!([{ "text": "a" }]), json!([{ "type": "text", "text": "a", "cache": 1 }]), json!(1)]
        {
            assert!(content(wrong).unwrap_err().starts_with("invalid-request: "));
        }
    }
}
