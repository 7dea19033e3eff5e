//! What is said between the loop and a model, in no provider's format, and the trait of whatever answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing said in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Message {
    /// By the person.
    User {
        /// Their words.
        text: String,
    },
    /// By the model.
    Assistant {
        /// Its words, which may be none.
        text: String,
        /// The calls that it asks for, each of which the next message answers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ModelCall>,
    },
    /// By the host: what became of the calls of the message before, in their order.
    Tool {
        /// A result for each of them.
        results: Vec<CallResult>,
    },
}

/// A call as a model asks for it: nothing of it has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCall {
    /// The model's own name for the call; never empty, and unique within its message.
    pub id: String,
    /// A tool's name, as it was offered or as the model imagines it.
    pub tool: String,
    /// The arguments, as the model wrote them; meant to be JSON.
    pub arguments: String,
}

/// What became of a call, as the model is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResult {
    /// Of which call.
    pub id: String,
    /// The name that the call was made by.
    pub tool: String,
    /// The result or the error, bounded and delimited.
    pub text: String,
    /// Whether it is an error.
    pub failed: bool,
}

/// A tool as it is offered to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedTool {
    /// At most 64 of `[a-zA-Z0-9_-]`, as all providers take it.
    pub name: String,
    /// What it does, in its author's words.
    pub description: String,
    /// The JSON Schema of its arguments, an object's.
    pub schema: Value,
}

/// A question to a model: a conversation whose last message is not the model's.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What the model is to be.
    pub system: &'a str,
    /// The conversation.
    pub messages: &'a [Message],
    /// The tools that it may ask for.
    pub tools: &'a [Arc<OfferedTool>],
    /// Most tokens of the answer; what the model's entry says, where it is none.
    pub max_tokens: Option<u32>,
}

/// What a model answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its words, which may be none.
    pub text: String,
    /// The calls that it asks for.
    pub calls: Vec<ModelCall>,
    /// Why it stopped.
    pub stop: Stop,
    /// The tokens that it took.
    pub usage: Usage,
    /// What it cost, in millionths of a dollar; zero where no price is known.
    pub cost: u64,
    /// The entry of `models.yaml` that answered.
    pub model: String,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// It was done, or waits for its calls.
    #[default]
    Done,
    /// It had no tokens left: the answer breaks off.
    Length,
    /// It, or its provider, would not go on.
    Refused,
}

/// The tokens of a question and its answer, as the model counts; an estimate where it tells nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the question.
    pub input: u64,
    /// Those of the question that the provider had seen before, and charges less for.
    #[serde(default)]
    pub cached: u64,
    /// Of the answer.
    pub output: u64,
}

impl Usage {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.cached = self.cached.saturating_add(other.cached);
        self.output = self.output.saturating_add(other.output);
    }
}

/// Hears an answer while it is being said. Its methods must not wait.
pub trait Listener: Send + Sync {
    /// A piece of the answer's words.
    fn text(&self, piece: &str);

    /// What was heard of this answer is void: it is asked for anew, of the same model or of another.
    fn restarted(&self);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaf;

impl Listener for Deaf {
    fn text(&self, _: &str) {}

    fn restarted(&self) {}
}

/// Answers questions. What stands behind it may be one model or several that take each other's place.
#[async_trait]
pub trait Model: fmt::Debug + Send + Sync {
    /// Answers a question. The future is dropped where the answer is not wanted any more.
    ///
    /// # Errors
    /// [`ModelError`], once everything was tried that could help.
    async fn ask(&self, question: &Question<'_>, listener: &dyn Listener) -> Result<Answer, ModelError>;

    /// The tokens that a question and its answer may have together.
    fn context(&self) -> u64;

    /// Whether it can ask for calls; one that cannot is offered none.
    fn calls_tools(&self) -> bool;
}

/// Why a question was not answered, in words for the owner; others are told [`ModelError::told`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It could not be reached, failed, or broke off.
    #[error("{0}")]
    Unavailable(String),
    /// It is asked too often.
    #[error("{reason}")]
    Throttled {
        /// What was said.
        reason: String,
        /// When it says to ask again.
        retry_after: Option<Duration>,
    },
    /// What it said is not understood.
    #[error("{0}")]
    Malformed(String),
    /// The conversation is longer than it can take.
    #[error("{0}")]
    TooLong(String),
    /// It will not answer this, or not us, however often it is asked.
    #[error("{0}")]
    Rejected(String),
}

impl ModelError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "model-unavailable",
            Self::Throttled { .. } => "model-throttled",
            Self::Malformed(_) => "model-malformed",
            Self::TooLong(_) => "conversation-too-long",
            Self::Rejected(_) => "model-rejected",
        }
    }

    /// What whoever is not the owner may be told: what a provider said is for the owner.
    #[must_use]
    pub fn told(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "the language model does not answer",
            Self::Throttled { .. } => "the language model is asked too often",
            Self::Malformed(_) => "the language model's answer is not understood",
            Self::TooLong(_) => "the conversation is longer than the language model takes",
            Self::Rejected(_) => "the language model does not take the question",
        }
    }

    /// Whether the same question to the same model may be answered later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Throttled { .. } | Self::Malformed(_))
    }
}

/// Bytes of text that a token stands for, as tokens are estimated: rather more tokens than fewer.
const TOKEN_BYTES: u64 = 3;

/// How many tokens so many bytes of text have, rather more than fewer.
#[must_use]
pub fn estimate_tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(TOKEN_BYTES)
}

/// How many bytes of words a model said.
pub(crate) fn said(text: &str, calls: &[ModelCall]) -> usize {
    text.len() + calls.iter().map(|call| call.tool.len() + call.arguments.len()).sum::<usize>()
}

impl Message {
    /// The bytes of all its words.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::User { text } => text.len(),
            Self::Assistant { text, calls } => said(text, calls),
            Self::Tool { results } => {
                results.iter().map(|result| result.tool.len() + result.text.len()).sum()
            }
        }
    }
}
