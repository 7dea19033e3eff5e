//! A skill has no parameters.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Many<T>(T);

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl<T> Many<T> {
    /// Greet.
    pub fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
