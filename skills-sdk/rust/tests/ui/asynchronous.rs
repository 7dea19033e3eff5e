//! A tool is not async.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub async fn greet() -> Result<()> {
        Ok(())
    }
}

fn main() {}
