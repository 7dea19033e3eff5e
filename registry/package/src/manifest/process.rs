//! `[[permission.process]]`: which programs the skill may start, and with which arguments.

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::error::{Issue, ManifestErrorKind};
use super::section::{Section, text_of, wrong_type};
use crate::permission::{
    Access, ArgumentPattern, Environment, Helper, PermissionError, ProcessRequest, Program, Shape, Tree,
    VariableName, VariablePattern,
};

const KEYS: [&str; 6] = ["program", "args", "env", "helpers", "access", "reason"];

/// Keys that each make a pattern of an argument; `dash` stands beside two of them.
const ARGUMENT: [&str; 5] = ["any", "one_of", "path", "integer", "rest"];

/// Keys that each make a pattern of a variable.
const VARIABLE: [&str; 3] = ["any", "one_of", "integer"];

pub(super) fn read(entries: Vec<Section<'_>>) -> Result<Vec<ProcessRequest>, Issue> {
    let mut seen = BTreeSet::new();
    entries.into_iter().map(|entry| read_entry(&entry, &mut seen)).collect()
}

fn read_entry(entry: &Section<'_>, seen: &mut BTreeSet<(Program, Shape)>) -> Result<ProcessRequest, Issue> {
    entry.only(&KEYS)?;
    let program: Program = entry.parsed("program")?;
    let shapes = read_shapes(entry)?;
    for (shape, span) in &shapes {
        if !seen.insert((program.clone(), shape.clone())) {
            let kind = ManifestErrorKind::Duplicate(crate::text::quoted(&format!("{program} {shape}")));
            return Err(Issue::new(kind, span.clone()).hint("write the shape once for each program"));
        }
    }
    let shapes = shapes.into_iter().map(|(shape, _)| shape).collect();
    let access = if entry.value("access").is_some() { entry.parsed("access")? } else { Access::Write };
    let (environment, helpers) = (read_environment(entry)?, read_helpers(entry)?);
    ProcessRequest::new(program, shapes, environment, helpers, access, entry.parsed("reason")?).map_err(
        |error| {
            let key = if matches!(error, PermissionError::Helper { .. }) { "helpers" } else { "args" };
            Issue::new(error, entry.value(key).map_or(0..0, Spanned::span))
        },
    )
}

fn read_shapes(entry: &Section<'_>) -> Result<Vec<(Shape, Range<usize>)>, Issue> {
    let expected = "a list of lists such as [[\"status\"], [\"log\", { any = true }]]";
    let value = entry.required("args")?;
    let shapes = list_of("args", value, expected)?.iter().map(|shape| {
        let patterns = list_of("args", shape, expected)?.iter().map(read_argument);
        let read = Shape::new(patterns.collect::<Result<_, Issue>>()?);
        Ok((read.map_err(|error| Issue::new(error, shape.span()))?, shape.span()))
    });
    shapes.collect()
}

fn read_argument(item: &Spanned<DeValue<'_>>) -> Result<ArgumentPattern, Issue> {
    let pattern = read_pattern(item)?;
    pattern.check().map_err(|error| Issue::new(error, item.span()))?;
    Ok(pattern)
}

fn read_pattern(item: &Spanned<DeValue<'_>>) -> Result<ArgumentPattern, Issue> {
    let Some(table) = Section::inline("a pattern of args", item) else {
        let expected = "a text in quotes, or a pattern such as { any = true }";
        let word = item.get_ref().as_str().ok_or_else(|| wrong_type("args", item, expected))?;
        return Ok(ArgumentPattern::Literal(word.to_owned()));
    };
    table.only(&["any", "one_of", "path", "integer", "rest", "dash"])?;
    let pattern = match one_of(&table, &ARGUMENT)? {
        "any" => ArgumentPattern::Any { dash: table.value("dash").is_some() },
        "rest" => ArgumentPattern::Rest { dash: table.value("dash").is_some() },
        "one_of" => ArgumentPattern::OneOf(read_members(&table)?),
        "path" => ArgumentPattern::Path(table.parsed::<Tree>("path")?),
        _ => {
            let (min, max) = read_integer(&table)?;
            ArgumentPattern::Integer { min, max }
        }
    };
    let dash = matches!(pattern, ArgumentPattern::Any { .. } | ArgumentPattern::Rest { .. });
    for key in ["any", "rest", "dash"] {
        must_be_true(&table, key)?;
    }
    match table.key_span("dash") {
        Some(span) if !dash => {
            let kind =
                ManifestErrorKind::invalid("dash", "it stands beside another pattern than any or rest");
            Err(Issue::new(kind, span)
                .hint("remove it: the pattern says itself what may begin with a hyphen"))
        }
        _ => Ok(pattern),
    }
}

