//! Looks whether somebody can be asked.

use kit::{Input, Outcome, json};

use crate::openclaw::skill::ask;

pub fn run(_: &Input) -> Outcome {
    Ok(json!(ask::is_available()))
}
