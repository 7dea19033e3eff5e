//! Names of publishers, skills and tools: `publisher/skill/tool`, each part a kebab-case label.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::conversions::string_conversions;
use crate::text::quoted;

/// The longest label, in bytes.
pub const MAX_LABEL_LEN: usize = 64;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {what}: {problem}")]
pub struct NameError {
    what: &'static str,
    value: String,
    problem: NameProblem,
}

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// A label has no characters.
    #[error("a part of it is empty")]
    Empty,
    /// A label has more than [`MAX_LABEL_LEN`] bytes.
    #[error("a part of it is longer than {MAX_LABEL_LEN} characters")]
    TooLong,
    /// A character outside `a-z`, `0-9` and `-`.
    #[error("'{}' is not one of a-z, 0-9 and -", quoted(.0.encode_utf8(&mut [0; 4])))]
    Character(char),
    /// A `-` at the start or at the end, or two in a row.
    #[error("a hyphen stands between two letters or digits, alone")]
    Hyphen,
    /// The number of parts between slashes is another one.
    #[error("it has {found} parts, not {expected}")]
    Parts {
        /// How many parts such a name has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
}

impl NameError {
    fn new(what: &'static str, value: &str, problem: NameProblem) -> Self {
        Self { what, value: quoted(value), problem }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-name"
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &NameProblem {
        &self.problem
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self.what {
            "skill id" => "write publisher/skill, for example acme/git-helper".to_owned(),
            "tool id" => "write publisher/skill/tool, for example acme/git-helper/status".to_owned(),
            _ => format!(
                "use 1 to {MAX_LABEL_LEN} of a-z, 0-9 and -, beginning and ending with a letter or digit"
            ),
        })
    }
}

fn check_label(text: &str) -> Result<(), NameProblem> {
    if text.is_empty() {
        return Err(NameProblem::Empty);
    }
    if let Some(character) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        return Err(NameProblem::Character(character));
    }
    if text.len() > MAX_LABEL_LEN {
        return Err(NameProblem::TooLong);
    }
    if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
        return Err(NameProblem::Hyphen);
    }
    Ok(())
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// A label: 1 to 64 of `a-z`, `0-9` and `-`; begins and ends with a letter or digit; no `--`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check_label(text).map_err(|problem| NameError::new($what, text, problem))?;
                Ok(Self(text.to_owned()))
            }
        }

        string_conversions!($name, NameError);
    };
}

label!(
    /// Who signs and publishes a skill: `acme`.
    PublisherName,
    "publisher name"
);
label!(
    /// A skill's own name, unique with its publisher: `git-helper`.
    SkillName,
    "skill name"
);
label!(
    /// A tool's own name, unique within its skill: `smart-commit`.
    ToolName,
    "tool name"
);
label!(
    /// The name by which a skill asks for a secret of its owner: `github-token`.
    SecretName,
    "secret name"
);

/// A skill: `publisher/skill`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SkillId {
    publisher: PublisherName,
    name: SkillName,
    text: String,
}

impl SkillId {
    /// Joins a publisher's and a skill's name.
    pub fn new(publisher: PublisherName, name: SkillName) -> Self {
        let text = format!("{publisher}/{name}");
        Self { publisher, name, text }
    }

    /// Who publishes the skill.
    pub fn publisher(&self) -> &PublisherName {
        &self.publisher
    }

    /// The skill's own name.
    pub fn name(&self) -> &SkillName {
        &self.name
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id of one of the skill's tools.
    pub fn tool(&self, tool: ToolName) -> ToolId {
        ToolId::new(self.clone(), tool)
    }

    /// The id without its hyphens: two ids with one key look alike, so only one of them may be registered.
    pub fn collision_key(&self) -> String {
        self.text.replace('-', "")
    }
}

impl FromStr for SkillId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.split('/').collect();
        let [publisher, name] = parts.as_slice() else {
            let problem = NameProblem::Parts { expected: 2, found: parts.len() };
            return Err(NameError::new("skill id", text, problem));
        };
        Ok(Self::new(publisher.parse()?, name.parse()?))
    }
}

string_conversions!(SkillId, NameError);

/// A tool of a skill: `publisher/skill/tool`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolId {
    skill: SkillId,
    tool: ToolName,
    text: String,
}

impl ToolId {
    /// Joins a skill's id and a tool's name.
    pub fn new(skill: SkillId, tool: ToolName) -> Self {
        let text = format!("{skill}/{tool}");
        Self { skill, tool, text }
    }

    /// The skill that offers the tool.
    pub fn skill(&self) -> &SkillId {
        &self.skill
    }

    /// The tool's own name.
    pub fn tool(&self) -> &ToolName {
        &self.tool
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for ToolId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.split('/').collect();
        let [publisher, name, tool] = parts.as_slice() else {
            let problem = NameProblem::Parts { expected: 3, found: parts.len() };
            return Err(NameError::new("tool id", text, problem));
        };
        Ok(Self::new(SkillId::new(publisher.parse()?, name.parse()?), tool.parse()?))
    }
}

string_conversions!(ToolId, NameError);
