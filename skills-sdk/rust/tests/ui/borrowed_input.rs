//! A tool owns its input.

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
    pub fn greet(ctx: &Context, input: &Greeting) -> Result<()> {
        Ok(())
    }
}

fn main() {}
