//! The record of what happened: one line of JSON for each call, appended to the audit log.

mod log;
mod pending;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openclaw_package::digest::Digest;
use openclaw_package::key::PublicKey;
use openclaw_package::name::ToolId;
use serde::{Deserialize, Serialize};

pub use self::log::AuditLog;
pub(crate) use self::pending::{Ended, Pending, Subject};
use crate::capability::Denial;
use crate::capability::process::Ran;
use crate::policy::Rule;

/// What one call did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
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

/// Reads an audit log, oldest record first; a log that is not there is empty. A line that is no
/// record, as a full disk leaves one, is passed over with a warning.
///
/// # Errors
/// [`AuditError`] where the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<Record>, AuditError> {
    let failed = |reason: String| AuditError { path: path.to_owned(), doing: "read", reason };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error.to_string())),
    };
    let mut records = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| failed(error.to_string()))?;
        match serde_json::from_str(&line) {
            Ok(record) => records.push(record),
            Err(error) => tracing::warn!("{} line {} is no record: {error}", path.display(), index + 1),
        }
    }
    Ok(records)
}
