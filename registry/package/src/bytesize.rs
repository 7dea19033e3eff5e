//! Sizes in bytes, written `64MiB`, `512KiB`, `100B` or as a plain integer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::quoted;

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A size in bytes.
///
/// Text is written with the largest binary unit that divides it. Deserialising accepts a text or a plain
/// integer of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct ByteSize(u64);

/// Why a text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// Not digits, or digits and a unit that is not known.
    #[error("{0:?} is not a size")]
    Syntax(String),
    /// A decimal unit, which would be ambiguous.
    #[error("{0:?} has a decimal unit")]
    DecimalUnit(String),
    /// More than 2^64 - 1 bytes.
    #[error("{0:?} is more bytes than 64 bits can count")]
    TooLarge(String),
}

impl ByteSizeError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-size"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("write digits and one of B, KiB, MiB or GiB, for example 64MiB".to_owned())
    }
}

impl ByteSize {
    /// A number of bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A number of KiB; more than fit are as many as fit.
    pub const fn kib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 10))
    }

    /// A number of MiB; more than fit are as many as fit.
    pub const fn mib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// The size in bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at_checked(end).unwrap_or((text, ""));
        if digits.is_empty() {
            return Err(ByteSizeError::Syntax(quoted(text)));
        }
        let factor = match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, factor)) => *factor,
            None if unit.is_empty() => 1,
            None if matches!(unit, "KB" | "MB" | "GB" | "kB" | "K" | "M" | "G") => {
                return Err(ByteSizeError::DecimalUnit(quoted(text)));
            }
            None => return Err(ByteSizeError::Syntax(quoted(text))),
        };
        let count: u64 = digits.parse().map_err(|_| ByteSizeError::TooLarge(quoted(text)))?;
        count.checked_mul(factor).map(Self).ok_or_else(|| ByteSizeError::TooLarge(quoted(text)))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .into_iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// How a size may stand in a document.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Bytes(u64),
    Text(String),
}

impl TryFrom<Written> for ByteSize {
    type Error = ByteSizeError;

    fn try_from(written: Written) -> Result<Self, ByteSizeError> {
        match written {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> String {
        size.to_string()
    }
}
