//! The agents of the configuration, over the service of this process: made when it starts, and anew when it is reloaded.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openclaw_agent::agent::Agent;
use openclaw_agent::agents::{Agents, SayError};
use openclaw_agent::memory::{Memory, MemoryError};
use openclaw_agent::redaction::{Place, Redaction};
use openclaw_agent::scope::Scope;
use openclaw_agent::session::{LaneLimits, SqliteStore, StoreError};
use openclaw_agent::turn::Approvals;
use openclaw_gateway::agents::{ServedTools, Speakers};
use openclaw_gateway::caller::ToolPattern;
use openclaw_gateway::{Caller, Service};

use crate::config::{AgentId, AgentPlan, Config, TurnLimits};
use crate::environment::{self, Environment};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::models::{ModelSet, NO_MODEL_KEY};
use crate::text::one_line;

/// The file of all conversations, in the data directory.
const SESSIONS: &str = "sessions.db";
/// Where memories are in the data directory, where the configuration names no other place.
const MEMORIES: &str = "memories";

/// All agents of this process.
#[derive(Debug)]
pub(crate) struct HostedAgents {
    environment: Environment,
    service: Arc<Service>,
    /// Who speaks to them.
    speakers: Speakers,
    agents: Arc<Agents>,
    /// As they were last configured.
    configured: Mutex<Configured>,
}

#[derive(Debug, Default)]
struct Configured {
    models: Option<ModelSet>,
    redaction: Option<Arc<Redaction>>,
}

/// Agents that were made, and are not there yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    agents: Vec<Agent>,
    configured: Configured,
}

/// What a command line says of one agent beside the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// The directory that `$workspace` stands for.
    pub(crate) workspace: Option<PathBuf>,
    /// Further tools whose calls are approved.
    pub(crate) approve: Vec<ToolPattern>,
    /// Limits, of which the lower ones hold.
    pub(crate) limits: TurnLimits,
}

impl HostedAgents {
    /// No agents yet, over the conversations of the data directory.
    ///
    /// # Errors
    /// The conversations cannot be kept.
    pub(crate) fn open(
        environment: &Environment,
        service: Arc<Service>,
        models: ModelSet,
        speakers: Speakers,
    ) -> Result<Self> {
        let store = SqliteStore::open(&environment.data_dir()?.root().join(SESSIONS))?;
        let agents = Arc::new(Agents::new(Arc::new(store), LaneLimits::default()));
        // Skills ask these too: what is known of one is known to both.
        let configured = Mutex::new(Configured { models: Some(models), redaction: None });
        Ok(Self { environment: environment.clone(), service, speakers, agents, configured })
    }

    /// The agents, which are replaced as a whole by [`put`](Self::put).
    pub(crate) fn agents(&self) -> &Arc<Agents> {
        &self.agents
    }

    /// What is cut from what is kept; nothing before the first [`put`](Self::put).
    pub(crate) fn redaction(&self) -> Option<Arc<Redaction>> {
        self.configured().redaction.clone()
    }

    /// Puts one agent of a configuration in place of those before, with what the command line says.
    ///
    /// # Errors
    /// It cannot be as it is configured.
    pub(crate) fn configure_only(&self, config: &Config, id: &AgentId, overrides: &Overrides) -> Result<()> {
        self.put(self.prepare_some(config, Some((id, overrides)))?);
        Ok(())
    }

    /// Puts the agents of a configuration in place of those before, none where no model is configured at all. A key that is missing
    /// is no error: there are no agents then, or those of before.
    ///
    /// # Errors
    /// One of them cannot be as it is configured, for another reason.
    pub(crate) fn configure_if_possible(&self, config: &Config) -> Result<()> {
        if let Some(prepared) = self.prepare_if_possible(config)? {
            self.put(prepared);
        }
        Ok(())
    }

    /// Makes the agents of a configuration, if no key is missing that one of them needs.
    ///
    /// # Errors
    /// One of them cannot be as it is configured, for another reason.
    pub(crate) fn prepare_if_possible(&self, config: &Config) -> Result<Option<Prepared>> {
        match self.prepare(config) {
            Err(error) if error.code == NO_MODEL_KEY => {
                tracing::error!("agents are not made of this configuration: {}", one_line(&error.message));
                Ok(None)
            }
            prepared => prepared.map(Some),
        }
    }

