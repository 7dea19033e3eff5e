//! A manifest is TOML.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "invalid.toml")]
impl Hello {
    /// Greet.
    pub fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
