//! The front matter of a SKILL.md: the six fields of Agent Skills, in a small part of YAML
//! (<https://agentskills.io/specification>).

mod yaml;

use std::collections::BTreeMap;

use crate::name::{NameError, SkillName};
use crate::text::{self, Lines, nearest, quoted};

/// The largest SKILL.md, in bytes.
pub const MAX_SKILL_MD_SIZE: usize = 256 << 10;

/// The longest description, in characters.
pub const MAX_DESCRIPTION_LEN: usize = 1024;

/// The longest text of `compatibility`, in characters.
pub const MAX_COMPATIBILITY_LEN: usize = 500;

const FIELDS: [&str; 6] = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];

/// Why a SKILL.md was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkillMdError {
    /// More than [`MAX_SKILL_MD_SIZE`] bytes.
    #[error("SKILL.md has {0} bytes, more than {MAX_SKILL_MD_SIZE}")]
    TooLarge(usize),
    /// The bytes are not UTF-8.
    #[error("SKILL.md is not UTF-8")]
    NotUtf8,
    /// The first line is not `---`, or no later line is.
    #[error("SKILL.md does not begin with front matter between two lines of ---")]
    NoFrontMatter,
    /// The YAML cannot be read.
    #[error("SKILL.md:{line}: {problem}")]
    Yaml {
        /// The line in the file, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// YAML that is not needed here: anchors, aliases, tags, lists, deeper mappings, several documents.
    #[error("SKILL.md:{line}: {what} cannot stand in the front matter")]
    Unsupported {
        /// The line in the file, from 1.
        line: usize,
        /// What it is.
        what: &'static str,
    },
    /// A field that is not one of the six.
    #[error("SKILL.md:{line}: unknown field {field:?}")]
    UnknownField {
        /// The line in the file, from 1.
        line: usize,
        /// What was written.
        field: String,
        /// The nearest of the six.
        suggestion: Option<String>,
    },
    /// A field that stands there twice.
    #[error("SKILL.md:{line}: the field {field:?} stands there twice")]
    Duplicate {
        /// The line in the file, from 1.
        line: usize,
        /// The field.
        field: String,
    },
    /// A field that must stand there and does not.
    #[error("SKILL.md has no {0}")]
    Missing(&'static str),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A field that is empty or too long.
    #[error("SKILL.md has a {field} of {length} characters; it must have 1 to {most}")]
    Length {
        /// The field.
        field: &'static str,
        /// How long it is.
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// A field with a character that could hide or reorder what is read.
    #[error("SKILL.md has in its {field} a character that does not show: {character}")]
    HiddenCharacter {
        /// The field.
        field: String,
        /// Which one, and at which byte.
        character: String,
    },
}

impl SkillMdError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "skill-md-too-large",
            Self::UnknownField { .. } => "unknown-field",
            Self::Duplicate { .. } => "duplicate-field",
            Self::Missing(_) => "missing-field",
            Self::Name(error) => error.code(),
            Self::Length { .. } | Self::HiddenCharacter { .. } => "invalid-field",
            _ => "invalid-skill-md",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLarge(_) => "move parts of it to references/".to_owned(),
            Self::NotUtf8 => "save the file as UTF-8".to_owned(),
            Self::NoFrontMatter | Self::Missing(_) => {
                "begin the file with ---, then name: and description:, then ---".to_owned()
            }
            Self::Yaml { .. } | Self::Unsupported { .. } => {
                "write one `field: text` a line; only metadata has fields of its own, one level deep"
                    .to_owned()
            }
            Self::UnknownField { suggestion: Some(field), .. } => format!("did you mean {field}?"),
            Self::UnknownField { suggestion: None, .. } => {
                format!("the fields are {}; put others under metadata", FIELDS.join(", "))
            }
            Self::Duplicate { .. } => "remove one of the two".to_owned(),
            Self::Name(error) => return error.hint(),
            Self::Length { field, most, .. } => format!("write a {field} of 1 to {most} characters"),
            Self::HiddenCharacter { .. } => "remove the character from the text".to_owned(),
        })
    }
}

/// A SKILL.md whose front matter was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillMd {
    name: SkillName,
    description: String,
    license: Option<String>,
    compatibility: Option<String>,
    metadata: BTreeMap<String, String>,
    allowed_tools: Option<String>,
    body: String,
}

impl SkillMd {
    /// Reads a SKILL.md.
    ///
    /// The front matter is YAML of which only this is accepted: one mapping of the six fields, each a plain,
    /// quoted or block text, and `metadata` a mapping of texts. Texts are taken as they are written: `1.0` is
    /// the text `1.0`.
    ///
    /// # Errors
    ///
    /// Whatever else stands there, by name and line.
    pub fn parse(text: &str) -> Result<Self, SkillMdError> {
        if text.len() > MAX_SKILL_MD_SIZE {
            return Err(SkillMdError::TooLarge(text.len()));
        }
        let (front, body) = split(text).ok_or(SkillMdError::NoFrontMatter)?;
        let mut fields = yaml::read(front)?;
        if let Some((field, line)) = fields.unknown(&FIELDS) {
            let suggestion = nearest(field, FIELDS).first().map(|&field| field.to_owned());
            return Err(SkillMdError::UnknownField { line, field: quoted(field), suggestion });
        }
        let name = fields.take("name")?.ok_or(SkillMdError::Missing("name"))?;
        let description = fields.take("description")?.ok_or(SkillMdError::Missing("description"))?;
        let description = bounded("description", description, MAX_DESCRIPTION_LEN)?;
        let compatibility = fields.take("compatibility")?;
        let compatibility =
            compatibility.map(|text| bounded("compatibility", text, MAX_COMPATIBILITY_LEN)).transpose()?;
        Ok(Self {
            name: name.parse()?,
            description,
            license: fields.take("license")?,
            compatibility,
            metadata: fields.take_mapping("metadata")?,
            allowed_tools: fields.take("allowed-tools")?,
            body: body.to_owned(),
        })
    }

    /// Reads a SKILL.md from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`SkillMdError::NotUtf8`], and what [`SkillMd::parse`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SkillMdError> {
        Self::parse(std::str::from_utf8(bytes).map_err(|_| SkillMdError::NotUtf8)?)
    }

    /// The skill's name, without its publisher.
    pub fn name(&self) -> &SkillName {
        &self.name
    }

    /// What the skill does and when to use it.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The licence, where one is named.
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// What the skill needs of its surroundings, in words.
    pub fn compatibility(&self) -> Option<&str> {
        self.compatibility.as_deref()
    }

    /// Further fields, by name.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// What other agents let the skill use without asking. It grants nothing here.
    pub fn allowed_tools(&self) -> Option<&str> {
        self.allowed_tools.as_deref()
    }

    /// What follows the front matter.
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// What stands between the first two lines of `---`, and what follows them.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    if first.trim_end_matches(['\r', '\n']) != "---" {
        return None;
    }
    let start = first.len();
    let mut end = start;
    for line in lines {
        if line.trim_end_matches(['\r', '\n']) == "---" {
            return Some((text.get(start..end)?, text.get(end + line.len()..)?));
        }
        end += line.len();
    }
    None
}

fn bounded(field: &'static str, text: String, most: usize) -> Result<String, SkillMdError> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > most {
        return Err(SkillMdError::Length { field, length, most });
    }
    Ok(text)
}

fn checked(field: &str, text: String) -> Result<String, SkillMdError> {
    text::check(&text, Lines::Many).map_err(|found| SkillMdError::HiddenCharacter {
        field: quoted(field),
        character: found.to_string(),
    })?;
    Ok(text)
}
