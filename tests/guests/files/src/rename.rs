//! Moves a file or a directory.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let (from, to) = (input.text("from")?, input.text("to")?);
    std::fs::rename(from, to).map_err(|error| at(&format!("rename {from} {to}"), error))?;
    Ok(json!({ "renamed": true }))
}
