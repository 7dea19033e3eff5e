//! The documents of `openclaw agent`.

use std::path::PathBuf;

use openclaw_agent::event::EndReason;
use openclaw_agent::model::Usage;
use openclaw_gateway::Scope;
use serde::Serialize;

/// `agent run`.
#[derive(Debug, Serialize)]
pub(crate) struct AgentTurn<'a> {
    /// The agent.
    pub(crate) agent: &'a str,
    /// The conversation, which `--conversation` goes on with.
    pub(crate) conversation: &'a str,
    /// The model's last words.
    pub(crate) text: &'a str,
    /// Why the turn is over: `done`, `cancelled`, `steps`, `tokens`, `cost`, `time` or `model-failed`.
    pub(crate) reason: EndReason,
    /// The tokens of the turn.
    pub(crate) usage: Usage,
    /// What it cost, in millionths of a dollar; zero where no price is known.
    pub(crate) cost: u64,
    /// The calls that the model asked for, in the order of their ends.
    pub(crate) steps: &'a [AgentStep],
    /// What else there is to know.
    pub(crate) notices: &'a [String],
}

/// A call that a model asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AgentStep {
    /// The tool; the name that the model gave, where there is no such tool.
    pub(crate) tool: String,
    /// `ok`, or the code of the error.
    pub(crate) outcome: String,
    /// What the model is told, cut to a line.
    pub(crate) summary: String,
    /// How long it took.
    pub(crate) duration_ms: u64,
}

/// `agent list`, one of.
#[derive(Debug, Serialize)]
pub(crate) struct ListedAgent {
    /// Its name.
    pub(crate) agent: String,
    /// The model or the route that answers.
    pub(crate) model: String,
    /// The tools that it may call.
    pub(crate) skills: Scope,
    /// The directory that `$workspace` stands for; null where it is the current one.
    pub(crate) workspace: Option<PathBuf>,
}
