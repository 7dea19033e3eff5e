//! How long a plain validator takes with a schema: it follows every reference and remembers nothing.

use serde_json::Value;

/// How deep the inputs are that are tried.
const DEPTH: usize = 32;

/// More steps than any schema should take: some of them a level, and the same again for each level.
const MOST: usize = 1_000_000;

/// Checks that inputs nested as the schema itself suggests are checked within bounds.
pub(super) fn check(schema: &Value) {
    for choice in 0..3 {
        let mut steps = 0;
        let mut here = vec![schema];
        for depth in 0..DEPTH {
            let mut below = Vec::new();
            for at in here {
                walk(schema, at, &mut Vec::new(), &mut steps, &mut below);
            }
            let Some((place, _)) = below.get((choice * depth) % below.len().max(1)) else { break };
            let place = *place;
            here = below.iter().filter(|(other, _)| meets(*other, place)).map(|(_, at)| *at).collect();
        }
    }
}

/// A part of an input below the one that is looked at.
#[derive(Clone, Copy, PartialEq)]
enum Place<'a> {
    Property(&'a str),
    AnyProperty,
    Item(usize),
    AnyItem,
}

fn meets(one: Place<'_>, other: Place<'_>) -> bool {
    use Place::{AnyItem, AnyProperty, Item, Property};
    one == other
        || matches!((one, other), (AnyProperty, Property(_)) | (Property(_), AnyProperty))
        || matches!((one, other), (AnyItem, Item(_)) | (Item(_), AnyItem))
}

/// Looks at all that a schema says of one value; what it says of the parts below is put aside.
fn walk<'a>(
    root: &'a Value,
    at: &'a Value,
    open: &mut Vec<*const Value>,
    steps: &mut usize,
    below: &mut Vec<(Place<'a>, &'a Value)>,
) {
    *steps += 1;
    assert!(*steps <= MOST, "the schema takes more than {MOST} steps to check an input of depth {DEPTH}");
    // A validator that comes back to where it is, with the same value, stops there.
    if open.contains(&std::ptr::from_ref(at)) {
        return;
    }
    open.push(at);
    for (key, value) in at.as_object().into_iter().flatten() {
        let all = || value.as_object().into_iter().flatten();
        match key.as_str() {
            "$ref" | "$dynamicRef" | "$recursiveRef" => {
                let target = value.as_str().and_then(|reference| target(root, reference));
                target.into_iter().for_each(|target| walk(root, target, open, steps, below));
            }
            "allOf" | "anyOf" | "oneOf" => value
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|schema| walk(root, schema, open, steps, below)),
            "not" | "if" | "then" | "else" => walk(root, value, open, steps, below),
            "dependentSchemas" | "dependencies" => {
                all().for_each(|(_, schema)| walk(root, schema, open, steps, below));
            }
            "properties" => below.extend(all().map(|(name, schema)| (Place::Property(name), schema))),
            "patternProperties" => below.extend(all().map(|(_, schema)| (Place::AnyProperty, schema))),
            "additionalProperties" | "unevaluatedProperties" => below.push((Place::AnyProperty, value)),
            "items" | "contains" | "unevaluatedItems" | "additionalItems" if !value.is_array() => {
                below.push((Place::AnyItem, value));
            }
            "prefixItems" | "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                below.extend(items.map(|(index, schema)| (Place::Item(index), schema)));
            }
            _ => {}
        }
    }
    open.pop();
}

/// What a reference leads to, read as leniently as some validator reads it.
fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(root);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(root, |at, segment| match at {
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        _ => at.get(unescaped(segment)),
    })
}

/// `~0` and `~1` mean `~` and `/`; what else follows a `~` stands for itself, and with it.
fn unescaped(segment: &str) -> String {
    let mut out = String::new();
    let mut rest = segment.chars();
    while let Some(character) = rest.next() {
        match (character == '~').then(|| rest.next()) {
            None => out.push(character),
            Some(Some('0')) => out.push('~'),
            Some(Some('1')) => out.push('/'),
            Some(next) => out.extend(['~'].into_iter().chain(next)),
        }
    }
    out
}
