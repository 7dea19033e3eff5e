//! `openclaw agent`: one turn, a conversation, and what agents there are.

mod chat;
mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use openclaw_agent::agents::Agents;
use openclaw_agent::session::SessionKey;
use openclaw_gateway::Service;
use openclaw_gateway::agents::Speakers;

use crate::agents::{HostedAgents, Overrides};
use crate::cli::{AgentArguments, AgentCommand};
use crate::config::{AgentId, AgentPlan, Config, TurnLimits};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation;
use crate::json::ListedAgent;
use crate::output::{Output, table};
use crate::text::{one_line, summary};

/// The way that conversations at the command line are spoken over.
const CHANNEL: &str = "chat";
/// Who speaks in them.
const PEER: &str = "owner";
/// Characters of a model's name or of patterns that are shown.
const SHOWN: usize = 60;

/// Does one of the things.
pub(crate) fn run(command: AgentCommand, environment: &Environment, output: &Output) -> Result<()> {
    match command {
        AgentCommand::Run(arguments) => run::run(arguments, environment, output),
        AgentCommand::Chat(arguments) => chat::run(&arguments, environment, output),
        AgentCommand::List => list(environment, output),
    }
}

fn list(environment: &Environment, output: &Output) -> Result<()> {
    let plans = environment.config()?.agents(environment.config_dir());
    if output.is_json() {
        let listed = plans.into_iter().map(|plan| ListedAgent {
            agent: plan.id.to_string(),
            model: plan.model,
            skills: plan.skills,
            workspace: plan.workspace,
        });
        return output.document(&listed.collect::<Vec<_>>());
    }
    let row = |plan: &AgentPlan| {
        let skills: Vec<_> = plan.skills.patterns().iter().map(ToString::to_string).collect();
        let skills = if skills.is_empty() { "none".to_owned() } else { skills.join(", ") };
        let here = "the current directory".to_owned();
        let workspace = plan.workspace.as_ref().map_or(here, |dir| one_line(&dir.display().to_string()));
        [plan.id.to_string(), summary(&plan.model, SHOWN), summary(&skills, SHOWN), workspace]
    };
    let rows: Vec<_> = plans.iter().map(row).collect();
    output.lines(table(["agent", "model", "skills", "workspace"], &rows));
    Ok(())
}

/// One agent of this process, and what it works with.
struct Started {
    hosted: HostedAgents,
    service: Arc<Service>,
    plan: AgentPlan,
    threads: tokio::runtime::Runtime,
    /// Follows what is installed and granted while the agent works.
    _watching: openclaw_runtime::Watcher,
}

impl Started {
    /// Makes the agent that is asked for.
    fn new(arguments: &AgentArguments, limits: TurnLimits, environment: &Environment) -> Result<Self> {
        let config = environment.config()?;
        let plan = chosen(arguments.agent.as_ref(), &config, environment)?;
        let (service, models) = environment.service(&config)?;
        let watching = service.runtime().watch()?;
        let hosted = HostedAgents::open(environment, Arc::clone(&service), models, Speakers::Owner)?;
        let overrides =
            Overrides { workspace: arguments.workspace.clone(), approve: arguments.approve.clone(), limits };
        hosted.configure_only(&config, &plan.id, &overrides)?;
        let threads = invocation::threads().build().map_err(|error| {
            CliError::new(Exit::Host, "host-failure", format!("there are no threads: {error}"))
        })?;
        Ok(Self { hosted, service, plan, threads, _watching: watching })
    }

    fn agents(&self) -> &Arc<Agents> {
        self.hosted.agents()
    }

    /// A conversation with the agent.
    fn key(&self, conversation: String) -> SessionKey {
        SessionKey {
            agent: self.plan.id.to_string(),
            channel: CHANNEL.to_owned(),
            peer: PEER.to_owned(),
            conversation,
        }
    }

    /// Waits until all is on disk that calls left.
    fn end(self) -> Result<()> {
        let Self { service, threads, .. } = self;
        threads.block_on(service.logs_written());
        // A thread may still wait for the terminal; nothing waits for it.
        threads.shutdown_background();
        Ok(service.runtime().dispatcher().flush()?)
    }
}

/// The agent of a name, or the only one.
fn chosen(id: Option<&AgentId>, config: &Config, environment: &Environment) -> Result<AgentPlan> {
    let plans = config.agents(environment.config_dir());
    let names: Vec<String> = plans.iter().map(|plan| plan.id.to_string()).collect();
    let wanted = |plan: &AgentPlan| id.is_none_or(|id| plan.id == *id);
    let mut found = plans.into_iter().filter(wanted);
    match (found.next(), found.next(), id) {
        (Some(plan), None, _) => Ok(plan),
        (None, _, Some(id)) => {
            let message = format!("there is no agent {id}; there are {}", names.join(", "));
            Err(CliError::new(Exit::NotFound, "unknown-agent", message)
                .hint("agents are named under `agents:` in config.yaml"))
        }
        _ => Err(CliError::usage(format!("there are several agents: {}", names.join(", ")))
            .hint("name one: --agent ID")),
    }
}

/// A name that no conversation has: the time, this process, and how many it began before.
fn new_conversation() -> String {
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    let (now, process) = (Timestamp::now().strftime("%Y%m%d-%H%M%S"), std::process::id());
    match BEGUN.fetch_add(1, Ordering::Relaxed) {
        0 => format!("{now}-{process}"),
        before => format!("{now}-{process}-{before}"),
    }
}
