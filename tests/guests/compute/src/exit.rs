//! Ends the process, as it believes.

use kit::{Input, Outcome};

pub fn run(input: &Input) -> Outcome {
    std::process::exit(i32::try_from(input.number_or("code", 0)).unwrap_or(1))
}
