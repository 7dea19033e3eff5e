//! The way to a model under its limits: questions wait in their order, and no more of them than may.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::file::LimitRule;

/// Minutes whose tokens may be owed.
const MINUTES_OWED: u64 = 10;
/// The longest that a provider's word closes the way to a model.
const MOST_CLOSED: Duration = Duration::from_secs(60 * 60);

/// The way to one model.
#[derive(Debug)]
pub(super) struct Lane {
    rule: LimitRule,
    /// Places of those that wait.
    queue: Semaphore,
    concurrent: Option<Semaphore>,
    /// Whose turn it is to wait for the rates.
    turn: tokio::sync::Mutex<()>,
    requests: Option<Rate>,
    tokens: Option<Rate>,
    /// Tokens that were used and not yet taken from the rate: nobody knows an answer's length before it is there.
    owed: AtomicU64,
    /// The provider said not to be asked before then.
    closed: Mutex<Option<Instant>>,
}

/// A place among those that are answered; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    _permit: Option<SemaphorePermit<'a>>,
}

/// Why there is no way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoWay {
    /// So many questions wait already.
    Busy(u32),
    /// The provider said not to be asked for so long.
    Closed(Duration),
}

impl Lane {
    /// A way under these limits.
    pub(super) fn new(rule: LimitRule) -> Self {
        let places = |number: u32| Semaphore::new(usize::try_from(number).unwrap_or(Semaphore::MAX_PERMITS));
        Self {
            rule,
            queue: places(rule.queue),
            concurrent: rule.concurrent.map(places),
            turn: tokio::sync::Mutex::default(),
            requests: rule.requests_per_minute.and_then(Rate::per_minute),
            tokens: rule.tokens_per_minute.and_then(Rate::per_minute),
            owed: AtomicU64::new(0),
            closed: Mutex::default(),
        }
    }

    /// Its limits.
    pub(super) fn rule(&self) -> LimitRule {
        self.rule
    }

    /// Waits until a question of so many tokens may be asked.
    ///
    /// # Errors
    /// Too many wait already, or the provider wants to be left alone for longer than `patience`.
    pub(super) async fn enter(&self, tokens: u64, patience: Duration) -> Result<Slot<'_>, NoWay> {
        let _place = self.queue.try_acquire().map_err(|_| NoWay::Busy(self.rule.queue))?;
        // The semaphore is never closed, so this waits and does not fail.
        let permit = match &self.concurrent {
            Some(concurrent) => concurrent.acquire().await.ok(),
            None => None,
        };
        let _turn = self.turn.lock().await;
        while let Some(left) = self.closed_for() {
            if left > patience {
                return Err(NoWay::Closed(left));
            }
            tokio::time::sleep(left).await;
        }
        if let Some(requests) = &self.requests {
            requests.take(1).await;
        }
        if let Some(rate) = &self.tokens {
            let owed = self.owed.load(Ordering::Relaxed);
            let mut due = tokens.saturating_add(owed);
            while due > 0 {
                due = due.saturating_sub(rate.take(due).await);
            }
            // Only who has the turn takes from it; others may have added meanwhile.
            self.owed.fetch_sub(owed, Ordering::Relaxed);
        }
        Ok(Slot { _permit: permit })
    }

    /// Tokens that were used beside those that were waited for.
    pub(super) fn owe(&self, tokens: u64) {
        if self.tokens.is_some() {
            // Some minutes' tokens at most, whatever a provider tells of an answer.
            let most = MINUTES_OWED * u64::from(self.rule.tokens_per_minute.unwrap_or(0));
            let add = |owed: u64| Some(owed.saturating_add(tokens).min(most));
            let _ = self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }

    /// The provider says not to be asked for so long.
    pub(super) fn close(&self, time: Duration) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(Instant::now() + time.min(MOST_CLOSED)).max(*closed);
    }

    fn closed_for(&self) -> Option<Duration> {
        let closed = *self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }
}

/// So many of something in a minute.
struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>,
    clock: Ticks,
    most: NonZeroU32,
}

impl std::fmt::Debug for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rate({} a minute)", self.most)
    }
}

impl Rate {
    fn per_minute(number: u32) -> Option<Self> {
        let most = NonZeroU32::new(number)?;
        let clock = Ticks(Instant::now());
        let limiter = RateLimiter::direct_with_clock(Quota::per_minute(most), clock);
        Some(Self { limiter, clock, most })
    }

    /// Waits until so many may be had, or as many as there can ever be at once; says how many those are.
    async fn take(&self, number: u64) -> u64 {
        let number = u32::try_from(number).unwrap_or(u32::MAX).min(self.most.get());
        let Some(wanted) = NonZeroU32::new(number) else { return 0 };
        while let Ok(Err(later)) = self.limiter.check_n(wanted) {
            tokio::time::sleep(later.wait_time_from(self.clock.now())).await;
        }
        u64::from(number)
    }
}

