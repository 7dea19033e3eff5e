//! Which schemas are accepted: one document, shown as it is, and cheap to check an input against.

use std::collections::HashMap;

use serde_json::Value;

use super::{MAX_SCHEMA_DEPTH, Tool, ToolsError, check_text, recursion, schema_error};
use crate::text::quoted;

/// How many steps a check against a schema may take, references followed.
const MAX_SCHEMA_COST: u64 = 20_000;

/// How many references may lead to one another.
const MAX_REFERENCE_DEPTH: usize = 256;

/// How many patterns a schema may hold.
const MAX_PATTERNS: usize = 64;

/// Refuses a schema that cannot be shown, or not be checked against in bounded time.
pub(super) fn check(tool: &Tool, place: &'static str, schema: &Value) -> Result<(), ToolsError> {
    if !schema.is_object() {
        return Err(schema_error(tool, place, "is not a JSON object"));
    }
    // A stack of our own: a schema that was made in memory may be deeper than any parser lets through.
    let mut open = vec![(schema, 1)];
    while let Some((value, depth)) = open.pop() {
        if depth > MAX_SCHEMA_DEPTH {
            return Err(schema_error(tool, place, "nests too deep"));
        }
        match value {
            Value::String(text) => check_text(tool, place, text)?,
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(map) => {
                for (key, value) in map {
                    check_text(tool, place, key)?;
                    check_reference(schema, key, value)
                        .map_err(|problem| schema_error(tool, place, &problem))?;
                    open.push((value, depth + 1));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut cost = Cost { root: schema, open: Vec::new(), known: HashMap::new(), patterns: 0 };
    if cost.of(schema) > MAX_SCHEMA_COST || cost.patterns > MAX_PATTERNS {
        return Err(schema_error(tool, place, "costs too much to check an input against"));
    }
    if recursion::multiplies(schema) {
        let problem = "refers to itself in two ways at one place: deep input would take for ever to check";
        return Err(schema_error(tool, place, problem));
    }
    Ok(())
}

/// What a reference within a schema leads to.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}

/// Refuses a reference that a validator could follow to another place than [`target`] does.
fn check_reference(root: &Value, key: &str, value: &Value) -> Result<(), String> {
    if matches!(key, "$id" | "$anchor" | "$dynamicAnchor" | "$recursiveAnchor") {
        return Err(format!("holds {key:?}; refer to definitions by their path"));
    }
    if !matches!(key, "$ref" | "$dynamicRef" | "$recursiveRef") {
        return Ok(());
    }
    // What is escaped twice, or in another way than RFC 6901 has it, is read in more than one way.
    let escaped =
        |text: &str| text.contains('%') || text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    match value.as_str() {
        Some(text) if escaped(text) => Err("holds a reference with an escape".to_owned()),
        Some(text) if !text.starts_with('#') => {
            Err(format!("refers to another document: {:?}", quoted(text)))
        }
        // A validator may take `+1` for an index and find something.
        Some(text) if target(root, text).is_none() => Err(format!("refers to nothing: {:?}", quoted(text))),
        _ => Ok(()),
    }
}

/// How many steps a check against a schema can take: definitions that refer to others twice, and
/// those again, are short to write and take for ever.
struct Cost<'a> {
    root: &'a Value,
    open: Vec<*const Value>,
    known: HashMap<*const Value, u64>,
    patterns: usize,
}

impl<'a> Cost<'a> {
    fn of(&mut self, at: &'a Value) -> u64 {
        let key = std::ptr::from_ref(at);
        if let Some(cost) = self.known.get(&key) {
            return *cost;
        }
        // A schema may refer to itself, for the input is finite; `recursion` says in which ways.
        if self.open.contains(&key) {
            return 1;
        }
        if self.open.len() >= MAX_REFERENCE_DEPTH {
            return u64::MAX;
        }
        self.open.push(key);
        let cost = match at {
            Value::Array(items) => items.iter().fold(1, |sum: u64, item| sum.saturating_add(self.of(item))),
            Value::Object(map) => {
                map.iter().fold(1, |sum: u64, (key, value)| sum.saturating_add(self.of_entry(key, value)))
            }
            _ => 1,
        };
        self.open.pop();
        self.known.insert(key, cost);
        cost
    }

    fn of_entry(&mut self, key: &str, value: &'a Value) -> u64 {
        match key {
            "$ref" | "$dynamicRef" => {
                let target = value.as_str().and_then(|reference| target(self.root, reference));
                target.map_or(1, |target| self.of(target))
            }
            "pattern" | "patternProperties" => {
                self.patterns += 1;
                self.of(value)
            }
            _ => self.of(value),
        }
    }
}
