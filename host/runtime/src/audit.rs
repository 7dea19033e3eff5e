//! The record of what happened: one line of JSON for each call, appended to the audit log and chained to the one before.

mod appender;
mod chain;
mod files;
mod lines;
mod log;
mod pending;
mod pruned;
mod query;
mod rotation;
#[cfg(test)]
mod tests;
mod verify;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openclaw_package::digest::Digest;
use openclaw_package::key::PublicKey;
use openclaw_package::name::ToolId;
use serde::{Deserialize, Serialize};

pub use self::chain::{Checkpoint, CheckpointError};
pub(crate) use self::files::is_at;
pub use self::log::AuditLog;
pub(crate) use self::pending::{Ended, Pending, Subject};
pub use self::query::{Outcome, Query, search};
pub use self::rotation::Rotation;
pub use self::verify::{Expected, Fault, FaultCode, Verification, verify};
use crate::capability::Denial;
use crate::capability::process::Ran;
use crate::policy::Rule;

/// What one call did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number in the log, from 1; none in a log of an older version, which has no chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// When the call began.
    pub time: Timestamp,
    /// Who asked, as the surface names it: `cli`.
    pub caller: String,
    /// Which tool.
    pub tool: ToolId,
    /// The skill's version.
    pub version: semver::Version,
    /// The digest of the package's archive; none for a skill in development.
    pub package: Option<Digest>,
    /// The key that signed the package; none for a skill in development.
    pub signer: Option<PublicKey>,
    /// The owner's allow rules for the skill. It held what of them its manifest requests too.
    pub grants: Vec<Rule>,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// Fuel burnt.
    pub fuel: u64,
    /// Time taken, in microseconds.
    pub duration_us: u64,
    /// Most bytes of memory held.
    pub memory_bytes: u64,
    /// What went in and out.
    pub bytes: Bytes,
    /// Requests sent over the network.
    pub requests: u64,
    /// What was refused; at most 32 distinct ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<Denial>,
    /// How many times something was refused.
    pub denial_count: u64,
    /// The programs that were run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Ran>,
    /// The tokens of a language model that were used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// How often the person behind the session was asked something.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub questions: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Bytes that passed the edge of the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Of the input.
    pub input: u64,
    /// Of the result.
    pub output: u64,
    /// Read from files.
    pub files_read: u64,
    /// Written to files.
    pub files_written: u64,
    /// Sent over the network.
    pub network_sent: u64,
    /// Received over the network.
    pub network_received: u64,
}

/// Why the audit log cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the audit log {} cannot be {doing}: {reason}", path.display())]
pub struct AuditError {
    path: PathBuf,
    doing: &'static str,
    reason: String,
}

/// Where the chain of a log ends; none where nothing is recorded in one yet.
///
/// # Errors
/// [`AuditError`] where a file cannot be read.
pub fn head(path: &Path) -> Result<Option<Checkpoint>, AuditError> {
    appender::end(&files::Files::of(path)).map_err(|error| AuditError {
        path: path.to_owned(),
        doing: "read",
        reason: error.to_string(),
    })
}
