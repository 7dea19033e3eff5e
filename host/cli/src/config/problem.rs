//! What is wrong with a configuration file: where, what, and which key was perhaps meant.

use std::path::Path;

use serde_saphyr::Error;

use crate::error::CliError;
use crate::exit::Exit;

/// How alike two keys have to be for one to be proposed for the other.
const ALIKE: f64 = 0.7;
/// Characters of a line that are shown.
const SHOWN: usize = 100;

/// Keys that people know and nothing obeys yet: the key, one beside which it would stand, and what it comes with.
const LATER: [(&str, &str, &str); 7] = [
    ("agents", "gateway", "comes with the agent core"),
    ("memory", "gateway", "comes with the agent core"),
    ("name", "model_provider", "comes with the agent core"),
    ("auto_update", "security_level", "comes with scheduled updates; until then: openclaw registry update"),
    ("auto_discover", "security_level", "comes with the agent core; the gateway finds all that is installed"),
    (
        "trusted_registries",
        "security_level",
        "is not needed: a registry is trusted by openclaw registry login",
    ),
    ("rate_limit", "max_requests", "is a matter of policy.toml: calls_per_minute_per_caller"),
];

/// A file that cannot be obeyed.
pub(super) fn invalid(path: &Path, reason: &str) -> CliError {
    CliError::new(Exit::Host, "invalid-config", format!("{}: {reason}", path.display()))
        .hint("docs/gateway.md lists every key")
}

/// A file that cannot be read, with its place: line and column, and the line itself.
pub(super) fn unreadable(path: &Path, text: &str, error: &Error) -> CliError {
    let bare = error.without_snippet();
    let reason = match bare {
        Error::SerdeUnknownField { field, expected, .. } => unknown(field, expected),
        error => reason(&error.to_string()),
    };
    let Some(location) = bare.location().filter(|location| location.line() > 0) else {
        return invalid(path, &reason);
    };
    let (line, column) = (location.line(), location.column().max(1));
    let place = format!("{}:{line}:{column}", path.display());
    let shown = shown(text, line, column);
    CliError::new(Exit::Host, "invalid-config", format!("{place}: {reason}{shown}"))
        .hint("docs/gateway.md lists every key")
}

fn unknown(field: &str, expected: &[&str]) -> String {
    let later = LATER.iter().find(|(key, beside, _)| *key == field && expected.contains(beside));
    if let Some((key, _, what)) = later {
        return format!("the key {key} {what}");
    }
    let nearest = expected
        .iter()
        .map(|key| (strsim::jaro_winkler(field, key), *key))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((_, key)) => format!("there is no key {field}; did you mean {key}?"),
        None => format!("there is no key {field}; there are {}", expected.join(", ")),
    }
}

/// The reader's own words, without the place, which is told before them.
fn reason(words: &str) -> String {
    let words = words.trim().trim_start_matches("error: ");
    let first = words.lines().next().unwrap_or_default();
    let without = first.split(" at line ").next().unwrap_or(first);
    let without = without
        .split_once("line ")
        .filter(|(before, _)| before.is_empty())
        .map_or(without, |(_, rest)| rest.split_once(": ").map_or(rest, |(_, reason)| reason));
    without.trim_end_matches([':', ',', ' ']).to_owned()
}

/// The line, and a mark below the column.
fn shown(text: &str, line: u64, column: u64) -> String {
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(content) = text.lines().nth(index) else { return String::new() };
    let before = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let (number, gap) = (line.to_string(), " ".repeat(line.to_string().len()));
    let content: String = content.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if before >= SHOWN {
        return format!("\n{number} | {content}");
    }
    format!("\n{number} | {content}\n{gap} | {}^", " ".repeat(before))
}
