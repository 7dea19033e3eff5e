//! The documents that the gateway answers with, as plain structs.

use openclaw_runtime::capability::log::LogLine;
use openclaw_runtime::capability::{Capability, Denial};
use openclaw_runtime::{Progress, Report};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::error::PublicError;

/// Why a request is not answered with what it asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// The error.
    pub error: PublicError,
}

/// `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `healthy`: whatever is not, does not answer.
    pub(super) status: &'static str,
    /// The version of the gateway.
    pub(super) version: &'static str,
    /// The agents that it runs.
    pub(super) agents: u32,
}

/// `GET /ready`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`.
    pub(super) status: &'static str,
}

/// A tool that may be called.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedTool {
    /// Its name: `publisher/skill/tool`.
    pub(super) tool: String,
    /// The version of its skill.
    pub(super) version: String,
    /// What it does and when to use it, in its author's words.
    pub(super) description: String,
    /// The JSON Schema of its input.
    pub(super) input_schema: Value,
    /// The JSON Schema of its result, or null.
    pub(super) output_schema: Option<Value>,
}

/// `GET /api/v1/tools`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedTools {
    /// Those that the token may call, by name.
    pub(super) tools: Vec<ListedTool>,
}

/// A call that gave a result.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Called<'a> {
    /// What the tool answered.
    #[schema(value_type = Value)]
    pub(super) result: &'a RawValue,
    /// What the call did.
    pub(super) report: CallReport<'a>,
}

/// What a call did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallReport<'a> {
    /// Fuel burnt: about one per WebAssembly instruction.
    pub(super) fuel: u64,
    /// Time that it took, in milliseconds.
    pub(super) duration_ms: f64,
    /// Most memory held, in bytes.
    pub(super) memory_bytes: u64,
    /// The tokens of a language model that it used.
    pub(super) tokens: u64,
    /// What it was refused; at most 32 distinct ones.
    pub(super) denials: Vec<Refused<'a>>,
    /// How often it was refused something.
    pub(super) denial_count: u64,
    /// What it logged.
    pub(super) log: Vec<Line<'a>>,
    /// Lines that it logged past the limits.
    pub(super) log_dropped: u64,
}

/// One use of a capability that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refused<'a> {
    /// The capability: `filesystem:write`.
    #[schema(value_type = String)]
    pub(super) capability: Capability,
    /// What it was tried on, as the skill named it.
    pub(super) target: &'a str,
    /// Why it was refused: `not-granted`.
    #[schema(value_type = String)]
    pub(super) reason: &'static str,
    /// The command with which the owner would grant it, where one would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<&'a str>,
}

/// A line that a skill logged; also the event `log`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Line<'a> {
    /// `trace`, `debug`, `info`, `warn`, `error`, `stdout` or `stderr`.
    pub(super) level: &'static str,
    /// Its text, control characters escaped.
    pub(super) message: &'a str,
}

/// How far a call is; the event `progress`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done<'a> {
    /// Of what there is to do, how much is done.
    pub(super) done: u64,
    /// How much there is to do, or null.
    pub(super) total: Option<u64>,
    /// What the skill does now.
    pub(super) message: &'a str,
}

/// The event `error`: a call that gave no result.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FailedCall<'a> {
    /// Why.
    pub(super) error: PublicError,
    /// What the call did.
    pub(super) report: CallReport<'a>,
}

impl<'a> From<&'a Report> for CallReport<'a> {
    fn from(report: &'a Report) -> Self {
        Self {
            fuel: report.spent.fuel,
            // To the microsecond.
            duration_ms: (report.spent.duration.as_secs_f64() * 1e6).round() / 1e3,
            memory_bytes: report.spent.memory_bytes,
            tokens: report.tokens,
            denials: report.denials.iter().map(Refused::from).collect(),
            denial_count: report.denial_count,
            log: report.log.iter().map(Line::from).collect(),
            log_dropped: report.log_dropped,
        }
    }
}

impl<'a> From<&'a Denial> for Refused<'a> {
    fn from(denial: &'a Denial) -> Self {
        Self {
            capability: denial.capability,
            target: &denial.target,
            reason: denial.reason.label(),
            hint: denial.hint.as_deref(),
        }
    }
}

impl<'a> From<&'a LogLine> for Line<'a> {
    fn from(line: &'a LogLine) -> Self {
        Self { level: line.level.label(), message: &line.message }
    }
}

impl<'a> From<&'a Progress> for Done<'a> {
    fn from(progress: &'a Progress) -> Self {
        Self { done: progress.done, total: progress.total, message: &progress.message }
    }
}
