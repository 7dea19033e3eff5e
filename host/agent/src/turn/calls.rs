//! The calls of one answer: looked at, approved where they must be, made beside each other, and told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures::StreamExt as _;
use openclaw_runtime::capability::log::LogLine;
use openclaw_runtime::{Cancel, Observer, Progress};
use serde_json::Value;

use super::{Turn, approval, offer, result, share_of};
use crate::event::{Event, Watcher};
use crate::human::{Approval, Proposal};
use crate::memory::is_memory_tool;
use crate::model::{CallResult, Message, ModelCall};
use crate::redaction::Place;
use crate::session::{Begun, StoreError};
use crate::text::{beginning, quoted};
use crate::toolbox::{Call, Tool};

/// Of what a question may have, the part that one result may take.
const RESULTS_SHARE: u64 = 4;
/// Characters of the line that sums a result up.
const SUMMARY_CHARS: usize = 160;

/// What is done with a call.
pub(super) enum Plan {
    /// It is made.
    Make(Prepared),
    /// It is made if the person says so.
    Propose(Prepared),
    /// It is carried out by the host, on the agent's own notes.
    Note,
    /// It is not made, and this is what the model is told.
    Tell(Told),
}

/// A call that can be made.
pub(super) struct Prepared {
    tool: Tool,
    input: String,
}

/// What the model is told of a call.
pub(super) struct Told {
    /// `ok`, or the code of the error.
    outcome: String,
    /// The words, without their marks.
    text: String,
    milliseconds: u64,
}

impl Told {
    fn refusal(outcome: &str, text: impl Into<String>) -> Self {
        Self { outcome: outcome.to_owned(), text: text.into(), milliseconds: 0 }
    }
}

