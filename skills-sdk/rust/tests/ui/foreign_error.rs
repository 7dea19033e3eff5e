//! An error becomes the SDK's.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet() -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
