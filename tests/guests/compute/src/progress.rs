//! Says how far it is, step by step, with a line of its log beside each.

use std::time::Duration;

use kit::{Input, Outcome, json};

use crate::openclaw::skill::log::{Level, progress, write};

pub fn run(input: &Input) -> Outcome {
    let steps = input.number_or("steps", 3);
    let pause = Duration::from_millis(input.number_or("milliseconds", 1));
    for step in 1..=steps {
        write(Level::Debug, &format!("debug {step}"));
        write(Level::Warn, &format!("warn {step}"));
        progress(step, Some(steps), &format!("step {step}"));
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
    Ok(json!({ "steps": steps }))
}
