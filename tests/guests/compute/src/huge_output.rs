//! Gives a result of as many bytes as it is asked for.

use kit::{Input, Outcome, Value};

pub fn run(input: &Input) -> Outcome {
    let bytes = usize::try_from(input.number_or("bytes", 16 << 20)).unwrap_or(usize::MAX);
    Ok(Value::String("x".repeat(bytes)))
}
