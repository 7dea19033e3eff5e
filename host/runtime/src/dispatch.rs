//! A tool call from request to result: find, validate, authorize, run in a fresh store, record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use openclaw_package::name::{SkillId, ToolId, ToolName};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::audit::{AuditError, AuditLog, Bytes, Pending, Record};
use crate::bindings::exports::openclaw::skill::tools::ToolError;
use crate::capability::Denial;
use crate::capability::grant::{OpenError, Surroundings};
use crate::capability::log::LogLine;
use crate::capability::memory::MemoryStores;
use crate::capability::network::HttpClient;
use crate::catalog::{Catalog, Entry, ReadySkills};
use crate::layout::DataDir;
use crate::rate::RateLimits;
use crate::sandbox::{CallState, Fault, Finished, Held, Limits, Sandbox, Spent};
use crate::skill::{Authorized, Ready, SkillError, Tools};
use crate::workspace::Workspace;

/// Bytes that an input may have.
const INPUT_BYTES: usize = 4 << 20;

/// A tool call as a surface hands it over.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// Which tool.
    pub tool: ToolId,
    /// Its input, as JSON text.
    pub input: String,
    /// Who asks, for the audit log and the rate limits.
    pub caller: String,
    /// The directory that `$workspace` stands for.
    pub workspace: Option<Workspace>,
}

/// What a call gave.
#[derive(Debug)]
pub struct ToolResult {
    /// The tool's answer: valid JSON.
    pub output: Box<RawValue>,
    /// What the call did, whether it succeeded or not.
    pub report: Report,
}

/// What a call did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What it used.
    pub spent: Spent,
    /// What it was refused; at most 32 distinct ones.
    pub denials: Vec<Denial>,
    /// How often it was refused something.
    pub denial_count: u64,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// Log lines dropped past the limits.
    pub log_dropped: u64,
}

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No such skill is installed.
    #[error("no skill {skill} is installed")]
    UnknownSkill {
        /// What was asked for.
        skill: SkillId,
        /// Tools of a similar name.
        nearest: Vec<ToolId>,
    },
    /// The skill has no such tool.
    #[error("{skill} has no tool {tool}")]
    UnknownTool {
        /// The skill.
        skill: SkillId,
        /// What was asked for.
        tool: ToolName,
        /// Tools of a similar name.
        nearest: Vec<ToolName>,
    },
    /// The skill is installed and refused.
    #[error("{skill} is not loaded: {reason}")]
    Refused {
        /// The skill.
        skill: SkillId,
        /// Why.
        reason: Arc<SkillError>,
    },
    /// The input is not JSON.
    #[error("the input is not JSON: {0}")]
    MalformedInput(String),
    /// The input is not what the tool's schema asks for, or what the tool can use.
    #[error("the input does not fit{}: {reason}", at.as_deref().map(|at| format!(" at {at}")).unwrap_or_default())]
    InvalidInput {
        /// Where in the input, as a JSON pointer (RFC 6901).
        at: Option<String>,
        /// What was expected.
        reason: String,
    },
    /// A capability was denied, and the tool could not go on.
    #[error("{message}")]
    Denied {
        /// What the tool says, or the denial itself.
        message: String,
        /// The command that would grant what is missing.
        grant: Option<String>,
    },
    /// The tool tried and failed.
    #[error("{0}")]
    Failed(String),
    /// The call was ended.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Too many calls in the last minute.
    #[error("{0}")]
    RateLimited(String),
    /// All places are taken, and none came free in time.
    #[error("the host is busy: {running} calls are running")]
    Busy {
        /// How many may run at once.
        running: usize,
    },
    /// A granted directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The call cannot be recorded, and so is not made.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl CallError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSkill { .. } => "unknown-skill",
            Self::UnknownTool { .. } => "unknown-tool",
            Self::Refused { reason, .. } => reason.code(),
            Self::MalformedInput(_) => "malformed-input",
            Self::InvalidInput { .. } => "invalid-input",
            Self::Denied { .. } => "permission-denied",
            Self::Failed(_) => "tool-failed",
            Self::Fault(fault) => fault.code(),
            Self::RateLimited(_) => "rate-limited",
            Self::Busy { .. } => "busy",
            Self::Open(_) => "tree-unavailable",
            Self::Audit(_) => "audit-unavailable",
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let names = |names: Vec<String>| {
            if names.is_empty() { None } else { Some(format!("did you mean {}?", names.join(", "))) }
        };
        match self {
            Self::UnknownSkill { nearest, .. } => names(nearest.iter().map(ToString::to_string).collect())
                .or_else(|| Some("openclaw tool list".to_owned())),
            Self::UnknownTool { nearest, .. } => names(nearest.iter().map(ToString::to_string).collect())
                .or_else(|| Some("openclaw tool list".to_owned())),
            Self::Denied { grant, .. } => grant.clone(),
            Self::Fault(
                Fault::Fuel { .. } | Fault::Memory { .. } | Fault::Timeout { .. } | Fault::Output { .. },
            ) => Some(
                "a skill asks for more under [limits] in its skill.toml; your ceilings are in policy.toml"
                    .into(),
            ),
            Self::Busy { .. } | Self::RateLimited(_) => Some("try again in a moment".to_owned()),
            Self::Refused { skill, .. } => Some(format!("install {skill} again from a package you trust")),
            _ => None,
        }
    }
}

