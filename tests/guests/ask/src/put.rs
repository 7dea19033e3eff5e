//! Puts the question that it is given.

use kit::{Input, Outcome, Value};

use crate::asked;

pub fn run(input: &Input) -> Outcome {
    let choices = input.value("choices").as_array().cloned().unwrap_or_default();
    let choices: Vec<String> = choices.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    asked(input.text("text")?, &choices)
}
