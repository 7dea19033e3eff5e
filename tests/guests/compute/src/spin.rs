//! Loops for ever.

use std::hint::black_box;

use kit::{Input, Outcome};

pub fn run(_: &Input) -> Outcome {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns).wrapping_add(1);
    }
}