    /// Makes the agents of a configuration, which are there once they are [put](Self::put) in place.
    ///
    /// # Errors
    /// One of them cannot be as it is configured.
    pub(crate) fn prepare(&self, config: &Config) -> Result<Prepared> {
        self.prepare_some(config, None)
    }

    fn prepare_some(&self, config: &Config, only: Option<(&AgentId, &Overrides)>) -> Result<Prepared> {
        let models = ModelSet::load(&self.environment, config, self.configured().models.as_ref())?;
        let redaction = models.redaction(config)?;
        let mut agents = Vec::new();
        for plan in config.agents(self.environment.config_dir()) {
            let overrides = match only {
                Some((id, overrides)) if plan.id == *id => overrides.clone(),
                Some(_) => continue,
                // An agent that nobody named is not there where nobody named a model either.
                None if models.is_empty() && !plan.is_named() => continue,
                None => Overrides::default(),
            };
            agents.push(self.make(plan, overrides, &models, config, &redaction)?);
        }
        Ok(Prepared { agents, configured: Configured { models: Some(models), redaction: Some(redaction) } })
    }

    /// Puts agents in place of those before.
    pub(crate) fn put(&self, prepared: Prepared) {
        let Prepared { agents, configured } = prepared;
        self.agents.set(agents);
        let models = configured.models.as_ref().map(ModelSet::all).unwrap_or_default();
        self.service.metrics().follow_models(models);
        if let Some(redaction) = &configured.redaction {
            self.service.redact_logs_by(redaction.redactor(Place::Logs).clone());
        }
        *self.configured() = configured;
    }

    fn configured(&self) -> MutexGuard<'_, Configured> {
        self.configured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(
        &self,
        plan: AgentPlan,
        overrides: Overrides,
        models: &ModelSet,
        config: &Config,
        redaction: &Arc<Redaction>,
    ) -> Result<Agent> {
        let of_agent = |error: CliError| CliError {
            message: format!("the agent {}: {}", plan.id, error.message),
            ..error
        };
        let model = models.get(&plan.model).map_err(of_agent)?;
        let limits = plan.limits.and(overrides.limits).limits();
        if limits.cost.is_some()
            && let Some(unpriced) = models.unpriced(&plan.model).map_err(of_agent)?
        {
            return Err(of_agent(no_price(&unpriced)));
        }
        let dir = overrides.workspace.as_ref().or(plan.workspace.as_ref());
        let workspace = environment::workspace(dir.map(PathBuf::as_path)).map_err(of_agent)?;
        let memory = self.memory(&plan.id, config, redaction)?;
        let caller = Caller {
            name: format!("agent:{}", plan.id),
            scope: plan.skills.clone(),
            workspace,
            may_grant: true,
        };
        let toolbox = Arc::new(ServedTools::new(Arc::clone(&self.service), caller, self.speakers));
        let soul = redaction.apply(Place::Model, &plan.soul).into_owned();
        let mut agent = Agent::new(plan.id.to_string(), soul, model, toolbox);
        let standing = Scope::of(plan.approve.iter().chain(&overrides.approve).cloned().collect());
        agent.approvals = Approvals { level: config.security_level(), standing };
        agent.memory = Some(Arc::new(memory));
        agent.redaction = Arc::clone(redaction);
        agent.limits = limits;
        Ok(agent)
    }

    /// What an agent remembers.
    fn memory(&self, id: &AgentId, config: &Config, redaction: &Arc<Redaction>) -> Result<Memory> {
        let settings = config.memory(self.environment.config_dir()).file_memory;
        let dir = match &settings.path {
            Some(path) => path.clone(),
            None => self.environment.data_dir()?.root().join(MEMORIES),
        };
        Ok(Memory::open(&dir, id.as_str(), settings, Arc::clone(redaction))?)
    }
}

/// A limit that would never hold is none.
fn no_price(model: &str) -> CliError {
    let message = format!("its cost is limited, and the price of the model {model} is not known");
    CliError::new(Exit::Host, "invalid-config", message)
        .hint("give the model a cost in models.yaml ({ input: 0, output: 0 } if it is free), or limit tokens: docs/models.md")
}

impl From<MemoryError> for CliError {
    fn from(error: MemoryError) -> Self {
        Self::new(Exit::Host, error.code(), error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Host, "sessions-unavailable", error.to_string())
    }
}

impl From<SayError> for CliError {
    fn from(error: SayError) -> Self {
        let hint = error.hint().map(str::to_owned);
        Self { hint, ..Self::coded(error.code(), &error) }
    }
}
