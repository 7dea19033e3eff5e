//! Asks for more bytes at once than there are in the world.

use kit::{Input, Outcome, json};

use crate::raw;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let (tree, path) = (raw::tree(input)?, input.text("path")?);
    let file = tree
        .open_at(PathFlags::empty(), path, OpenFlags::empty(), DescriptorFlags::READ)
        .map_err(|code| raw::failure("open", code))?;
    let length = |read: Result<(Vec<u8>, bool), _>| read.map(|(bytes, _)| bytes.len());
    let stream = file.read_via_stream(0).map_err(|code| raw::failure("stream", code))?;
    Ok(json!({
        "whole": length(file.read(u64::MAX, 0)).map_err(|code| raw::failure("read", code))?,
        "past-the-end": raw::word(file.read(u64::MAX, u64::MAX)),
        "streamed": stream.read(u64::MAX).map(|bytes| bytes.len()).unwrap_or_default(),
        "skipped": stream.skip(u64::MAX).unwrap_or_default(),
        "stream-past-the-end": raw::word(file.read_via_stream(u64::MAX).map(drop)),
    }))
}
