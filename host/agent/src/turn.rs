//! The loop: the model answers, its calls are made, the model is told what came of them, until it is done or a limit ends it.
//!
//! Each step is kept before the next one begins, so that a process that was killed goes on where it was. A call that had begun
//! and whose result is not known is not made again: the model is told that nobody knows what it did.

mod approval;
mod calls;
mod compact;
mod offer;
mod prompt;
mod result;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use openclaw_runtime::Cancel;

use crate::agent::Agent;
use crate::event::{EndReason, Event, Watcher};
use crate::human::Human;
use crate::memory;
use crate::model::{Answer, Listener, Message, ModelError, OfferedTool, Question};
use crate::session::{Approved, SessionId, Store, StoreError, Stored, Totals};

pub use approval::Approvals;
pub(crate) use offer::Offer;

/// Of what a question may have, the part that descriptions of tools may take.
const TOOLS_SHARE: u64 = 4;
/// The part that notes may take.
const NOTES_SHARE: u64 = 16;
/// What a call is named that a person made by a command: the model is not asked about it.
/// No model can name one so: a model's names have no space.
pub(crate) const COMMAND: &str = "by command";
/// Bytes that a token stands for, at the least, where text is made to fit.
const TOKEN_BYTES: u64 = 3;

/// Who takes part in a turn beside the model.
#[derive(Clone, Debug)]
pub struct Party {
    /// Who watches.
    pub watcher: Arc<dyn Watcher>,
    /// The person, if they can be asked.
    pub human: Option<Arc<dyn Human>>,
    /// Ends the turn, and every call of it.
    pub cancel: Cancel,
    /// Whether the agent's notes, which are its owner's, are read and written.
    pub remembers: bool,
}

/// What a turn came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The model's last words.
    pub text: String,
    /// Why it is over.
    pub reason: EndReason,
    /// What it took.
    pub totals: Totals,
    /// What the model's provider said, where no model answered.
    pub error: Option<ModelError>,
}

/// A turn that is being made: everything of the session that it needs.
pub(crate) struct Turn<'a> {
    agent: &'a Agent,
    store: &'a dyn Store,
    session: SessionId,
    party: &'a Party,
    offer: Arc<Offer>,
    /// The skills that there are, where their tools are too many to be offered.
    index: Option<String>,
    /// What the agent had noted when the model was first asked; what it notes meanwhile it knows.
    notes: Option<String>,
    /// Whether it has.
    has_noted: bool,
    /// How many of the first messages are in the summary too: the person's last words, without which the rest has no task.
    repeated: usize,
    summary: Option<String>,
    messages: Vec<Message>,
    /// Calls of the last message that another process began.
    begun: Vec<crate::session::Begun>,
    /// What is done with the calls of the last message.
    plans: Vec<calls::Plan>,
    /// Those of them that are kept as begun.
    noted: Vec<usize>,
    approved: HashSet<Approved>,
    /// Of the session, this turn's included.
    totals: Totals,
    spent: Totals,
    steps: u32,
    /// Tokens that skills took of the owner's model.
    asked: AtomicU64,
    /// Whether a summary was asked for in vain.
    cannot_shorten: bool,
    started: Instant,
}

impl<'a> Turn<'a> {
    /// A turn of a session as it was left.
    pub(crate) fn new(
        agent: &'a Agent,
        store: &'a dyn Store,
        session: SessionId,
        stored: Stored,
        party: &'a Party,
    ) -> Self {
        let Stored { summary, asked, mut messages, begun, approved, totals, is_open: _ } = stored;
        let mut repeated = 0;
        if let (Some(asked), false) = (asked, matches!(messages.first(), Some(Message::User { .. }))) {
            messages.insert(0, asked);
            repeated = 1;
        }
        let (offer, budget) = (agent.offer(), share_of(agent, TOOLS_SHARE));
        let index = (!offer.fits(budget)).then(|| offer.index(budget));
        Self {
            agent,
            store,
            session,
            party,
            offer,
            index,
            notes: None,
            has_noted: false,
            repeated,
            summary,
            messages,
            begun,
            plans: Vec::new(),
            noted: Vec::new(),
            approved: approved.into_iter().collect(),
            totals,
            spent: Totals::default(),
            steps: 0,
            asked: AtomicU64::new(0),
            cannot_shorten: false,
            started: Instant::now(),
        }
    }

    /// Goes on from the last message to the end of the turn.
    ///
    /// # Errors
    /// [`StoreError`], where nothing can be kept any more; the turn then stays open.
    pub(crate) async fn run(mut self) -> Result<Outcome, StoreError> {
        loop {
            if let Some(Message::Assistant { calls, .. }) = self.messages.last() {
                if calls.is_empty() {
                    self.sum_up_log().await?;
                    return self.end(EndReason::Done, None).await;
                }
                let calls = calls.clone();
                self.answer_calls(&calls).await?;
                if calls.iter().all(|call| call.id == COMMAND) {
                    return self.end(EndReason::Done, None).await;
                }
            }
            self.compact(false).await?;
            if let Some(reason) = self.limit() {
                return self.end(reason, None).await;
            }
            match self.ask().await {
                Ok(Some(answer)) => self.say(answer).await?,
                // Once more with less, if there is less.
                Err(ModelError::TooLong(_)) if self.compact(true).await? => {}
                Ok(None) => {
                    let reason = self.limit().unwrap_or(EndReason::Cancelled);
                    return self.end(reason, None).await;
                }
                Err(error) => return self.end(EndReason::ModelFailed, Some(error)).await,
            }
        }
    }

