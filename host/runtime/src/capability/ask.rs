//! `openclaw:skill/ask`: questions to the person behind a call, of which a call may put a few.
//!
//! A question passes in this order: what is not granted is denied; where nobody can be asked, nobody is; what is no
//! question that can be put, or one too many, is refused; what a stranger wrote is made harmless; and then the person is
//! asked, for as long as the call may take. Of an answer, only what they could see and choose is passed on.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use openclaw_package::name::SkillId;
use serde::{Deserialize, Serialize};
use wasmtime::component::{HasSelf, Linker};

use super::{Denial, Denials, shown};
use crate::bindings::openclaw::skill::ask as wit;
use crate::redact::{Redactor, Values};
use crate::sandbox::CallState;

/// Questions of one call.
pub(crate) const QUESTIONS: u64 = 8;
/// Bytes that a question may have.
const TEXT_BYTES: usize = 4 << 10;
/// Choices that a question may have.
const CHOICES: usize = 16;
/// Bytes that a choice may have.
const CHOICE_BYTES: usize = 200;
/// Bytes that are kept of an answer.
const ANSWER_BYTES: usize = 16 << 10;

/// A question of a skill's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillQuestion {
    /// The skill.
    pub skill: SkillId,
    /// Its words: of several lines, and with nothing in them that hides. Whoever shows them keeps them apart from its own.
    pub text: String,
    /// What may be answered, each of one line; anything, where there are none.
    pub choices: Vec<String>,
}

/// What comes of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// What the person wrote, or the choice that they made, as the question has it.
    Answer(String),
    /// They would not answer.
    Dismissed,
    /// There is nobody who could.
    Nobody,
}

/// The person behind a call, by whatever way they can be asked.
#[async_trait]
pub trait Respondent: fmt::Debug + Send + Sync {
    /// Puts a question to them, and says which skill asks. The future is dropped where the call ends first.
    async fn reply(&self, question: &SkillQuestion) -> Reply;
}

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    /// It is not granted.
    #[error("{0}")]
    Denied(String),
    /// Nobody can be asked.
    #[error("nobody can be asked")]
    Nobody,
    /// They would not answer.
    #[error("the question was not answered")]
    Dismissed,
    /// The call has asked as often as it may.
    #[error("the call has asked as often as it may")]
    TooMany,
    /// It is no question that can be put.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// The same person, who sees nothing that hides, no secret, and no choice that looks like another.
pub(crate) fn careful(
    respondent: Option<&Arc<dyn Respondent>>,
    cut: Option<&Arc<Values>>,
) -> Option<Arc<dyn Respondent>> {
    let redactor = cut.map_or_else(Redactor::patterns, |values| Redactor::with(Arc::clone(values)));
    let respondent = Arc::clone(respondent?);
    Some(Arc::new(Careful { respondent, redactor }))
}

#[derive(Debug)]
struct Careful {
    respondent: Arc<dyn Respondent>,
    redactor: Redactor,
}

impl Careful {
    /// A text as it is shown, without secrets.
    fn shown(&self, text: &str) -> String {
        let shown: String = self.redactor.redact(text).chars().flat_map(shown).collect();
        // What was hidden in a secret may have kept it from being found.
        self.redactor.redact(&shown).into_owned()
    }

    fn choice(&self, text: &str) -> String {
        // In lines of its own, one choice could look like two.
        self.shown(text).replace('\n', "\\n").replace('\t', "\\t")
    }
}

#[async_trait]
impl Respondent for Careful {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        let SkillQuestion { skill, text, choices } = question;
        let asked = SkillQuestion {
            skill: skill.clone(),
            text: self.shown(text.trim()),
            choices: choices.iter().map(|choice| self.choice(choice)).collect(),
        };
        if !are_different(&asked.choices) {
            tracing::warn!(%skill, "a question is not put: two of its choices look the same");
            return Reply::Dismissed;
        }
        let answer = match self.respondent.reply(&asked).await {
            Reply::Answer(answer) => answer,
            reply => return reply,
        };
        if choices.is_empty() {
            return Reply::Answer(self.redactor.redact(&answer).into_owned());
        }
        let chosen = asked.choices.iter().zip(choices).find(|(shown, _)| **shown == answer);
        chosen.map_or(Reply::Dismissed, |(_, choice)| Reply::Answer(choice.clone()))
    }
}

