//! Starts a program, and answers while it runs.

use kit::{Input, Outcome, json};

use crate::command::{command, failed};
use crate::openclaw::skill::process;

pub fn run(input: &Input) -> Outcome {
    let child = process::spawn(&command(input)?).map_err(failed)?;
    // What it says first shows that it runs.
    let stdout = child.stdout().expect("its output");
    let said = stdout.blocking_read(1_024).map_err(|error| kit::Failure::Failed(format!("{error:?}")))?;
    // Neither is dropped by the guest: the end of the call does that.
    std::mem::forget((child, stdout));
    Ok(json!({ "said": String::from_utf8_lossy(&said) }))
}
