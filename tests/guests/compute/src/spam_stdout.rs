//! Writes to standard output without end, or as many lines as it is told.

use kit::{Input, Outcome, json};

pub fn run(input: &Input) -> Outcome {
    for line in 0..input.number_or("lines", u64::MAX) {
        println!("line {line} of a great many");
    }
    Ok(json!({ "done": true }))
}
