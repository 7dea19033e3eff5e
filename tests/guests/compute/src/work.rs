//! Computes for about as many steps as it is told, and ends.

use std::hint::black_box;

use kit::{Input, Outcome, json};

pub fn run(input: &Input) -> Outcome {
    let mut sum = 0_u64;
    for step in 0..input.number_or("steps", 1_000_000) {
        sum = black_box(sum).wrapping_mul(31).wrapping_add(step);
    }
    Ok(json!({ "sum": sum.to_string() }))
}
