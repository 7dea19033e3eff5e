//! Writes to standard error without end, or as many lines as it is told.

use kit::{Input, Outcome, json};

pub fn run(input: &Input) -> Outcome {
    for line in 0..input.number_or("lines", u64::MAX) {
        eprintln!("line {line} of a great many");
    }
    Ok(json!({ "done": true }))
}