/// Dispatches calls to what is installed.
#[derive(Debug)]
pub struct Dispatcher {
    dir: DataDir,
    /// The host's own directories.
    own: Vec<PathBuf>,
    sandbox: Sandbox,
    catalog: ArcSwap<Catalog>,
    ready: ReadySkills,
    memory: Arc<MemoryStores>,
    http: ArcSwap<HttpClient>,
    audit: AuditLog,
    places: Semaphore,
    place_count: usize,
    rates: RateLimits,
}

/// Levels that a result may nest: what parsers of JSON commonly follow.
const OUTPUT_DEPTH: usize = 127;

/// How long a call waits for a free place before it is told that the host is busy.
const BUSY_AFTER: Duration = Duration::from_secs(5);

/// What a [`Dispatcher`] is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) dir: DataDir,
    pub(crate) own: Vec<PathBuf>,
    pub(crate) sandbox: Sandbox,
    pub(crate) catalog: Catalog,
    pub(crate) http: HttpClient,
    pub(crate) audit: AuditLog,
    pub(crate) concurrent_calls: u32,
}

impl Dispatcher {
    pub(crate) fn new(parts: Parts) -> Self {
        let place_count = parts.concurrent_calls as usize;
        Self {
            memory: Arc::new(MemoryStores::new(parts.dir.memory())),
            dir: parts.dir,
            own: parts.own,
            sandbox: parts.sandbox,
            catalog: ArcSwap::from_pointee(parts.catalog),
            ready: ReadySkills::default(),
            http: ArcSwap::from_pointee(parts.http),
            audit: parts.audit,
            places: Semaphore::new(place_count),
            place_count,
            rates: RateLimits::default(),
        }
    }

    /// The current snapshot.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Puts a snapshot in place of the current one; running calls finish on theirs.
    pub(crate) fn swap(&self, catalog: Catalog, http: HttpClient) {
        self.ready.retain(&catalog);
        self.http.store(Arc::new(http));
        self.catalog.store(Arc::new(catalog));
    }

    /// Waits until the records of all finished calls are written.
    ///
    /// # Errors
    /// [`AuditError`] where one could not be.
    pub fn flush(&self) -> Result<(), AuditError> {
        self.audit.flush()
    }

    /// Calls a tool.
    ///
    /// The report is there for every call that reached the sandbox, whatever came of it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(&self, call: ToolCall) -> Result<ToolResult, (CallError, Report)> {
        let bare = |error: CallError| (error, Report::default());
        self.audit.check().map_err(|error| bare(error.into()))?;
        let catalog = self.catalog.load_full();
        let skill = find(&catalog, &call.tool).map_err(bare)?;
        let pending = Pending::new(&self.audit, begun(&skill, &call));
        let (answer, report, bytes, requests) = match self.run(&catalog, &skill, &call).await {
            Ok(ran) => ran,
            Err(error) => (Err(error), Report::default(), Bytes::default(), 0),
        };
        let outcome = answer.as_ref().map_or_else(|error| error.code(), |_| "ok");
        let recorded = pending.finish(|record| {
            record.outcome = outcome.to_owned();
            record.fuel = report.spent.fuel;
            record.duration_us = u64::try_from(report.spent.duration.as_micros()).unwrap_or(u64::MAX);
            record.memory_bytes = report.spent.memory_bytes;
            record.bytes = bytes;
            record.requests = requests;
            record.denials.clone_from(&report.denials);
            record.denial_count = report.denial_count;
        });
        recorded.map_err(|error| (error.into(), report.clone()))?;
        match answer {
            Ok(output) => Ok(ToolResult { output, report }),
            Err(error) => Err((error, report)),
        }
    }

    /// A place among the calls that run; waits a little where there is none.
    async fn place(&self) -> Result<SemaphorePermit<'_>, CallError> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        match tokio::time::timeout(BUSY_AFTER, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(CallError::Busy { running: self.place_count }),
        }
    }

    /// Everything of a call that is recorded whatever comes of it.
    async fn run(&self, catalog: &Catalog, skill: &Authorized, call: &ToolCall) -> Result<Ran, CallError> {
        check_input(skill.tools(), skill.manifest().id(), call)?;
        self.rates
            .admit(catalog.policy().ceilings(), &call.caller, skill.manifest().id())
            .map_err(CallError::RateLimited)?;
        let _place = self.place().await?;
        let ready = self.ready.get(skill, &self.sandbox).map_err(|error| CallError::Refused {
            skill: skill.manifest().id().clone(),
            reason: Arc::new(error),
        })?;
        let held = skill.grants().open(&Surroundings {
            workspace: call.workspace.as_ref(),
            own: &self.own,
            data: &self.dir.data(skill.manifest().id()),
            memory: &self.memory,
            http: &self.http.load(),
            deadline: Instant::now() + skill.limits().timeout,
        })?;
        Ok(run_call(&self.sandbox, &ready, held, skill.limits(), call).await)
    }
}

