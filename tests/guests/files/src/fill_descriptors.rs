//! Opens one file over and over and closes none.

use kit::{Input, Outcome, json};

use crate::raw;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let (tree, path) = (raw::tree(input)?, input.text("path")?);
    let mut held = Vec::new();
    loop {
        match tree.open_at(PathFlags::empty(), path, OpenFlags::empty(), DescriptorFlags::READ) {
            Ok(file) => held.push(file),
            Err(code) => return Ok(json!({ "opened": held.len(), "error": code.name() })),
        }
        if held.len() >= 100_000 {
            return Ok(json!({ "opened": held.len(), "error": null }));
        }
    }
}
