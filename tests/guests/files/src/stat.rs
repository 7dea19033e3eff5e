//! Looks at what is there without opening it.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    let meta = std::fs::metadata(path).map_err(|error| at(path, error))?;
    Ok(json!({ "bytes": meta.len(), "file": meta.is_file(), "directory": meta.is_dir() }))
}
