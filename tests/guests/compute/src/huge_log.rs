//! Writes more to its log than anybody wants to keep.

use kit::{Input, Outcome, json};

use crate::openclaw::skill::log::{Level, write};

pub fn run(input: &Input) -> Outcome {
    let line = "log ".repeat(usize::try_from(input.number_or("bytes", 1024) / 4).unwrap_or(1));
    for _ in 0..input.number_or("lines", 100_000) {
        write(Level::Warn, &line);
    }
    Ok(json!({ "done": true }))
}
