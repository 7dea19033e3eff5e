//! The person behind a WebSocket: questions that were put to them, and the answers that came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use openclaw_agent::human::{Approval, Human, Proposal, SkillQuestion};
use openclaw_agent::text::{visible, visible_json};
use openclaw_package::name::SkillId;
use openclaw_runtime::capability::grant::Missing;
use tokio::sync::oneshot;

use super::super::answer::Refusal;
use super::messages::{About, Item, Own, Place, SocketMessage};
use crate::agents::Outbox;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// Questions of one socket that may be open at once.
const MOST_OPEN: usize = 64;

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Approval(Approval),
    Consent(Vec<bool>),
    Text(String),
    /// Nothing, which is a no.
    No,
}

/// The questions of one socket.
#[derive(Debug, Default)]
pub(super) struct Questions(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    open: HashMap<String, Open>,
    count: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Open {
    about: About,
    answer: oneshot::Sender<Reply>,
}

impl Questions {
    /// Takes an answer. One that does not fit leaves its question open.
    pub(super) fn answer(&self, question: &str, reply: Reply) -> Result<(), Refusal> {
        let wrong = |code, words: &'static str| Refusal::new(StatusCode::BAD_REQUEST, code, words, None);
        let mut asked = self.asked();
        let Some(open) = asked.open.get(question) else {
            return Err(wrong(
                "no-such-question",
                "there is no such question, or it needs no answer any more",
            ));
        };
        let fits = match (&open.about, &reply) {
            (About::Approval { .. }, Reply::Approval(_))
            | (About::Answer { .. }, Reply::Text(_))
            | (_, Reply::No) => true,
            (About::Consent { items, .. }, Reply::Consent(answers)) => items.len() == answers.len(),
            _ => false,
        };
        if !fits {
            return Err(wrong("invalid-answer", "the answer does not fit the question, which stays open"));
        }
        if let Some(open) = asked.open.remove(question) {
            // Whoever asked may have gone away a moment ago.
            let _ = open.answer.send(reply);
        }
        Ok(())
    }

    /// Nobody answers from now on: what is open is a no, and so is what comes.
    pub(super) fn close(&self) {
        let mut asked = self.asked();
        asked.is_closed = true;
        asked.open.clear();
    }

    fn open(&self, about: About) -> Option<(String, oneshot::Receiver<Reply>)> {
        let mut asked = self.asked();
        if asked.is_closed || asked.open.len() >= MOST_OPEN {
            return None;
        }
        asked.count += 1;
        let (name, (answer, receiver)) = (format!("q{}", asked.count), oneshot::channel());
        asked.open.insert(name.clone(), Open { about, answer });
        Some((name, receiver))
    }

    /// Whether a question was open until now.
    fn withdraw(&self, question: &str) -> bool {
        self.asked().open.remove(question).is_some()
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The person in one conversation.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) place: Place,
    pub(super) outbox: Arc<Outbox<SocketMessage>>,
    pub(super) questions: Arc<Questions>,
}

/// A question that is open; dropping it tells the client that no answer is needed any more.
struct Waiting<'a> {
    person: &'a Person,
    question: String,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.person.questions.withdraw(&self.question) {
            let question = std::mem::take(&mut self.question);
            self.person.outbox.push(Own::Withdrawn { question }.into());
        }
    }
}

impl Person {
    /// What the person says; nothing where they say nothing.
    async fn ask(&self, about: About) -> Option<Reply> {
        let (question, answer) = self.questions.open(about.clone())?;
        let _waiting = Waiting { person: self, question: question.clone() };
        self.outbox.push(Own::Question { place: self.place.clone(), question, about }.into());
        tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
    }
}

