//! A question on its way: to one model after another, and to each again, until one of them answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::breaker::Pass;
use super::lane::NoWay;
use super::route::most_tokens;
use super::{Chosen, Entry, Inner, cache, size};
use crate::model::{Answer, Listener, Model, ModelError, Question, Usage, estimate_tokens, said};

/// Characters of what is said of several failures.
const TOLD: usize = 1000;

#[async_trait]
impl Model for Chosen {
    async fn ask(&self, question: &Question<'_>, listener: &dyn Listener) -> Result<Answer, ModelError> {
        let tokens = size::of_question(question);
        let asking = Asking { inner: &self.inner, tokens, heard: Heard::new(listener) };
        let mut failures = Vec::new();
        let mut lost = 0_u64;
        for entry in self.inner.candidates(self.selection, question, tokens)? {
            let question =
                Question { max_tokens: Some(most_tokens(&entry.plan, question, tokens)), ..question.clone() };
            match asking.model(entry, &question, &mut lost).await {
                Ok(answer) => return Ok(Answer { cost: answer.cost.saturating_add(lost), ..answer }),
                Err(error) => {
                    tracing::warn!(model = entry.plan.name, code = error.code(), "a model did not answer");
                    failures.push((entry.plan.name.as_str(), error));
                }
            }
        }
        Err(all(failures))
    }

    fn context(&self) -> u64 {
        self.context
    }

    fn calls_tools(&self) -> bool {
        self.calls_tools
    }
}

struct Asking<'a> {
    inner: &'a Inner,
    /// The question's, by estimate.
    tokens: u64,
    heard: Heard<'a>,
}

/// Why one try came to nothing.
enum Failure {
    /// The model was not asked, and asking again would not help now.
    Passed(ModelError),
    /// It was asked.
    Failed(ModelError),
}

impl Asking<'_> {
    /// Asks one model, and asks it again where that may help. What is paid for nothing is added to `lost`.
    async fn model(
        &self,
        entry: &Entry,
        question: &Question<'_>,
        lost: &mut u64,
    ) -> Result<Answer, ModelError> {
        let cache = self.inner.cache.as_ref();
        let cache = cache.and_then(|cache| Some((cache, cache::key(&entry.plan, question)?)));
        if let Some(answer) = cache.and_then(|(cache, key)| cache.get(&key)) {
            self.heard.restart();
            if !answer.text.is_empty() {
                self.heard.text(&answer.text);
            }
            entry.count(|totals| totals.cached += 1);
            return Ok(answer);
        }
        let rule = self.inner.retries;
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(rule.first_delay)
            // What chance adds may double it.
            .with_max_delay(rule.most_delay / 2)
            .with_max_times(usize::try_from(rule.attempts.saturating_sub(1)).unwrap_or(0))
            .with_jitter()
            .build();
        loop {
            let error = match self.once(entry, question, lost).await {
                Ok(answer) => {
                    if let Some((cache, key)) = cache {
                        cache.keep(key, &answer);
                    }
                    return Ok(answer);
                }
                Err(Failure::Passed(error)) => return Err(error),
                Err(Failure::Failed(error)) => error,
            };
            let asked_for = retry_after(&error).unwrap_or_default();
            let delay = delays.next().filter(|_| error.is_transient() && asked_for <= rule.most_delay);
            let Some(delay) = delay.filter(|_| entry.breaker.refuses().is_none()) else {
                return Err(error);
            };
            entry.count(|totals| totals.retries += 1);
            tokio::time::sleep(delay.min(rule.most_delay).max(asked_for)).await;
        }
    }

    /// Asks one model once, when it is this question's turn.
    async fn once(&self, entry: &Entry, question: &Question<'_>, lost: &mut u64) -> Result<Answer, Failure> {
        let (plan, patience) = (&entry.plan, self.inner.retries.most_delay);
        if let Some(left) = entry.breaker.refuses() {
            return Err(Failure::Passed(spared(&plan.name, left)));
        }
        let _slot = entry.lane.enter(self.tokens, patience).await.map_err(|no_way| {
            entry.count(|totals| totals.busy += 1);
            Failure::Passed(not_now(&plan.name, no_way))
        })?;
        let pass = entry.breaker.admit().map_err(|left| Failure::Passed(spared(&plan.name, left)))?;
        self.heard.restart();
        entry.count(|totals| totals.asked += 1);
        let features = plan.features();
        match entry.provider.ask(&plan.model, features, question, &self.heard).await {
            Ok(answer) => {
                pass.succeeded();
                Ok(self.received(entry, answer))
            }
            Err(error) => {
                self.failed(entry, pass, &error, lost);
                Err(Failure::Failed(error))
            }
        }
    }

    /// Counts what an answer took.
    fn received(&self, entry: &Entry, mut answer: Answer) -> Answer {
        let usage = &mut answer.usage;
        if usage.input == 0 {
            usage.input = self.tokens;
        }
        usage.cached = usage.cached.min(usage.input);
        if usage.output == 0 {
            usage.output = estimate_tokens(said(&answer.text, &answer.calls));
        }
        let usage = *usage;
        answer.cost = entry.pay(self.tokens, usage);
        entry.count(|totals| totals.answers += 1);
        answer.model.clone_from(&entry.plan.name);
        answer
    }

    fn failed(&self, entry: &Entry, pass: Pass<'_>, error: &ModelError, lost: &mut u64) {
        entry.count(|totals| totals.failures += 1);
        match error {
            ModelError::Unavailable(_) | ModelError::Malformed(_) => pass.failed(self.inner.breaker),
            // It is there: it just does not answer this, or not now.
            ModelError::Throttled { .. } | ModelError::TooLong(_) | ModelError::Rejected(_) => {
                pass.succeeded()
            }
        }
        if let Some(time) = retry_after(error) {
            entry.lane.close(time);
        }
        let heard = self.heard.bytes.load(Ordering::Relaxed);
        if heard > 0 {
            // What was said is charged for, though it came to nothing.
            let usage = Usage { input: self.tokens, cached: 0, output: estimate_tokens(heard) };
            *lost = lost.saturating_add(entry.pay(self.tokens, usage));
        }
    }
}