/// The record of a call that has begun: what is known before it ends.
fn begun(skill: &Authorized, call: &ToolCall) -> Record {
    Record {
        time: Timestamp::now(),
        caller: call.caller.clone(),
        tool: call.tool.clone(),
        version: skill.manifest().version().clone(),
        package: Some(skill.archive()),
        signer: Some(skill.signer().clone()),
        grants: Arc::clone(skill.grants().rules()),
        outcome: "cancelled".to_owned(),
        fuel: 0,
        duration_us: 0,
        memory_bytes: 0,
        bytes: Bytes { input: call.input.len() as u64, ..Bytes::default() },
        requests: 0,
        denials: Vec::new(),
        denial_count: 0,
    }
}

pub(crate) type Ran = (Result<Box<RawValue>, CallError>, Report, Bytes, u64);

/// Runs a call whose input was checked, and reads what it did out of what it left.
pub(crate) async fn run_call(
    sandbox: &Sandbox,
    skill: &Ready,
    held: Held,
    limits: &Limits,
    call: &ToolCall,
) -> Ran {
    let tool = call.tool.tool().as_str().to_owned();
    let Finished { answer, spent, state } =
        sandbox.call(&skill.prepared, held, limits, tool, call.input.clone()).await;
    let mut bytes = count_bytes(&state);
    bytes.input = call.input.len() as u64;
    let requests = state.network.usage().requests;
    let report = report(spent, &state);
    let answer = match answer {
        Ok(Ok(output)) => {
            bytes.output = output.len() as u64;
            check_output(output, limits)
        }
        Ok(Err(error)) => Err(tool_error(error, call, &report)),
        Err(fault) => Err(fault.into()),
    };
    (answer, report, bytes, requests)
}

fn find(catalog: &Catalog, tool: &ToolId) -> Result<Arc<Authorized>, CallError> {
    match catalog.get(tool.skill()) {
        Some(Entry::Loaded(skill)) => Ok(Arc::clone(skill)),
        Some(Entry::Refused(reason)) => {
            Err(CallError::Refused { skill: tool.skill().clone(), reason: Arc::clone(reason) })
        }
        None => Err(CallError::UnknownSkill {
            skill: tool.skill().clone(),
            nearest: catalog.nearest(tool.as_str()),
        }),
    }
}

/// Checks the input against the tool's schema.
pub(crate) fn check_input(tools: &Tools, skill: &SkillId, call: &ToolCall) -> Result<(), CallError> {
    let name = call.tool.tool();
    let Some(validator) = tools.find(name) else {
        return Err(CallError::UnknownTool {
            skill: skill.clone(),
            tool: name.clone(),
            nearest: tools.nearest(name.as_str()),
        });
    };
    if call.input.len() > INPUT_BYTES {
        let reason = format!("it has {} bytes; at most {INPUT_BYTES} are accepted", call.input.len());
        return Err(CallError::InvalidInput { at: None, reason });
    }
    let input: Value =
        serde_json::from_str(&call.input).map_err(|error| CallError::MalformedInput(error.to_string()))?;
    validator.validate(&input).map_err(|error| {
        let at = error.instance_path().to_string();
        CallError::InvalidInput { at: (!at.is_empty()).then_some(at), reason: error.to_string() }
    })
}

fn check_output(output: String, limits: &Limits) -> Result<Box<RawValue>, CallError> {
    if output.len() as u64 > limits.output_bytes {
        return Err(Fault::Output { limit: limits.output_bytes }.into());
    }
    if depth(&output) > OUTPUT_DEPTH {
        return Err(CallError::Failed(format!("the tool's result nests deeper than {OUTPUT_DEPTH} levels")));
    }
    RawValue::from_string(output)
        .map_err(|error| CallError::Failed(format!("the tool's result is not JSON: {error}")))
}

/// How deep brackets nest in a JSON text.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn tool_error(error: ToolError, call: &ToolCall, report: &Report) -> CallError {
    let grant = report.denials.iter().find_map(|denial| denial.hint.clone());
    match error {
        ToolError::UnknownTool => {
            CallError::Failed(format!("the skill does not know its own tool {}", call.tool.tool()))
        }
        ToolError::InvalidInput(reason) => CallError::InvalidInput { at: None, reason },
        ToolError::Denied(message) => CallError::Denied { message, grant },
        // A tool that failed after a denial most likely failed for it.
        ToolError::Failed(message) if grant.is_some() => CallError::Denied { message, grant },
        ToolError::Failed(message) => CallError::Failed(message),
    }
}

fn count_bytes(state: &CallState) -> Bytes {
    let (files, network) = (state.filesystem.usage(), state.network.usage());
    Bytes {
        input: 0,
        output: 0,
        files_read: files.bytes_read,
        files_written: files.bytes_written,
        network_sent: network.bytes_sent,
        network_received: network.bytes_received,
    }
}

fn report(spent: Spent, state: &CallState) -> Report {
    let (denials, denial_count) = state.denials.take();
    let (log, log_dropped) = state.log.take();
    Report { spent, denials, denial_count, log, log_dropped }
}
