//! Runs a program to its end.

use kit::{Input, Outcome, json};

use crate::command::{command, ended, failed};
use crate::openclaw::skill::process;

pub fn run(input: &Input) -> Outcome {
    let output = process::run(&command(input)?, input.text_or("input", "").as_bytes()).map_err(failed)?;
    let shown = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.chars().take(20_000).collect::<String>()
    };
    Ok(json!({
        "exit": ended(output.exit),
        "stdout": shown(&output.stdout),
        "stderr": shown(&output.stderr),
        "bytes": output.stdout.len(),
        "held_back": output.held_back,
    }))
}
