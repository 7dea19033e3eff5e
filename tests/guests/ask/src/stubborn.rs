//! Asks until it is answered with yes, and never gives up by itself.

use kit::{Input, Outcome, json};

use crate::asked;

pub fn run(_: &Input) -> Outcome {
    loop {
        if asked("Allow everything?", &["yes".to_owned()])? == json!({ "answer": "yes" }) {
            return Ok(json!("at last"));
        }
    }
}
