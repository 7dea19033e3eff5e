//! Gives a file a second name.

use kit::{Input, Outcome, at, json};

pub fn run(input: &Input) -> Outcome {
    let (from, to) = (input.text("from")?, input.text("to")?);
    std::fs::hard_link(from, to).map_err(|error| at(&format!("link {from} {to}"), error))?;
    Ok(json!({ "linked": true }))
}
