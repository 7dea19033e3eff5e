//! Takes memory until there is none, and does not look whether it got any.

use std::hint::black_box;

use kit::{Input, Outcome};

pub fn run(_: &Input) -> Outcome {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    loop {
        blocks.push(black_box(vec![1; 1 << 20]));
    }
}
