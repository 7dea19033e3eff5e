//! The input describes itself.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Greeting {
    name: String,
}

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet(input: Greeting) -> Result<()> {
        Ok(())
    }
}

fn main() {}
