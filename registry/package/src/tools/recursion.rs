//! Schemas that refer to themselves, and whether checking an input against one takes time that multiplies.
//!
//! A definition that comes back to itself in two ways with one part of an input has that part checked twice, what
//! lies below it four times, and so on. So of the references in a definition that lead back to it, no two may be
//! about the same part of a value. Lists pass, and trees whose branches have names of their own.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::schema::target;

/// How many references of one definition are held against each other.
const MAX_REFERENCES: usize = 1024;

/// A step from a value to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Property(&'a str),
    AnyProperty,
    PropertyName,
    Item(usize),
    AnyItem,
}

impl Step<'_> {
    /// Whether two steps can lead to one part.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::AnyProperty, Self::Property(_)) | (Self::Property(_), Self::AnyProperty) => true,
            (Self::AnyItem, Self::Item(_)) | (Self::Item(_), Self::AnyItem) => true,
            _ => self == other,
        }
    }
}

/// A reference in a definition: which part of the value it is about, and what it leads to.
struct Reference<'a> {
    part: Vec<Step<'a>>,
    target: *const Value,
}

impl Reference<'_> {
    /// Whether two references can be about one part, or one about a part of the other's.
    fn meets(&self, other: &Self) -> bool {
        self.part.iter().zip(&other.part).all(|(one, other)| one.meets(*other))
    }
}

/// What references lead to, by its place in memory, and the references in it.
type Definitions<'a> = HashMap<*const Value, Vec<Reference<'a>>>;

/// Whether some definition comes back to itself in two ways at one place.
pub(super) fn multiplies(root: &Value) -> bool {
    let mut definitions = read(root);
    keep_circular(&mut definitions);
    definitions.values().any(|references| {
        let mut rest = references.as_slice();
        while let [one, others @ ..] = rest {
            if others.iter().any(|other| one.meets(other)) {
                return true;
            }
            rest = others;
        }
        references.len() > MAX_REFERENCES
    })
}

/// Reads the root, and every definition that is referred to.
fn read(root: &Value) -> Definitions<'_> {
    let mut definitions = Definitions::new();
    let mut open = vec![root];
    while let Some(at) = open.pop() {
        if definitions.contains_key(&std::ptr::from_ref(at)) {
            continue;
        }
        let mut reader = Reader { root, part: Vec::new(), references: Vec::new(), targets: Vec::new() };
        reader.schema(at);
        definitions.insert(at, reader.references);
        open.append(&mut reader.targets);
    }
    definitions
}

/// Takes away what leads to no circle, and what no circle leads to.
fn keep_circular(definitions: &mut Definitions<'_>) {
    loop {
        let before = definitions.len();
        let known: HashSet<*const Value> = definitions.keys().copied().collect();
        for references in definitions.values_mut() {
            references.retain(|reference| known.contains(&reference.target));
        }
        definitions.retain(|_, references| !references.is_empty());
        let named: HashSet<*const Value> =
            definitions.values().flatten().map(|reference| reference.target).collect();
        definitions.retain(|definition, _| named.contains(definition));
        if definitions.len() == before {
            return;
        }
    }
}

/// Reads the references of one definition.
struct Reader<'a> {
    root: &'a Value,
    part: Vec<Step<'a>>,
    references: Vec<Reference<'a>>,
    targets: Vec<&'a Value>,
}

impl<'a> Reader<'a> {
    fn schema(&mut self, schema: &'a Value) {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            self.keyword(keyword, value);
        }
    }

    /// Reads the schemas of a keyword, about the value itself or its parts. Other keywords apply none.
    fn keyword(&mut self, keyword: &str, value: &'a Value) {
        match keyword {
            "$ref" | "$dynamicRef" | "$recursiveRef" => {
                let target = value.as_str().and_then(|reference| target(self.root, reference));
                self.references.extend(target.map(|target| Reference { part: self.part.clone(), target }));
                self.targets.extend(target);
            }
            "not" | "if" | "then" | "else" => self.schema(value),
            "allOf" | "anyOf" | "oneOf" => elements(value).for_each(|(_, schema)| self.schema(schema)),
            "dependentSchemas" | "dependencies" => {
                entries(value).for_each(|(_, schema)| self.schema(schema));
            }
            "properties" => entries(value).for_each(|(name, schema)| self.at(Step::Property(name), schema)),
            "patternProperties" => entries(value).for_each(|(_, schema)| self.at(Step::AnyProperty, schema)),
            "additionalProperties" | "unevaluatedProperties" => self.at(Step::AnyProperty, value),
            "propertyNames" => self.at(Step::PropertyName, value),
            "prefixItems" => elements(value).for_each(|(index, schema)| self.at(Step::Item(index), schema)),
            // A list of schemas is what older drafts have in place of `prefixItems`.
            "items" if value.is_array() => self.keyword("prefixItems", value),
            "items" | "additionalItems" | "unevaluatedItems" | "contains" => self.at(Step::AnyItem, value),
            _ => {}
        }
    }

    fn at(&mut self, step: Step<'a>, schema: &'a Value) {
        self.part.push(step);
        self.schema(schema);
        self.part.pop();
    }
}

fn elements(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().into_iter().flatten().enumerate()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
