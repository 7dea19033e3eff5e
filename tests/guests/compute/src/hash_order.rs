//! Tells the order of a hash map, which shows its seed.

use std::collections::HashSet;

use kit::{Input, Outcome, json};

pub fn run(_: &Input) -> Outcome {
    let order: Vec<u32> = (0..64).collect::<HashSet<u32>>().into_iter().collect();
    Ok(json!({ "order": order }))
}
