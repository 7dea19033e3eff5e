//! Makes empty files until it is refused, to use up the inodes.

use kit::{Input, Outcome, json};

use crate::raw;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let tree = raw::tree(input)?;
    let most = input.number_or("most", 200_000);
    for number in 0..most {
        let name = format!("file-{number}");
        let made = tree.open_at(PathFlags::empty(), &name, OpenFlags::CREATE, DescriptorFlags::WRITE);
        if let Err(code) = made {
            return Ok(json!({ "created": number, "error": code.name() }));
        }
    }
    Ok(json!({ "created": most, "error": null }))
}
