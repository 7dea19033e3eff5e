//! Which variables a program may be given.

mod names;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::pattern::{ArgumentPattern, MAX_ARGUMENT_SIZE};
use crate::conversions::string_conversions;
use crate::permission::PermissionError;
use crate::text::quoted;

/// The most variables in one request.
pub const MAX_VARIABLES: usize = 32;

const MAX_NAME_LEN: usize = 64;

/// Variables and what each may be set to. What is not named is not set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<VariableName, VariablePattern>")]
pub struct Environment(BTreeMap<VariableName, VariablePattern>);

impl Environment {
    /// Variables; of two with one name the last one counts.
    ///
    /// # Errors
    ///
    /// [`PermissionError::Environment`] when there are more than [`MAX_VARIABLES`], when a pattern cannot be used,
    /// or when one stands for a variable that must be fixed.
    pub fn new(
        variables: impl IntoIterator<Item = (VariableName, VariablePattern)>,
    ) -> Result<Self, PermissionError> {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        if let Some(name) = variables.keys().nth(MAX_VARIABLES) {
            let problem = "it is one variable too many, after 32";
            return Err(refuse(name.as_str(), problem, "ask for less"));
        }
        for (name, pattern) in &variables {
            pattern.check()?;
            if name.is_fixed() && !matches!(pattern, VariablePattern::Literal(_)) {
                let problem = "programs run, load or write what it names, so it may not be left open";
                return Err(refuse(name.as_str(), problem, "write the one value that it has"));
            }
        }
        Ok(Self(variables))
    }

    /// The variables, in byte order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&VariableName, &VariablePattern)> {
        self.0.iter()
    }

    /// What a variable may be set to.
    pub fn get(&self, name: &str) -> Option<&VariablePattern> {
        self.0.get(name)
    }

    /// Whether no variable may be set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many variables may be set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether each variable of `other` may be set here, to all that it may be set to there.
    pub fn covers(&self, other: &Environment) -> bool {
        other.0.iter().all(|(name, theirs)| self.0.get(name).is_some_and(|mine| mine.covers(theirs)))
    }
}

impl TryFrom<BTreeMap<VariableName, VariablePattern>> for Environment {
    type Error = PermissionError;

    fn try_from(variables: BTreeMap<VariableName, VariablePattern>) -> Result<Self, PermissionError> {
        Self::new(variables)
    }
}

/// The name of a variable: `[A-Za-z_][A-Za-z0-9_]{0,63}`.
///
/// Names by which the loader, the C library or a shell decides what runs, and those that the host sets itself,
/// are none: `PATH`, `LD_PRELOAD`, `BASH_ENV` and their like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VariableName(String);

impl VariableName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it tells some program what to run, to load or to write, so that it may have one fixed value only.
    pub fn is_fixed(&self) -> bool {
        names::is_fixed(&self.0)
    }
}

impl FromStr for VariableName {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let problem = if text.is_empty() {
            "it is empty"
        } else if text.len() > MAX_NAME_LEN {
            "it is too long"
        } else if !text.bytes().all(word) {
            "a name has none but A-Z, a-z, 0-9 and '_'"
        } else if text.starts_with(|c: char| c.is_ascii_digit()) {
            "it begins with a digit"
        } else if names::is_refused(text) {
            let problem = "it decides what is run or where, and is never given to a program";
            return Err(refuse(text, problem, "leave it out"));
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(refuse(text, problem, "write a name such as GIT_TERMINAL_PROMPT, of 1 to 64 characters"))
    }
}

impl Borrow<str> for VariableName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What a variable may be set to, written as the pattern of an argument is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VariablePattern {
    /// Exactly this.
    Literal(String),
    /// Anything: it may be empty, and begin with `-`.
    Any,
    /// One of a set.
    OneOf(Vec<String>),
    /// A whole number in its shortest decimal form.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
}

impl VariablePattern {
    /// Whether a variable may have that value. No value has a NUL, or is larger than an argument may be.
    pub fn matches(&self, value: &str) -> bool {
        value.len() <= MAX_ARGUMENT_SIZE && !value.contains('\0') && self.as_argument().takes(value, "")
    }

    /// Whether all values that `other` allows are allowed.
    pub fn covers(&self, other: &VariablePattern) -> bool {
        self.as_argument().covers(&other.as_argument())
    }

    fn check(&self) -> Result<(), PermissionError> {
        self.as_argument().check().map_err(of_variable)
    }

    /// The pattern that takes the same: of arguments, only those for the rest take anything.
    fn as_argument(&self) -> ArgumentPattern {
        match self {
            Self::Literal(value) => ArgumentPattern::Literal(value.clone()),
            Self::Any => ArgumentPattern::Rest { dash: true },
            Self::OneOf(members) => ArgumentPattern::OneOf(members.clone()),
            Self::Integer { min, max } => ArgumentPattern::Integer { min: *min, max: *max },
        }
    }
}

impl fmt::Display for VariablePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => ArgumentPattern::Any { dash: false }.fmt(f),
            other => other.as_argument().fmt(f),
        }
    }
}

impl FromStr for VariablePattern {
    type Err = PermissionError;

    fn from_str(word: &str) -> Result<Self, PermissionError> {
        match word.parse().map_err(of_variable)? {
            ArgumentPattern::Literal(value) => Ok(Self::Literal(value)),
            ArgumentPattern::Any { dash: false } => Ok(Self::Any),
            ArgumentPattern::OneOf(members) => Ok(Self::OneOf(members)),
            ArgumentPattern::Integer { min, max } => Ok(Self::Integer { min, max }),
            ArgumentPattern::Any { .. } | ArgumentPattern::Path(_) | ArgumentPattern::Rest { .. } => {
                Err(refuse(word, "the pattern is for arguments only", KNOWN))
            }
        }
    }
}

impl TryFrom<String> for VariablePattern {
    type Error = PermissionError;

    fn try_from(word: String) -> Result<Self, PermissionError> {
        word.parse()
    }
}

impl From<VariablePattern> for String {
    fn from(pattern: VariablePattern) -> String {
        pattern.to_string()
    }
}

const KNOWN: &str = "write a value, or one of <any>, <integer>, <integer:1..100> and <one-of:a|b>; double the < \
                     of a value";

fn refuse(variable: &str, problem: &'static str, hint: &'static str) -> PermissionError {
    PermissionError::Environment { variable: quoted(variable), problem, hint }
}

/// What is wrong with a pattern of an argument, said of a variable.
fn of_variable(error: PermissionError) -> PermissionError {
    match error {
        PermissionError::Argument { pattern, problem, hint } => {
            PermissionError::Environment { variable: pattern, problem, hint }
        }
        _ => refuse("", "the pattern is for arguments only", KNOWN),
    }
}

string_conversions!(VariableName, PermissionError);
