//! Spares a model that keeps failing: after so many failures it is not asked for a while, and then by one question first.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::file::BreakerRule;

/// Closed, open or half open.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Phase>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is asked; so many times in a row it failed.
    Closed(u32),
    /// It is not asked before then.
    Open(Instant),
    /// One question finds out whether it answers again.
    Probing,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed(0)
    }
}

/// The right to ask once. One that is dropped without a verdict says nothing of the model.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probes: bool,
}

impl Breaker {
    /// How long it will not be asked, if it is not asked now: zero, where that hangs on another question.
    pub(super) fn refuses(&self) -> Option<Duration> {
        match *self.phase() {
            Phase::Closed(_) => None,
            Phase::Open(until) => {
                Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
            }
            Phase::Probing => Some(Duration::ZERO),
        }
    }

    /// Lets a question through.
    ///
    /// # Errors
    /// How long it will not be asked.
    pub(super) fn admit(&self) -> Result<Pass<'_>, Duration> {
        let mut phase = self.phase();
        match *phase {
            Phase::Closed(_) => Ok(Pass { breaker: self, probes: false }),
            Phase::Open(until) if until <= Instant::now() => {
                *phase = Phase::Probing;
                Ok(Pass { breaker: self, probes: true })
            }
            Phase::Open(until) => Err(until.saturating_duration_since(Instant::now())),
            Phase::Probing => Err(Duration::ZERO),
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The model was reached.
    pub(super) fn succeeded(mut self) {
        let mut phase = self.breaker.phase();
        // What was asked before the breaker opened does not close it.
        if self.probes || matches!(*phase, Phase::Closed(_)) {
            *phase = Phase::Closed(0);
        }
        self.probes = false;
    }

    /// It failed.
    pub(super) fn failed(mut self, rule: BreakerRule) {
        let open = || Phase::Open(Instant::now() + rule.open);
        let mut phase = self.breaker.phase();
        match *phase {
            Phase::Closed(failures) if failures.saturating_add(1) < rule.failures => {
                *phase = Phase::Closed(failures.saturating_add(1));
            }
            Phase::Closed(_) => *phase = open(),
            Phase::Probing if self.probes => *phase = open(),
            Phase::Probing | Phase::Open(_) => {}
        }
        self.probes = false;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probes {
            // Nothing was found out: the next question may try.
            *self.breaker.phase() = Phase::Open(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BreakerRule = BreakerRule { failures: 2, open: Duration::from_secs(30) };

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..RULE.failures {
            breaker.admit().unwrap().failed(RULE);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_an_answer_starts_the_count_anew() {
        let breaker = Breaker::default();
        breaker.admit().unwrap().failed(RULE);
        breaker.admit().unwrap().succeeded();
        breaker.admit().unwrap().failed(RULE);
        assert_eq!(breaker.refuses(), None);
        breaker.admit().unwrap().failed(RULE);
        assert_eq!(breaker.refuses(), Some(RULE.open));
        assert_eq!(breaker.admit().unwrap_err(), RULE.open);
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_time_one_question_finds_out_whether_the_model_answers_again() {
        let breaker = opened();
        tokio::time::advance(RULE.open).await;
        assert_eq!(breaker.refuses(), None);
        let probe = breaker.admit().unwrap();
        assert_eq!(breaker.admit().unwrap_err(), Duration::ZERO);
        assert_eq!(breaker.refuses(), Some(Duration::ZERO));
        probe.failed(RULE);
        assert_eq!(breaker.admit().unwrap_err(), RULE.open);
        tokio::time::advance(RULE.open).await;
        breaker.admit().unwrap().succeeded();
        assert!(breaker.admit().is_ok() && breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_dropped_leaves_its_place_to_the_next() {
        let breaker = opened();
        tokio::time::advance(RULE.open).await;
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_before_it_opened_neither_closes_it_nor_keeps_it_open_longer() {
        let breaker = Breaker::default();
        let (good, bad) = (breaker.admit().unwrap(), breaker.admit().unwrap());
        for _ in 0..RULE.failures {
            breaker.admit().unwrap().failed(RULE);
        }
        good.succeeded();
        assert_eq!(breaker.refuses(), Some(RULE.open));
        tokio::time::advance(RULE.open / 2).await;
        bad.failed(RULE);
        assert_eq!(breaker.refuses(), Some(RULE.open / 2));
    }
}
