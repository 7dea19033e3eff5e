//! The agents of the configuration: `agents`, and the one that `claw` makes where there are none.

use std::collections::BTreeSet;
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use openclaw_agent::agent::Limits;
use openclaw_agent::models::Dollars;
use openclaw_gateway::Scope;
use openclaw_gateway::caller::ToolPattern;
use serde::{Deserialize, Deserializer};

/// Most agents of one configuration.
const MOST_AGENTS: usize = 64;
/// Most bytes of an agent's name.
const ID_BYTES: usize = 64;
/// Most bytes of a soul, which is said to the model each time.
const SOUL_BYTES: usize = 64 << 10;
/// Most bytes of a model's name.
const MODEL_BYTES: usize = 256;

/// The name of an agent: 1 to 64 of `A-Z`, `a-z`, `0-9`, `_` and `-`, beginning with a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct AgentId(String);

impl AgentId {
    /// The agent that is there where none is named.
    pub(crate) fn claw() -> Self {
        Self("claw".to_owned())
    }

    /// As it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AgentId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if begins && text.len() <= ID_BYTES && text.bytes().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{text:?} names no agent: write 1 to {ID_BYTES} of a-z, A-Z, 0-9, - and _, beginning with a letter or digit"
        ))
    }
}

impl TryFrom<String> for AgentId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What ends a turn: `agents.limits`. What is not said is as [`Limits`] has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TurnLimits {
    /// Answers of the model.
    pub(crate) steps: Option<NonZeroU32>,
    /// Tokens, of questions and answers together.
    pub(crate) tokens: Option<NonZeroU64>,
    /// Dollars.
    pub(crate) cost: Option<Dollars>,
    /// Milliseconds.
    pub(crate) time: Option<NonZeroU64>,
}

impl TurnLimits {
    /// As the loop takes them.
    pub(crate) fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            steps: self.steps.map_or(usual.steps, NonZeroU32::get),
            tokens: self.tokens.map_or(usual.tokens, NonZeroU64::get),
            cost: self.cost.map(Dollars::micros),
            time: self.time.map_or(usual.time, |time| Duration::from_millis(time.get())),
            ..usual
        }
    }

    /// The lower of each.
    pub(crate) fn and(self, other: Self) -> Self {
        fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        Self {
            steps: lower(self.steps, other.steps),
            tokens: lower(self.tokens, other.tokens),
            cost: lower(self.cost, other.cost),
            time: lower(self.time, other.time),
        }
    }
}

/// An agent, as it is written: one of `agents`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: AgentId,
    #[serde(deserialize_with = "model_name")]
    model: String,
    #[serde(default, deserialize_with = "soul")]
    soul: String,
    #[serde(default)]
    skills: Scope,
    #[serde(deserialize_with = "dir")]
    workspace: PathBuf,
    #[serde(default)]
    approve: Vec<ToolPattern>,
    #[serde(default)]
    limits: TurnLimits,
}

/// All agents that are named: `agents`. No name is there twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Written>")]
pub(super) struct AgentList(Vec<Written>);

impl TryFrom<Vec<Written>> for AgentList {
    type Error = String;

    fn try_from(list: Vec<Written>) -> Result<Self, String> {
        if list.len() > MOST_AGENTS {
            return Err(format!("there are {} agents; {MOST_AGENTS} may be there", list.len()));
        }
        let mut ids = BTreeSet::new();
        match list.iter().find(|agent| !ids.insert(&agent.id)) {
            Some(agent) => Err(format!("the agent {} is there twice", agent.id)),
            None => Ok(Self(list)),
        }
    }
}

/// An agent that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentPlan {
    /// Its name.
    pub(crate) id: AgentId,
    /// The model or route that answers, or `auto`.
    pub(crate) model: String,
    /// What it is to be.
    pub(crate) soul: String,
    /// What it may call.
    pub(crate) skills: Scope,
    /// What `$workspace` stands for, `~` resolved; the current directory, where it is none.
    pub(crate) workspace: Option<PathBuf>,
    /// Tools whose calls its owner approves once and for all.
    pub(crate) approve: Vec<ToolPattern>,
    /// What ends a turn.
    pub(crate) limits: TurnLimits,
}

impl AgentPlan {
    /// Whether it is one of `agents`, and not there for want of any.
    pub(crate) fn is_named(&self) -> bool {
        self.workspace.is_some()
    }

    /// The agent that is there where none is named: it may call all that is installed.
    pub(super) fn claw(id: AgentId, model: &str) -> Self {
        Self {
            id,
            model: model.to_owned(),
            soul: String::new(),
            skills: Scope::all(),
            workspace: None,
            approve: Vec::new(),
            limits: TurnLimits::default(),
        }
    }
}

impl AgentList {
    /// As they are to be made; directories are those of the configuration file's own one.
    pub(super) fn plans(&self, dir: &Path) -> Vec<AgentPlan> {
        let plan = |agent: &Written| {
            let Written { id, model, soul, skills, workspace, approve, limits } = agent.clone();
            let workspace = Some(dir.join(home_resolved(&workspace)));
            AgentPlan { id, model, soul, skills, workspace, approve, limits }
        };
        self.0.iter().map(plan).collect()
    }
}

/// A path whose first part may be `~`, the home of whoever runs this.
pub(super) fn home_resolved(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn model_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() || text.len() > MODEL_BYTES || text.contains(char::is_control) {
        return Err(serde::de::Error::custom("model names a model or a route of models.yaml, or auto"));
    }
    Ok(text)
}

fn soul<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > SOUL_BYTES {
        let reason = format!("a soul of {} bytes is too long; {SOUL_BYTES} are allowed", text.len());
        return Err(serde::de::Error::custom(reason));
    }
    Ok(text)
}

fn dir<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.as_os_str().is_empty() {
        return Err(serde::de::Error::custom("workspace is empty: name a directory"));
    }
    Ok(path)
}
