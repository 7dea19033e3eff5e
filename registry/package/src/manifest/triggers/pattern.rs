//! Which commands a trigger takes: a regular expression over the whole of one, bounded in what it costs.

use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::conversions::string_conversions;
use crate::text::{Lines, check, quoted};

/// The longest pattern, in bytes.
pub const MAX_PATTERN_LEN: usize = 256;

/// The longest command that is matched, in bytes.
pub const MAX_COMMAND_LEN: usize = 4096;

/// Bytes that a compiled pattern may take, and the tables that matching builds may take.
const COMPILED_BYTES: usize = 128 << 10;

/// Groups that may stand within each other.
const NESTING: u32 = 32;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pattern {pattern:?}: {problem}")]
pub struct PatternError {
    pattern: String,
    problem: String,
}

impl PatternError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-pattern"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("write a regular expression for the whole command, for example \"git( .*)?\"".to_owned())
    }
}

/// A regular expression that a whole command matches or does not; two are equal if they are written alike.
///
/// The engine does not backtrack, so that no command takes it longer than its length says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandPattern {
    text: String,
    whole: Regex,
}

impl CommandPattern {
    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it takes all of a command. One longer than [`MAX_COMMAND_LEN`] is taken by none.
    pub fn matches(&self, command: &str) -> bool {
        command.len() <= MAX_COMMAND_LEN && self.whole.is_match(command)
    }
}

impl FromStr for CommandPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let refuse = |problem| PatternError { pattern: quoted(text), problem };
        if text.is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        if text.len() > MAX_PATTERN_LEN {
            return Err(refuse(format!("it is longer than {MAX_PATTERN_LEN} bytes")));
        }
        check(text, Lines::One).map_err(|hidden| refuse(format!("it has {hidden}")))?;
        // Alone first: what closes a group that it did not open would get out of the one around it.
        compile(text).map_err(&refuse)?;
        let whole = compile(&format!(r"\A(?:{text})\z")).map_err(&refuse)?;
        Ok(Self { text: text.to_owned(), whole })
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(text)
        .size_limit(COMPILED_BYTES)
        .dfa_size_limit(COMPILED_BYTES)
        .nest_limit(NESTING)
        .build();
    compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => format!("compiled, it is larger than {limit} bytes"),
        // The last line says what is wrong; those before show where, in the pattern's own words.
        error => {
            let text = error.to_string();
            let last = text.lines().next_back().unwrap_or_default();
            quoted(last.strip_prefix("error: ").unwrap_or(last))
        }
    })
}

impl PartialEq for CommandPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CommandPattern {}

string_conversions!(CommandPattern, PatternError);
