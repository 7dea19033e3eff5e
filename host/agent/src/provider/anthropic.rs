//! Anthropic's messages: `POST /v1/messages`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::body::{self, Events, Kind};
use super::draft::{Draft, Place};
use super::history::{self, Ids};
use super::http::{Endpoint, HttpClient, Key, Posted, ProviderError, Scheme};
use super::lenient;
use super::refusal::Teller;
use super::{Features, Provider};
use crate::model::{Answer, Listener, Message, ModelError, OfferedTool, Question, Stop, Usage};

const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));

/// Whoever speaks as Anthropic does.
#[derive(Debug)]
pub struct Anthropic(Endpoint);

impl Anthropic {
    /// `url` is what comes before `/v1/messages`.
    ///
    /// # Errors
    /// [`ProviderError`], where the address cannot be used.
    pub fn new(client: &HttpClient, url: &Url, key: Option<Key>) -> Result<Self, ProviderError> {
        let key = key.map(|key| (key, Scheme::Header(HeaderName::from_static("x-api-key"))));
        Ok(Self(Endpoint::new(client, url, "/v1/messages", key)?))
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
struct Block<'a> {
    #[serde(flatten)]
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text { text: &'a str },
    ToolUse { id: String, name: String, input: Box<RawValue> },
    ToolResult { tool_use_id: String, content: &'a str, is_error: bool },
}

/// All before it, and what it stands at, is kept by the provider for the next question.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CacheControl {
    Ephemeral,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

impl<'a> Block<'a> {
    fn new(content: Content<'a>) -> Self {
        Self { content, cache_control: None }
    }

    fn text(text: &'a str) -> Self {
        Self::new(Content::Text { text })
    }
}

fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !id.is_empty() && id.len() <= 64 && id.bytes().all(fits)
}

/// The conversation in turns: what one side says in several messages is one turn of its own.
fn turns(messages: &[Message]) -> Vec<Turn<'_>> {
    let mut ids = Ids::new(is_id);
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for message in messages {
        let (role, content) = match message {
            Message::User { text } => ("user", vec![Block::text(history::words(text))]),
            Message::Assistant { text, calls } => ("assistant", said(text, calls, &mut ids)),
            Message::Tool { results } => {
                let result = |result: &'_ crate::model::CallResult| ids.of(&result.id);
                let blocks = results.iter().map(|told| {
                    let (tool_use_id, content) = (result(told), told.text.as_str());
                    Block::new(Content::ToolResult { tool_use_id, content, is_error: told.failed })
                });
                ("user", blocks.collect())
            }
        };
        match turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.extend(content),
            _ if content.is_empty() => {}
            _ => turns.push(Turn { role, content }),
        }
    }
    let continues = turns.len() > 1;
    if let Some(last) = turns.last_mut().and_then(|turn| turn.content.last_mut()) {
        last.cache_control = continues.then_some(CacheControl::Ephemeral);
    }
    turns
}

fn said<'a>(text: &'a str, calls: &'a [crate::model::ModelCall], ids: &mut Ids) -> Vec<Block<'a>> {
    let names = ids.begin(calls);
    let calls = calls.iter().zip(names).map(|(call, id)| {
        let name = history::tool_name(&call.tool).into_owned();
        Block::new(Content::ToolUse { id, name, input: history::arguments(&call.arguments) })
    });
    let words = Some(text).filter(|text| !text.trim().is_empty()).map(Block::text);
    words.into_iter().chain(calls).collect()
}

fn tools<'a>(offered: &'a [std::sync::Arc<OfferedTool>]) -> Vec<Tool<'a>> {
    let tool = |tool: &'a std::sync::Arc<OfferedTool>| Tool {
        name: &tool.name,
        description: &tool.description,
        input_schema: &tool.schema,
        cache_control: None,
    };
    let mut tools: Vec<Tool<'a>> = offered.iter().map(tool).collect();
    if let Some(last) = tools.last_mut() {
        last.cache_control = Some(CacheControl::Ephemeral);
    }
    tools
}

/// An answer that comes whole.
#[derive(Deserialize)]
struct Whole {
    content: Vec<Part>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient::nullable")]
    usage: Tokens,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        #[serde(default)]
        id: String,
        #[serde(default)]
        name: String,
        #[serde(default, deserialize_with = "lenient::arguments")]
        input: String,
    },
    /// What it thinks, or does by itself.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        #[serde(default)]
        index: u64,
        content_block: Part,
    },
    ContentBlockDelta {
        #[serde(default)]
        index: u64,
        delta: Delta,
    },
    ContentBlockStop {
        #[serde(default)]
        index: u64,
    },
    MessageDelta {
        delta: Ending,
        #[serde(default, deserialize_with = "lenient::nullable")]
        usage: Tokens,
    },
    MessageStop,
    /// A ping, or what came later to the format.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default, deserialize_with = "lenient::nullable")]
    usage: Tokens,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Ending {
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Tokens as they are counted here: those that were kept are not among those of the question.
#[derive(Default, Deserialize)]
struct Tokens {
    #[serde(default, deserialize_with = "lenient::count")]
    input_tokens: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_creation_input_tokens: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_read_input_tokens: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    output_tokens: u64,
}

impl Tokens {
    /// Each number is told in full each time, or not at all.
    fn count(&self, usage: &mut Usage) {
        let cached = self.cache_read_input_tokens;
        let input = self.input_tokens.saturating_add(self.cache_creation_input_tokens).saturating_add(cached);
        if input > 0 {
            (usage.input, usage.cached) = (input, cached);
        }
        usage.output = usage.output.max(self.output_tokens);
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "refusal" => Stop::Refused,
        _ => Stop::Done,
    }
}

/// A call whose input comes in pieces, or at once where no piece comes.
struct Open {
    place: Place,
    input: String,
    in_pieces: bool,
}

/// What is heard, with the calls that are not at their end.
struct Hearing<'a> {
    draft: Draft<'a>,
    teller: &'a Teller,
    open: BTreeMap<u64, Open>,
}

