//! Fails with a text that its caller chooses, terminal escapes and all.

use kit::{Failure, Input, Outcome};

pub fn run(input: &Input) -> Outcome {
    let text = input.text("text")?.to_owned();
    eprintln!("{text}");
    Err(if input.flag("denied") { Failure::Denied(text) } else { Failure::Failed(text) })
}
