//! A tool call from request to result: find, validate, authorize, run in a fresh store, record.

use std::sync::Arc;

use arc_swap::ArcSwap;
use openclaw_package::name::{SkillId, ToolId, ToolName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::audit::{AuditError, AuditLog, Bytes, Ended, Pending};
use crate::bindings::exports::openclaw::skill::tools::ToolError;
use crate::cancel::{Cancel, Running};
use crate::capability::Denial;
use crate::capability::ask::Respondent;
use crate::capability::grant::OpenError;
use crate::capability::log::LogLine;
use crate::capability::network::HttpClient;
use crate::capability::process::Ran;
use crate::capability::secret::{SecretCache, SecretValues};
use crate::catalog::{Catalog, Entry};
use crate::execute::{Executor, NotBegun, Outcome};
use crate::observer::Observer;
use crate::places::{Place, Places};
use crate::rate::RateLimits;
use crate::redact::Redactor;
use crate::sandbox::{Fault, Limits, Spent};
use crate::skill::{Authorized, SkillError, Tools};
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
    /// Who follows the call while it runs.
    pub observer: Option<Arc<dyn Observer>>,
    /// Who answers what the skill asks; none where nobody can be asked.
    pub respondent: Option<Arc<dyn Respondent>>,
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// What it used.
    pub spent: Spent,
    /// What it was refused; at most 32 distinct ones.
    pub denials: Vec<Denial>,
    /// How often it was refused something.
    pub denial_count: u64,
    /// The programs that it ran.
    #[serde(default)]
    pub programs: Vec<Ran>,
    /// The tokens of a language model that it used.
    #[serde(default)]
    pub tokens: u64,
    /// How often it asked the person behind the session something.
    #[serde(default)]
    pub questions: u64,
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
    #[error("the host is busy: no place of its {places} came free for this skill")]
    Busy {
        /// How many calls may run at once.
        places: usize,
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
            Self::Refused { skill, reason } => {
                reason.hint().or_else(|| Some(format!("install {skill} again from a package you trust")))
            }
            _ => None,
        }
    }
}

/// Dispatches calls to what is installed.
#[derive(Debug)]
pub struct Dispatcher {
    catalog: ArcSwap<Catalog>,
    executor: Executor,
    audit: AuditLog,
    secrets: SecretCache,
    places: Places,
    rates: RateLimits,
    /// Counts the snapshots.
    snapshots: watch::Sender<u64>,
}

/// Levels that a result may nest: what parsers of JSON commonly follow.
const OUTPUT_DEPTH: usize = 127;

/// What a call gave, or why it gave nothing; with what it did in both cases.
pub type CallOutcome = Result<ToolResult, (CallError, Report)>;

impl Dispatcher {
    pub(crate) fn new(
        catalog: Catalog,
        executor: Executor,
        audit: AuditLog,
        secrets: SecretCache,
        concurrent_calls: u32,
    ) -> Self {
        Self {
            catalog: ArcSwap::from_pointee(catalog),
            executor,
            audit,
            secrets,
            places: Places::new(concurrent_calls),
            rates: RateLimits::default(),
            snapshots: watch::Sender::new(0),
        }
    }

    /// The current snapshot.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Puts a snapshot in place of the current one; running calls finish on theirs.
    pub(crate) fn swap(&self, catalog: Catalog, http: HttpClient) {
        self.executor.swap(&catalog, http);
        self.audit.rotate_by(catalog.policy().audit());
        self.places.retain(|skill| catalog.contains(skill));
        self.catalog.store(Arc::new(catalog));
        self.secrets.forget();
        self.snapshots.send_modify(|count| *count += 1);
    }

