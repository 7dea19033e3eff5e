//! Requests to put questions to the person behind a session.

use serde::{Deserialize, Serialize};

use super::{PermissionKind, Reason};

/// `[permission.ask]`: questions to the person behind the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    /// What it is used for.
    pub reason: Reason,
}

impl AskRequest {
    /// The kind of permission that is asked.
    pub fn kind(&self) -> PermissionKind {
        PermissionKind::Ask
    }
}
