//! The context is borrowed, and not mutably.

#![allow(unused_variables)]

use openclaw_skill::{Context, Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet(ctx: Context) -> Result<()> {
        Ok(())
    }

    /// Greet otherwise.
    pub fn welcome(ctx: &mut Context) -> Result<()> {
        Ok(())
    }
}

fn main() {}
