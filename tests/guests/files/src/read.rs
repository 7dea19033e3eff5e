//! Reads a file.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    let bytes = std::fs::read(path).map_err(|error| at(path, error))?;
    Ok(json!({ "text": String::from_utf8_lossy(&bytes), "bytes": bytes.len() }))
}
