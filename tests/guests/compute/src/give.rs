//! Gives whatever its caller wants, which need not be an object.

use kit::{Input, Outcome};

pub fn run(input: &Input) -> Outcome {
    Ok(input.value("value").clone())
}
