//! The documents of `openclaw gateway` and `openclaw metrics`.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `gateway`, once it listens.
#[derive(Debug, Serialize)]
pub(crate) struct GatewayStarted {
    /// Where it listens.
    pub(crate) url: String,
    /// Where the token of the owner's own commands is kept.
    pub(crate) token_file: PathBuf,
}

/// `gateway --status`.
#[derive(Debug, Serialize)]
pub(crate) struct GatewayStatus {
    /// Where it listens.
    pub(crate) url: String,
    /// `healthy`.
    pub(crate) status: String,
    /// Whether it takes calls.
    pub(crate) ready: bool,
    /// Its version.
    pub(crate) version: String,
    /// The agents that it runs.
    pub(crate) agents: u32,
    /// What it counted.
    #[serde(flatten)]
    pub(crate) counts: GatewayCounts,
}

/// `metrics --format=json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GatewayCounts {
    /// Seconds since it started.
    pub(crate) uptime: u64,
    /// Skills that are installed and loaded.
    pub(crate) active_skills: u64,
    /// Resident memory of it and of its child processes, in MiB.
    pub(crate) memory_usage_mb: f64,
    /// Resident memory of its own process.
    pub(crate) resident_memory_bytes: u64,
    /// Requests that were answered.
    pub(crate) total_requests: u64,
    /// Mean time until an answer began.
    pub(crate) avg_response_time_ms: f64,
    /// Tool calls, over all surfaces.
    pub(crate) tool_calls: u64,
    /// Those that gave no result.
    pub(crate) failed_tool_calls: u64,
    /// Those that their callers gave up.
    pub(crate) cancelled_tool_calls: u64,
    /// Those that a schedule made.
    pub(crate) trigger_runs: u64,
    /// Calls that run now.
    pub(crate) running_calls: u64,
    /// Calls that may run at once.
    pub(crate) places: u64,
    /// Fuel that all calls burnt.
    pub(crate) fuel: u64,
    /// Uses of capabilities that were denied.
    pub(crate) denials: u64,
    /// Connections that are open now.
    pub(crate) connections: u64,
}

/// `gateway --install`.
#[derive(Debug, Serialize)]
pub(crate) struct GatewayUnit {
    /// The unit's file.
    pub(crate) path: PathBuf,
    /// What to run next, in order.
    pub(crate) next: Vec<String>,
}

/// An element of `gateway token list`, and what `gateway token revoke` took back.
#[derive(Debug, Serialize)]
pub(crate) struct ListedToken {
    /// What records call whoever uses it.
    pub(crate) name: String,
    /// Which tools may be seen and called with it.
    pub(crate) tools: Vec<String>,
    /// What `$workspace` stands for in its calls, or null.
    pub(crate) workspace: Option<PathBuf>,
    /// Whether the person behind it may consent to what a skill asks for.
    pub(crate) may_grant: bool,
    /// Whether it may read the metrics.
    pub(crate) metrics: bool,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When it ends, or null.
    pub(crate) expires: Option<Timestamp>,
}

/// `gateway token create`.
#[derive(Debug, Serialize)]
pub(crate) struct NewGatewayToken<'a> {
    /// The token itself, which is shown this once.
    pub(crate) token: &'a str,
    /// What is kept of it.
    #[serde(flatten)]
    pub(crate) record: ListedToken,
}
