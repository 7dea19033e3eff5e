//! A crate has one skill.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet() -> Result<()> {
        Ok(())
    }
}

pub struct Other;

#[skill(manifest = "../skills/hello.toml")]
impl Other {
    /// Greet.
    pub fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
