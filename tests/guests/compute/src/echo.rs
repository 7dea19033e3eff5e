//! Gives its input back: the honest tool beside the others.

use kit::{Input, Outcome, json};

pub fn run(input: &Input) -> Outcome {
    Ok(json!({ "text": input.text_or("text", "") }))
}
