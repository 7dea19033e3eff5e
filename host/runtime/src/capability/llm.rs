//! `openclaw:skill/llm`: questions to the owner's language model, of which a call may use so many tokens.
//!
//! A question passes in this order: what is not granted is denied; where there is no model, nothing is sent; what would
//! take more tokens than are left, by an estimate of its length, is not sent; and then the model is asked for an answer
//! of at most what is left. What it reports is counted, or the estimate where it reports nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use wasmtime::component::{HasSelf, Linker};

use super::{Denial, Denials};
use crate::bindings::openclaw::skill::llm as wit;
use crate::sandbox::CallState;

/// Bytes that a question may have.
const REQUEST_BYTES: usize = 1 << 20;
/// Bytes that are kept of an answer.
const TEXT_BYTES: usize = 256 << 10;
/// Questions of one call, answered or not.
pub(crate) const QUESTIONS: u64 = 64;
/// Bytes of text that a token stands for at the least, as tokens are estimated.
const TOKEN_BYTES: usize = 3;

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LlmRequest {
    /// What the model is to be, and how it is to answer.
    pub system: Option<String>,
    /// The question itself.
    pub prompt: String,
    /// Most tokens of the answer. A model is always asked with a number.
    pub max_tokens: Option<u32>,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LlmCompletion {
    /// The text.
    pub text: String,
    /// Tokens of the question, as the model counts; zero where it tells nothing.
    pub input_tokens: u64,
    /// Tokens of the answer, as the model counts; zero where it tells nothing.
    pub output_tokens: u64,
}

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum LlmError {
    /// It is not granted.
    #[error("{0}")]
    Denied(String),
    /// It would take more tokens than the call has left, which are these.
    #[error("the question takes more than the {0} tokens that are left")]
    QuotaExceeded(u64),
    /// There is no model, or it did not answer; the text reaches the guest.
    #[error("{0}")]
    Unavailable(String),
}

/// A language model that the host can ask.
#[async_trait]
pub trait LanguageModel: Send + Sync + std::fmt::Debug {
    /// Answers a question. The future is dropped where the call ends first.
    ///
    /// # Errors
    /// [`LlmError::Unavailable`], in words that a stranger may read.
    async fn complete(&self, request: &LlmRequest) -> Result<LlmCompletion, LlmError>;
}

/// What one call may ask.
#[derive(Debug)]
pub(crate) struct Session {
    /// Why it may ask nothing.
    denial: Option<Denial>,
    denials: Denials,
    model: Option<Arc<dyn LanguageModel>>,
    quota: u64,
    used: AtomicU64,
    /// The questions so far; held while one is asked, so that two cannot spend the same tokens.
    questions: Mutex<u64>,
}

impl Session {
    pub(crate) fn new(
        denial: Option<Denial>,
        denials: Denials,
        model: Option<Arc<dyn LanguageModel>>,
        quota: u64,
    ) -> Self {
        Self { denial, denials, model, quota, used: AtomicU64::new(0), questions: Mutex::default() }
    }

    /// Whether a question might be answered.
    pub(crate) fn is_available(&self) -> bool {
        self.denial.is_none() && self.model.is_some() && self.left() > 0
    }

    /// The tokens that were used, or were sent without an answer.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn left(&self) -> u64 {
        self.quota.saturating_sub(self.used())
    }

    pub(crate) async fn complete(&self, mut request: LlmRequest) -> Result<LlmCompletion, LlmError> {
        if let Some(denial) = &self.denial {
            self.denials.record(denial.clone());
            return Err(LlmError::Denied(denial.to_string()));
        }
        let Some(model) = &self.model else {
            return Err(unavailable("the host has no language model that it can ask"));
        };
        let mut questions = self.questions.lock().await;
        *questions += 1;
        if *questions > QUESTIONS {
            return Err(unavailable("the call has asked as often as it may"));
        }
        let bytes = request.prompt.len() + request.system.as_ref().map_or(0, String::len);
        if bytes > REQUEST_BYTES {
            return Err(unavailable("a question has at most 1 MiB"));
        }
        let (before, estimate) = (self.used(), tokens(bytes));
        let left = self.quota.saturating_sub(before);
        // Without a token for an answer there is no use in asking.
        let room =
            left.checked_sub(estimate).filter(|room| *room > 0).ok_or(LlmError::QuotaExceeded(left))?;
        let most = u32::try_from(room).unwrap_or(u32::MAX);
        request.max_tokens = Some(request.max_tokens.map_or(most, |asked| asked.clamp(1, most)));
        // It counts from here on: whether an answer comes or not, it was sent.
        self.used.store(before.saturating_add(estimate), Ordering::Relaxed);
        let mut completion = model.complete(&request).await?;
        clip(&mut completion.text);
        let LlmCompletion { text, input_tokens, output_tokens } = &mut completion;
        if *input_tokens == 0 && *output_tokens == 0 {
            (*input_tokens, *output_tokens) = (estimate, tokens(text.len()));
        }
        let spent = before.saturating_add(*input_tokens).saturating_add(*output_tokens);
        self.used.store(spent, Ordering::Relaxed);
        Ok(completion)
    }
}

