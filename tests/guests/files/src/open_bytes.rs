//! Opens a path of bytes that are not UTF-8, which the contract does not allow.

use kit::{Failure, Input, Outcome, json};

use crate::raw;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let numbers = input.value("bytes").as_array().cloned().unwrap_or_default();
    let bytes: Vec<u8> = numbers.iter().filter_map(|n| u8::try_from(n.as_u64()?).ok()).collect();
    // SAFETY: it is not sound, and that is the point: the bytes go to the host and nowhere else.
    let path = unsafe { String::from_utf8_unchecked(bytes) };
    let opened =
        raw::tree(input)?.open_at(PathFlags::empty(), &path, OpenFlags::CREATE, DescriptorFlags::WRITE);
    opened.map(|_| json!({ "opened": true })).map_err(|code: _| -> Failure { raw::failure("open", code) })
}
