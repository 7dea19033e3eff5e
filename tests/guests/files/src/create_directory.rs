//! Makes a directory.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    std::fs::create_dir(path).map_err(|error| at(path, error))?;
    Ok(json!({ "created": true }))
}