fn unavailable(reason: &str) -> LlmError {
    LlmError::Unavailable(reason.to_owned())
}

/// How many tokens a text has, rather more than fewer.
fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(TOKEN_BYTES) as u64
}

fn clip(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT_BYTES));
}

/// What a call may do with the owner's model.
#[derive(Debug, Default)]
pub(crate) enum LlmState {
    /// The manifest does not declare it, so the interface is not linked.
    #[default]
    Undeclared,
    /// Declared, granted or not.
    Declared(Arc<Session>),
}

impl LlmState {
    /// The tokens that were used.
    pub(crate) fn used(&self) -> u64 {
        match self {
            Self::Undeclared => 0,
            Self::Declared(session) => session.used(),
        }
    }
}

impl wit::Host for CallState {
    async fn complete(
        &mut self,
        request: wit::Request,
    ) -> wasmtime::Result<Result<wit::Completion, wit::Error>> {
        let session = match &self.llm {
            LlmState::Undeclared => {
                return Ok(Err(wit::Error::Denied("the manifest does not declare llm".into())));
            }
            LlmState::Declared(session) => Arc::clone(session),
        };
        let wit::Request { system, prompt, max_tokens } = request;
        let answer = session.complete(LlmRequest { system, prompt, max_tokens }).await;
        Ok(answer.map(wit::Completion::from).map_err(wit::Error::from))
    }

    fn is_available(&mut self) -> wasmtime::Result<bool> {
        Ok(match &self.llm {
            LlmState::Undeclared => false,
            LlmState::Declared(session) => session.is_available(),
        })
    }
}

impl From<LlmCompletion> for wit::Completion {
    fn from(completion: LlmCompletion) -> Self {
        let LlmCompletion { text, input_tokens, output_tokens } = completion;
        Self { text, input_tokens, output_tokens }
    }
}

