//! Keeps a text under a key.

use kit::{Input, Outcome, json};

use crate::openclaw::skill::memory;

pub fn run(input: &Input) -> Outcome {
    memory::set(input.text("key")?, input.text("text")?.as_bytes())?;
    Ok(json!(null))
}
