//! Looks whether there is a model.

use kit::{Input, Outcome, json};

use crate::openclaw::skill::llm;

pub fn run(_: &Input) -> Outcome {
    Ok(json!(llm::is_available()))
}
