//! A tool has no parameters, and its input is one type.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet<T>(input: T) -> Result<()> {
        Ok(())
    }

    /// Greet otherwise.
    pub fn welcome(input: impl Sized) -> Result<()> {
        Ok(())
    }
}

fn main() {}
