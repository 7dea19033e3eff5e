//! A conversation that grows past what its model can take: its beginning is put in short, and stays readable.

use super::Turn;
use crate::event::Event;
use crate::memory::{Summary, SummaryError, summarise};
use crate::model::{Message, estimate_tokens};
use crate::session::{StoreError, Totals};

/// Messages that a conversation has at the least before it is shortened.
const LEAST: usize = 4;

/// A summary as it is put before the model.
pub(super) fn shown(text: &str) -> String {
    Summary { text: text.to_owned(), ..Summary::default() }.for_model()
}

impl Turn<'_> {
    /// Shortens the conversation where it has come near to what the model takes, where it has as many messages as the memory's
    /// configuration says, or where it must. Answers whether it did; a model that fails leaves everything as it was.
    pub(super) async fn compact(&mut self, must: bool) -> Result<bool, StoreError> {
        let context = self.agent.model.context();
        let tokens = |messages: &[Message]| estimate_tokens(messages.iter().map(Message::bytes).sum());
        let is_large = must || tokens(&self.messages) > context / 4 * 3;
        // What was said before the person's last words is long enough to be summed up.
        let asked = self.messages.iter().rposition(|message| matches!(message, Message::User { .. }));
        let long = self.memory().and_then(|memory| {
            let settings = memory.settings();
            asked.filter(|at| settings.auto_summarize && *at >= settings.summary_interval.get() as usize)
        });
        if self.cannot_shorten || !(is_large || long.is_some()) || self.messages.len() < LEAST {
            return Ok(false);
        }
        // A call is never parted from its result. The last message stays, however long it is.
        let last = self.messages.len() - 1;
        let first = self.repeated + 1;
        let may_begin = |at: &usize| !matches!(self.messages.get(*at), None | Some(Message::Tool { .. }));
        let fits = |at: &usize| self.messages.get(*at..).is_some_and(|rest| tokens(rest) <= context / 3);
        let at = if is_large {
            (first..=last)
                .find(|at| may_begin(at) && fits(at))
                .or_else(|| (first..=last).rev().find(may_begin))
        } else {
            long
        };
        let Some(part) = at.and_then(|at| self.messages.get(..at)) else { return Ok(false) };
        let mut part = part.to_vec();
        let count = part.len() - self.repeated;
        let asked = part.iter().rfind(|message| matches!(message, Message::User { .. })).cloned();
        if let Some(summary) = &self.summary {
            part.insert(0, Message::Assistant { text: shown(summary), calls: Vec::new() });
        }
        let Some(summary) = self.shorten(&part).await else {
            // It would cost as much again, for as little.
            self.cannot_shorten = true;
            return Ok(false);
        };
        self.store.summarise(self.session, count, &summary.text).await?;
        self.spend(&summary).await?;
        self.messages.drain(..count + self.repeated);
        self.repeated = 0;
        if let (Some(asked), false) = (asked, matches!(self.messages.first(), Some(Message::User { .. }))) {
            self.messages.insert(0, asked);
            self.repeated = 1;
        }
        self.summary = Some(summary.text);
        self.party
            .watcher
            .saw(&Event::Notice { text: "the beginning of this conversation was put in short".to_owned() });
        Ok(true)
    }

    /// Has what was noted in this turn summed up, where the log has become long.
    pub(super) async fn sum_up_log(&mut self) -> Result<(), StoreError> {
        let Some(memory) = self.memory().cloned().filter(|_| self.has_noted) else { return Ok(()) };
        let made = tokio::select! {
            biased;
            () = self.ended() => return Ok(()),
            made = memory.summarise_log(&*self.agent.model) => made,
        };
        match made {
            Ok(Some(summary)) => self.spend(&summary).await,
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!("the log is not summed up: {error}");
                Ok(())
            }
        }
    }

    /// Counts what a summary took.
    async fn spend(&mut self, summary: &Summary) -> Result<(), StoreError> {
        for totals in [&mut self.spent, &mut self.totals] {
            *totals += Totals { usage: summary.usage, cost: summary.cost };
        }
        self.store.spend(self.session, self.totals).await
    }

    /// A summary, which the memory keeps too if it is there; nothing, where none is made before the turn ends.
    async fn shorten(&self, part: &[Message]) -> Option<Summary> {
        let (agent, model) = (self.agent, &*self.agent.model);
        let making = async {
            if let Some(memory) = self.memory()
                && let Some(summary) = memory.summarise_conversation(part, model).await?
            {
                return Ok(summary);
            }
            summarise(part, model, &agent.redaction).await
        };
        let made: Result<Summary, SummaryError> = tokio::select! {
            biased;
            () = self.ended() => return None,
            made = making => made,
        };
        match made {
            Ok(summary) => Some(summary),
            Err(error) => {
                self.party.watcher.saw(&Event::Notice { text: error.to_string() });
                None
            }
        }
    }
}
