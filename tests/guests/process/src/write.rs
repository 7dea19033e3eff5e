//! Writes a file, and sees whether it may.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    std::fs::write(path, input.text_or("text", "guest")).map_err(|error| at(path, error))?;
    Ok(json!({ "written": true }))
}
