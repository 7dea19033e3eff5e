//! Holds a directory open while its host moves it out of the tree, and then looks around from there.

use std::time::{Duration, Instant};

use kit::{Input, Outcome, json};

use crate::raw;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let tree = raw::tree(input)?;
    let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    let held = tree
        .open_at(PathFlags::empty(), "held", OpenFlags::DIRECTORY, flags)
        .map_err(|code| raw::failure("open held", code))?;
    raw::put(&tree, "ready", "now").map_err(|code| raw::failure("write ready", code))?;
    let begun = Instant::now();
    while raw::content(&tree, "moved").is_err() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(json!({
        "sibling": raw::content(&held, "../canary").unwrap_or_else(|code| code.name().to_owned()),
        "inside": raw::content(&held, "inside").unwrap_or_else(|code| code.name().to_owned()),
        "write": raw::word(raw::put(&held, "planted", "guest")),
        "write-sibling": raw::word(raw::put(&held, "../planted", "guest")),
    }))
}