impl Hearing<'_> {
    /// Hears an event; true at the last one.
    fn hear(&mut self, event: Event) -> Result<bool, ModelError> {
        match event {
            Event::MessageStart { message } => message.usage.count(&mut self.draft.usage),
            Event::ContentBlockStart { index, content_block } => self.begin(index, content_block)?,
            Event::ContentBlockDelta { delta: Delta::Text { text }, .. } => self.draft.say(&text)?,
            Event::ContentBlockDelta { index, delta: Delta::Input { partial_json } } => {
                // What it does by itself has input too; that is not ours.
                if let Some(open) = self.open.get_mut(&index) {
                    open.in_pieces |= !partial_json.is_empty();
                    self.draft.write(open.place, "", "", &partial_json)?;
                }
            }
            Event::ContentBlockStop { index } => self.end(index)?,
            Event::MessageDelta { delta, usage } => {
                usage.count(&mut self.draft.usage);
                if let Some(reason) = delta.stop_reason {
                    self.draft.stop = Some(stop(&reason));
                }
            }
            Event::MessageStop if self.open.is_empty() => return Ok(true),
            Event::MessageStop => {
                return Err(self.teller.malformed("ends in the middle of a call"));
            }
            Event::ContentBlockDelta { .. } | Event::Other => {}
        }
        Ok(false)
    }

    fn begin(&mut self, index: u64, part: Part) -> Result<(), ModelError> {
        match part {
            Part::Text { text } => self.draft.say(&text),
            Part::ToolUse { id, name, input } => {
                let place = self.draft.begin(None)?;
                self.draft.write(place, &id, &name, "")?;
                // Calls are bounded, so are those that are open.
                self.open.insert(index, Open { place, input, in_pieces: false });
                Ok(())
            }
            Part::Other => Ok(()),
        }
    }

    fn end(&mut self, index: u64) -> Result<(), ModelError> {
        let Some(Open { place, input, in_pieces }) = self.open.remove(&index) else { return Ok(()) };
        // An empty object is what stands in the place of input that comes in pieces.
        if in_pieces || input == "{}" { Ok(()) } else { self.draft.write(place, "", "", &input) }
    }
}

async fn stream(teller: &Teller, draft: Draft<'_>, posted: Posted) -> Result<Answer, ModelError> {
    let mut hearing = Hearing { draft, teller, open: BTreeMap::new() };
    let mut events = Events::new(teller, posted.response);
    while let Some(data) = events.next().await? {
        if hearing.hear(body::document(teller, data.as_bytes())?)? {
            return hearing.draft.finish();
        }
    }
    Err(teller.unavailable("broke off in the middle of its answer"))
}

async fn whole(teller: &Teller, mut draft: Draft<'_>, posted: Posted) -> Result<Answer, ModelError> {
    let text = body::whole(teller, posted.response).await?;
    let Whole { content, stop_reason, usage } = body::document(teller, &text)?;
    let reason = stop_reason.ok_or_else(|| teller.malformed("answers without a reason to stop"))?;
    draft.stop = Some(stop(&reason));
    usage.count(&mut draft.usage);
    for part in content {
        match part {
            Part::Text { text } => draft.say(&text)?,
            Part::ToolUse { id, name, input } => {
                let place = draft.begin(None)?;
                draft.write(place, &id, &name, &input)?;
            }
            Part::Other => {}
        }
    }
    draft.finish()
}

#[async_trait]
impl Provider for Anthropic {
    async fn ask(
        &self,
        model: &str,
        features: Features,
        question: &Question<'_>,
        listener: &dyn Listener,
    ) -> Result<Answer, ModelError> {
        let messages = history::messages(features, question);
        let mut system: Vec<_> = Some(question.system)
            .filter(|text| !text.trim().is_empty())
            .map(Block::text)
            .into_iter()
            .collect();
        for block in &mut system {
            block.cache_control = Some(CacheControl::Ephemeral);
        }
        let request = Request {
            model,
            max_tokens: features.most_tokens(question),
            stream: features.streaming,
            system,
            messages: turns(&messages),
            tools: if history::offers(features, question) { tools(question.tools) } else { Vec::new() },
        };
        let teller = self.0.teller();
        let posted = self.0.post(&request, &[VERSION]).await?;
        let draft = Draft::new(teller, listener, posted.question_bytes);
        match Kind::of(teller, &posted.response)? {
            Kind::Events => stream(teller, draft, posted).await,
            Kind::Whole => whole(teller, draft, posted).await,
            Kind::Lines => Err(teller.malformed("answers in lines, which is not its format")),
        }
    }
}
