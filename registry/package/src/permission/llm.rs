//! Requests for the owner's language model.

use serde::{Deserialize, Serialize};

use super::{PermissionError, PermissionKind, Reason};

/// The tokens of a manifest that names none.
pub const DEFAULT_LLM_TOKENS: u64 = 20_000;

/// The most tokens a manifest may ask.
pub const MAX_LLM_TOKENS: u64 = 1_000_000;

/// `[permission.llm]`: questions to the owner's language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct LlmRequest {
    /// The tokens of one call of a tool, questions and answers together, at most.
    pub tokens: u64,
    /// What it is used for.
    pub reason: Reason,
}

impl LlmRequest {
    /// A request; no number is [`DEFAULT_LLM_TOKENS`].
    ///
    /// # Errors
    ///
    /// [`PermissionError::Tokens`] when it is zero or more than [`MAX_LLM_TOKENS`].
    pub fn new(tokens: Option<u64>, reason: Reason) -> Result<Self, PermissionError> {
        let tokens = tokens.unwrap_or(DEFAULT_LLM_TOKENS);
        if tokens == 0 || tokens > MAX_LLM_TOKENS {
            return Err(PermissionError::Tokens(tokens));
        }
        Ok(Self { tokens, reason })
    }

    /// The kind of permission that is asked.
    pub fn kind(&self) -> PermissionKind {
        PermissionKind::Llm
    }
}

/// A request as it is stored, before its number is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    tokens: Option<u64>,
    reason: Reason,
}

impl TryFrom<Written> for LlmRequest {
    type Error = PermissionError;

    fn try_from(written: Written) -> Result<Self, PermissionError> {
        Self::new(written.tokens, written.reason)
    }
}
