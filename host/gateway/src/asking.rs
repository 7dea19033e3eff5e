//! How many questions of one caller may wait for an answer at once: a call that asks holds memory and no place.

use async_trait::async_trait;
use openclaw_listen::Crowd;
use openclaw_package::name::SkillId;
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::consent::Person;

/// Questions of one caller that may be open at once. A person reads them one by one.
const MOST_OPEN: usize = 8;

/// The questions that are open, by caller.
#[derive(Debug)]
pub(crate) struct Asking(Crowd<String>);

impl Default for Asking {
    fn default() -> Self {
        Self(Crowd::new(MOST_OPEN))
    }
}

impl Asking {
    /// The same person, who is not asked while too many questions of this caller are open: such a call has no answer,
    /// and is denied what it lacks.
    pub(crate) fn bounded<'a>(&'a self, caller: &'a str, person: &'a dyn Person) -> Bounded<'a> {
        Bounded { asking: self, caller, person }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who never answers.
    struct Silent;

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
}
