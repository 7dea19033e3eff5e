//! A tool is described.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    pub fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
