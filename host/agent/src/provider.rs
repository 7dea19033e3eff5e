//! Whoever runs models, and the wire formats that they speak. Those that are configured are `models`' matter.
//!
//! ```text
//! http       the one HTTP client, addresses and keys
//! body       what comes back, under bounds: whole, as server-sent events, as lines
//! refusal    what a status or an error in words means
//! draft      an answer while it is being heard
//! function   a tool as OpenAI and Ollama are offered it
//! history    a conversation as any model takes it: names, arguments, calls as plain text
//! anthropic, openai, ollama   a format each
//! ```

mod anthropic;
mod body;
mod draft;
mod function;
mod history;
mod http;
mod lenient;
mod ollama;
mod openai;
mod refusal;
#[cfg(any(test, feature = "scripted"))]
pub mod scripted;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

pub use anthropic::Anthropic;
pub use http::{HttpClient, HttpOptions, Key, ProviderError};
pub use ollama::Ollama;
pub use openai::OpenAi;

use crate::model::{Answer, Listener, ModelError, Question};

/// What a model can do, as its owner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// It says its answer while it makes it; one that does not is asked for the whole, which is heard at once.
    pub streaming: bool,
    /// It can ask for calls. One that cannot is offered no tools, and calls and results of before are told it in words.
    pub tools: bool,
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// The tokens that a question and its answer may have together. Ollama is told, which else cuts a question short
    /// without a word.
    pub context: u64,
}

impl Features {
    /// The most tokens of the answer to a question.
    fn most_tokens(&self, question: &Question<'_>) -> u32 {
        question.max_tokens.map_or(self.max_tokens, |asked| asked.min(self.max_tokens)).max(1)
    }
}

/// Runs models, and is asked in a format of its own.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync {
    /// Asks one of its models. The answer's `cost` and `model` are left empty. On an error, what was heard is void: whoever
    /// asks again tells the listener so. The future is dropped where the answer is not wanted any more.
    ///
    /// # Errors
    /// [`ModelError`]; nothing is tried twice here.
    async fn ask(
        &self,
        model: &str,
        features: Features,
        question: &Question<'_>,
        listener: &dyn Listener,
    ) -> Result<Answer, ModelError>;
}

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Anthropic's messages.
    Anthropic,
    /// OpenAI's chat completions, which most others speak too.
    OpenAi,
    /// Ollama's chat.
    Ollama,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::Ollama];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Ollama => "ollama",
        }
    }

    /// A provider that speaks it. `url` is what comes before `/v1/messages`, `/chat/completions` or `/api/chat`.
    ///
    /// # Errors
    /// [`ProviderError`], where the address cannot be used.
    pub fn provider(
        self,
        client: &HttpClient,
        url: &Url,
        key: Option<Key>,
    ) -> Result<Arc<dyn Provider>, ProviderError> {
        Ok(match self {
            Self::Anthropic => Arc::new(Anthropic::new(client, url, key)?),
            Self::OpenAi => Arc::new(OpenAi::new(client, url, key)?),
            Self::Ollama => Arc::new(Ollama::new(client, url, key)?),
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no format {0:?}; there are anthropic, openai and ollama")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}
