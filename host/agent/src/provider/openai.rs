//! OpenAI's chat completions: `POST …/chat/completions`, as OpenAI and everybody who took it over speak it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use url::Url;

use super::body::{self, Events, Kind};
use super::draft::{Draft, Place};
use super::function::{self, Tool};
use super::history::{self, Ids};
use super::http::{Endpoint, HttpClient, Key, Posted, ProviderError, Scheme};
use super::lenient;
use super::refusal::Teller;
use super::{Features, Provider};
use crate::model::{Answer, Listener, Message, ModelError, Question, Stop, Usage};

/// The last event's data.
const END: &str = "[DONE]";

/// Whoever speaks as OpenAI does.
#[derive(Debug)]
pub struct OpenAi {
    endpoint: Endpoint,
    /// It is OpenAI itself, whose newer models refuse the name that all others have for the most tokens.
    is_original: bool,
}

impl OpenAi {
    /// `url` is what comes before `/chat/completions`.
    ///
    /// # Errors
    /// [`ProviderError`], where the address cannot be used.
    pub fn new(client: &HttpClient, url: &Url, key: Option<Key>) -> Result<Self, ProviderError> {
        let key = key.map(|key| (key, Scheme::Bearer));
        let endpoint = Endpoint::new(client, url, "/chat/completions", key)?;
        let host = endpoint.host();
        let is_original = host == "api.openai.com" || host.ends_with(".api.openai.com");
        Ok(Self { endpoint, is_original })
    }

    /// What is asked.
    pub(super) fn request<'a>(
        &self,
        model: &'a str,
        features: Features,
        question: &Question<'a>,
        messages: &'a [Message],
    ) -> Request<'a> {
        let most = features.most_tokens(question);
        Request {
            model,
            messages: lines(question.system, messages),
            stream: features.streaming,
            stream_options: features.streaming.then_some(StreamOptions { include_usage: true }),
            max_tokens: (!self.is_original).then_some(most),
            max_completion_tokens: self.is_original.then_some(most),
            tools: function::tools(features, question),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<Line<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

#[derive(Serialize)]
struct Call {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Called,
}

#[derive(Serialize)]
struct Called {
    name: String,
    arguments: String,
}

impl<'a> Line<'a> {
    fn new(role: &'static str, content: &'a str) -> Self {
        Self { role, content, tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// Some models are told the names of calls, and go on by them; so they are kept where they can be.
fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    !id.is_empty() && id.len() <= 40 && id.bytes().all(fits)
}

fn lines<'a>(system: &'a str, messages: &'a [Message]) -> Vec<Line<'a>> {
    let mut ids = Ids::new(is_id);
    let mut lines = Vec::new();
    if !system.trim().is_empty() {
        lines.push(Line::new("system", system));
    }
    for message in messages {
        match message {
            Message::User { text } => lines.push(Line::new("user", history::words(text))),
            Message::Assistant { text, calls } => {
                let names = ids.begin(calls);
                let call = |(call, id): (&crate::model::ModelCall, String)| {
                    let name = history::tool_name(&call.tool).into_owned();
                    let arguments = history::arguments(&call.arguments).get().to_owned();
                    Call { id, kind: "function", function: Called { name, arguments } }
                };
                let tool_calls: Vec<Call> = calls.iter().zip(names).map(call).collect();
                // Several refuse none with calls, and all refuse nothing at all.
                let content = if tool_calls.is_empty() { history::words(text) } else { text };
                lines.push(Line { tool_calls, ..Line::new("assistant", content) });
            }
            Message::Tool { results } => lines.extend(results.iter().map(|result| Line {
                tool_call_id: Some(ids.of(&result.id)),
                ..Line::new("tool", &result.text)
            })),
        }
    }
    lines
}

/// An answer, or a piece of one.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default, deserialize_with = "lenient::nullable")]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
    /// Where Groq tells the tokens.
    #[serde(default)]
    x_groq: Option<Groq>,
}

#[derive(Deserialize)]
struct Groq {
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, deserialize_with = "lenient::count")]
    index: u64,
    /// Of an answer in pieces.
    #[serde(default)]
    delta: Option<Said>,
    /// Of a whole one; some say it of pieces too.
    #[serde(default)]
    message: Option<Said>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// Where Kimi tells the tokens.
    #[serde(default)]
    usage: Option<Tokens>,
}

/// What is said. Reasoning has fields of its own, which are not read.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "lenient::text")]
    content: String,
    /// Said in the place of an answer.
    #[serde(default, deserialize_with = "lenient::text")]
    refusal: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    tool_calls: Vec<Fragment>,
}