impl Entry {
    /// Counts tokens that were used, of a question that so many were waited for, and says what they cost.
    fn pay(&self, waited_for: u64, usage: Usage) -> u64 {
        let cost = self.plan.price.map_or(0, |price| price.of(usage));
        self.lane.owe(usage.total().saturating_sub(waited_for));
        self.count(|totals| {
            totals.usage += usage;
            totals.cost = totals.cost.saturating_add(cost);
        });
        cost
    }
}

/// Passes on what is heard, and knows whether anything was.
struct Heard<'a> {
    listener: &'a dyn Listener,
    bytes: AtomicUsize,
}

impl<'a> Heard<'a> {
    fn new(listener: &'a dyn Listener) -> Self {
        Self { listener, bytes: AtomicUsize::new(0) }
    }

    /// Before anything is asked anew: what was heard is void.
    fn restart(&self) {
        if self.bytes.swap(0, Ordering::Relaxed) > 0 {
            self.listener.restarted();
        }
    }
}

impl Listener for Heard<'_> {
    fn text(&self, piece: &str) {
        self.bytes.fetch_add(piece.len(), Ordering::Relaxed);
        self.listener.text(piece);
    }

    fn restarted(&self) {
        self.restart();
    }
}

fn retry_after(error: &ModelError) -> Option<Duration> {
    match error {
        ModelError::Throttled { retry_after, .. } => *retry_after,
        _ => None,
    }
}

fn spared(name: &str, left: Duration) -> ModelError {
    let when = match left.as_secs() {
        0 => "it is being tried".to_owned(),
        seconds => format!("it is tried again in {seconds} s"),
    };
    ModelError::Unavailable(format!("the model {name} kept failing; {when}"))
}

fn not_now(name: &str, no_way: NoWay) -> ModelError {
    match no_way {
        NoWay::Busy(waiting) => ModelError::Throttled {
            reason: format!("the model {name} is busy: {waiting} questions wait for it already"),
            retry_after: None,
        },
        NoWay::Closed(left) => ModelError::Throttled {
            reason: format!("the model {name} wants to be asked in {} s at the soonest", left.as_secs()),
            retry_after: Some(left),
        },
    }
}

/// What is said where no model answered: the kind of the most hopeful failure, and the words of all.
fn all(mut failures: Vec<(&str, ModelError)>) -> ModelError {
    if failures.len() <= 1 {
        let only = failures.pop().map(|(_, error)| error);
        return only.unwrap_or_else(|| ModelError::Rejected("there is no model to ask".to_owned()));
    }
    let words: Vec<_> = failures.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    let words: String = words.join("; ").chars().take(TOLD).collect();
    let soonest = failures.iter().filter_map(|(_, error)| retry_after(error)).min();
    let hope = |error: &ModelError| match error {
        ModelError::Unavailable(_) => 0,
        ModelError::Malformed(_) => 1,
        ModelError::Throttled { .. } => 2,
        ModelError::TooLong(_) => 3,
        ModelError::Rejected(_) => 4,
    };
    match failures.into_iter().map(|(_, error)| error).min_by_key(hope) {
        Some(ModelError::Unavailable(_)) | None => ModelError::Unavailable(words),
        Some(ModelError::Malformed(_)) => ModelError::Malformed(words),
        Some(ModelError::Throttled { .. }) => ModelError::Throttled { reason: words, retry_after: soonest },
        Some(ModelError::TooLong(_)) => ModelError::TooLong(words),
        Some(ModelError::Rejected(_)) => ModelError::Rejected(words),
    }
}
