//! The form in which MCP carries what a tool gives: an object, described by a schema of an object.
//!
//! Structured content is an object for clients of every revision, so anything else is wrapped: `{"result": …}`. Whether a
//! tool's results are wrapped follows from its signed schema alone, so that schema and results always agree: a schema
//! of `"type": "object"` stays as it is; any other is wrapped, and so is whatever it describes. A tool that declares no
//! schema has its objects left as they are.

use std::sync::Arc;

use openclaw_package::tools::Tool;
use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};

/// The one key of a wrapped result.
const KEY: &str = "result";

/// How a tool's results are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As they are: the schema says that they are objects.
    Object,
    /// Below [`KEY`]: the schema says something else.
    Wrapped,
    /// Nothing is declared: objects as they are, anything else below [`KEY`].
    Undeclared,
}

impl Shape {
    /// That of a tool.
    pub(crate) fn of(tool: &Tool) -> Self {
        match &tool.output_schema {
            None => Self::Undeclared,
            Some(schema) if schema.get("type").and_then(Value::as_str) == Some("object") => Self::Object,
            Some(_) => Self::Wrapped,
        }
    }

    /// A result as structured content.
    pub(crate) fn carry(self, result: Value) -> Value {
        match self {
            Self::Undeclared if !result.is_object() => json!({ KEY: result }),
            Self::Object | Self::Undeclared => result,
            Self::Wrapped => json!({ KEY: result }),
        }
    }
}

/// The output schema that clients are shown. None where there is none, or where it cannot be moved into another one
/// because it refers to itself by where it stands; its results are carried and checked all the same.
pub(crate) fn output_schema(tool: &Tool) -> Option<Arc<JsonObject>> {
    let schema = tool.output_schema.as_ref()?;
    match Shape::of(tool) {
        Shape::Object => schema.as_object().cloned().map(Arc::new),
        Shape::Wrapped => wrapped(schema).map(Arc::new),
        Shape::Undeclared => None,
    }
}

fn wrapped(schema: &Value) -> Option<JsonObject> {
    if !is_movable(schema, true) {
        return None;
    }
    let mut inner = schema.clone();
    let mut outer = Map::new();
    if let Some(inner) = inner.as_object_mut() {
        // Where references look for them.
        for key in ["$schema", "$defs", "definitions"] {
            outer.extend(inner.remove(key).map(|value| (key.to_owned(), value)));
        }
    }
    outer.insert("type".to_owned(), json!("object"));
    outer.insert("properties".to_owned(), json!({ KEY: inner }));
    outer.insert("required".to_owned(), json!([KEY]));
    Some(outer)
}

/// Whether all references of a schema lead to definitions at its root, which move along.
fn is_movable(schema: &Value, root: bool) -> bool {
    match schema {
        Value::Object(object) => object.iter().all(|(key, value)| match key.as_str() {
            "$ref" => value
                .as_str()
                .is_some_and(|to| to.starts_with("#/$defs/") || to.starts_with("#/definitions/")),
            "$id" | "$anchor" | "$dynamicAnchor" | "$dynamicRef" => false,
            "$defs" | "definitions" if !root => false,
            // The root's definitions are each a schema of its own.
            _ => is_movable(value, false),
        }),
        Value::Array(items) => items.iter().all(|item| is_movable(item, false)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(output_schema: Option<Value>) -> Tool {
        Tool {
            name: "run".parse().unwrap(),
            description: "Runs.".to_owned(),
            input_schema: json!({ "type": "object" }),
            output_schema,
        }
    }

    #[test]
    fn objects_are_carried_as_they_are_and_anything_else_below_a_key() {
        let declared = tool(Some(json!({ "type": "object", "properties": { "a": { "type": "integer" } } })));
        assert_eq!(Shape::of(&declared).carry(json!({ "a": 1 })), json!({ "a": 1 }));
        let list = tool(Some(json!({ "type": "array", "items": { "type": "object" } })));
        assert_eq!(Shape::of(&list).carry(json!([1])), json!({ "result": [1] }));
        let variants = tool(Some(json!({ "oneOf": [{ "type": "object" }] })));
        assert_eq!(Shape::of(&variants).carry(json!({ "a": 1 })), json!({ "result": { "a": 1 } }));
        assert_eq!(Shape::of(&tool(None)).carry(json!("x")), json!({ "result": "x" }));
        assert_eq!(Shape::of(&tool(None)).carry(json!({ "a": 1 })), json!({ "a": 1 }));
    }

    #[test]
    fn a_wrapped_schema_describes_the_wrapped_result_and_its_references_lead_where_they_led() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "array",
            "items": { "$ref": "#/$defs/Item" },
            "$defs": { "Item": { "type": "object", "properties": { "below": { "$ref": "#/$defs/Item" } } } },
        });
        let shown = output_schema(&tool(Some(schema))).unwrap();
        assert_eq!(shown["type"], "object");
        assert_eq!(shown["properties"]["result"]["items"]["$ref"], "#/$defs/Item");
        assert_eq!(shown["$defs"]["Item"]["type"], "object");
        assert_eq!(shown["required"], json!(["result"]));
    }

    #[test]
    fn a_schema_that_cannot_be_moved_is_left_out() {
        for schema in [
            json!({ "anyOf": [{ "type": "null" }, { "$ref": "#" }] }),
            json!({ "$id": "https://a.example/", "type": "array" }),
            json!({ "type": "array", "items": { "$defs": { "A": {} }, "$ref": "#/items/$defs/A" } }),
        ] {
            assert_eq!(output_schema(&tool(Some(schema))), None);
        }
        let object = json!({ "type": "object", "properties": { "a": { "$ref": "#" } } });
        assert_eq!(output_schema(&tool(Some(object.clone()))).unwrap().get("type"), object.get("type"));
    }
}
