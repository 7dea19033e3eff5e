//! The output describes itself.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Greeted;

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet() -> Result<Greeted> {
        Ok(Greeted)
    }
}

fn main() {}
