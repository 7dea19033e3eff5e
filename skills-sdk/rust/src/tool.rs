//! The tools of a skill, and what their inputs and outputs must be.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Context, Error, Result, schema};

/// A skill: `#[skill]` implements it from an impl block.
pub trait Skill {
    /// All tools, as the host reads them when the skill is packed.
    ///
    /// # Errors
    ///
    /// A tool's input type is not a JSON object.
    fn tools() -> Result<Vec<Tool>>;

    /// Calls a tool by its name in kebab-case; input and result are JSON text.
    ///
    /// # Errors
    ///
    /// The name or the input means nothing to the skill, or the tool's own error.
    fn call(ctx: &Context, name: &str, input: &str) -> Result<String>;
}

/// A tool, as it is shown to a person or a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tool {
    /// In kebab-case, unique within the skill.
    pub name: String,
    /// What it does and when to use it: the function's doc comment.
    pub description: String,
    /// JSON Schema (draft 2020-12) of the input, as JSON text.
    pub input_schema: String,
    /// JSON Schema of the output, as JSON text; none where any JSON may come out.
    pub output_schema: Option<String>,
}

// The traits beneath have no supertraits: the compiler would name a missing one of these instead
// of giving the advice.

/// What a tool can take: a type that reads itself from JSON and describes itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the input of a tool",
    label = "not an input",
    note = "add `#[openclaw_skill::input]` to the type"
)]
pub trait Input: Sized {
    /// Reads the input of a call.
    #[doc(hidden)]
    fn from_json(input: &str) -> Result<Self>;

    /// The schema of a tool's input.
    #[doc(hidden)]
    fn schema(tool: &str) -> Result<String>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> Input for T {
    fn from_json(input: &str) -> Result<Self> {
        parse(input)
    }

    fn schema(tool: &str) -> Result<String> {
        schema::input::<T>(tool)
    }
}

/// What a tool can return: a type that writes itself as JSON and describes itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a tool",
    label = "not an output",
    note = "add `#[openclaw_skill::output]` to the type"
)]
pub trait Output {
    /// Writes the result of a call.
    #[doc(hidden)]
    fn to_json(&self) -> Result<String>;

    /// The schema of a tool's output; none where it says nothing.
    #[doc(hidden)]
    fn schema() -> Option<String>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> Output for T {
    fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::failed(format!("the result cannot be written as JSON: {error}")))
    }

    fn schema() -> Option<String> {
        schema::output::<T>()
    }
}

fn parse<T: DeserializeOwned>(input: &str) -> Result<T> {
    let mut json = serde_json::Deserializer::from_str(input);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // The path of a fault in the whole is a lone dot.
        let place = if path == "." { "the input".to_owned() } else { format!("`{path}`") };
        Error::invalid_input(format!("{place}: {}", error.into_inner()))
    })?;
    json.end().map_err(|error| Error::invalid_input(format!("the input: {error}")))?;
    Ok(parsed)
}
