//! Starts as many programs as it can, at once or one after the other.

use kit::{Failure, Input, Outcome, json};

use crate::command::{command, failed};
use crate::openclaw::skill::process::{self, Error};

pub fn run(input: &Input) -> Outcome {
    let (command, at_once) = (command(input)?, input.flag("at_once"));
    let mut kept = Vec::new();
    for started in 0..input.number_or("count", 10_000) {
        match process::spawn(&command) {
            Ok(child) if at_once => kept.push(child),
            Ok(child) => drop(child.wait()),
            Err(Error::TooMany) => return Ok(json!({ "started": started })),
            Err(error) => return Err(failed(error)),
        }
    }
    Err(Failure::Failed("there is no end to it".to_owned()))
}
