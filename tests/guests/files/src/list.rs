//! Lists a directory.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let path = input.text("path")?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| at(path, error))? {
        names.push(entry.map_err(|error| at(path, error))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(json!({ "names": names }))
}
