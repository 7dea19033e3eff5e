//! How many questions of one caller may wait for an answer at once: a call that asks holds memory and no place.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use openclaw_package::name::SkillId;
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::consent::Person;

/// Questions of one caller that may be open at once. A person reads them one by one.
const MOST_OPEN: usize = 8;

/// The questions that are open, by caller.
#[derive(Debug, Default)]
pub(crate) struct Asking(Mutex<HashMap<String, usize>>);

impl Asking {
    /// The same person, who is not asked while too many questions of this caller are open: such a call has no answer,
    /// and is denied what it lacks.
    pub(crate) fn bounded<'a>(&'a self, caller: &'a str, person: &'a dyn Person) -> Bounded<'a> {
        Bounded { asking: self, caller, person }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<'a>(&'a self, caller: &'a str) -> Option<Question<'a>> {
        let mut open = self.open();
        let count = open.entry(caller.to_owned()).or_default();
        if *count >= MOST_OPEN {
            return None;
        }
        *count += 1;
        Some(Question { asking: self, caller })
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
        let Some(_question) = self.asking.ask(self.caller) else {
            tracing::warn!(%skill, caller = self.caller, "nobody is asked: too many questions are open");
            return Vec::new();
        };
        self.person.consent(skill, missing).await
    }
}

/// A question that is open until this is dropped.
struct Question<'a> {
    asking: &'a Asking,
    caller: &'a str,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut open = self.asking.open();
        if let Some(count) = open.get_mut(self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(self.caller);
            }
        }
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
        drop(open);
        assert!(asking.open().is_empty());
    }
}
