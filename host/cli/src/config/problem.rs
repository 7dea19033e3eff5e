//! What is wrong with a configuration file: where, what, and which key was perhaps meant.

use std::path::Path;

use openclaw_agent::yaml::Problem;
use serde_saphyr::Error;

use crate::error::CliError;
use crate::exit::Exit;

/// Keys that people know and nothing obeys yet: the key, one beside which it would stand, and what it comes with.
const LATER: [(&str, &str, &str); 4] = [
    ("auto_update", "security_level", "comes with scheduled updates; until then: openclaw registry update"),
    ("auto_discover", "security_level", "is not needed: all that is installed is found"),
    (
        "trusted_registries",
        "security_level",
        "is not needed: a registry is trusted by openclaw registry login",
    ),
    ("rate_limit", "max_requests", "is a matter of policy.toml: calls_per_minute_per_caller"),
];

/// A file that cannot be obeyed.
pub(super) fn invalid(path: &Path, reason: &str) -> CliError {
    told(&Problem::new(None, reason), path, "")
}

/// A file that cannot be read, with its place: line and column, and the line itself.
pub(super) fn unreadable(path: &Path, text: &str, error: &Error) -> CliError {
    told(&Problem::read(error, later), path, text)
}

fn told(problem: &Problem, path: &Path, text: &str) -> CliError {
    let message = format!("{}{}", problem.at(path), problem.line(text));
    CliError::new(Exit::Host, "invalid-config", message).hint("docs/gateway.md lists every key")
}

fn later(field: &str, expected: &[&str]) -> Option<String> {
    let later = LATER.iter().find(|(key, beside, _)| *key == field && expected.contains(beside));
    later.map(|(key, _, what)| format!("the key {key} {what}"))
}
