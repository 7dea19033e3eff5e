//! Opens a path as it stands, from the tree that is named, in the way that is named.

use kit::{Input, Outcome, json};

use crate::raw;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

pub fn run(input: &Input) -> Outcome {
    let (tree, path) = (raw::tree(input)?, input.text("path")?);
    let follow = if input.flag("no-follow") { PathFlags::empty() } else { PathFlags::SYMLINK_FOLLOW };
    let open = [
        ("create", OpenFlags::CREATE),
        ("directory", OpenFlags::DIRECTORY),
        ("exclusive", OpenFlags::EXCLUSIVE),
        ("truncate", OpenFlags::TRUNCATE),
    ];
    let open = open
        .into_iter()
        .filter(|(key, _)| input.flag(key))
        .fold(OpenFlags::empty(), |flags, (_, flag)| flags | flag);
    let flags = [("write", DescriptorFlags::WRITE), ("mutate", DescriptorFlags::MUTATE_DIRECTORY)];
    let flags = flags
        .into_iter()
        .filter(|(key, _)| input.flag(key))
        .fold(DescriptorFlags::READ, |flags, (_, flag)| flags | flag);
    let file = tree
        .open_at(follow, path, open, flags)
        .map_err(|code| raw::failure(&format!("open {path}"), code))?;
    let text = file.read(1 << 16, 0).map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned());
    Ok(json!({ "text": text.unwrap_or_default() }))
}
