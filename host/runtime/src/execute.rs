//! Runs a call that was checked and admitted: makes the skill ready, opens what it holds, and calls the tool.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::audit::Bytes;
use crate::bindings::exports::openclaw::skill::tools::ToolError;
use crate::cancel::Cancel;
use crate::capability::ask;
use crate::capability::filesystem::Ledgers;
use crate::capability::grant::{OpenError, Places, Surroundings};
use crate::capability::llm::LanguageModel;
use crate::capability::log::Log;
use crate::capability::memory::MemoryStores;
use crate::capability::network::HttpClient;
use crate::capability::process::{Ran, Start};
use crate::capability::secret::SecretValues;
use crate::catalog::Catalog;
use crate::dispatch::{Report, ToolCall};
use crate::isolated::Isolated;
use crate::layout::DataDir;
use crate::ready::ReadySkills;
use crate::redact::Values;
use crate::sandbox::{CallState, Fault, Finished, Held, Limits, Prepared, Runner, Sandbox, Spent};
use crate::skill::{Authorized, Ready, SkillError};

/// Skills that stay loaded; each takes some four of the 65,530 memory maps that a process commonly may have.
const READY_SKILLS: usize = 1_000;

/// What a call left behind, before its answer is judged.
pub(crate) struct Outcome {
    /// The tool's own answer, or why there is none.
    pub(crate) answer: Result<Result<String, ToolError>, Fault>,
    /// What the call did.
    pub(crate) report: Report,
    /// What passed the edge of the sandbox; of the output it knows nothing yet.
    pub(crate) bytes: Bytes,
    /// Requests sent over the network.
    pub(crate) requests: u64,
}

/// Why a call was not begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotBegun {
    /// The skill cannot be made ready.
    #[error(transparent)]
    Skill(#[from] Arc<SkillError>),
    /// A granted directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The caller went away before the skill was ready.
    #[error("the call was cancelled")]
    Cancelled,
}

/// Runs calls at the level that the owner chose.
#[derive(Debug)]
pub(crate) enum Executor {
    /// Level `restricted`: in this process.
    Restricted(Box<InProcess>),
    /// Level `isolated`: in confined worker processes.
    Isolated(Box<Isolated>),
}

impl Executor {
    /// Runs one call, until it answers, reaches a limit or is cancelled.
    pub(crate) async fn execute(
        &self,
        skill: &Arc<Authorized>,
        call: &ToolCall,
        cancel: &Cancel,
        secrets: &Arc<SecretValues>,
    ) -> Result<Outcome, NotBegun> {
        let outcome = match self {
            Self::Restricted(here) => here.execute(skill, call, cancel, secrets).await,
            Self::Isolated(workers) => workers.execute(skill, call, cancel, secrets).await,
        };
        outcome.map(|outcome| secrets.cut_outcome(outcome))
    }

    /// Takes note of a new snapshot; running calls finish on what they began with.
    pub(crate) fn swap(&self, catalog: &Catalog, http: HttpClient) {
        match self {
            Self::Restricted(here) => {
                here.ready.retain(catalog);
                here.ledgers.close();
                here.memory.close();
                here.http.store(Arc::new(http));
            }
            Self::Isolated(workers) => workers.swap(catalog, http),
        }
    }
}

/// Runs calls in this process, each in a fresh store of one engine.
pub(crate) struct InProcess {
    dir: DataDir,
    /// The host's own directories, which no tree gives away.
    own: Vec<PathBuf>,
    sandbox: Arc<Sandbox>,
    ready: ReadySkills<Ready>,
    ledgers: Ledgers,
    memory: Arc<MemoryStores>,
    http: ArcSwap<HttpClient>,
    starter: Arc<dyn Start>,
    model: Option<Arc<dyn LanguageModel>>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InProcess").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl InProcess {
    pub(crate) fn new(
        dir: DataDir,
        sandbox: Sandbox,
        http: HttpClient,
        starter: Arc<dyn Start>,
        model: Option<Arc<dyn LanguageModel>>,
    ) -> Self {
        Self {
            own: vec![dir.root().to_owned(), sandbox.cache_dir().to_owned()],
            ledgers: Ledgers::default(),
            memory: Arc::new(MemoryStores::new(dir.memory())),
            dir,
            sandbox: Arc::new(sandbox),
            ready: ReadySkills::keeping(READY_SKILLS),
            http: ArcSwap::from_pointee(http),
            starter,
            model,
        }
    }

    async fn execute(
        &self,
        skill: &Arc<Authorized>,
        call: &ToolCall,
        cancel: &Cancel,
        secrets: &Arc<SecretValues>,
    ) -> Result<Outcome, NotBegun> {
        let ready = match self.ready.made(skill.archive()) {
            Some(ready) => ready?,
            None => self.make_ready(skill, cancel).await?,
        };
        let respondent = ask::careful(call.respondent.as_ref(), secrets.cut());
        let held = skill.grants().open(&Surroundings {
            places: Places {
                workspace: call.workspace.as_ref(),
                own: &self.own,
                data: &self.dir.data(skill.manifest().id()),
                ledgers: &self.ledgers,
            },
            memory: &self.memory,
            http: &self.http.load(),
            starter: &self.starter,
            model: self.model.as_ref(),
            respondent: respondent.as_ref(),
            secrets: Some(secrets),
            deadline: Instant::now() + skill.limits().timeout,
        })?;
        let (runner, limits, cut) = (self.sandbox.runner(), skill.limits(), secrets.cut().cloned());
        Ok(run(runner, &ready.prepared, held, limits, call, cancel, cut).await)
    }

    async fn make_ready(&self, skill: &Arc<Authorized>, cancel: &Cancel) -> Result<Ready, NotBegun> {
        let (theirs, sandbox) = (Arc::clone(skill), Arc::clone(&self.sandbox));
        tokio::select! {
            biased;
            ready = self.ready.get(skill.archive(), move || theirs.ready(&sandbox)) => Ok(ready?),
            () = cancel.given() => Err(NotBegun::Cancelled),
        }
    }
}

/// Calls a tool in a fresh store, and reads what it did out of what it left.
pub(crate) async fn run(
    runner: &Runner,
    skill: &Prepared,
    mut held: Held,
    limits: &Limits,
    call: &ToolCall,
    cancel: &Cancel,
    cut: Option<Arc<Values>>,
) -> Outcome {
    held.log = Log::followed(call.observer.clone(), cut);
    let function = (call.tool.tool().as_str(), call.input.as_str());
    let Finished { answer, spent, mut state } = runner.call(skill, held, limits, cancel, function).await;
    let programs = state.process.finish().await;
    Outcome {
        answer,
        bytes: count_bytes(&state, call),
        requests: state.network.usage().requests,
        report: report(spent, programs, &state),
    }
}

fn count_bytes(state: &CallState, call: &ToolCall) -> Bytes {
    let (files, network) = (state.filesystem.usage(), state.network.usage());
    Bytes {
        input: call.input.len() as u64,
        output: 0,
        files_read: files.bytes_read,
        files_written: files.bytes_written,
        network_sent: network.bytes_sent,
        network_received: network.bytes_received,
    }
}

fn report(spent: Spent, programs: Vec<Ran>, state: &CallState) -> Report {
    let (denials, denial_count) = state.denials.take();
    let (log, log_dropped) = state.log.take();
    let (tokens, questions) = (state.llm.used(), state.ask.asked());
    Report { spent, denials, denial_count, programs, tokens, questions, log, log_dropped }
}
