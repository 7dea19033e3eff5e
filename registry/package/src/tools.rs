//! The tools of a skill as they are signed with it: names, descriptions, JSON Schemas.

mod recursion;
mod schema;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::json::{self, JsonError};
use crate::name::{NameError, ToolName};
use crate::text::{self, Lines, nearest, quoted};

/// The most tools a skill may offer.
pub const MAX_TOOLS: usize = 128;

/// The largest `openclaw/tools.json`, in bytes.
pub const MAX_TOOLS_SIZE: usize = 1 << 20;

/// The longest description, in characters.
pub const MAX_DESCRIPTION_LEN: usize = 4096;

/// How deep a schema may nest.
pub const MAX_SCHEMA_DEPTH: usize = 64;

/// Why a list of tools was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolsError {
    /// More than [`MAX_TOOLS_SIZE`] bytes.
    #[error("the tools take {0} bytes, more than {MAX_TOOLS_SIZE}")]
    TooLarge(usize),
    /// More than [`MAX_TOOLS`].
    #[error("the skill has {0} tools, more than {MAX_TOOLS}")]
    TooMany(usize),
    /// None at all.
    #[error("the skill has no tools")]
    Empty,
    /// Not strict JSON, or a duplicate key.
    #[error("tools.json is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A field is unknown, missing or of another form.
    #[error("tools.json does not have the form of a list of tools: {0}")]
    Form(String),
    /// A name that is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A name that stands there twice.
    #[error("the tool {0} stands there twice")]
    Duplicate(ToolName),
    /// A description that is empty or too long.
    #[error("the tool {tool} has a description of {length} characters")]
    DescriptionLength {
        /// The tool.
        tool: ToolName,
        /// How long the description is.
        length: usize,
    },
    /// A text with a character that could hide or reorder what is read.
    #[error("the tool {tool} has in its {place} a character that does not show: {character}")]
    HiddenCharacter {
        /// The tool.
        tool: ToolName,
        /// Where.
        place: &'static str,
        /// Which one, and at which byte.
        character: String,
    },
    /// A schema that cannot be used.
    #[error("the tool {tool} has an {place} that {problem}")]
    Schema {
        /// The tool.
        tool: ToolName,
        /// Input or output.
        place: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl ToolsError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) | Self::TooMany(_) => "too-many-tools",
            Self::Empty => "no-tools",
            Self::Json(_) | Self::Form(_) => "invalid-tools",
            Self::Name(error) => error.code(),
            Self::Duplicate(_) => "duplicate-tool",
            Self::DescriptionLength { .. } | Self::HiddenCharacter { .. } => "invalid-description",
            Self::Schema { .. } => "invalid-schema",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name(error) => return error.hint(),
            Self::TooLarge(_) | Self::TooMany(_) => "split it into several skills".to_owned(),
            Self::Empty => "export at least one tool".to_owned(),
            Self::DescriptionLength { .. } => {
                format!("say in 1 to {MAX_DESCRIPTION_LEN} characters what the tool does")
            }
            Self::HiddenCharacter { .. } => "remove the character from the text".to_owned(),
            Self::Duplicate(_) => "give each tool a name of its own".to_owned(),
            Self::Schema { .. } => "take one struct as input, and keep its schema in one document".to_owned(),
            Self::Json(_) | Self::Form(_) => {
                "do not write tools.json by hand; `openclaw skill build` makes it".to_owned()
            }
        })
    }
}

/// A tool, as it is shown to a person or a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tool {
    /// The name, unique within the skill.
    pub name: ToolName,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema (draft 2020-12) of the input; an object.
    pub input_schema: Value,
    /// JSON Schema of the output, where the author declared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
}

/// All tools of a skill, in byte order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolList(Vec<Tool>);

/// `openclaw/tools.json`, with the field names of MCP's `tools/list`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    tools: Vec<Tool>,
}

impl ToolList {
    /// A list of tools, sorted by name.
    ///
    /// # Errors
    ///
    /// No tool or too many, a name twice, a description or a schema that cannot be shown or used.
    pub fn new(mut tools: Vec<Tool>) -> Result<Self, ToolsError> {
        match tools.len() {
            0 => return Err(ToolsError::Empty),
            1..=MAX_TOOLS => {}
            count => return Err(ToolsError::TooMany(count)),
        }
        tools.iter().try_for_each(check_tool)?;
        tools.sort_by(|one, next| one.name.cmp(&next.name));
        let twice = tools.iter().zip(tools.iter().skip(1)).find(|(one, next)| one.name == next.name);
        if let Some((tool, _)) = twice {
            return Err(ToolsError::Duplicate(tool.name.clone()));
        }
        let list = Self(tools);
        match list.to_json().len() {
            0..=MAX_TOOLS_SIZE => Ok(list),
            size => Err(ToolsError::TooLarge(size)),
        }
    }

    /// Reads `openclaw/tools.json`.
    ///
    /// # Errors
    ///
    /// What is not strict JSON of that form, or what [`ToolList::new`] refuses.
    pub fn parse(bytes: &[u8]) -> Result<Self, ToolsError> {
        if bytes.len() > MAX_TOOLS_SIZE {
            return Err(ToolsError::TooLarge(bytes.len()));
        }
        let written: Written = serde_json::from_value(json::parse(bytes)?)
            .map_err(|error| ToolsError::Form(quoted(&error.to_string())))?;
        Self::new(written.tools)
    }

    /// `openclaw/tools.json`: tools by name, keys sorted, indented, with a line feed at the end. The same tools
    /// give the same bytes.
    pub fn to_json(&self) -> Vec<u8> {
        // A tool is names, text and JSON: always representable.
        json::to_canonical(&json!({ "tools": self.0 })).unwrap_or_default()
    }

    /// The tool of that name.
    pub fn get(&self, name: &ToolName) -> Option<&Tool> {
        let place = self.0.binary_search_by(|tool| tool.name.cmp(name)).ok()?;
        self.0.get(place)
    }

    /// The names nearest to a text that is none of them, best first.
    pub fn nearest(&self, text: &str) -> Vec<ToolName> {
        let names = nearest(text, self.0.iter().map(|tool| tool.name.as_str()));
        names.into_iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// The tools in byte order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Tool> {
        self.0.iter()
    }

    /// How many there are; at least one.
    #[allow(clippy::len_without_is_empty, reason = "a list of tools is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> IntoIterator for &'a ToolList {
    type Item = &'a Tool;
    type IntoIter = std::slice::Iter<'a, Tool>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn check_tool(tool: &Tool) -> Result<(), ToolsError> {
    let length = tool.description.chars().count();
    if tool.description.trim().is_empty() || length > MAX_DESCRIPTION_LEN {
        return Err(ToolsError::DescriptionLength { tool: tool.name.clone(), length });
    }
    check_text(tool, "description", &tool.description)?;
    schema::check(tool, "input schema", &tool.input_schema)?;
    if tool.input_schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(schema_error(tool, "input schema", "is not of type object"));
    }
    tool.output_schema.as_ref().map_or(Ok(()), |schema| schema::check(tool, "output schema", schema))
}

fn check_text(tool: &Tool, place: &'static str, text: &str) -> Result<(), ToolsError> {
    text::check(text, Lines::Many).map_err(|found| ToolsError::HiddenCharacter {
        tool: tool.name.clone(),
        place,
        character: found.to_string(),
    })
}

fn schema_error(tool: &Tool, place: &'static str, problem: &str) -> ToolsError {
    ToolsError::Schema { tool: tool.name.clone(), place, problem: problem.to_owned() }
}
