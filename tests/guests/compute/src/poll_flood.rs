//! Holds a great many pollables, or waits for a list of one that is a great many entries long.

use kit::{Input, Outcome, json};

use crate::wasi::clocks::monotonic_clock::subscribe_duration;
use crate::wasi::io::poll::poll;

pub fn run(input: &Input) -> Outcome {
    let held: Vec<_> = (0..input.number_or("held", 1)).map(|_| subscribe_duration(0)).collect();
    let entries = usize::try_from(input.number_or("entries", 1)).unwrap_or(usize::MAX);
    let list: Vec<_> = held.iter().cycle().take(entries).collect();
    Ok(json!({ "held": held.len(), "ready": poll(&list).len() }))
}
