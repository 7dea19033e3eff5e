//! The context comes first.

#![allow(unused_variables)]

use openclaw_skill::{Context, Result, input, skill};

#[input]
pub struct Greeting {
    name: String,
}

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet(input: Greeting, ctx: &Context) -> Result<()> {
        Ok(())
    }
}

fn main() {}
