//! Writes a file, in place of what was there.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    std::fs::write(path, input.text_or("text", "guest")).map_err(|error| at(path, error))?;
    Ok(json!({ "written": true }))
}
