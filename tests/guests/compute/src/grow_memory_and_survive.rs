//! Takes memory until it is refused, and tells how much it got.

use kit::{Input, Outcome, json};

pub fn run(_: &Input) -> Outcome {
    let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(4096);
    loop {
        let mut block = Vec::new();
        if block.try_reserve_exact(1 << 20).is_err() {
            let mebibytes = blocks.len();
            drop(blocks);
            return Ok(json!({ "mebibytes": mebibytes }));
        }
        blocks.push(block);
    }
}
