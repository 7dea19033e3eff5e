//! Lists of tools: one form for each, and schemas that are cheap to check an input against.

use openclaw_package::ToolList;

use super::{hides, schema, told};

/// A list of tools is written in one form, and each of its schemas is bounded.
pub fn tools(data: &[u8]) {
    let list = match ToolList::parse(data) {
        Ok(list) => list,
        Err(error) => return told(&error, error.code(), error.hint()),
    };
    let json = list.to_json();
    let again = ToolList::parse(&json);
    assert_eq!(again.as_ref(), Ok(&list));
    assert_eq!(again.map(|list| list.to_json()), Ok(json), "the list has a second form");
    assert!((1..=128).contains(&list.len()));
    for tool in &list {
        assert_eq!(list.get(&tool.name), Some(tool));
        assert!((1..=4096).contains(&tool.description.chars().count()));
        assert!(!tool.description.chars().any(|character| character != '\n' && hides(character)));
        assert_eq!(tool.input_schema["type"], "object");
        for schema in [Some(&tool.input_schema), tool.output_schema.as_ref()].into_iter().flatten() {
            schema::check(schema);
        }
    }
}
