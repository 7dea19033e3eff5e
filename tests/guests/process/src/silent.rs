//! Starts a program, touches none of its streams, and waits.

use kit::{Input, Outcome, json};

use crate::command::{command, ended, failed};
use crate::openclaw::skill::process;

pub fn run(input: &Input) -> Outcome {
    let child = process::spawn(&command(input)?).map_err(failed)?;
    Ok(json!({ "exit": ended(child.wait()) }))
}