impl Turn<'_> {
    /// Looks at the calls of an answer. Where no person has to be asked, they all begin at once: these, by position.
    pub(super) fn begin_at_once(&mut self, calls: &[ModelCall]) -> Vec<usize> {
        self.plans = calls.iter().map(|call| self.plan(call)).collect();
        if self.plans.iter().any(|plan| matches!(plan, Plan::Propose(_))) {
            return Vec::new();
        }
        let begun: Vec<_> = made(&self.plans).collect();
        self.noted.clone_from(&begun);
        begun
    }

    /// What is done with a call, of which nothing was checked before.
    fn plan(&self, call: &ModelCall) -> Plan {
        if call.tool == offer::FIND_TOOLS {
            return Plan::Tell(match self.offer.answer(&call.arguments) {
                Ok(text) => Told::refusal("ok", text),
                Err(text) => Told::refusal("nothing-found", text),
            });
        }
        if self.memory().is_some() && is_memory_tool(&call.tool) {
            return Plan::Note;
        }
        let Some(tool) = self.offer.tool(&call.tool) else {
            let text = format!("there is no tool {}: call only those that are offered", quoted(&call.tool));
            return Plan::Tell(Told::refusal("unknown-tool", text));
        };
        let input = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        let value = match serde_json::from_str::<Value>(input) {
            Ok(value @ Value::Object(_)) => value,
            Ok(_) => {
                return Plan::Tell(Told::refusal("malformed-arguments", "the arguments are no JSON object"));
            }
            Err(error) => {
                let text = format!("the arguments are no JSON: {error}. Write them again");
                return Plan::Tell(Told::refusal("malformed-arguments", text));
            }
        };
        // The model knows none of the owner's secrets: one that stands here came from a place that it was not cut from. It is
        // looked for without escapes, behind which it would be hidden, in just what the tool is given: of two keys of one name,
        // the first is in neither.
        let input = value.to_string();
        if *self.agent.redaction.apply(Place::Model, &input) != *input {
            let text = "the arguments hold what looks like a secret, which is passed on to nobody";
            return Plan::Tell(Told::refusal("secret-in-arguments", text));
        }
        let prepared = Prepared { tool: tool.clone(), input };
        if self.agent.approvals.needs_yes(tool, &self.approved) {
            Plan::Propose(prepared)
        } else {
            Plan::Make(prepared)
        }
    }

    /// Makes the calls of the last message, as far as they were not made before, and tells what came of all of them.
    pub(super) async fn answer_calls(&mut self, calls: &[ModelCall]) -> Result<(), StoreError> {
        let mut plans = std::mem::take(&mut self.plans);
        if plans.len() != calls.len() {
            plans = calls.iter().map(|call| self.plan(call)).collect();
        }
        for Begun { position, result } in std::mem::take(&mut self.begun) {
            if let Some(plan) = plans.get_mut(position) {
                *plan = Plan::Tell(remembered(result));
            }
        }
        self.propose(&mut plans).await?;
        self.has_noted |= plans.iter().any(|plan| matches!(plan, Plan::Note));
        let noted = std::mem::take(&mut self.noted);
        let fresh: Vec<_> = made(&plans).filter(|position| !noted.contains(position)).collect();
        if !fresh.is_empty() {
            self.store.begin_calls(self.session, &fresh).await?;
        }
        let results = self.make_all(calls, plans).await?;
        let message = Message::Tool { results };
        self.store.answer_calls(self.session, &message).await?;
        self.messages.push(message);
        Ok(())
    }

    /// Puts what waits for a yes to the person, one after the other.
    async fn propose(&mut self, plans: &mut [Plan]) -> Result<(), StoreError> {
        for plan in plans {
            let taken = std::mem::replace(plan, Plan::Tell(Told::refusal("not-made", "")));
            let Plan::Propose(prepared) = taken else {
                *plan = taken;
                continue;
            };
            *plan = match self.approval(&prepared).await? {
                Ok(()) => Plan::Make(prepared),
                Err(told) => Plan::Tell(told),
            };
        }
        Ok(())
    }

    /// Whether the person lets a call be made; else what the model is told.
    async fn approval(&mut self, prepared: &Prepared) -> Result<Result<(), Told>, StoreError> {
        let Prepared { tool, input } = prepared;
        // The person may have said yes to the same tool a moment ago.
        if !self.agent.approvals.needs_yes(tool, &self.approved) {
            return Ok(Ok(()));
        }
        let Some(human) = self.party.human.clone() else {
            let text = "a person has to approve this call, and nobody is there who could";
            return Ok(Err(Told::refusal("not-approved", text)));
        };
        let proposal = Proposal { tool: tool.id.clone(), input: input.clone(), effects: tool.effects };
        let said = tokio::select! {
            biased;
            () = self.ended() => return Ok(Err(Told::refusal("cancelled", "the turn was ended"))),
            said = human.approve(&proposal) => said,
        };
        if said == Approval::Denied {
            let text =
                "the person does not want this call to be made: do not try it again, ask them what they want";
            return Ok(Err(Told::refusal("not-approved", text)));
        }
        if self.agent.approvals.lasts(said) {
            let approved = approval::of(tool);
            self.store.approve(self.session, &approved).await?;
            self.approved.insert(approved);
        }
        Ok(Ok(()))
    }

    /// Makes what is to be made, and answers with a result for each call.
    async fn make_all(&self, calls: &[ModelCall], plans: Vec<Plan>) -> Result<Vec<CallResult>, StoreError> {
        let mut results: Vec<Option<CallResult>> = vec![None; calls.len()];
        let mut waiting = Vec::new();
        for (position, (call, plan)) in calls.iter().zip(plans).enumerate() {
            match plan {
                Plan::Tell(told) => self.tell(&mut results, position, call, told),
                Plan::Note => waiting.push((position, call, None)),
                Plan::Make(prepared) | Plan::Propose(prepared) => {
                    waiting.push((position, call, Some(prepared)));
                }
            }
        }
        let (stop, mut left) = (Cancel::default(), waiting.len());
        let calling = |(position, call, prepared)| {
            let stop = stop.clone();
            async move {
                let told = match prepared {
                    Some(prepared) => self.make(call, prepared, &stop).await,
                    None => self.note(call).await,
                };
                (position, call, told)
            }
        };
        // Made here, not while they are waited for: the turn's future can then go from thread to thread.
        let waiting: Vec<_> = waiting.into_iter().map(calling).collect();
        let mut running =
            futures::stream::iter(waiting).buffer_unordered(self.agent.limits.calls_at_once.max(1));
        let ended = self.ended();
        tokio::pin!(ended);
        loop {
            let next = tokio::select! {
                // The end first: what has not begun by then begins with the word to stop.
                biased;
                () = &mut ended, if !stop.is_given() => {
                    stop.cancel();
                    continue;
                }
                next = running.next() => next,
            };
            let Some((position, call, told)) = next else { break };
            left -= 1;
            self.tell(&mut results, position, call, told);
            // The last one is kept together with all the others.
            if left > 0
                && let Some(Some(result)) = results.get(position)
            {
                self.store.end_call(self.session, position, result).await?;
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Carries out a call of the agent's own memory.
    async fn note(&self, call: &ModelCall) -> Told {
        let begun = Instant::now();
        let input = self.agent.redaction.apply(Place::Memory, &call.arguments).into_owned();
        self.party.watcher.saw(&Event::CallBegun { id: call.id.clone(), tool: call.tool.clone(), input });
        let Some(memory) = self.memory().cloned() else {
            return Told::refusal("unknown-tool", "there is no memory");
        };
        let ModelCall { tool, arguments, .. } = call.clone();
        let (outcome, text) =
            match tokio::task::spawn_blocking(move || memory.carry_out(&tool, &arguments)).await {
                Ok(Ok(text)) => ("ok", text),
                Ok(Err(failure)) => (failure.code, failure.message),
                Err(_) => ("interrupted", "the host is stopping".to_owned()),
            };
        Told { outcome: outcome.to_owned(), text, milliseconds: elapsed(begun) }
    }

    /// Makes one call.
    async fn make(&self, call: &ModelCall, prepared: Prepared, stop: &Cancel) -> Told {
        let Prepared { tool, input } = prepared;
        let (watcher, begun) = (&self.party.watcher, Instant::now());
        watcher.saw(&Event::CallBegun {
            id: call.id.clone(),
            tool: tool.id.to_string(),
            input: input.clone(),
        });
        let observer = Arc::new(Follower { id: call.id.clone(), watcher: Arc::clone(watcher) });
        let request =
            Call { tool: tool.id, input, observer: Some(observer), human: self.party.human.clone() };
        // Twice as much is cleaned as is told: what is cut here in its middle is not told at all.
        let most = self.agent.limits.result_bytes.min(share_of(self.agent, RESULTS_SHARE));
        let (outcome, text, whole) = match self.agent.toolbox.call(request, stop).await {
            Ok(result) => {
                self.asked.fetch_add(result.report.tokens, Ordering::Relaxed);
                let (words, whole) = result::words(&result.output, most.saturating_mul(2));
                ("ok".to_owned(), words, whole)
            }
            Err((error, report)) => {
                self.asked.fetch_add(report.tokens, Ordering::Relaxed);
                let explained = self.agent.toolbox.explain(&error);
                let words = result::error_words(&explained, most.saturating_mul(2));
                let whole = words.len();
                (explained.code, words, whole)
            }
        };
        let text = self.agent.redaction.apply(Place::Model, &text).into_owned();
        let text = result::bounded_of(&text, most, whole).into_owned();
        Told { outcome, text, milliseconds: elapsed(begun) }
    }

    /// Puts what a call came to at its place, and shows it.
    fn tell(&self, results: &mut [Option<CallResult>], position: usize, call: &ModelCall, told: Told) {
        let Told { outcome, text, milliseconds } = told;
        let (id, tool) = (call.id.clone(), call.tool.clone());
        let summary = beginning(&text, SUMMARY_CHARS);
        let failed = outcome != "ok";
        self.party.watcher.saw(&Event::CallEnded {
            id: id.clone(),
            tool: tool.clone(),
            outcome,
            summary,
            milliseconds,
        });
        if let Some(place) = results.get_mut(position) {
            let text = result::delimited(&quoted(&tool), &text);
            *place = Some(CallResult { id, tool, text, failed });
        }
    }

    /// Resolves when the turn is to end, by somebody's word or by its time.
    pub(super) async fn ended(&self) {
        let deadline = self.started + self.agent.limits.time;
        tokio::select! {
            () = self.party.cancel.given() => {}
            () = tokio::time::sleep_until(deadline.into()) => {}
        }
    }
}

/// In milliseconds.
fn elapsed(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The places of the calls that are made.
fn made(plans: &[Plan]) -> impl Iterator<Item = usize> {
    plans
        .iter()
        .enumerate()
        .filter(|(_, plan)| matches!(plan, Plan::Make(_) | Plan::Note))
        .map(|(position, _)| position)
}

/// What the model is told of a call that began before the process ended.
fn remembered(result: Option<CallResult>) -> Told {
    match result {
        Some(CallResult { text, failed, .. }) => {
            Told::refusal(if failed { "failed-before" } else { "ok" }, result::inner(&text))
        }
        None => Told::refusal(
            "interrupted",
            "the host was stopped while this call ran. Nobody knows what it did, and it was not made again: look \
             first, before you call it once more",
        ),
    }
}

/// Passes on what a skill says while it runs.
#[derive(Debug)]
struct Follower {
    id: String,
    watcher: Arc<dyn Watcher>,
}

impl Observer for Follower {
    fn logged(&self, line: &LogLine) {
        self.watcher.saw(&Event::CallLogged {
            id: self.id.clone(),
            level: line.level,
            message: line.message.clone(),
        });
    }

    fn progressed(&self, progress: &Progress) {
        let Progress { done, total, message } = progress.clone();
        self.watcher.saw(&Event::CallProgressed { id: self.id.clone(), done, total, message });
    }
}
