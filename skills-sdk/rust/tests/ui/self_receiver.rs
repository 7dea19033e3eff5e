//! A tool has no `self`.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
