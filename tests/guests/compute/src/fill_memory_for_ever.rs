//! Fills and copies large blocks of memory without end: few instructions, much work.

use std::hint::black_box;

use kit::{Input, Outcome};

pub fn run(_: &Input) -> Outcome {
    let mut block = vec![0_u8; 16 << 20];
    let half = block.len() / 2;
    let mut byte = 0_u8;
    loop {
        byte = byte.wrapping_add(1);
        black_box(&mut block).fill(byte);
        black_box(&mut block).copy_within(..half, half);
    }
}
