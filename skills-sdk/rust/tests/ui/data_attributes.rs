//! `#[input]` and `#[output]` go on structs and enums, without arguments.

#![allow(unused_variables)]

use openclaw_skill::{input, output};

#[input(strict)]
pub struct Greeting {
    name: String,
}

#[output]
pub fn greeted() {}

#[input]
pub union Either {
    left: u32,
    right: f32,
}

fn main() {}
