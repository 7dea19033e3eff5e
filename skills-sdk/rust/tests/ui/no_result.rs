//! A tool returns a result.

#![allow(unused_variables)]

use openclaw_skill::{skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet() {}

    /// Greet otherwise.
    pub fn welcome() -> String {
        String::new()
    }
}

fn main() {}
