//! A tool is safe to call and of Rust's own convention.

#![allow(unused_variables)]

use openclaw_skill::{Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    ///
    /// # Safety
    ///
    /// None.
    pub unsafe fn greet() -> Result<()> {
        Ok(())
    }

    /// Greet otherwise.
    pub extern "C" fn welcome() -> Result<()> {
        Ok(())
    }
}

fn main() {}
