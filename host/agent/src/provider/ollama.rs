//! Ollama's chat: `POST …/api/chat`, answered in lines of JSON.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::body::{self, Kind, Line, Lines};
use super::draft::Draft;
use super::function::{self, Tool};
use super::history;
use super::http::{Endpoint, HttpClient, Key, Posted, ProviderError, Scheme};
use super::lenient;
use super::refusal::Teller;
use super::{Features, Provider};
use crate::model::{Answer, Listener, Message, ModelError, Question, Stop};

/// Whoever speaks as Ollama does.
#[derive(Debug)]
pub struct Ollama(Endpoint);

impl Ollama {
    /// `url` is what comes before `/api/chat`.
    ///
    /// # Errors
    /// [`ProviderError`], where the address cannot be used.
    pub fn new(client: &HttpClient, url: &Url, key: Option<Key>) -> Result<Self, ProviderError> {
        let key = key.map(|key| (key, Scheme::Bearer));
        Ok(Self(Endpoint::new(client, url, "/api/chat", key)?))
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Entry<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    options: Options,
}

#[derive(Serialize)]
struct Options {
    num_predict: u32,
    /// It cuts a longer question, its beginning first, and says nothing.
    num_ctx: u64,
}

#[derive(Serialize)]
struct Entry<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<String>,
}

#[derive(Serialize)]
struct Call {
    function: Called,
}

#[derive(Serialize)]
struct Called {
    name: String,
    arguments: Box<RawValue>,
}

impl<'a> Entry<'a> {
    fn new(role: &'static str, content: &'a str) -> Self {
        Self { role, content, tool_calls: Vec::new(), tool_name: None }
    }
}

fn entries<'a>(system: &'a str, messages: &'a [Message]) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    if !system.trim().is_empty() {
        entries.push(Entry::new("system", system));
    }
    for message in messages {
        match message {
            Message::User { text } => entries.push(Entry::new("user", history::words(text))),
            Message::Assistant { text, calls } => {
                let call = |call: &crate::model::ModelCall| {
                    let name = history::tool_name(&call.tool).into_owned();
                    Call { function: Called { name, arguments: history::arguments(&call.arguments) } }
                };
                let tool_calls = calls.iter().map(call).collect();
                entries.push(Entry { tool_calls, ..Entry::new("assistant", text) });
            }
            Message::Tool { results } => entries.extend(results.iter().map(|result| Entry {
                tool_name: Some(history::tool_name(&result.tool).into_owned()),
                ..Entry::new("tool", &result.text)
            })),
        }
    }
    entries
}

/// An answer, or a piece of one.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default, deserialize_with = "lenient::nullable")]
    message: Said,
    #[serde(default, deserialize_with = "lenient::nullable")]
    done: bool,
    #[serde(default, deserialize_with = "lenient::nullable")]
    done_reason: String,
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_eval_count: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    eval_count: u64,
}

/// What is said; what it thinks has a field of its own, which is not read.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "lenient::text")]
    content: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    tool_calls: Vec<SaidCall>,
}

/// A call, which is never in pieces.
#[derive(Deserialize)]
struct SaidCall {
    /// Only newer ones name calls.
    #[serde(default, deserialize_with = "lenient::nullable")]
    id: String,
    function: SaidFunction,
}

#[derive(Deserialize)]
struct SaidFunction {
    #[serde(default, deserialize_with = "lenient::nullable")]
    name: String,
    #[serde(default, deserialize_with = "lenient::arguments")]
    arguments: String,
}

/// Hears a chunk; true at the last one.
fn hear(draft: &mut Draft<'_>, chunk: Chunk) -> Result<bool, ModelError> {
    draft.say(&chunk.message.content)?;
    for call in chunk.message.tool_calls {
        let place = draft.begin(None)?;
        draft.write(place, &call.id, &call.function.name, &call.function.arguments)?;
    }
    if chunk.done {
        draft.usage.input = chunk.prompt_eval_count;
        draft.usage.output = chunk.eval_count;
        draft.stop = Some(if chunk.done_reason == "length" { Stop::Length } else { Stop::Done });
    }
    Ok(chunk.done)
}

async fn stream(teller: &Teller, mut draft: Draft<'_>, posted: Posted) -> Result<Answer, ModelError> {
    let mut lines = Lines::new(teller, posted.response);
    while let Some(line) = lines.next().await? {
        let chunk = match line {
            Line::Whole(line) => body::document(teller, line.as_bytes())?,
            // A line without an end may be half of one.
            Line::Rest(rest) if serde_json::from_str::<serde::de::IgnoredAny>(&rest).is_err() => break,
            Line::Rest(rest) => body::document(teller, rest.as_bytes())?,
        };
        if hear(&mut draft, chunk)? {
            return draft.finish();
        }
    }
    Err(teller.unavailable("broke off in the middle of its answer"))
}

async fn whole(teller: &Teller, mut draft: Draft<'_>, posted: Posted) -> Result<Answer, ModelError> {
    let text = body::whole(teller, posted.response).await?;
    match hear(&mut draft, body::document(teller, &text)?)? {
        true => draft.finish(),
        false => Err(teller.malformed("answers with a piece of an answer")),
    }
}

#[async_trait]
impl Provider for Ollama {
    async fn ask(
        &self,
        model: &str,
        features: Features,
        question: &Question<'_>,
        listener: &dyn Listener,
    ) -> Result<Answer, ModelError> {
        let messages = history::messages(features, question);
        let request = Request {
            model,
            messages: entries(question.system, &messages),
            stream: features.streaming,
            tools: function::tools(features, question),
            options: Options { num_predict: features.most_tokens(question), num_ctx: features.context },
        };
        let teller = self.0.teller();
        let posted = self.0.post(&request, &[]).await?;
        let draft = Draft::new(teller, listener, posted.question_bytes);
        match Kind::of(teller, &posted.response)? {
            Kind::Lines => stream(teller, draft, posted).await,
            Kind::Whole => whole(teller, draft, posted).await,
            Kind::Events => Err(teller.malformed("answers in events, which is not its format")),
        }
    }
}
