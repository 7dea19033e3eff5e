//! Asks where a link leads.

use kit::{Input, Outcome, json};

use crate::raw;

pub fn run(input: &Input) -> Outcome {
    let target =
        raw::tree(input)?.readlink_at(input.text("path")?).map_err(|code| raw::failure("readlink", code))?;
    Ok(json!({ "target": target }))
}
