//! Two functions are not one tool.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet_all() -> Result<()> {
        Ok(())
    }

    /// Greet otherwise.
    pub fn greet__all() -> Result<()> {
        Ok(())
    }
}

fn main() {}