#[async_trait]
impl Human for Person {
    async fn approve(&self, proposal: &Proposal) -> Approval {
        let about = About::Approval {
            tool: proposal.tool.to_string(),
            input: visible_json(&proposal.input).into_owned(),
            writes: proposal.effects.writes,
            reaches: proposal.effects.reaches,
        };
        match self.ask(about).await {
            Some(Reply::Approval(approval)) => approval,
            _ => Approval::Denied,
        }
    }

    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        let item = |missing: &Missing| Item {
            scope: visible(&missing.scope).into_owned(),
            reason: visible(&missing.reason).into_owned(),
        };
        let items = missing.iter().map(item).collect();
        match self.ask(About::Consent { skill: skill.to_string(), items }).await {
            Some(Reply::Consent(answers)) => answers.into_iter().enumerate().collect(),
            Some(_) => (0..missing.len()).map(|at| (at, false)).collect(),
            None => Vec::new(),
        }
    }

    async fn answer(&self, question: &SkillQuestion) -> Option<String> {
        let SkillQuestion { skill, text, choices } = question;
        let about = About::Answer {
            skill: skill.to_string(),
            text: visible(text).into_owned(),
            choices: choices.clone(),
        };
        match self.ask(about).await {
            Some(Reply::Text(text)) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use openclaw_runtime::capability::grant::Effects;

    use super::*;
    use crate::agents::Out;

    fn person() -> Person {
        let place = Place { agent: "coder".into(), conversation: "c1".into() };
        Person { place, outbox: Arc::default(), questions: Arc::default() }
    }

    fn proposal() -> Proposal {
        let effects = Effects { writes: true, reaches: false };
        Proposal { tool: "acme/git/commit".parse().unwrap(), input: "{}".into(), effects }
    }

    /// The name of the question that was put last.
    async fn put(person: &Person) -> String {
        match person.outbox.next().await {
            Out::Piece(SocketMessage::Own(Own::Question { question, .. })) => question,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_call_is_approved_by_an_answer_that_fits_and_by_no_other() {
        let (person, proposal) = (person(), proposal());
        let (approval, ()) = tokio::join!(person.approve(&proposal), async {
            let question = put(&person).await;
            let code = |reply| person.questions.answer(&question, reply).unwrap_err().into_error().code;
            assert_eq!(code(Reply::Text("yes".into())), "invalid-answer");
            assert_eq!(code(Reply::Consent(vec![true])), "invalid-answer");
            person.questions.answer(&question, Reply::Approval(Approval::Session)).unwrap();
            assert_eq!(code(Reply::Approval(Approval::Once)), "no-such-question");
        });
        assert_eq!(approval, Approval::Session);
        assert!(person.outbox.try_next().is_none(), "an answered question is not withdrawn");
    }

    #[tokio::test]
    async fn consent_is_for_each_item_and_silence_is_a_no() {
        let (person, skill) = (person(), "acme/git".parse().unwrap());
        let missing = |scope: &str| Missing {
            scope: scope.into(),
            reason: "r\u{202e}".into(),
            command: String::new(),
            rule: None,
        };
        let missing = [missing("a"), missing("b")];
        let (answers, ()) = tokio::join!(person.consent(&skill, &missing), async {
            let question = put(&person).await;
            assert!(person.questions.answer(&question, Reply::Consent(vec![true])).is_err());
            person.questions.answer(&question, Reply::Consent(vec![true, false])).unwrap();
        });
        assert_eq!(answers, [(0, true), (1, false)]);
        let (answers, ()) = tokio::join!(person.consent(&skill, &missing), async {
            let question = put(&person).await;
            person.questions.answer(&question, Reply::No).unwrap();
        });
        assert_eq!(answers, [(0, false), (1, false)]);
    }

    #[tokio::test]
    async fn a_closed_socket_is_a_no_to_what_is_open_and_to_what_comes() {
        let (person, proposal) = (person(), proposal());
        let (approval, ()) = tokio::join!(person.approve(&proposal), async {
            put(&person).await;
            person.questions.close();
        });
        assert_eq!(approval, Approval::Denied);
        assert_eq!(person.approve(&proposal).await, Approval::Denied);
        let question =
            SkillQuestion { skill: "acme/x".parse().unwrap(), text: "?".into(), choices: Vec::new() };
        assert_eq!(person.answer(&question).await, None);
    }

    #[tokio::test]
    async fn a_question_that_is_given_up_is_withdrawn() {
        let person = person();
        {
            let proposal = proposal();
            let mut asking = person.approve(&proposal);
            assert!(futures::poll!(&mut asking).is_pending());
        }
        let question = put(&person).await;
        let withdrawn: SocketMessage = Own::Withdrawn { question: question.clone() }.into();
        assert_eq!(person.outbox.try_next(), Some(Out::Piece(withdrawn)));
        assert!(person.questions.answer(&question, Reply::No).is_err());
    }

    #[tokio::test]
    async fn no_more_questions_are_open_than_may_be() {
        let (person, proposal) = (person(), proposal());
        let mut open: Vec<_> = (0..MOST_OPEN).map(|_| person.approve(&proposal)).collect();
        for question in &mut open {
            assert!(futures::poll!(question).is_pending());
        }
        assert_eq!(person.approve(&proposal).await, Approval::Denied);
    }
}
