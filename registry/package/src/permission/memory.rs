//! Requests for the skill's own key-value store.

use serde::{Deserialize, Serialize};

use super::{PermissionError, PermissionKind, Reason};
use crate::bytesize::ByteSize;

/// The quota of a manifest that names none.
pub const DEFAULT_MEMORY_QUOTA: ByteSize = ByteSize::mib(1);

/// The largest quota a manifest may ask.
pub const MAX_MEMORY_QUOTA: ByteSize = ByteSize::mib(64);

/// `[permission.memory]`: a key-value store that is kept between calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct MemoryRequest {
    /// The bytes of all keys and values together, at most.
    pub quota: ByteSize,
    /// What it is used for.
    pub reason: Reason,
}

impl MemoryRequest {
    /// A request; no quota is [`DEFAULT_MEMORY_QUOTA`].
    ///
    /// # Errors
    ///
    /// [`PermissionError::Quota`] when it is zero or more than [`MAX_MEMORY_QUOTA`].
    pub fn new(quota: Option<ByteSize>, reason: Reason) -> Result<Self, PermissionError> {
        let quota = quota.unwrap_or(DEFAULT_MEMORY_QUOTA);
        if quota == ByteSize::new(0) || quota > MAX_MEMORY_QUOTA {
            return Err(PermissionError::Quota(quota));
        }
        Ok(Self { quota, reason })
    }

    /// The kind of permission that is asked.
    pub fn kind(&self) -> PermissionKind {
        PermissionKind::Memory
    }
}

/// A request as it is stored, before its quota is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    quota: Option<ByteSize>,
    reason: Reason,
}

impl TryFrom<Written> for MemoryRequest {
    type Error = PermissionError;

    fn try_from(written: Written) -> Result<Self, PermissionError> {
        Self::new(written.quota, written.reason)
    }
}
