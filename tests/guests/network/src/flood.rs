//! Sends the same request over and over and lets go of no answer.

use kit::{Input, Outcome, json};

use crate::http::{self, Parts};
use crate::wasi::http::types::Fields;

pub fn run(input: &Input) -> Outcome {
    let (scheme, authority, path) = http::split(input.text("url")?)?;
    let mut held = Vec::new();
    for _ in 0..input.number_or("most", 10_000) {
        match http::send(&Parts { method: "GET", scheme, authority, path, body: None }, Fields::new()) {
            Ok(response) => held.push(response),
            Err(error) => return Ok(json!({ "answers": held.len(), "error": error })),
        }
    }
    Ok(json!({ "answers": held.len(), "error": null }))
}