/// The runtime's clock, so that it is one for all that waits.
#[derive(Clone, Copy, Debug)]
struct Ticks(Instant);

impl Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;

    use super::*;

    const PATIENT: Duration = Duration::from_secs(30);

    fn lane(rule: LimitRule) -> Lane {
        Lane::new(rule)
    }

    async fn seconds(future: impl Future) -> u64 {
        let begin = Instant::now();
        future.await;
        begin.elapsed().as_secs()
    }

    async fn many(lane: &Lane, number: usize) {
        for _ in 0..number {
            lane.enter(1, PATIENT).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_limits_nobody_waits() {
        assert_eq!(seconds(many(&lane(LimitRule::default()), 1000)).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_in_a_minute_are_bounded() {
        let lane = lane(LimitRule { requests_per_minute: Some(60), ..LimitRule::default() });
        assert_eq!(seconds(many(&lane, 60)).await, 0);
        assert_eq!(seconds(many(&lane, 10)).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_in_a_minute_are_bounded_and_answers_count_when_they_are_known() {
        let lane = lane(LimitRule { tokens_per_minute: Some(600), ..LimitRule::default() });
        assert_eq!(seconds(lane.enter(600, PATIENT)).await, 0);
        assert_eq!(seconds(lane.enter(100, PATIENT)).await, 10);
        lane.owe(200);
        assert_eq!(seconds(lane.enter(100, PATIENT)).await, 30);
        assert_eq!(seconds(lane.enter(100, PATIENT)).await, 10, "what was owed is owed once");
    }

    #[tokio::test(start_paused = true)]
    async fn more_tokens_than_a_minute_has_take_more_than_a_minute_but_never_for_ever() {
        let lane = lane(LimitRule { tokens_per_minute: Some(600), ..LimitRule::default() });
        assert_eq!(seconds(lane.enter(900, PATIENT)).await, 30);
        lane.owe(u64::MAX);
        lane.owe(u64::MAX);
        assert_eq!(seconds(lane.enter(1, PATIENT)).await, 600);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_question_does_not_overtake_a_long_one_that_waits() {
        let lane = lane(LimitRule { tokens_per_minute: Some(600), ..LimitRule::default() });
        lane.enter(600, PATIENT).await.unwrap();
        let order = Mutex::new(Vec::new());
        let enter = async |tokens| {
            lane.enter(tokens, PATIENT).await.unwrap();
            order.lock().unwrap().push(tokens);
        };
        tokio::join!(enter(500), enter(1), enter(300));
        assert_eq!(order.into_inner().unwrap(), [500, 1, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_given_in_the_order_of_asking_and_given_back() {
        let rule = LimitRule { concurrent: Some(2), queue: 2, ..LimitRule::default() };
        let lane = Arc::new(lane(rule));
        let (one, two) = (lane.enter(1, PATIENT).await.unwrap(), lane.enter(1, PATIENT).await.unwrap());
        let (mut third, mut fourth) = (Box::pin(lane.enter(1, PATIENT)), Box::pin(lane.enter(1, PATIENT)));
        assert!((&mut third).now_or_never().is_none() && (&mut fourth).now_or_never().is_none());
        assert_eq!(lane.enter(1, PATIENT).await.unwrap_err(), NoWay::Busy(2));
        drop(one);
        assert!((&mut fourth).now_or_never().is_none(), "it is the third's turn");
        let third = third.await.unwrap();
        drop(two);
        let fourth = fourth.await.unwrap();
        drop((third, fourth));
        assert!(lane.enter(1, PATIENT).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_does_not_want_to_wait_any_more_leaves_the_queue() {
        let lane = lane(LimitRule { concurrent: Some(1), queue: 1, ..LimitRule::default() });
        let slot = lane.enter(1, PATIENT).await.unwrap();
        let mut waits = Box::pin(lane.enter(1, PATIENT));
        assert!((&mut waits).now_or_never().is_none());
        assert_eq!(lane.enter(1, PATIENT).await.unwrap_err(), NoWay::Busy(1));
        drop(waits);
        assert!(lane.enter(1, PATIENT).now_or_never().is_none(), "it waits; it is not refused");
        drop(slot);
        assert!(lane.enter(1, PATIENT).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_wants_to_be_left_alone_is_for_all() {
        let lane = lane(LimitRule::default());
        lane.close(Duration::from_secs(20));
        lane.close(Duration::from_secs(5));
        assert_eq!(seconds(lane.enter(1, PATIENT)).await, 20);
        lane.close(Duration::from_secs(31));
        assert_eq!(lane.enter(1, PATIENT).await.unwrap_err(), NoWay::Closed(Duration::from_secs(31)));
        lane.close(Duration::MAX);
        assert_eq!(lane.enter(1, PATIENT).await.unwrap_err(), NoWay::Closed(MOST_CLOSED));
    }
}
