//! Wants a great many random bytes at once.

use kit::{Input, Outcome, json};

use crate::wasi::random::random::get_random_bytes;

pub fn run(input: &Input) -> Outcome {
    Ok(json!({ "bytes": get_random_bytes(input.number_or("bytes", 1 << 30)).len() }))
}
