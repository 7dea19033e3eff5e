//! The owner's language model.

use std::fmt::{self, Display, Formatter};

use crate::host;

/// What a model is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LlmRequest {
    /// What the model is to be, and how it is to answer.
    pub system: Option<String>,
    /// The question itself.
    pub prompt: String,
    /// Most tokens of the answer.
    pub max_tokens: Option<u32>,
}

impl LlmRequest {
    /// A question, answered with as many tokens as the call has left.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }

    /// Says what the model is to be, and how it is to answer.
    #[must_use]
    pub fn system(mut self, system: impl Into<String>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// Bounds the answer.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }
}

/// What a model answered. Nobody vouches for it: whoever wrote what the model read may have written this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text, cut at 256 KiB.
    pub text: String,
    /// Tokens of the question.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
}

/// Why nothing was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LlmError {
    /// The model was not declared or not granted; the text says what is missing.
    Denied(String),
    /// The question would take more tokens than the call has left, which are these.
    QuotaExceeded(u64),
    /// There is no model, or it did not answer.
    Unavailable(String),
}

impl Display for LlmError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => f.write_str(text),
            Self::QuotaExceeded(left) => {
                write!(f, "the question takes more than the {left} tokens that the call has left")
            }
            Self::Unavailable(text) => write!(f, "the language model is not available: {text}"),
        }
    }
}

impl std::error::Error for LlmError {}

/// The model, as `ctx.llm()` gives it.
#[derive(Clone, Copy)]
pub struct Llm<'c> {
    /// None where the manifest declares no model.
    host: Option<&'c dyn host::Llm>,
}

impl<'c> Llm<'c> {
    pub(crate) fn new(host: Option<&'c dyn host::Llm>) -> Self {
        Self { host }
    }

    /// Asks the model, and waits for its answer.
    ///
    /// # Errors
    ///
    /// See [`LlmError`].
    pub fn complete(&self, request: &LlmRequest) -> Result<Completion, LlmError> {
        let host = self.host.ok_or_else(|| {
            LlmError::Denied(
                "the skill's manifest does not declare the language model: add `[permission.llm]` to \
                 openclaw/skill.toml"
                    .to_owned(),
            )
        })?;
        host.complete(request)
    }

    /// Whether it is granted, the host has a model, and the call has tokens left.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.host.is_some_and(host::Llm::is_available)
    }
}
