//! The input is an object.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet(name: String) -> Result<()> {
        Ok(())
    }

    /// Greet many.
    pub fn greet_all(names: (String, String)) -> Result<()> {
        Ok(())
    }
}

fn main() {}
