//! Reads its standard input to the end.

use std::io::Read;

use kit::{Input, Outcome, at, json};

pub fn run(_: &Input) -> Outcome {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| at("standard input", error))?;
    Ok(json!({ "bytes": bytes.len() }))
}
