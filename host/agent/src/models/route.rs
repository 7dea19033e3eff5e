//! Which models may answer a question, and which of them is asked first.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::check::{Member, ModelPlan, RoutePlan};
use super::file::Order;
use super::price::Dollars;
use super::{Entry, Inner};
use crate::model::{ModelError, Question, Usage};

/// A route, and whose turn it is.
#[derive(Debug)]
pub(super) struct Route {
    plan: RoutePlan,
    turn: AtomicUsize,
}

/// A model that may be asked.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    index: usize,
    /// The most that one question to it may cost.
    most_cost: Option<Dollars>,
}

impl Candidate {
    /// What a route allows beside what one within it does: the less of both.
    fn within(self, most_cost: Option<Dollars>) -> Self {
        Self { most_cost: self.most_cost.into_iter().chain(most_cost).min(), ..self }
    }
}

impl Route {
    pub(super) fn new(plan: RoutePlan) -> Self {
        Self { plan, turn: AtomicUsize::new(0) }
    }
}

impl Inner {
    /// The models of a name as they are written, in no order; nobody's turn comes by it.
    pub(super) fn all(&self, selection: Member) -> Vec<&ModelPlan> {
        let Member::Route(route) = selection else { return self.plan(selection).into_iter().collect() };
        let members = self.routes.get(route).map(|route| route.plan.members.as_slice()).unwrap_or_default();
        members.iter().flat_map(|member| self.all(*member)).collect()
    }

    fn plan(&self, model: Member) -> Option<&ModelPlan> {
        let Member::Model(index) = model else { return None };
        self.entries.get(index).map(|entry| &entry.plan)
    }

    /// The models of a name, the first to be asked first. A route within a route stays together, where its first model would
    /// stand.
    fn ordered(&self, selection: Member) -> Vec<Candidate> {
        let route = match selection {
            Member::Model(index) => return vec![Candidate { index, most_cost: None }],
            Member::Route(route) => self.routes.get(route),
        };
        let Some(Route { plan, turn }) = route else { return Vec::new() };
        let mut groups: Vec<Vec<Candidate>> =
            plan.members.iter().map(|member| self.ordered(*member)).collect();
        let first =
            |group: &Vec<Candidate>| group.first().and_then(|first| self.plan(Member::Model(first.index)));
        match plan.order {
            Order::Priority => groups.sort_by_key(|group| first(group).map(|plan| Reverse(plan.priority))),
            Order::Cost => groups.sort_by_key(|group| first(group).map(cost)),
            Order::Speed => groups.sort_by_key(|group| first(group).map(|plan| plan.speed)),
            Order::RoundRobin => {
                let turn = turn.fetch_add(1, Ordering::Relaxed) % groups.len().max(1);
                groups.rotate_left(turn);
            }
        }
        groups.into_iter().flatten().map(|candidate| candidate.within(plan.most_cost)).collect()
    }

    /// Those of a selection that can take a question of so many tokens, the first to be asked first.
    pub(super) fn candidates(
        &self,
        selection: Member,
        question: &Question<'_>,
        tokens: u64,
    ) -> Result<Vec<&Arc<Entry>>, ModelError> {
        let mut seen = BTreeSet::new();
        let once = self.ordered(selection).into_iter().filter(|candidate| seen.insert(candidate.index));
        let mut candidates: Vec<(&Arc<Entry>, Option<Dollars>)> = once
            .filter_map(|Candidate { index, most_cost }| Some((self.entries.get(index)?, most_cost)))
            .collect();
        if !question.tools.is_empty() && candidates.iter().any(|(entry, _)| entry.plan.tools) {
            candidates.retain(|(entry, _)| entry.plan.tools);
        }
        let longest = candidates.iter().map(|(entry, _)| entry.plan.context).max().unwrap_or(0);
        candidates.retain(|(entry, _)| tokens < entry.plan.context);
        if candidates.is_empty() {
            let reason =
                format!("the conversation has about {tokens} tokens, and a model takes {longest} at most");
            return Err(ModelError::TooLong(reason));
        }
        candidates.retain(|(entry, most)| {
            most.is_none_or(|most| {
                worst_cost(&entry.plan, question, tokens).is_some_and(|cost| cost <= most.micros())
            })
        });
        if candidates.is_empty() {
            let reason = "an answer may cost more than the most_cost of the route, whichever model gives it";
            return Err(ModelError::Rejected(reason.to_owned()));
        }
        Ok(candidates.into_iter().map(|(entry, _)| entry).collect())
    }
}

/// A measure to compare models by. One whose price is not known is the dearest.
pub(super) fn cost(plan: &ModelPlan) -> u64 {
    plan.price.map_or(u64::MAX, |price| price.typical())
}

/// What a question may cost, in millionths of a dollar; unknown, where the price is.
fn worst_cost(plan: &ModelPlan, question: &Question<'_>, tokens: u64) -> Option<u64> {
    let output = u64::from(most_tokens(plan, question, tokens));
    plan.price.map(|price| price.of(Usage { input: tokens, cached: 0, output }))
}

/// Most tokens of the answer: what was asked for, no more than the model gives, and no more than it has room for.
pub(super) fn most_tokens(plan: &ModelPlan, question: &Question<'_>, tokens: u64) -> u32 {
    let wanted = question.max_tokens.unwrap_or(u32::MAX).min(plan.max_output);
    let room = u32::try_from(plan.context.saturating_sub(tokens)).unwrap_or(u32::MAX);
    wanted.min(room).max(1)
}
