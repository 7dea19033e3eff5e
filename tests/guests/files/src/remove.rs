//! Removes a file or an empty directory.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    let removed =
        if input.flag("directory") { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
    removed.map_err(|error| at(path, error))?;
    Ok(json!({ "removed": true }))
}
