//! A skill is an impl block.

#![allow(unused_variables)]

use openclaw_skill::{skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
pub fn greet() {}

fn main() {}
