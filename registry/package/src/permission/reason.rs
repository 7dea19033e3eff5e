//! The author's words for why a permission is asked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::PermissionError;
use crate::text::{self, Lines};

/// The longest reason, in characters.
pub const MAX_REASON_LEN: usize = 200;

/// Why a permission is asked: one line of 1 to [`MAX_REASON_LEN`] characters, none of them hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Reason {
    /// The reason as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = PermissionError;

    fn from_str(reason: &str) -> Result<Self, PermissionError> {
        let length = reason.chars().count();
        if reason.trim().is_empty() || length > MAX_REASON_LEN {
            return Err(PermissionError::ReasonLength(length));
        }
        text::check(reason, Lines::One)
            .map_err(|found| PermissionError::ReasonCharacter(found.to_string()))?;
        Ok(Self(reason.to_owned()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Reason {
    type Error = PermissionError;

    fn try_from(reason: String) -> Result<Self, PermissionError> {
        reason.parse()
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> String {
        reason.0
    }
}
