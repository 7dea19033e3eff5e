//! A skill has a tool.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
