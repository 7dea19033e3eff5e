//! Sleeps for as long as it is told.

use std::time::Duration;

use kit::{Input, Outcome, json};

pub fn run(input: &Input) -> Outcome {
    let time = Duration::from_millis(input.number_or("milliseconds", 3_600_000));
    std::thread::sleep(time);
    Ok(json!({ "slept": true }))
}
