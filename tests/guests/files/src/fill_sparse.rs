//! Makes files that are large without being written: by their size, and by a write at a far offset.

use kit::{Input, Outcome, json};

use crate::raw;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let tree = raw::tree(input)?;
    let size = input.number_or("bytes", 1 << 42);
    let file = tree
        .open_at(PathFlags::empty(), "sparse", OpenFlags::CREATE, DescriptorFlags::WRITE)
        .map_err(|code| raw::failure("open sparse", code))?;
    Ok(json!({
        "set-size": raw::word(file.set_size(size)),
        "write-far": raw::word(file.write(b"x", size)),
        "write-farthest": raw::word(file.write(b"x", u64::MAX)),
    }))
}
