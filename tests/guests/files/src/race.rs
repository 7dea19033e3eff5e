//! Reads and writes the same paths over and over while its host swaps what they lead to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kit::{Input, Outcome, json};

use crate::raw;

pub fn run(input: &Input) -> Outcome {
    let tree = raw::tree(input)?;
    let (read, write) = (input.text("read")?, input.text("write")?);
    let time = Duration::from_millis(input.number_or("milliseconds", 1000));
    let begun = Instant::now();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrote: BTreeMap<String, u64> = BTreeMap::new();
    while begun.elapsed() < time {
        let text = raw::content(&tree, read).unwrap_or_else(|code| code.name().to_owned());
        *seen.entry(text).or_default() += 1;
        *wrote.entry(raw::word(raw::put(&tree, write, "guest"))).or_default() += 1;
    }
    Ok(json!({ "seen": seen, "wrote": wrote }))
}
