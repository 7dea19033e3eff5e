//! Tells which trees it finds open.

use kit::{Input, Outcome, json};

use crate::wasi::filesystem::preopens::get_directories;

pub fn run(_: &Input) -> Outcome {
    let paths: Vec<String> = get_directories().into_iter().map(|(_, path)| path).collect();
    Ok(json!({ "paths": paths }))
}
