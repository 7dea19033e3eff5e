//! A skill has a manifest.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill]
impl Hello {
    /// Greet.
    pub fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
