//! Tells how far it is: so many lines and reports of progress, with a pause before each.

use std::time::Duration;

use kit::{Input, Outcome, json};

use crate::openclaw::skill::log::{self, Level};

pub fn run(input: &Input) -> Outcome {
    let (steps, pause) = (input.number_or("steps", 3), input.number_or("pause_ms", 0));
    for step in 1..=steps {
        std::thread::sleep(Duration::from_millis(pause));
        log::write(Level::Info, &format!("step {step}\u{1b}[2J"));
        log::progress(step, Some(steps), &format!("did {step}"));
    }
    Ok(json!(steps))
}
