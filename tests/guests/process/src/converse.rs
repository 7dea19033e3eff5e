//! Writes to a program line by line, reads each answer, and closes its input.

use kit::{Failure, Input, Outcome, json};

use crate::command::{command, ended, failed};
use crate::openclaw::skill::process;

pub fn run(input: &Input) -> Outcome {
    let broken = |error| Failure::Failed(format!("{error:?}"));
    let child = process::spawn(&command(input)?).map_err(failed)?;
    let (stdin, stdout) = (child.stdin().expect("its input"), child.stdout().expect("its output"));
    assert!(child.stdin().is_none() && child.stdout().is_none());
    let mut answers = Vec::new();
    for line in ["one\n", "two\n"] {
        stdin.blocking_write_and_flush(line.as_bytes()).map_err(broken)?;
        let answer = stdout.blocking_read(1_024).map_err(broken)?;
        answers.push(String::from_utf8_lossy(&answer).into_owned());
    }
    drop(stdin);
    child.subscribe().block();
    Ok(json!({ "answers": answers, "exit": ended(child.wait()) }))
}
