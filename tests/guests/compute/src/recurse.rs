//! Calls itself without end.

use std::hint::black_box;

use kit::{Input, Outcome, json};

pub fn run(_: &Input) -> Outcome {
    Ok(json!({ "depth": deeper(1) }))
}

#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let below = if black_box(depth) == u64::MAX { 0 } else { deeper(depth + 1) };
    black_box(below) + 1
}