fn read_environment(entry: &Section<'_>) -> Result<Environment, Issue> {
    let Some(env) = entry.section("env")? else {
        return Ok(Environment::default());
    };
    let span = entry.value("env").map_or(0..0, Spanned::span);
    let variable = |(name, value): (Spanned<&str>, &Spanned<DeValue<'_>>)| {
        let pattern = read_variable(name.get_ref(), value)?;
        let name: VariableName = parsed(name.get_ref(), name.span())?;
        // One by one, so that a refusal has its place.
        Environment::new([(name.clone(), pattern.clone())])
            .map_err(|error| Issue::new(error, value.span()))?;
        Ok((name, pattern))
    };
    let variables = env.entries().map(variable).collect::<Result<Vec<_>, Issue>>()?;
    Environment::new(variables).map_err(|error| Issue::new(error, span))
}

fn read_variable(name: &str, value: &Spanned<DeValue<'_>>) -> Result<VariablePattern, Issue> {
    let Some(table) = Section::inline("a pattern of env", value) else {
        let expected = "a text in quotes, or a pattern such as { any = true }";
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| wrong_type(&crate::text::quoted(name), value, expected))?;
        return Ok(VariablePattern::Literal(text.to_owned()));
    };
    table.only(&VARIABLE)?;
    must_be_true(&table, "any")?;
    Ok(match one_of(&table, &VARIABLE)? {
        "any" => VariablePattern::Any,
        "one_of" => VariablePattern::OneOf(read_members(&table)?),
        _ => {
            let (min, max) = read_integer(&table)?;
            VariablePattern::Integer { min, max }
        }
    })
}

fn read_helpers(entry: &Section<'_>) -> Result<Vec<Helper>, Issue> {
    let Some(value) = entry.value("helpers") else {
        return Ok(Vec::new());
    };
    let helper = |item| {
        let text = text_of("helpers", item)?;
        parsed(text.get_ref(), text.span())
    };
    list_of("helpers", value, "a list such as [\"sh\"]")?.iter().map(helper).collect()
}

/// The one key of a table that says which pattern it is.
fn one_of(table: &Section<'_>, patterns: &[&'static str]) -> Result<&'static str, Issue> {
    let mut found: Vec<(usize, &'static str)> =
        patterns.iter().filter_map(|&key| table.key_span(key).map(|span| (span.start, key))).collect();
    found.sort_unstable();
    match found.as_slice() {
        [(_, only)] => Ok(only),
        [(_, first), (_, second), ..] => {
            let kind = ManifestErrorKind::invalid(second, format!("it stands beside {first:?}"));
            let span = table.key_span(second).unwrap_or(0..0);
            Err(Issue::new(kind, span).hint("a pattern is one of them: write one, and remove the other"))
        }
        [] => {
            let kind = ManifestErrorKind::invalid(&table.name(), "it does not say what it takes");
            let hint = format!("write one of {}, for example {{ any = true }}", patterns.join(", "));
            Err(Issue::new(kind, table.span()).hint(hint))
        }
    }
}

/// A key that means something only where it is true.
fn must_be_true(table: &Section<'_>, key: &str) -> Result<(), Issue> {
    if table.value(key).is_none() || table.flag(key)? {
        return Ok(());
    }
    let span = table.value(key).map_or(0..0, Spanned::span);
    let kind = ManifestErrorKind::invalid(key, "false is no pattern");
    Err(Issue::new(kind, span).hint(format!("write {key} = true, or remove it")))
}

fn read_members(table: &Section<'_>) -> Result<Vec<String>, Issue> {
    let value = table.required("one_of")?;
    let member = |item| text_of("one_of", item).map(|text| (*text.get_ref()).to_owned());
    let members: Vec<String> = list_of("one_of", value, "a list such as [\"a\", \"b\"]")?
        .iter()
        .map(member)
        .collect::<Result<_, _>>()?;
    Ok(members)
}

/// `true`, or the least and the greatest number.
fn read_integer(table: &Section<'_>) -> Result<(i64, i64), Issue> {
    let expected = "true, or two whole numbers such as [1, 100]";
    let value = table.required("integer")?;
    if let DeValue::Boolean(_) = value.get_ref() {
        must_be_true(table, "integer")?;
        return Ok((0, i64::MAX));
    }
    let number = |item: &Spanned<DeValue<'_>>| {
        let DeValue::Integer(number) = item.get_ref() else {
            return Err(wrong_type("integer", item, expected));
        };
        i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
            let kind = ManifestErrorKind::invalid("integer", "the number is too large");
            Issue::new(kind, item.span()).hint("write whole numbers of 64 bits")
        })
    };
    match list_of("integer", value, expected)?.iter().map(number).collect::<Result<Vec<_>, _>>()?.as_slice() {
        [min, max] => Ok((*min, *max)),
        _ => Err(wrong_type("integer", value, expected)),
    }
}

fn list_of<'a>(
    key: &str,
    value: &'a Spanned<DeValue<'a>>,
    expected: &'static str,
) -> Result<&'a DeArray<'a>, Issue> {
    match value.get_ref() {
        DeValue::Array(items) => Ok(items),
        _ => Err(wrong_type(key, value, expected)),
    }
}

fn parsed<T: FromStr<Err = PermissionError>>(text: &str, span: Range<usize>) -> Result<T, Issue> {
    text.parse().map_err(|error: PermissionError| Issue::new(error, span))
}
