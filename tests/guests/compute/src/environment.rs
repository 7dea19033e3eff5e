//! Looks for arguments, environment variables and a working directory.

use kit::{Input, Outcome, json};

pub fn run(_: &Input) -> Outcome {
    let variables: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    let arguments: Vec<String> = std::env::args().collect();
    let root: Vec<String> = std::fs::read_dir("/")
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    Ok(json!({ "variables": variables, "arguments": arguments, "root": root }))
}
