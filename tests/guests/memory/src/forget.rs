//! Forgets a key.

use kit::{Input, Outcome, json};

use crate::openclaw::skill::memory;

pub fn run(input: &Input) -> Outcome {
    Ok(json!(memory::delete(input.text("key")?)?))
}
