//! The name of a registry, which stands in every document that it signs.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::conversions::string_conversions;
use crate::text::quoted;

/// The longest origin, in bytes.
pub const MAX_ORIGIN_LEN: usize = 128;

/// What a lockfile writes for a skill that came from a file, and so the name of no registry.
pub const LOCAL: &str = "local";

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a registry")]
pub struct OriginError(String);

impl OriginError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-origin"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(format!(
            "use 1 to {MAX_ORIGIN_LEN} visible ASCII characters other than +, for example skills.example.com; {LOCAL:?} is \
             taken"
        ))
    }
}

/// The name of a registry: 1 to 128 visible ASCII characters (0x21 to 0x7e) without `+`.
///
/// It is the key name of the log's signed notes, in which neither a space nor a `+` may stand
/// (<https://c2sp.org/signed-note>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+');
        if text.is_empty() || text.len() > MAX_ORIGIN_LEN || !visible || text == LOCAL {
            return Err(OriginError(quoted(text)));
        }
        Ok(Self(text.to_owned()))
    }
}

string_conversions!(Origin, OriginError);