impl From<LlmError> for wit::Error {
    fn from(error: LlmError) -> Self {
        match error {
            LlmError::Denied(text) => Self::Denied(text),
            LlmError::QuotaExceeded(left) => Self::QuotaExceeded(left),
            LlmError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

/// Links `openclaw:skill/llm`.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Cell;

    use super::*;
    use crate::capability::{Capability, Reason};

    /// A model that answers with what a test wrote, and remembers what it was asked.
    #[derive(Debug)]
    struct Scripted {
        answer: Result<LlmCompletion, LlmError>,
        asked: Cell<Vec<LlmRequest>>,
    }

    #[async_trait]
    impl LanguageModel for Scripted {
        async fn complete(&self, request: &LlmRequest) -> Result<LlmCompletion, LlmError> {
            self.asked.lock().unwrap().push(request.clone());
            self.answer.clone()
        }
    }

    fn saying(text: &str, input_tokens: u64, output_tokens: u64) -> Arc<Scripted> {
        let answer = Ok(LlmCompletion { text: text.to_owned(), input_tokens, output_tokens });
        Arc::new(Scripted { answer, asked: Cell::default() })
    }

    fn asking(model: &Arc<Scripted>, quota: u64) -> Session {
        let model: Arc<dyn LanguageModel> = Arc::<Scripted>::clone(model);
        Session::new(None, Denials::default(), Some(model), quota)
    }

    fn question(prompt: &str) -> LlmRequest {
        LlmRequest { system: None, prompt: prompt.to_owned(), max_tokens: None }
    }

    fn asked(model: &Scripted) -> Vec<Option<u32>> {
        model.asked.lock().unwrap().iter().map(|request| request.max_tokens).collect()
    }

    #[tokio::test]
    async fn what_the_model_reports_is_counted_and_the_answer_gets_what_is_left() {
        let model = saying("yes", 5, 10);
        let session = asking(&model, 100);
        assert_eq!(session.complete(question("123456789")).await.unwrap().text, "yes");
        assert_eq!(session.used(), 15);
        let few = LlmRequest { max_tokens: Some(7), ..question("123") };
        session.complete(few).await.unwrap();
        let many = LlmRequest { max_tokens: Some(1_000), ..question("123") };
        session.complete(many).await.unwrap();
        assert_eq!((asked(&model), session.used()), (vec![Some(97), Some(7), Some(69)], 45));
    }

    #[tokio::test]
    async fn a_question_past_the_quota_is_not_sent() {
        let model = saying("yes", 90, 20);
        let session = asking(&model, 100);
        let long = LlmRequest { system: Some("x".repeat(200)), ..question(&"x".repeat(100)) };
        assert_eq!(session.complete(long).await, Err(LlmError::QuotaExceeded(100)));
        assert!(session.is_available() && asked(&model).is_empty() && session.used() == 0);
        // A model that answers with more than it was asked for ends the call's right to ask.
        session.complete(question("x")).await.unwrap();
        assert_eq!(session.complete(question("x")).await, Err(LlmError::QuotaExceeded(0)));
        assert!(!session.is_available() && asked(&model).len() == 1 && session.used() == 110);
    }

    #[tokio::test]
    async fn what_is_not_reported_is_estimated() {
        let session = asking(&saying("123456", 0, 0), 100);
        let answer = session.complete(question("1234")).await.unwrap();
        assert_eq!((answer.input_tokens, answer.output_tokens, session.used()), (2, 2, 4));
        let model = Scripted { answer: Err(LlmError::Unavailable("no".to_owned())), asked: Cell::default() };
        let failing = asking(&Arc::new(model), 100);
        assert_eq!(failing.complete(question("123")).await, Err(LlmError::Unavailable("no".to_owned())));
        assert_eq!(failing.used(), 1);
    }

    #[tokio::test]
    async fn a_long_answer_is_cut_between_characters_and_questions_are_bounded() {
        let model = saying(&"ä".repeat(TEXT_BYTES), 1, 1);
        let session = asking(&model, 1_000_000);
        let text = session.complete(question("x")).await.unwrap().text;
        assert!(text.len() <= TEXT_BYTES && text.len() > TEXT_BYTES - 4);
        let huge = session.complete(question(&"x".repeat(REQUEST_BYTES + 1))).await;
        assert!(matches!(huge, Err(LlmError::Unavailable(_))));
        for _ in 0..QUESTIONS {
            let _ = session.complete(question("x")).await;
        }
        assert!(matches!(session.complete(question("x")).await, Err(LlmError::Unavailable(_))));
        assert_eq!(asked(&model).len() as u64, QUESTIONS - 1);
    }

    #[tokio::test]
    async fn without_a_grant_or_a_model_nothing_is_asked() {
        let (denials, model) = (Denials::default(), saying("yes", 1, 1));
        let denial = Denial::new(Capability::Llm, "llm", Reason::NotGranted);
        let shared: Arc<dyn LanguageModel> = Arc::<Scripted>::clone(&model);
        let denied = Session::new(Some(denial), denials.clone(), Some(shared), 100);
        assert!(!denied.is_available() && denials.take().1 == 0);
        assert!(matches!(denied.complete(question("x")).await, Err(LlmError::Denied(_))));
        assert_eq!((denials.take().1, asked(&model).len()), (1, 0));
        let bare = Session::new(None, Denials::default(), None, 100);
        assert!(!bare.is_available());
        assert!(matches!(bare.complete(question("x")).await, Err(LlmError::Unavailable(_))));
        assert_eq!(bare.used(), 0);
    }
}
