//! JSON Schemas of what goes into a tool and comes out of it.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::{Error, Result};

/// The schema of a tool's input, which has to be an object.
pub(crate) fn input<T: JsonSchema>(tool: &str) -> Result<String> {
    let mut schema = root::<T>(settings());
    if !is_object(schema.as_value()) {
        return Err(Error::failed(format!(
            "the input of the tool `{tool}` is not a JSON object: take a struct with named fields"
        )));
    }
    schema.insert("type".to_owned(), "object".into());
    Ok(schema.as_value().to_string())
}

/// The schema of a tool's output; none where it says nothing.
pub(crate) fn output<T: JsonSchema>() -> Option<String> {
    let schema = root::<T>(settings().for_serialize());
    let says_something = schema.as_object().is_some_and(|schema| !schema.is_empty());
    says_something.then(|| schema.as_value().to_string())
}

/// A model reads the schema with every request, so it holds no references to follow and nothing
/// that the contract says already.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    })
}

fn root<T: JsonSchema>(settings: SchemaSettings) -> Schema {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of the Rust type, unless the author chose a title.
    if schema.get("title").and_then(Value::as_str) == Some(&*T::schema_name()) {
        schema.remove("title");
    }
    schema
}

/// Whether every value that fits is an object; an enum says so in each of its alternatives.
fn is_object(schema: &Value) -> bool {
    if schema.get("type").and_then(Value::as_str) == Some("object") {
        return true;
    }
    ["oneOf", "anyOf"].iter().any(|key| {
        let alternatives = schema.get(key).and_then(Value::as_array);
        alternatives.is_some_and(|all| !all.is_empty() && all.iter().all(is_object))
    })
}
