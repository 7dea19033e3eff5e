//! Panics with a message.

use kit::{Input, Outcome};

pub fn run(input: &Input) -> Outcome {
    panic!("it went wrong: {}", input.text_or("text", "no reason"))
}
