//! A name is of plain letters.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn grüßen() -> Result<()> {
        Ok(())
    }
}

fn main() {}
