//! A skill is not the implementation of a trait.

#![allow(unused_variables)]

use openclaw_skill::{skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Default for Hello {
    fn default() -> Self {
        Self
    }
}

fn main() {}
