//! Inputs and outputs with the plain derives, flattened fields, and inputs that are no objects.

#![expect(missing_docs, reason = "the types of a test are for its own reader")]

use openclaw_skill::{
    Context, Deserialize, JsonSchema, Result, Serialize, Skill, input, json, output, skill,
};

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "openclaw_skill::serde")]
#[schemars(crate = "openclaw_skill::schemars")]
pub struct Plain {
    text: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(crate = "openclaw_skill::serde")]
#[schemars(crate = "openclaw_skill::schemars")]
pub struct Echoed {
    text: String,
}

#[input]
#[output]
pub struct Flattened {
    #[serde(flatten)]
    rest: json::Map<String, json::Value>,
}

/// A comment.
#[input]
#[serde(deny_unknown_fields)]
#[schemars(title = "Chosen")]
pub struct Strict {
    #[serde(rename = "max")]
    limit: Option<u8>,
}

pub struct Echo;

#[skill(manifest = "skills/hello.toml")]
impl Echo {
    /// Give the text back.
    pub fn echo(input: Plain) -> Result<Echoed> {
        Ok(Echoed { text: input.text })
    }

    /// Give everything back.
    pub fn all(input: Flattened) -> Result<Flattened> {
        Ok(input)
    }

    /// Give the limit back.
    pub fn limit(input: Strict) -> Result<Option<u8>> {
        Ok(input.limit)
    }
}

mod wrapped {
    use super::{Result, input, skill};

    #[input]
    pub struct Wrapped(pub String);

    pub struct Wrong;

    #[skill(manifest = "skills/hello.toml")]
    impl Wrong {
        /// Take a string.
        pub fn take(input: Wrapped) -> Result<usize> {
            Ok(input.0.len())
        }
    }
}

#[test]
fn plain_derives_work() {
    assert_eq!(Echo::call(&Context::fake(), "echo", r#"{"text":"x"}"#).unwrap(), r#"{"text":"x"}"#);
}

#[test]
fn flattened_fields_take_what_comes() {
    assert_eq!(Echo::call(&Context::fake(), "all", r#"{"x":1}"#).unwrap(), r#"{"x":1}"#);
}

#[test]
fn the_authors_own_settings_stand() {
    let tools = Echo::tools().unwrap();
    let schema: json::Value = json::from_str(&tools[2].input_schema).unwrap();
    assert_eq!(schema["title"], "Chosen");
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(Echo::call(&Context::fake(), "limit", r#"{"max":3}"#).unwrap(), "3");
    assert!(Echo::call(&Context::fake(), "limit", r#"{"limit":3}"#).is_err());
}

#[test]
fn an_input_that_is_no_object_is_refused() {
    let error = wrapped::Wrong::tools().unwrap_err();
    assert_eq!(
        error.message(),
        "the input of the tool `take` is not a JSON object: take a struct with named fields"
    );
}
