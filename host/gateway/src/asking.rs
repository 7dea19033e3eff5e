//! How many questions of one caller may wait for an answer at once: a call whose skill asks holds its place all the while,
//! and one that waits for a consent holds memory.

use std::sync::Arc;

use async_trait::async_trait;
use openclaw_listen::Crowd;
use openclaw_package::name::SkillId;
use openclaw_runtime::capability::ask::{Reply, Respondent, SkillQuestion};
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::consent::Person;

/// Questions of one caller that may be open at once. A person reads them one by one.
const MOST_OPEN: usize = 8;

/// The questions that are open, by caller.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Crowd<String>>);

impl Default for Asking {
    fn default() -> Self {
        Self(Arc::new(Crowd::new(MOST_OPEN)))
    }
}

impl Asking {
    /// The same person, who is not asked while too many questions of this caller are open: such a call has no answer,
    /// and is denied what it lacks.
    pub(crate) fn bounded<'a>(&'a self, caller: &'a str, person: &'a dyn Person) -> Bounded<'a> {
        Bounded { asking: self, caller, person }
    }

    /// The same for what skills ask: nobody answers while too many questions of this caller are open.
    pub(crate) fn answering(&self, caller: &str, respondent: Arc<dyn Respondent>) -> Arc<dyn Respondent> {
        Arc::new(Answering { open: Arc::clone(&self.0), caller: caller.to_owned(), respondent })
    }
}

/// A person for one call.
pub(crate) struct Bounded<'a> {
    asking: &'a Asking,
    caller: &'a str,
    person: &'a dyn Person,
}

#[async_trait]
impl Person for Bounded<'_> {
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        let Some(_question) = self.asking.0.join(self.caller.to_owned()) else {
            tracing::warn!(%skill, caller = self.caller, "nobody is asked: too many questions are open");
            return Vec::new();
        };
        self.person.consent(skill, missing).await
    }
}

/// Who answers skills for one call.
#[derive(Debug)]
struct Answering {
    open: Arc<Crowd<String>>,
    caller: String,
    respondent: Arc<dyn Respondent>,
}

#[async_trait]
impl Respondent for Answering {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        let Some(_question) = self.open.join(self.caller.clone()) else {
            let (skill, caller) = (&question.skill, &self.caller);
            tracing::warn!(%skill, caller, "nobody is asked: too many questions are open");
            return Reply::Nobody;
        };
        self.respondent.reply(question).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who never answers.
    #[derive(Debug)]
    struct Silent;

    #[async_trait]
    impl Respondent for Silent {
        async fn reply(&self, _: &SkillQuestion) -> Reply {
            std::future::pending().await
        }
    }

    #[async_trait]
    impl Person for Silent {
        async fn consent(&self, _: &SkillId, _: &[Missing]) -> Vec<(usize, bool)> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn a_caller_has_some_questions_open_and_a_question_that_is_given_up_makes_room() {
        let (asking, skill) = (Asking::default(), "acme/git".parse().unwrap());
        let (ada, eve) = (asking.bounded("ada", &Silent), asking.bounded("eve", &Silent));
        let mut open: Vec<_> = (0..MOST_OPEN).map(|_| ada.consent(&skill, &[])).collect();
        for question in &mut open {
            assert!(futures::poll!(question).is_pending());
        }
        assert!(futures::poll!(ada.consent(&skill, &[])).is_ready(), "one too many is not asked");
        assert!(futures::poll!(eve.consent(&skill, &[])).is_pending(), "others are");
        open.pop();
        assert!(futures::poll!(ada.consent(&skill, &[])).is_pending(), "there is room again");
    }

    #[tokio::test]
    async fn what_skills_ask_counts_among_the_questions_of_a_caller() {
        let (asking, skill) = (Asking::default(), "acme/git".parse().unwrap());
        let question = SkillQuestion { skill, text: "?".to_owned(), choices: Vec::new() };
        let ada = asking.answering("ada", Arc::new(Silent));
        let mut open: Vec<_> = (0..MOST_OPEN).map(|_| ada.reply(&question)).collect();
        for question in &mut open {
            assert!(futures::poll!(question).is_pending());
        }
        assert_eq!(futures::poll!(ada.reply(&question)), std::task::Poll::Ready(Reply::Nobody));
        let consents = asking.bounded("ada", &Silent);
        assert!(futures::poll!(consents.consent(&question.skill, &[])).is_ready());
        let eve = asking.answering("eve", Arc::new(Silent));
        assert!(futures::poll!(eve.reply(&question)).is_pending(), "others are asked");
        open.pop();
        assert!(futures::poll!(ada.reply(&question)).is_pending(), "there is room again");
    }
}
