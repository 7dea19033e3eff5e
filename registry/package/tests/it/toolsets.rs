//! Lists of tools.

use openclaw_package::{Tool, ToolList};
use serde_json::{Value, json};

fn tool(name: &str, schema: Value) -> Tool {
    Tool {
        name: name.parse().unwrap(),
        description: "Does it.\nTwice.".to_owned(),
        input_schema: schema,
        output_schema: None,
    }
}

fn code(tools: Vec<Tool>) -> &'static str {
    ToolList::new(tools).unwrap_err().code()
}

fn object() -> Value {
    json!({ "type": "object" })
}

#[test]
fn the_same_tools_give_the_same_bytes() {
    let schema = json!({ "type": "object", "properties": { "b": {"$ref": "#/$defs/b"}, "a": {} }, "$defs": {"b": {}} });
    let one = ToolList::new(vec![tool("b", schema.clone()), tool("a", object())]).unwrap();
    let other = ToolList::new(vec![tool("a", object()), tool("b", schema)]).unwrap();
    assert_eq!(one.to_json(), other.to_json());
    assert_eq!(ToolList::parse(&one.to_json()).unwrap(), one);
    insta::assert_snapshot!(String::from_utf8(ToolList::new(vec![tool("a", object())]).unwrap().to_json()).unwrap(), @r#"
    {
      "tools": [
        {
          "description": "Does it.\nTwice.",
          "inputSchema": {
            "type": "object"
          },
          "name": "a"
        }
      ]
    }
    "#);
}

#[test]
fn tools_are_found_by_name_and_by_likeness() {
    let list = ToolList::new(["status", "commit", "push"].map(|name| tool(name, object())).into()).unwrap();
    assert_eq!(list.get(&"commit".parse().unwrap()).unwrap().name.as_str(), "commit");
    assert!(list.get(&"pull".parse().unwrap()).is_none());
    assert_eq!(list.nearest("comit")[0].as_str(), "commit");
    assert!(list.nearest("something-else").is_empty());
    assert_eq!(list.len(), 3);
}

#[test]
fn what_cannot_be_shown_or_used_is_refused() {
    assert_eq!(code(vec![]), "no-tools");
    assert_eq!(code(vec![tool("a", object()), tool("a", object())]), "duplicate-tool");
    assert_eq!(code((0..129).map(|n| tool(&format!("t{n}"), object())).collect()), "too-many-tools");
    for schema in [
        json!(true),
        json!({}),
        json!({ "type": "string" }),
        json!({ "type": ["object"] }),
        json!({ "type": "object", "$ref": "https://evil.example/x" }),
        json!({ "type": "object", "properties": { "a": { "$ref": "other.json#/x" } } }),
        json!({ "type": "object", "allOf": [{ "$dynamicRef": "file:///etc/passwd" }] }),
    ] {
        assert_eq!(code(vec![tool("a", schema.clone())]), "invalid-schema", "{schema}");
    }
    let mut deep = json!({});
    for _ in 0..70 {
        deep = json!({ "not": deep });
    }
    assert_eq!(code(vec![tool("a", json!({ "type": "object", "not": deep }))]), "invalid-schema");
    assert_eq!(
        code(vec![tool("a", json!({"type": "object", "title": "a\u{202e}b"}))]),
        "invalid-description"
    );
    for description in ["", " ", "a\u{1b}[2J", "a\rb", "a\u{200b}b", &"x".repeat(5000)] {
        let tool = Tool { description: description.to_owned(), ..tool("a", object()) };
        assert_eq!(code(vec![tool]), "invalid-description", "{description:?}");
    }
    let output = Tool { output_schema: Some(json!([])), ..tool("a", object()) };
    assert_eq!(code(vec![output]), "invalid-schema");
}

/// The schema of a list whose tool takes an `x` that is defined as `a` in these definitions.
fn defined(definitions: &Value) -> Value {
    json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/a" } }, "$defs": definitions })
}

#[test]
fn schemas_whose_check_takes_time_that_multiplies_are_refused() {
    let a = json!({ "$ref": "#/$defs/a" });
    let b = json!({ "$ref": "#/$defs/b" });
    let mut doubling: Vec<Value> = vec![json!({})];
    doubling.extend((0..16).map(|n| {
        let before = format!("#/allOf/{n}");
        json!({ "allOf": [{ "$ref": before }, { "$ref": before }] })
    }));
    for schema in [
        json!({ "type": "object", "allOf": doubling }),
        // One value is checked by all, and for each of them by all the others.
        defined(&json!({ "a": { "allOf": [a, b] }, "b": { "allOf": [a, b] } })),
        // Each level of an input is checked twice for each time that the one above is.
        defined(&json!({ "a": { "items": { "allOf": [a, a] } } })),
        defined(&json!({ "a": { "anyOf": [b, { "items": a }] }, "b": { "items": a } })),
        defined(&json!({ "a": { "items": a, "contains": a } })),
        defined(&json!({ "a": { "prefixItems": [a], "unevaluatedItems": a } })),
        defined(&json!({ "a": { "additionalProperties": a, "patternProperties": { "x": a } } })),
        defined(&json!({ "a": { "oneOf": [{ "properties": { "x": a } }, { "properties": { "x": a } }] } })),
        json!({ "type": "object", "properties": { "x": { "$ref": "#" } }, "additionalProperties": { "$ref": "#" } }),
    ] {
        assert_eq!(code(vec![tool("a", schema.clone())]), "invalid-schema", "{schema}");
    }
}

#[test]
fn schemas_may_refer_to_themselves_once_a_place() {
    let a = json!({ "$ref": "#/$defs/a" });
    let b = json!({ "$ref": "#/$defs/b" });
    for definitions in [
        json!({ "a": { "items": a } }),
        json!({ "a": { "properties": { "next": { "anyOf": [a, { "type": "null" }] } } } }),
        json!({ "a": { "properties": { "left": a, "right": a, "more": { "items": a } } } }),
        json!({ "a": { "prefixItems": [a, b] }, "b": { "items": a } }),
        // An enum as serde writes it.
        json!({ "a": { "oneOf": [
            { "type": "number" },
            { "properties": { "Neg": a }, "required": ["Neg"] },
            { "properties": { "Add": { "prefixItems": [a, a] } }, "required": ["Add"] },
        ] } }),
        // What does not lead back may stand there twice.
        json!({ "a": { "allOf": [b, b], "items": a }, "b": { "type": "array" } }),
    ] {
        assert!(ToolList::new(vec![tool("a", defined(&definitions))]).is_ok(), "{definitions}");
    }
}

#[test]
fn references_that_could_be_read_in_two_ways_are_refused() {
    for reference in
        ["#/allOf/+0", "#/allOf/00", "#/$defs/~~1", "#/$defs/a~", "#/%24defs/a", "#a", "#/nowhere"]
    {
        let schema = json!({
            "type": "object", "allOf": [{}], "$ref": reference, "$defs": { "~/": {}, "~~1": {}, "a": {}, "a~": {} },
        });
        assert_eq!(code(vec![tool("a", schema)]), "invalid-schema", "{reference}");
    }
    let escaped = json!({ "type": "object", "$ref": "#/$defs/a~1b~0c", "$defs": { "a/b~c": {} } });
    assert!(ToolList::new(vec![tool("a", escaped)]).is_ok());
}

#[test]
fn json_that_means_two_things_is_refused() {
    let good = r#"{"tools":[{"name":"a","description":"d","inputSchema":{"type":"object"}}]}"#;
    assert!(ToolList::parse(good.as_bytes()).is_ok());
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"tools":{}}"#,
        &format!("{good} x"),
        &good.replace("\"type\"", "\"type\":\"string\",\"type\""),
        &good.replace("\"name\":\"a\"", "\"name\":\"a\",\"name\":\"b\""),
        &good.replace("\"name\":\"a\"", "\"name\":\"a\",\"more\":1"),
        &good.replace("\"a\"", "\"A\""),
        &format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        assert_eq!(ToolList::parse(bad.as_bytes()).unwrap_err().code(), "invalid-tools", "{bad:.80}");
    }
    assert_eq!(ToolList::parse(&vec![b' '; (1 << 20) + 1]).unwrap_err().code(), "too-many-tools");
}