/// What one call may ask.
#[derive(Debug)]
pub(crate) struct Session {
    skill: SkillId,
    /// Why it may ask nothing.
    denial: Option<Denial>,
    denials: Denials,
    respondent: Option<Arc<dyn Respondent>>,
    asked: AtomicU64,
}

impl Session {
    pub(crate) fn new(
        skill: SkillId,
        denial: Option<Denial>,
        denials: Denials,
        respondent: Option<Arc<dyn Respondent>>,
    ) -> Self {
        Self { skill, denial, denials, respondent, asked: AtomicU64::new(0) }
    }

    /// Whether a question might be answered.
    pub(crate) fn is_available(&self) -> bool {
        self.denial.is_none() && self.respondent.is_some() && self.asked() < QUESTIONS
    }

    /// How many questions were put.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) async fn question(&self, text: String, choices: Vec<String>) -> Result<String, AskError> {
        if let Some(denial) = &self.denial {
            self.denials.record(denial.clone());
            return Err(AskError::Denied(denial.to_string()));
        }
        let respondent = self.respondent.as_ref().ok_or(AskError::Nobody)?;
        check(&text, &choices).map_err(AskError::Unavailable)?;
        let one_more = |asked| (asked < QUESTIONS).then_some(asked + 1);
        self.asked
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .map_err(|_| AskError::TooMany)?;
        let question = SkillQuestion { skill: self.skill.clone(), text, choices };
        match respondent.reply(&question).await {
            Reply::Answer(answer) if question.choices.is_empty() => Ok(clipped(answer)),
            Reply::Answer(answer) if question.choices.contains(&answer) => Ok(answer),
            Reply::Answer(_) | Reply::Dismissed => Err(AskError::Dismissed),
            Reply::Nobody => Err(AskError::Nobody),
        }
    }
}

/// Whether a question can be put.
fn check(text: &str, choices: &[String]) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("a question has words")
    } else if text.len() > TEXT_BYTES {
        Err("a question has at most 4 KiB")
    } else if choices.len() > CHOICES {
        Err("a question has at most 16 choices")
    } else if choices.iter().any(|choice| choice.trim().is_empty() || choice.len() > CHOICE_BYTES) {
        Err("a choice has words, and at most 200 bytes")
    } else if !are_different(choices) {
        Err("the choices of a question are all different, in more than white space")
    } else {
        Ok(())
    }
}

/// Whether no two of them look alike: they differ in more than white space, of which there are many kinds.
fn are_different(choices: &[String]) -> bool {
    let mut seen = HashSet::new();
    choices.iter().all(|choice| seen.insert(choice.split_whitespace().collect::<Vec<_>>()))
}

fn clipped(mut answer: String) -> String {
    answer.truncate(answer.floor_char_boundary(ANSWER_BYTES));
    answer
}

/// What a call may do with the person behind it.
#[derive(Debug, Default)]
pub(crate) enum AskState {
    /// The manifest does not declare it, so the interface is not linked.
    #[default]
    Undeclared,
    /// Declared, granted or not.
    Declared(Arc<Session>),
}

impl AskState {
    /// How many questions were put.
    pub(crate) fn asked(&self) -> u64 {
        match self {
            Self::Undeclared => 0,
            Self::Declared(session) => session.asked(),
        }
    }
}

impl wit::Host for CallState {
    async fn question(
        &mut self,
        text: String,
        choices: Vec<String>,
    ) -> wasmtime::Result<Result<String, wit::Error>> {
        let session = match &self.ask {
            AskState::Undeclared => {
                return Ok(Err(wit::Error::Denied("the manifest does not declare ask".into())));
            }
            AskState::Declared(session) => Arc::clone(session),
        };
        Ok(session.question(text, choices).await.map_err(wit::Error::from))
    }

    fn is_available(&mut self) -> wasmtime::Result<bool> {
        Ok(match &self.ask {
            AskState::Undeclared => false,
            AskState::Declared(session) => session.is_available(),
        })
    }
}

impl From<AskError> for wit::Error {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Denied(text) => Self::Denied(text),
            AskError::Nobody => Self::Nobody,
            AskError::Dismissed => Self::Dismissed,
            AskError::TooMany => Self::TooMany,
            AskError::Unavailable(reason) => Self::Unavailable(reason.to_owned()),
        }
    }
}

/// Links `openclaw:skill/ask`.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}

#[cfg(test)]
mod tests;
