//! The name of a time zone. Whether there is one of that name is for the machine to say that evaluates it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::conversions::string_conversions;
use crate::text::quoted;

/// The longest name, in bytes; the longest that there is has 32.
const MAX_LEN: usize = 64;
const UTC: &str = "UTC";

/// A text that has not the form of a zone's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("timezone {0:?}: it has not the form of an IANA name")]
pub struct ZoneNameError(String);

impl ZoneNameError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-timezone"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("write a name as \"Europe/Berlin\" or \"UTC\"".to_owned())
    }
}

/// The name of a zone in the IANA database, as `Europe/Berlin`: of the right form, and perhaps of no zone.
///
/// Words of ASCII letters, digits, `_`, `+` and `-`, each beginning with a letter, with `/` between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);

impl ZoneName {
    /// UTC, which every machine knows.
    pub fn utc() -> Self {
        Self(UTC.to_owned())
    }

    /// Whether it is UTC.
    pub fn is_utc(&self) -> bool {
        self.0 == UTC
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ZoneName {
    type Err = ZoneNameError;

    fn from_str(text: &str) -> Result<Self, ZoneNameError> {
        let is_word = |word: &str| {
            let mut bytes = word.bytes();
            bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-'))
        };
        if text.len() <= MAX_LEN && text.split('/').all(is_word) {
            return Ok(Self(text.to_owned()));
        }
        Err(ZoneNameError(quoted(text)))
    }
}

string_conversions!(ZoneName, ZoneNameError);
