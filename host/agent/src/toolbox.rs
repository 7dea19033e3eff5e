//! The tools that an agent may call, and the one way to call one. A gateway puts its own rules behind it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_package::name::ToolId;
use openclaw_runtime::capability::grant::Effects;
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::{CallError, Cancel, Observer};
use serde_json::Value;

use crate::human::Human;
use crate::trigger::Commands;

/// A tool of an installed skill.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub id: ToolId,
    /// The digest of its package.
    pub package: String,
    /// What it does, in its author's words.
    pub description: String,
    /// The JSON Schema of its input.
    pub schema: Value,
    /// What a call can do to the world at most, as things are granted.
    pub effects: Effects,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which tool.
    pub tool: ToolId,
    /// Its input, as JSON text.
    pub input: String,
    /// Who follows it while it runs.
    pub observer: Option<Arc<dyn Observer>>,
    /// The person behind the session, if there is one: asked for grants, and for what a skill asks.
    pub human: Option<Arc<dyn Human>>,
}

/// An error as a model and whoever is behind it may be told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The stable code.
    pub code: String,
    /// The fact.
    pub message: String,
    /// What to do next, where there is something.
    pub hint: Option<String>,
}

/// Tools for one agent.
#[async_trait]
pub trait Toolbox: fmt::Debug + Send + Sync {
    /// All that the agent may call, in the order of their names. The same list as before, where nothing changed.
    fn tools(&self) -> Arc<[Tool]>;

    /// Calls one, until it answers or `cancel` is given.
    ///
    /// # Errors
    /// See [`CallError`]; a tool that is not the agent's is not installed.
    async fn call(&self, call: Call, cancel: &Cancel) -> CallOutcome;

    /// The words by which a person calls some of them; none, where the host has no such thing.
    fn commands(&self) -> Commands {
        Commands::default()
    }

    /// What may be told of an error.
    fn explain(&self, error: &CallError) -> Explained;
}