    /// Changes whenever another snapshot takes the place of the current one.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<u64> {
        self.snapshots.subscribe()
    }

    /// How many calls run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.places.taken()
    }

    /// How many calls may run at once.
    #[must_use]
    pub fn places(&self) -> usize {
        self.places.total()
    }

    /// Waits until the records of all finished calls are written.
    ///
    /// # Errors
    /// [`AuditError`] where one could not be.
    pub fn flush(&self) -> Result<(), AuditError> {
        self.audit.flush()
    }

    /// Calls a tool as a task of the tokio runtime; dropping the answer ends the call.
    ///
    /// Unlike [`Dispatcher::call`], it ends also while the guest computes.
    pub fn spawn(self: &Arc<Self>, call: ToolCall) -> Running<CallOutcome> {
        let (dispatcher, cancel) = (Arc::clone(self), Cancel::default());
        let theirs = cancel.clone();
        let calling = async move { dispatcher.call_until(call, &theirs).await };
        let task = tokio::spawn(calling.in_current_span());
        Running::new(task, cancel)
    }

    /// Calls a tool. The future may hold the thread that polls it for as long as the guest computes.
    ///
    /// The report is there for every call that reached the sandbox, whatever came of it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(&self, call: ToolCall) -> CallOutcome {
        self.call_until(call, &Cancel::default()).await
    }

    /// Calls a tool, until it answers or is cancelled from elsewhere.
    ///
    /// # Errors
    /// See [`CallError`]; a cancelled call is [`Fault::Cancelled`].
    pub async fn call_until(&self, call: ToolCall, cancel: &Cancel) -> CallOutcome {
        let bare = |error: CallError| (error, Report::default());
        self.audit.check().map_err(|error| bare(error.into()))?;
        let catalog = self.catalog.load_full();
        let skill = find(&catalog, &call.tool).map_err(bare)?;
        let pending = Pending::new(&self.audit, skill.recorded(), &call);
        let span = call_span(&skill, &call);
        let ran = self.run(&catalog, &skill, &call, cancel).instrument(span.clone()).await;
        let (answer, report, bytes, requests) = match ran {
            Ok(outcome) => judge(outcome, skill.limits(), &call),
            Err(error) => (Err(error), Report::default(), Bytes::default(), 0),
        };
        let outcome = answer.as_ref().map_or_else(|error| error.code(), |_| "ok");
        span.record("fuel", report.spent.fuel).record("outcome", outcome);
        let redactor = Redactor::patterns();
        let recorded = pending.finish(&Ended { outcome, report: &report, bytes, requests, redactor });
        if let Err(error) = recorded {
            return Err((error.into(), report));
        }
        match answer {
            Ok(output) => Ok(ToolResult { output, report }),
            Err(error) => Err((error, report)),
        }
    }

    /// Everything of a call that is recorded whatever comes of it.
    async fn run(
        &self,
        catalog: &Catalog,
        skill: &Arc<Authorized>,
        call: &ToolCall,
        cancel: &Cancel,
    ) -> Result<Outcome, CallError> {
        let id = skill.manifest().id();
        check_input(skill.tools(), id, call)?;
        self.rates.admit(catalog.policy().ceilings(), &call.caller, id).map_err(CallError::RateLimited)?;
        let place = match self.places.take_now(id) {
            Some(place) => place,
            None => self.wait_for_place(id, cancel).await?,
        };
        let secrets = self.secrets_of(skill, cancel).await?;
        let outcome = self.executor.execute(skill, call, cancel, &secrets).await;
        place.leave();
        outcome.map_err(|error| match error {
            NotBegun::Skill(reason) => CallError::Refused { skill: id.clone(), reason },
            NotBegun::Cancelled => Fault::Cancelled.into(),
            NotBegun::Open(error) => error.into(),
        })
    }

    /// The values that a skill's calls may use, which a keyring may take its time to give.
    async fn secrets_of(&self, skill: &Authorized, cancel: &Cancel) -> Result<Arc<SecretValues>, CallError> {
        tokio::select! {
            biased;
            values = self.secrets.of(skill.manifest().id(), skill.grants().secrets()) => Ok(values),
            () = cancel.given() => Err(Fault::Cancelled.into()),
        }
    }

    async fn wait_for_place(&self, skill: &SkillId, cancel: &Cancel) -> Result<Place, CallError> {
        tokio::select! {
            biased;
            place = self.places.take(skill) => {
                place.map_err(|_| CallError::Busy { places: self.places.total() })
            }
            () = cancel.given() => Err(Fault::Cancelled.into()),
        }
    }
}

/// The span of a call, for whoever collects traces: fuel and outcome are recorded when it ends.
fn call_span(skill: &Authorized, call: &ToolCall) -> tracing::Span {
    tracing::info_span!(
        "tool_call",
        tool = call.tool.as_str(),
        caller = call.caller,
        package = %skill.archive(),
        fuel = tracing::field::Empty,
        outcome = tracing::field::Empty,
    )
}

pub(crate) type Judged = (Result<Box<RawValue>, CallError>, Report, Bytes, u64);

/// Makes of what a call left what its caller gets: an answer is a guest's words until it was checked.
pub(crate) fn judge(outcome: Outcome, limits: &Limits, call: &ToolCall) -> Judged {
    let Outcome { answer, report, mut bytes, requests } = outcome;
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
    let Some(check) = tools.find(name) else {
        return Err(CallError::UnknownTool {
            skill: skill.clone(),
            tool: name.clone(),
            nearest: tools.nearest(name.as_str()),
        });
    };
    let validator = check.map_err(|reason| CallError::Refused { skill: skill.clone(), reason })?;
    if call.input.len() > INPUT_BYTES {
        let reason = format!("it has {} bytes; at most {INPUT_BYTES} are accepted", call.input.len());
        return Err(CallError::InvalidInput { at: None, reason });
    }
    let input: Value =
        serde_json::from_str(&call.input).map_err(|error| CallError::MalformedInput(error.to_string()))?;
    // What fits is told apart at less cost than why something does not.
    if validator.is_valid(&input) {
        return Ok(());
    }
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