    /// The limit that was reached.
    fn limit(&self) -> Option<EndReason> {
        let limits = &self.agent.limits;
        let over = [
            (EndReason::Cancelled, self.party.cancel.is_given()),
            (EndReason::Time, self.started.elapsed() >= limits.time),
            (EndReason::Steps, self.steps >= limits.steps),
            (EndReason::Tokens, self.tokens() >= limits.tokens),
            (EndReason::Cost, limits.cost.is_some_and(|cost| self.spent.cost >= cost)),
        ];
        over.into_iter().find(|(_, reached)| *reached).map(|(reason, _)| reason)
    }

    /// The tokens of the turn, those that skills took included.
    fn tokens(&self) -> u64 {
        self.spent.usage.total().saturating_add(self.asked.load(Ordering::Relaxed))
    }

    /// Asks the model; nothing where the turn was ended first.
    async fn ask(&mut self) -> Result<Option<Answer>, ModelError> {
        if self.notes.is_none() {
            self.notes = Some(self.notes().await);
        }
        let summary = self.summary.as_deref().map(compact::shown);
        let system = prompt::system(
            &self.agent.soul,
            self.index.as_deref(),
            self.notes.as_deref().filter(|notes| !notes.is_empty()),
            summary.as_deref(),
        );
        let tools = self.tools();
        let left = self.agent.limits.tokens.saturating_sub(self.tokens());
        let question = Question {
            system: &system,
            messages: &self.messages,
            tools: &tools,
            max_tokens: Some(u32::try_from(left).unwrap_or(u32::MAX)),
        };
        let speech = Speech(&*self.party.watcher);
        let deadline = self.started + self.agent.limits.time;
        let answer = tokio::select! {
            biased;
            () = self.party.cancel.given() => return Ok(None),
            () = tokio::time::sleep_until(deadline.into()) => return Ok(None),
            answer = self.agent.model.ask(&question, &speech) => answer?,
        };
        Ok(Some(answer))
    }

    /// What the model is offered: everything, or what it looked up so far.
    fn tools(&self) -> Vec<Arc<OfferedTool>> {
        if !self.agent.model.calls_tools() {
            return Vec::new();
        }
        let mut offered = if self.index.is_none() { self.offer.all() } else { self.found() };
        if self.memory().is_some() {
            offered.extend(memory::tools().iter().cloned());
        }
        offered
    }

    /// What was looked up so far.
    fn found(&self) -> Vec<Arc<OfferedTool>> {
        let calls = self.messages.iter().filter_map(|message| match message {
            Message::Assistant { calls, .. } => Some(calls),
            _ => None,
        });
        let finds = calls.flatten().filter(|call| call.tool == offer::FIND_TOOLS);
        let queries = finds.filter_map(|call| offer::query(&call.arguments).ok());
        self.offer.found(queries, share_of(self.agent, TOOLS_SHARE))
    }

    /// The agent's notes, where they are for those who take part.
    fn memory(&self) -> Option<&Arc<memory::Memory>> {
        self.agent.memory.as_ref().filter(|_| self.party.remembers)
    }

    /// What the agent has noted.
    async fn notes(&self) -> String {
        let Some(memory) = self.memory().cloned() else { return String::new() };
        let budget = share_of(self.agent, NOTES_SHARE);
        let excerpt = tokio::task::spawn_blocking(move || memory.excerpt(budget)).await;
        match excerpt {
            Ok(Ok(excerpt)) => excerpt,
            Ok(Err(error)) => {
                tracing::warn!("the memory cannot be read: {error}");
                String::new()
            }
            Err(_) => String::new(),
        }
    }

    /// Takes down what the model said.
    async fn say(&mut self, answer: Answer) -> Result<(), StoreError> {
        self.steps += 1;
        for totals in [&mut self.spent, &mut self.totals] {
            *totals += Totals { usage: answer.usage, cost: answer.cost };
        }
        let begun = self.begin_at_once(&answer.calls);
        let message = Message::Assistant { text: answer.text, calls: answer.calls };
        self.store.say(self.session, &message, self.totals, &begun).await?;
        self.messages.push(message);
        Ok(())
    }

    /// What is answered: the model's last words, or what came of a command.
    fn last_words(&self) -> String {
        match self.messages.last() {
            Some(Message::Assistant { text, .. }) => text.clone(),
            Some(Message::Tool { results }) if results.iter().all(|result| result.id == COMMAND) => {
                results.iter().map(|result| result::inner(&result.text)).collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }

    async fn end(self, reason: EndReason, error: Option<ModelError>) -> Result<Outcome, StoreError> {
        self.store.end_turn(self.session).await?;
        let text = self.last_words();
        let Totals { usage, cost } = self.spent;
        self.party.watcher.saw(&Event::Ended { reason, usage, cost });
        Ok(Outcome { text, reason, totals: self.spent, error })
    }
}

/// The bytes of a part of what a question to an agent's model may have.
fn share_of(agent: &Agent, part: u64) -> usize {
    usize::try_from(agent.model.context() / part * TOKEN_BYTES).unwrap_or(usize::MAX)
}

/// Passes on what the model says while it says it.
struct Speech<'a>(&'a dyn Watcher);

impl Listener for Speech<'_> {
    fn text(&self, piece: &str) {
        self.0.saw(&Event::Text { text: piece.to_owned() });
    }

    fn restarted(&self) {
        self.0.saw(&Event::Restarted);
    }
}

#[cfg(test)]
mod tests;
