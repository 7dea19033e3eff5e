//! A named manifest is there.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "nowhere.toml")]
impl Hello {
    /// Greet.
    pub fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
