//! Answers of a chat: whole, and in pieces.

use std::time::{SystemTime, UNIX_EPOCH};

use openclaw_agent::event::{EndReason, Event};
use openclaw_agent::model::Usage;
use openclaw_agent::turn::Outcome;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::answer::Refusal;
use super::random_name;
use crate::agents::reason_label;

/// What all documents of one answer have in common.
#[derive(Debug)]
pub(super) struct Form {
    id: String,
    created: u64,
    agent: String,
    conversation: String,
    earlier: usize,
}

/// What an agent answered.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ChatAnswer {
    /// The answer's own name.
    id: String,
    /// `chat.completion`.
    object: &'static str,
    /// When it was begun, in seconds since 1970.
    created: u64,
    /// The agent's name.
    model: String,
    /// The conversation, to go on with it.
    conversation_id: String,
    /// One: the agent's last words.
    choices: Vec<Choice>,
    /// The tokens of the turn, over all its steps.
    usage: ChatUsage,
    /// What the turn cost, in millionths of a dollar; zero where no price is known.
    cost: u64,
    /// What the agent did, in order: calls that began and ended, and notices. As the events of `/ws`.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Event>,
    /// Steps for which there was no room here.
    steps_left_out: usize,
    /// Messages before the last one, which the conversation knows already: they were not said again.
    earlier_messages: usize,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    index: u32,
    message: Spoken,
    /// `stop`, or `length` where a limit ended the turn.
    finish_reason: &'static str,
    /// Why the turn ended: `done`, `steps`, `tokens`, `cost` or `time`.
    reason: &'static str,
}

/// An agent's words.
#[derive(Debug, Serialize, ToSchema)]
struct Spoken {
    /// `assistant`.
    role: &'static str,
    content: String,
}

/// Tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChatUsage {
    /// Of the questions.
    prompt_tokens: u64,
    /// Of the answers.
    completion_tokens: u64,
    /// All of them.
    total_tokens: u64,
    prompt_tokens_details: CachedTokens,
}

/// Of the questions' tokens.
#[derive(Debug, Serialize, ToSchema)]
struct CachedTokens {
    /// Those that the model's provider had seen before.
    cached_tokens: u64,
}

/// A piece of an answer; the data of an event.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ChatChunk<'a> {
    /// The answer's own name.
    id: &'a str,
    /// `chat.completion.chunk`.
    object: &'static str,
    /// When the answer was begun, in seconds since 1970.
    created: u64,
    /// The agent's name.
    model: &'a str,
    /// The conversation, to go on with it.
    conversation_id: &'a str,
    /// One, or none in the chunk that has the tokens alone.
    choices: Vec<Change<'a>>,
    /// In an event `tool`: what the agent did. As the events of `/ws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    step: Option<&'a Event>,
    /// In the last chunks: the tokens of the turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<ChatUsage>,
    /// In the last chunks: what the turn cost, in millionths of a dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<u64>,
    /// In the first chunk: messages that were not said again.
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier_messages: Option<usize>,
}

/// What comes to an answer.
#[derive(Debug, Serialize, ToSchema)]
struct Change<'a> {
    index: u32,
    delta: Delta<'a>,
    /// In the last one: `stop` or `length`.
    finish_reason: Option<&'static str>,
    /// In the last one: why the turn ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Words that come to an answer.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

impl From<Usage> for ChatUsage {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.input,
            completion_tokens: usage.output,
            total_tokens: usage.total(),
            prompt_tokens_details: CachedTokens { cached_tokens: usage.cached },
        }
    }
}

/// Why an answer ends, as clients of OpenAI know it.
fn finish(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Steps | EndReason::Tokens | EndReason::Cost | EndReason::Time => "length",
        EndReason::Done | EndReason::Cancelled | EndReason::ModelFailed => "stop",
    }
}

impl Form {
    pub(super) fn new(agent: &str, conversation: &str, earlier: usize) -> Result<Self, Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            id: format!("chatcmpl-{}", random_name()?),
            created: now.as_secs(),
            agent: agent.to_owned(),
            conversation: conversation.to_owned(),
            earlier,
        })
    }

    /// An answer that is told whole.
    pub(super) fn whole(self, outcome: Outcome, steps: Vec<Event>, steps_left_out: usize) -> ChatAnswer {
        let Outcome { text, reason, totals, error: _ } = outcome;
        let message = Spoken { role: "assistant", content: text };
        let (finish_reason, reason) = (finish(reason), reason_label(reason));
        ChatAnswer {
            id: self.id,
            object: "chat.completion",
            created: self.created,
            model: self.agent,
            conversation_id: self.conversation,
            choices: vec![Choice { index: 0, message, finish_reason, reason }],
            usage: totals.usage.into(),
            cost: totals.cost,
            steps,
            steps_left_out,
            earlier_messages: self.earlier,
        }
    }

    /// A chunk with which nothing comes to the answer yet.
    fn chunk<'a>(&'a self, delta: Delta<'a>) -> ChatChunk<'a> {
        ChatChunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.agent,
            conversation_id: &self.conversation,
            choices: vec![Change { index: 0, delta, finish_reason: None, reason: None }],
            step: None,
            usage: None,
            cost: None,
            earlier_messages: None,
        }
    }

    /// The chunk that comes before all others.
    pub(super) fn first(&self) -> ChatChunk<'_> {
        let delta = Delta { role: Some("assistant"), content: Some("") };
        ChatChunk { earlier_messages: Some(self.earlier), ..self.chunk(delta) }
    }

    /// Words that come to the answer.
    pub(super) fn words<'a>(&'a self, words: &'a str) -> ChatChunk<'a> {
        self.chunk(Delta { role: None, content: Some(words) })
    }

    /// Something that the agent did. Clients that do not know of such see a chunk without words.
    pub(super) fn step<'a>(&'a self, event: &'a Event) -> ChatChunk<'a> {
        ChatChunk { step: Some(event), ..self.chunk(Delta::default()) }
    }

    /// The end of the answer.
    pub(super) fn last(&self, outcome: &Outcome) -> ChatChunk<'_> {
        let change = Change {
            index: 0,
            delta: Delta::default(),
            finish_reason: Some(finish(outcome.reason)),
            reason: Some(reason_label(outcome.reason)),
        };
        ChatChunk { choices: vec![change], ..self.totals(outcome) }
    }

    /// The tokens alone, as a client may ask for them.
    pub(super) fn totals(&self, outcome: &Outcome) -> ChatChunk<'_> {
        let (usage, cost) = (Some(outcome.totals.usage.into()), Some(outcome.totals.cost));
        ChatChunk { choices: Vec::new(), usage, cost, ..self.chunk(Delta::default()) }
    }
}