/// A call, or a piece of one.
#[derive(Deserialize)]
struct Fragment {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default, deserialize_with = "lenient::nullable")]
    id: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    function: FragmentFunction,
}

#[derive(Default, Deserialize)]
struct FragmentFunction {
    #[serde(default, deserialize_with = "lenient::nullable")]
    name: String,
    #[serde(default, deserialize_with = "lenient::arguments")]
    arguments: String,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_tokens: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptTokens>,
    /// As DeepSeek says it.
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_cache_hit_tokens: u64,
    /// As Kimi says it.
    #[serde(default, deserialize_with = "lenient::count")]
    cached_tokens: u64,
}

#[derive(Deserialize)]
struct PromptTokens {
    #[serde(default, deserialize_with = "lenient::count")]
    cached_tokens: u64,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let details = tokens.prompt_tokens_details.map_or(0, |details| details.cached_tokens);
        let cached = details.max(tokens.prompt_cache_hit_tokens).max(tokens.cached_tokens);
        Self { input: tokens.prompt_tokens, cached, output: tokens.completion_tokens }
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "length" | "max_tokens" | "model_length" => Stop::Length,
        "content_filter" | "refusal" => Stop::Refused,
        _ => Stop::Done,
    }
}

fn hear(draft: &mut Draft<'_>, chunk: Chunk) -> Result<(), ModelError> {
    let groq = chunk.x_groq.and_then(|groq| groq.usage);
    let mut told = chunk.usage.or(groq);
    for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
        told = told.or(choice.usage);
        let said = choice.delta.or(choice.message).unwrap_or_default();
        draft.say(&said.content)?;
        draft.say(&said.refusal)?;
        for fragment in &said.tool_calls {
            add(draft, fragment)?;
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            draft.stop = Some(stop(&reason));
        }
        if !said.refusal.is_empty() {
            draft.stop = Some(Stop::Refused);
        }
    }
    if let Some(usage) = told.map(Usage::from).filter(|usage| usage.total() > 0) {
        draft.usage = usage;
    }
    Ok(())
}

fn add(draft: &mut Draft<'_>, fragment: &Fragment) -> Result<(), ModelError> {
    let place = match place(draft, fragment) {
        Some(place) => place,
        None => draft.begin(fragment.index)?,
    };
    draft.write(place, &fragment.id, &fragment.function.name, &fragment.function.arguments)
}

/// Which call a piece belongs to; none, where it begins one.
fn place(draft: &Draft<'_>, Fragment { index, id, function }: &Fragment) -> Option<Place> {
    let place = match index {
        Some(index) => draft.at(*index)?,
        None if !id.is_empty() => draft.named(id)?,
        None if !function.name.is_empty() => return None,
        None => draft.last()?,
    };
    // Some count all calls as the first, and tell them apart by their ids.
    let is_another = !id.is_empty() && !function.name.is_empty() && draft.id(place) != id;
    (!is_another).then_some(place)
}

async fn stream(teller: &Teller, mut draft: Draft<'_>, posted: Posted) -> Result<Answer, ModelError> {
    let mut events = Events::new(teller, posted.response);
    while let Some(data) = events.next().await? {
        if data.trim() == END {
            return draft.finish();
        }
        hear(&mut draft, body::document(teller, data.as_bytes())?)?;
    }
    // Some do not say the last word; that the model stopped is as good.
    match draft.stop {
        Some(_) => draft.finish(),
        None => Err(teller.unavailable("broke off in the middle of its answer")),
    }
}

async fn whole(teller: &Teller, mut draft: Draft<'_>, posted: Posted) -> Result<Answer, ModelError> {
    let text = body::whole(teller, posted.response).await?;
    let chunk: Chunk = body::document(teller, &text)?;
    if chunk.choices.is_empty() {
        return Err(teller.malformed("answers without an answer"));
    }
    hear(&mut draft, chunk)?;
    draft.finish()
}

#[async_trait]
impl Provider for OpenAi {
    async fn ask(
        &self,
        model: &str,
        features: Features,
        question: &Question<'_>,
        listener: &dyn Listener,
    ) -> Result<Answer, ModelError> {
        let messages = history::messages(features, question);
        let request = self.request(model, features, question, &messages);
        let teller = self.endpoint.teller();
        let posted = self.endpoint.post(&request, &[]).await?;
        let draft = Draft::new(teller, listener, posted.question_bytes);
        match Kind::of(teller, &posted.response)? {
            Kind::Events => stream(teller, draft, posted).await,
            Kind::Whole => whole(teller, draft, posted).await,
            Kind::Lines => Err(teller.malformed("answers in lines, which is not its format")),
        }
    }
}
