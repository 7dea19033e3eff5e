//! Takes as much memory as it is told, writes to each page of it, and ends.

use std::hint::black_box;

use kit::{Failure, Input, Outcome, json};

pub fn run(input: &Input) -> Outcome {
    let mebibytes = usize::try_from(input.number_or("mebibytes", 1));
    let mebibytes = mebibytes.map_err(|error| Failure::InvalidInput(error.to_string()))?;
    let mut block = vec![0_u8; mebibytes << 20];
    for page in block.chunks_mut(4096) {
        page[0] = 1;
    }
    Ok(json!({ "bytes": black_box(block).len() }))
}
